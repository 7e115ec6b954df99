"""What a forked child must not share with its parent: threads, which it does not have, and connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_making = threading.RLock()


def once_a_process(make: Callable[[], T]) -> Callable[[], T]:
    """What ``make`` gives, made once, however many threads ask for it at first, and anew in a forked child."""
    made: list[T] = []

    def the_one() -> T:
        if not made:
            with _making:
                if not made:
                    made.append(make())
        return made[0]

    in_a_forked_child(made.clear)
    return the_one


def in_a_forked_child(begin_anew: Callable[[], object]) -> None:
    """Has the function called in every child, before anything else is done there."""
    if hasattr(os, "register_at_fork"):  # Windows knows no forks
        os.register_at_fork(after_in_child=begin_anew)


if hasattr(os, "register_at_fork"):
    # No other thread holds it at that moment: in the child nobody would ever let it go.
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)
