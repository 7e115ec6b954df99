"""What a running call tells whoever watches it, and how it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..exceptions import RateLimitError, warn

SHORT = 5.0
"""Seconds that are waited for without a word."""


@dataclass
class Progress:
    """How far one call of a table function has come."""

    function: str
    days: int = 0
    days_done: int = 0
    bytes: int = 0
    """Bytes received, as they came (compressed)."""
    events: int = 0
    duplicates: int = 0
    """Events left out because they were there already."""
    profiles: int = 0
    """Profiles to come, as far as Mixpanel has said so."""
    profiles_done: int = 0
    waiting: str | None = None
    """Why nothing moves just now, and how long still."""
    budget_left: int | None = None
    """Requests left for this hour, as of the last one."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the call has run."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """How long it will still run, judging by what is done so far; None while nothing is."""
        return self.seconds * (self.size - self.done) / self.done if self.done else None

    @property
    def size(self) -> int:
        """All that the call has to do: days, or profiles."""
        return self.days or self.profiles

    @property
    def done(self) -> int:
        """How much of it is done."""
        return self.days_done if self.days else min(self.profiles_done, self.profiles)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        left = self.seconds_left
        return {
            "function": f"mixpanel_{self.function}",
            "days": self.days,
            "days_done": self.days_done,
            "events": self.events,
            "duplicates": self.duplicates,
            "profiles": self.profiles,
            "profiles_done": self.profiles_done,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "seconds_left": None if left is None else round(left, 3),
            "budget_left": self.budget_left,
            "waiting": self.waiting,
        }


Watcher = Callable[[Progress], None]


class Reporter:
    """Keeps one call's :class:`Progress` and shows it to the watcher at every change.

    ``waits`` says whether the call waits for a budget that is spent, or fails.
    """

    def __init__(self, function: str, watcher: Watcher | None = None, *, waits: bool = True) -> None:
        self.waits = waits
        self._progress = Progress(function)
        self._watcher = watcher

    def add(self, **amounts: int) -> None:
        """Adds to the numbers of these names."""
        for name, amount in amounts.items():
            setattr(self._progress, name, getattr(self._progress, name) + amount)
        self._show()

    def budget_left(self, requests: int | None) -> None:
        self._progress.budget_left = requests
        self._show()

    def waiting(self, why: str | None) -> None:
        self._progress.waiting = why
        self._show()

    def will_wait(self, seconds: float, why: str) -> None:
        """Tells of a wait, in a warning where nobody watches and it is a long one."""
        self.waiting(why)
        if self._watcher is None and seconds > SHORT:
            warn(why)

    async def pause(self, seconds: float, why: str) -> None:
        """Waits, and counts down meanwhile.

        Raises:
            RateLimitError: the wait is a long one, and the call does not wait.
        """
        if seconds <= SHORT:
            await asyncio.sleep(seconds)
            return
        if not self.waits:
            raise RateLimitError(f"{why}; it frees in {span(seconds)}: call again then", retry_after=seconds)
        until = f"{datetime.now().astimezone() + timedelta(seconds=seconds):%H:%M:%S}"
        if self._watcher is None:
            warn(f"{why}: waiting {span(seconds)}, until {until}")
        await self._count_down(seconds, why, until)

    async def _count_down(self, seconds: float, why: str, until: str) -> None:
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.waiting(f"{why}: {span(left)} left, until {until}")
                await asyncio.sleep(min(1.0, left))
        finally:
            self.waiting(None)

    def _show(self) -> None:
        if self._watcher is not None:
            self._watcher(self._progress)


def span(seconds: float) -> str:
    """A length of time for people, as in ``12 min 5 s``."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
