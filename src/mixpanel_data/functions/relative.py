"""Days that are told from today, in the project's time zone: ``today``, ``yesterday``, ``7d`` for seven days ago."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..client import Client, Reporter
from ..exceptions import ArgumentError
from .zones import today, zone_of

WORDS = {"today": 0, "yesterday": 1}
AGO = re.compile(r"(\d{1,5})d", re.IGNORECASE)
FORMS = "YYYY-MM-DD, today, yesterday, or 7d for seven days ago"


@dataclass(frozen=True)
class DaysAgo:
    """A day that is so many before today."""

    days: int

    def on(self, today: date) -> date:
        return today - timedelta(days=self.days)


def days_ago(text: str) -> DaysAgo | None:
    """The day that is told from today; None if the text is none."""
    word = text.strip().lower()
    if word in WORDS:
        return DaysAgo(WORDS[word])
    return DaysAgo(int(found[1])) if (found := AGO.fullmatch(word)) else None


async def resolve_days(
    function: str, arguments: Mapping[str, Any], client: Client | None, reporter: Reporter
) -> dict[str, Any]:
    """The arguments with dates in the place of days that are told from today.

    Raises:
        ArgumentError: the first day is after the last one.
    """
    if any(isinstance(day, DaysAgo) for value in arguments.values() for day in _each(value)):
        now = today(await zone_of(client, reporter) if client else None)
        arguments = {name: _resolve(value, now) for name, value in arguments.items()}
    first, last = arguments.get("from_date"), arguments.get("to_date")
    if first and last and first > last:
        raise ArgumentError(f"mixpanel_{function}: from_date {first} is after to_date {last}: swap them")
    return dict(arguments)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resolve(value: Any, now: date) -> Any:
    if isinstance(value, list):
        return [_resolve(item, now) for item in value]
    return value.on(now) if isinstance(value, DaysAgo) else value
