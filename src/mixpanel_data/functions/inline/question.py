"""An inline question as Mixpanel takes it: the report's parameters, sent instead of being saved.

Mixpanel does not document it. Source: what Mixpanel's own open clients send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ...exceptions import ArgumentError
from .clauses import Clause

RANGE = "range"
OVER_TIME, OVER_ALL = "line", "bar"
"""Chart types: the first gives a number a period, the second one for the whole range."""
OFFSET = re.compile(r"\s*(\d+)\s*(day|week|month|quarter|year)s?\s*")


def question(
    show: Sequence[Clause],
    days: tuple[date, date],
    unit: str,
    filters: Sequence[Clause],
    groups: Sequence[Clause],
    display: Mapping[str, Any],
) -> dict[str, Any]:
    """The parameters of a report that asks for these."""
    sections = {
        "show": [clause.as_json() for clause in show],
        "time": [between(days, unit)],
        "filter": [clause.as_json() for clause in filters],
        "group": [clause.as_json() for clause in groups],
    }
    chart = OVER_ALL if unit == RANGE else OVER_TIME
    return {"sections": sections, "displayOptions": {"chartType": chart, **display}}


def between(days: tuple[date, date], unit: str) -> dict[str, Any]:
    """The days, both inclusive, in the project's time zone."""
    return {
        "dateRangeType": "between",
        "unit": "day" if unit == RANGE else unit,
        "value": [day.isoformat() for day in days],
    }


def analysis(function: str, cumulative: bool, rolling: int | None) -> dict[str, Any]:
    """How the numbers of periods are put together: not at all, added up, or averaged over the last ones."""
    if cumulative and rolling is not None:
        raise ArgumentError(f"mixpanel_{function}: cumulative and rolling do not go together: leave one out")
    if rolling is not None and rolling < 2:
        raise ArgumentError(f"mixpanel_{function}: rolling must be 2 periods or more, not {rolling}")
    if rolling is not None:
        return {"analysis": "rolling", "rollingWindowSize": rolling}
    return {"analysis": "cumulative" if cumulative else "linear"}


def offset(function: str, written: str | None) -> dict[str, Any]:
    """With how long before the answer is compared."""
    if written is None:
        return {}
    found = OFFSET.fullmatch(written.lower())
    if found is None or int(found[1]) == 0:
        raise ArgumentError(
            f"mixpanel_{function}: compare '{written}' is no time before: write compare := '1 month' (or so many "
            "days, weeks, quarters or years)",
            parameter="compare",
        )
    return {"timeComparison": {"offset": {"unit": found[2], "value": int(found[1])}}}


def merged(params: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with others in their place, object by object; a list takes the place of a list."""
    both = {
        key: merged(params[key], value) if isinstance(value, dict) and isinstance(params.get(key), dict) else value
        for key, value in more.items()
    }
    return {**params, **both}
