"""Who comes back, and how often: ``/api/query/retention`` and ``/api/query/retention/addiction``.

Source: Mixpanel's Query API reference. ``unit`` and ``interval`` sent together make the server fail, so only one of
them is sent. With ``on``, a date holds one entry for each segment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import ArgumentError
from .answers import day, entries, inside, items, moment, unwrapped, whole
from .dates import AVERAGE, Days, are_dates, may_be_dates
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_if_silent, refuse_unknown
from .numbers import OVERALL
from .parameters import DAYS, FILTER, MAX_SEGMENTS, SEGMENT_BY, days, split_by, unit
from .spelling import refuse_unknown_properties, says_nothing

RETENTION = Endpoint(Api.QUERY, "/retention")
FREQUENCY = Endpoint(Api.QUERY, "/retention/addiction")
DAYS_IN = {"day": 1, "week": 7}
LONGEST = 90
"""Days in an interval."""


@table_function(
    doc="How many of those who did one event came back to do another, period by period.",
    endpoint=RETENTION,
    example="FROM mixpanel_retention('Sign Up', 'Purchase', '2024-01-01', '2024-01-31', unit := 'week')",
    parameters=(
        Parameter("born_event", "VARCHAR", "what makes somebody part of a cohort", "'Sign Up'"),
        Parameter("return_event", "VARCHAR", "what counts as coming back; any event unless given", "'Purchase'"),
        *DAYS,
        Parameter("born_filter", "VARCHAR", "an expression for born_event", """'properties["age"] < 30'"""),
        Parameter("return_filter", "VARCHAR", "an expression for return_event", """'properties["amount"] > 10'"""),
        SEGMENT_BY,
        Parameter(
            "type",
            "VARCHAR",
            "first time (birth) or every time (compounded) somebody does the event",
            "'compounded'",
            default="birth",
            choices=("birth", "compounded"),
        ),
        unit("day", "week", "month"),
        Parameter("interval", "BIGINT", "units in a period; DuckDB 1.5 wants its name in quotes", "7", default=1),
        Parameter("interval_count", "BIGINT", "how many periods after the first", "10", default=1),
        Parameter("unbounded", "BOOLEAN", "count those who came back in the period or later", "true", default=False),
        MAX_SEGMENTS,
    ),
    columns=(
        Column("cohort_date", "DATE", "first day of the period in which the cohort began"),
        Column("segment", "VARCHAR", "value of the property; $overall for all users"),
        Column("cohort_size", "BIGINT", "users in the cohort"),
        Column("period", "BIGINT", "0 for the period that begins with the first event"),
        Column("retained", "BIGINT", "users who came back in the period; NULL where none are told"),
        Column("rate", "DOUBLE", "fraction of the cohort"),
    ),
)  # fmt: skip
async def retention(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    if call["type"] == "birth" and call["born_event"] is None:
        raise ArgumentError(
            "mixpanel_retention needs born_event unless type is 'compounded': write born_event := 'Sign Up'"
        )
    answer = await call.ask(
        RETENTION,
        days(call),
        **_period(call),
        retention_type=call["type"],
        born_event=call["born_event"],
        event=call["return_event"],
        born_where=call["born_filter"],
        where=call["return_filter"],
        interval_count=call["interval_count"],
        unbounded_retention="true" if call["unbounded"] else None,
        on=split_by(call),
        limit=call["max_segments"],
    )
    rows = list(retention_rows(answer, Days(call["from_date"], call["to_date"])))
    await _refuse_if_silent(call, rows)
    if says_nothing(segment for _, segment, *_, retained, _ in rows if retained):
        events = [call["return_event"], call["born_event"] or call["return_event"]]
        await refuse_unknown_properties(call, split_by(call), events)
    yield rows


async def _refuse_if_silent(call: Call, rows: Sequence[tuple[Any, ...]]) -> None:
    """An error where nobody seems to have done an event, and there is no such event, or property in its filter."""
    counts = {"born": [size for _, _, size, *_ in rows], "return": [retained for *_, retained, _ in rows]}
    silent = [name for name, found in counts.items() if not any(found)]
    await refuse_unknown(call, [call[f"{name}_event"] for name in silent if call[f"{name}_event"]])
    for name in silent:
        await refuse_unknown_properties(call, call[f"{name}_filter"], [call[f"{name}_event"]])


def retention_rows(answer: Any, days: Days) -> Iterator[tuple[Any, ...]]:
    """The rows of Mixpanel's answer, by cohort, segment and period."""
    for start, segment, cohort in _by_date(unwrapped(answer, "data", "results"), _is_cohort, days):
        size = whole(entries(cohort).get("first"))
        for period, retained in enumerate(map(whole, items(inside(cohort, "counts")) or [None])):
            rate = retained / size if size and retained is not None else None
            yield start, segment, size, period, retained, rate


@table_function(
    doc="On how many hours or days of a period users did something. Cumulative: users active in at least so many.",
    endpoint=FREQUENCY,
    example="FROM mixpanel_frequency('2024-01-01', '2024-01-31', event := 'Purchase', unit := 'month')",
    parameters=(
        *DAYS,
        Parameter("event", "VARCHAR", "what they did; any event unless given", "'Purchase'"),
        unit("day", "week", "month"),
        Parameter(
            "addiction_unit", "VARCHAR", "what is counted; hours of a day, else days, unless given", "'day'",
            choices=("hour", "day"),
        ),
        FILTER,
        SEGMENT_BY,
        MAX_SEGMENTS,
    ),
    columns=(
        Column("date", "DATE", "first day of the period, in the project's time zone"),
        Column("segment", "VARCHAR", "value of the property; $overall for all users"),
        Column("intervals", "BIGINT", "number of hours or days"),
        Column("users", "BIGINT", "users who were active in at least so many of them"),
    ),
)  # fmt: skip
async def frequency(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    answer = await call.ask(
        FREQUENCY,
        days(call),
        event=call["event"],
        unit=call["unit"],
        addiction_unit=call["addiction_unit"] or ("hour" if call["unit"] == "day" else "day"),
        where=call["filter"],
        on=split_by(call),
        limit=call["max_segments"],
    )
    asked = Days(call["from_date"], call["to_date"])
    rows = [
        (start, segment, number, whole(users))
        for start, segment, counts in _by_date(unwrapped(answer, "data"), _is_list, asked)
        for number, users in enumerate(items(counts), 1)
    ]
    heard = [segment for _, segment, _, users in rows if users]
    await refuse_if_silent(call, map(bool, heard))
    if says_nothing(heard):
        await refuse_unknown_properties(call, split_by(call), [call["event"]])
    if not heard:
        await refuse_unknown_properties(call, call["filter"], [call["event"]])
    yield rows


def _period(call: Call) -> Mapping[str, Any]:
    """The length of a period: as a unit, or as an interval in days."""
    if call["interval"] == 1:
        return {"unit": call["unit"]}
    length = DAYS_IN.get(call["unit"], LONGEST + 1) * call["interval"]
    if not 1 <= length <= LONGEST:
        raise ArgumentError(
            f"mixpanel_retention: a period of {call['interval']} {call['unit']}s cannot be asked for: "
            f"write interval := 30 with unit := 'day' (at most {LONGEST} days)"
        )
    return {"interval": length}


def _is_cohort(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("counts", value.get("first")), list | int)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _by_date(answer: Any, is_leaf: Callable[[Any], bool], days: Days) -> Iterator[tuple[date, str, Any]]:
    """Date, segment and what is said of it; the two may be nested either way. An average over all dates is no date."""
    nested = entries(answer)
    if _has_segments_outside(nested, is_leaf, days):
        nested = _turned(nested)
    for key, value in sorted((key, value) for key, value in nested.items() if key != AVERAGE):
        segments = {OVERALL: value} if is_leaf(value) else entries(value)
        yield from ((day(key), segment, leaf) for segment, leaf in segments.items())


def _has_segments_outside(nested: Mapping[str, Any], is_leaf: Callable[[Any], bool], days: Days) -> bool:
    if any(moment(key) is None for key in nested if key != AVERAGE):
        return True
    below = [entries(value) for value in nested.values() if value and not is_leaf(value)]
    if AVERAGE in nested or not below or not all(map(may_be_dates, below)):
        return False
    return any(AVERAGE in level for level in below) or are_dates(nested, below, days) is False


def _turned(nested: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    turned: dict[str, dict[str, Any]] = {}
    for segment, dates in nested.items():
        for key, value in entries(dates).items():
            turned.setdefault(key, {})[segment] = value
    return turned
