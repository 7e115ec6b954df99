"""Which day a line comes with that is no event: it has no time of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ..exceptions import BadLineError, MixpanelDataError, warn
from .body import excerpt
from .held import Closable
from .windows import Window

SKIP = "on_bad_line := 'skip' (--skip-bad-lines) leaves such lines out and says so"


Download = Callable[[Window], Awaitable[Closable]]
MOST_REQUESTS = 4
"""That the day is worth: as many as it takes to halve a window of ten days down to one."""


async def name_day(error: BadLineError, window: Window, download: Download) -> BadLineError:
    """The error, with the day and the line within it, as far as they can be found."""
    day, number = await _find(error, window, download)
    line = f"line {number:,}" if number else "a line"
    where = f"{day}" if day else f"the export of {window.first} to {window.last}"
    named = BadLineError(
        f"{line} of {where} is no event: {error.excerpt}; {SKIP}", line=number, day=str(day) if day else None
    )
    named.answer = error.answer
    return named


def warn_if_skipped(function: str, window: Window, lines: Sequence[str]) -> None:
    """Says so if lines were left out."""
    if lines:
        days = f"{window.first}" if window.days == 1 else f"{window.first} to {window.last}"
        count = f"{len(lines):,} lines are no events and were" if len(lines) > 1 else "a line is no event and was"
        warn(f"mixpanel_{function}: of {days} {count} left out; the first: {excerpt(lines[0])}")


async def _find(error: BadLineError, window: Window, download: Download) -> tuple[date | None, int | None]:
    """The day, and the line's number there; where there is no such day, None and its number in the whole."""
    number = error.details["line"]
    if window.days == 1:
        return window.first, number
    search = _Search(download)
    near = _between(error.neighbours, window)
    try:
        found = await search.find(near)
        if found is None and near != window:
            found = await search.find(window)
    except MixpanelDataError:  # the budget is spent, say: then it is said what is known
        found = None
    return found or (None, number)


def _between(neighbours: tuple[date | None, date | None], window: Window) -> Window:
    """The days from that of the event before to that of the event after: as a rule, days come one after the other."""
    before, after = neighbours
    first, last = before or window.first, after or window.last
    return Window(first, last) if window.first <= first <= last <= window.last else window


@dataclass
class _Search:
    download: Download
    left: int = MOST_REQUESTS

    async def find(self, window: Window) -> tuple[date, int | None] | None:
        """The day of the window that comes with such a line, and the line's number there if it was asked for."""
        error = None
        while window.days > 1 and self.left:
            first, second = window.halves()
            error = await self._ask(first)
            window = first if error else second
        if window.days > 1:
            return None
        if error is None and self.left:
            error = await self._ask(window)
            if error is None:
                return None
        return window.first, error.details["line"] if error else None

    async def _ask(self, window: Window) -> BadLineError | None:
        """What is wrong with the window, if a line of it is no event."""
        self.left -= 1
        try:
            body = await self.download(window)
        except BadLineError as error:
            return error
        body.close()
        return None
