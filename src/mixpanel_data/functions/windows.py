"""Windows: runs of days that are asked for in one request each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

PARALLEL = 3
"""Windows downloaded at once unless told otherwise: as many as Mixpanel lets begin in one second."""
LONGEST = 31
LONGEST_WHEN_POOR = 366
SMALL = 8 << 20
LARGE = 256 << 20
"""Bytes, gzipped: less than SMALL is worth one request only, more than LARGE is worth another one."""


@dataclass(frozen=True)
class Window:
    """Days from first to last, both inclusive."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def halves(self) -> tuple[Window, Window]:
        middle = self.first + timedelta(days=self.days // 2 - 1)
        return Window(self.first, middle), Window(middle + timedelta(days=1), self.last)

    def without_last(self) -> Window:
        return Window(self.first, self.last - timedelta(days=1))


def split(
    days: Sequence[date], parallel: int | None = None, left: int | None = None, bytes_a_day: float | None = None
) -> list[Window]:
    """The sorted days as windows: several for a short range, few for a long one, no more than are ``left``.

    ``parallel`` is how many are wanted at once, whatever their size; ``bytes_a_day`` is what earlier requests have
    shown of the size of a day, gzipped.
    """
    if not days:
        return []
    wanted = _how_many(len(days), parallel, left, bytes_a_day)
    apart = list(runs(days, -(-len(days) // wanted)))
    if len(apart) <= wanted + PARALLEL:
        return apart
    # Days far apart: to ask for those between them as well may cost less than a request each.
    every = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]
    together = list(runs(every, -(-len(every) // max(wanted, _needed(len(every), bytes_a_day)))))
    return min(apart, together, key=len)


def _how_many(days: int, parallel: int | None, left: int | None, bytes_a_day: float | None) -> int:
    is_small = bytes_a_day is not None and days * bytes_a_day <= SMALL
    needed = _needed(days, bytes_a_day)
    wanted = max(needed, parallel or (1 if is_small else PARALLEL), -(-days // LONGEST))
    affordable = wanted if left is None else max(needed, left)
    return min(days, wanted, affordable)


def _needed(days: int, bytes_a_day: float | None) -> int:
    """How many windows so many days must be, however few are left."""
    return max(-(-days // LONGEST_WHEN_POOR), 0 if bytes_a_day is None else int(days * bytes_a_day // LARGE) + 1)


def runs(days: Sequence[date], longest: int) -> Iterator[Window]:
    """The sorted days as windows without gaps, of so many days at most."""
    start = 0
    for end in range(1, len(days) + 1):
        run_ends = end == len(days) or days[end] - days[end - 1] != timedelta(days=1)
        if run_ends or end - start == longest:
            yield Window(days[start], days[end - 1])
            start = end
