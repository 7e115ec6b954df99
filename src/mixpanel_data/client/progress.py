"""What a running call tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Progress:
    """How far one call of a table function has come."""

    function: str
    days: int = 0
    days_done: int = 0
    bytes: int = 0
    """Bytes received, as they came (compressed)."""
    events: int = 0
    waiting: str | None = None
    """Why nothing moves just now, for example ``waiting 12 s: the request budget is spent``."""


Watcher = Callable[[Progress], None]


class Reporter:
    """Keeps one call's :class:`Progress` and shows it to the watcher at every change."""

    def __init__(self, function: str, watcher: Watcher | None = None) -> None:
        self._progress = Progress(function)
        self._watcher = watcher

    def add(self, *, days: int = 0, days_done: int = 0, received: int = 0, events: int = 0) -> None:
        progress = self._progress
        progress.days += days
        progress.days_done += days_done
        progress.bytes += received
        progress.events += events
        self._show()

    def waiting(self, why: str | None) -> None:
        self._progress.waiting = why
        self._show()

    def _show(self) -> None:
        if self._watcher is not None:
            self._watcher(self._progress)
