"""Which day a line comes with that is no event: it has no time of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from ..exceptions import BadLineError, MixpanelDataError, warn
from .body import excerpt
from .held import Closable
from .windows import Window

SKIP = "on_bad_line := 'skip' (--skip-bad-lines) leaves such lines out and says so"
NEVER = "it may say that the export is not whole, so it is never left out"
Download = Callable[[Window], Awaitable[Closable]]
MOST_REQUESTS = 6
"""That the day is worth, besides the two for the window: with those for the rest of a month they are eight."""


@dataclass
class Found:
    """The bad line of a call that is told of: where several windows have one, the first that is found is enough."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    error: BadLineError | None = None


async def name_day(error: BadLineError, window: Window, download: Download, *, is_sample: bool) -> BadLineError:
    """The error, with the day and the line within it, as far as they can be found."""
    search = _Search(error, window, download, is_sample=is_sample)
    day = await search.find()
    seen, found = search.seen, search.error
    number = found.details["line"] if day is None or seen.days == 1 else None
    line = f"line {number:,}" if number else "a line"
    where = f"{day}" if day else f"the export of {seen.first} to {seen.last}"
    advice = SKIP if found.is_skippable else NEVER
    named = BadLineError(
        f"{line} of {where} is no event: {found.excerpt}; {advice}", line=number, day=str(day) if day else None
    )
    named.answer = error.answer
    return named


def warn_if_skipped(function: str, window: Window, lines: Sequence[str]) -> None:
    """Says so if lines were left out."""
    if lines:
        days = f"{window.first}" if window.days == 1 else f"{window.first} to {window.last}"
        count = f"{len(lines):,} lines are no events and were" if len(lines) > 1 else "a line is no event and was"
        warn(f"mixpanel_{function}: of {days} {count} left out; the first: {excerpt(lines[0])}")


class _Search:
    """Halves a window down to the day that comes with a bad line.

    Args:
        error: what the window has shown.
        is_sample: whether a day may come without a line that it has.
    """

    def __init__(self, error: BadLineError, window: Window, download: Download, *, is_sample: bool) -> None:
        self.error, self.seen = error, window
        """The last error, and the days that came with it."""
        self._window, self._download, self._is_sample = window, download, is_sample
        self._left = min(MOST_REQUESTS, (window.days - 1).bit_length())
        """Requests: as many as it takes to halve the window down to one day."""

    async def find(self) -> date | None:
        """The day; None where it would take too many requests."""
        near = _near(self.error.days, self._window)
        try:
            found = await self._find_in(near)
            return found if found or near == self._window else await self._find_in(self._window)
        except MixpanelDataError:  # the budget is spent, say: then it is said what is known
            return None

    async def _find_in(self, days: Window) -> date | None:
        is_certain = days == self._window and not self._is_sample
        while days.days > 1 and self._left:
            first, second = days.halves()
            days, is_certain = (first, True) if await self._is_bad(first) else (second, is_certain)
        if days.days == 1 and days != self.seen and self._left:
            is_certain = await self._is_bad(days)
        return days.first if days.days == 1 and (is_certain or days == self.seen) else None

    async def _is_bad(self, days: Window) -> bool:
        """Whether a line of these days is no event."""
        self._left -= 1
        try:
            body = await self._download(days)
        except BadLineError as error:
            self.error, self.seen = error, days
            return True
        body.close()
        return False


def _near(days: tuple[date, date] | None, window: Window) -> Window:
    """Those of the window that the events near the line are of: as a rule, days come one after the other. All of it
    where they are of too many days to tell."""
    if days is None:
        return window
    near = Window(max(days[0], window.first), min(days[1], window.last))
    return near if 1 <= near.days <= window.days // 2 else window
