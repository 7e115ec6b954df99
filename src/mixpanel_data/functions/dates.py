"""Which keys of an answer are its dates, where its segments look like dates, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from .answers import moment, possible

AVERAGE = "$average"
ALL = "all"
WITH_OFFSET = re.compile(r".*T.*[+-]\d\d:\d\d")
"""As a report writes its dates."""


class Days(NamedTuple):
    """The days that an answer is of."""

    first: date
    last: date

    def distance(self, keys: Iterable[str]) -> int:
        """How many days before or after them the farthest of these dates is: a period may begin a little before."""
        found = (start.date() for key in keys if (start := moment(key)))
        return max((max((self.first - day).days, (day - self.last).days, 0) for day in found), default=0)


def days_of(answer: Mapping[str, Any]) -> Days | None:
    """The days that a report says it is of."""
    said = possible(answer.get("date_range"))
    first, last = moment(said.get("from_date")), moment(said.get("to_date"))
    return Days(first.date(), last.date()) if first and last else None


def may_be_dates(level: Mapping[str, Any]) -> bool:
    others = [key for key in level if moment(key) is None]
    return {*others} <= {AVERAGE, ALL} and (len(others) < len(level) or AVERAGE in level)


def are_dates(level: Mapping[str, Any], below: Sequence[Mapping[str, Any]], days: Days | None) -> bool | None:
    """Whether the keys of this level are the dates, where those below look like dates, too; None where it cannot be
    told."""
    here, there = _has_offsets(level), any(map(_has_offsets, below))
    if here != there:
        return here
    if days is None:
        return None
    near, nearest = days.distance(level), min(map(days.distance, below))
    return None if near == nearest else near < nearest


def _has_offsets(level: Mapping[str, Any]) -> bool:
    return any(map(WITH_OFFSET.fullmatch, level))
