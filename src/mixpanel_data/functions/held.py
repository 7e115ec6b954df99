"""What is held on this machine until somebody reads it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from ..exceptions import ArgumentError


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Downloads(Generic[T]):
    """What was downloaded and not read yet, by its handle."""

    def __init__(self) -> None:
        self._held: dict[str, T] = {}

    def hold(self, bodies: T) -> str:
        """Holds the bodies until they are taken; gives their handle."""
        handle = secrets.token_hex(8)
        self._held[handle] = bodies
        return handle

    def take(self, handle: str) -> T:
        """The bodies, which nobody else gets any more.

        Raises:
            ArgumentError: there are none under this handle.
        """
        bodies = self._held.pop(handle, None)
        if bodies is None:
            raise ArgumentError(
                f"mixpanel_downloaded: nothing is held under the handle {handle!r}: it was read already, or downloaded "
                "by another process or connection; FROM mixpanel_download(…) gives a new one"
            )
        return bodies

    @contextmanager
    def reading(self, handles: Sequence[str], *, keep: bool) -> Iterator[list[T]]:
        """The bodies for as long as the block runs; then they are freed, or held on.

        Raises:
            ArgumentError: there are none under one of the handles.
        """
        taken: dict[str, T] = {}
        try:
            for handle in handles:
                taken[handle] = self.take(handle)
            yield list(taken.values())
        except ArgumentError:
            keep = True  # nothing was read
            raise
        finally:
            if keep:
                self._held |= taken
            else:
                for bodies in taken.values():
                    bodies.close()

    def release(self, handles: Iterable[str] | None = None) -> None:
        """Frees what is held under these handles, or all of it."""
        for handle in list(self._held if handles is None else handles):
            if (bodies := self._held.pop(handle, None)) is not None:
                bodies.close()
