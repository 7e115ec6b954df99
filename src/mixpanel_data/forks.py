"""What a forked child must not share with its parent: threads, which it does not have, and connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_making = threading.RLock()


class OnceAProcess(Generic[T]):
    """What ``make`` gives, made once, however many threads ask for it at first, and anew in a forked child."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        in_a_forked_child(self.forget)

    def __call__(self) -> T:
        with _making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def forget(self) -> None:
        """The next one who asks gets a new one."""
        self._made.clear()


once_a_process = OnceAProcess


def in_a_forked_child(begin_anew: Callable[[], object]) -> None:
    """Has the function called in every child, before anything else is done there."""
    if hasattr(os, "register_at_fork"):  # Windows knows no forks
        os.register_at_fork(after_in_child=begin_anew)


if hasattr(os, "register_at_fork"):
    # No other thread holds it at that moment: in the child nobody would ever let it go.
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)
