"""Counts over time, as Mixpanel writes them: ``{"data": {"series": [dates], "values": {key: {date: count}}}}``.

Dates without a count are left out of ``values``, and ``series``, which has them all, is in no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from .answers import entries, inside, items, label, number, text, whole
from .declaration import Column

DATE = Column("date", "TIMESTAMP", "start of the period, in the project's time zone")
COUNT = Column("count", "BIGINT", "how many; a DOUBLE where the type is average", is_count=True)
AVERAGE = "average"
Series = list[tuple[datetime, str, float | None]]


def read_series(answer: Any, type_: str, expected: Iterable[str] = ()) -> Series:
    """Date, key and count, with zeros where there is none; also for the expected keys, if they are missing."""
    read = count_reader(type_)
    data = inside(answer, "data")
    values = {key: entries(counts) for key, counts in entries(inside(data, "values")).items()}
    keys = [*values, *(key for key in expected if key not in values)]
    named = [text(date) or "" for date in items(inside(data, "series"))]
    dates = {*named, *(date for counts in values.values() for date in counts)}
    said = ((start, key, values.get(key, {}).get(date)) for start, date in _ordered(dates) for key in keys)
    return [(start, key, read(0 if count is None or count == "" else count)) for start, key, count in said]


def count_reader(type_: str) -> Callable[[Any], float | None]:
    """What reads a count: whole numbers, unless averages are asked for."""
    return number if type_ == AVERAGE else whole


def silent(series: Series, expected: Iterable[str]) -> list[str]:
    """Those of the expected keys that count nothing."""
    heard = {key for _, key, count in series if count}
    return [key for key in expected if key not in heard]


def by_date(answer: Any, *path: str) -> Iterator[tuple[datetime, float | None]]:
    """Date and number of an answer that has one number a date."""
    values = entries(inside(answer, *path))
    return ((start, number(values[date])) for start, date in _ordered(values))


def _ordered(dates: Iterable[str]) -> list[tuple[datetime, str]]:
    return sorted((label(date), date) for date in dates)
