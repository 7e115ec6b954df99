"""Saved funnels: ``/api/query/funnels…``.

Source: Mixpanel's Query API reference. With ``on`` a date holds ``$overall`` and one list of steps for each segment;
without it, ``steps``. A custom event is named ``$custom_event:<id>`` and has its own name in ``step_label``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import warn_if_full
from .answers import day, entries, fields, inside, number, objects, text, whole
from .declaration import Call, Column, Parameter, table_function
from .numbers import OVERALL
from .parameters import DAYS, FILTER, MAX_SEGMENTS, SEGMENT_BY, days, split_by
from .saved import ID_OR_NAME, Kind
from .spelling import refuse_unknown_properties, says_nothing

LIST = Endpoint(Api.QUERY, "/funnels/list")
FUNNEL = Endpoint(Api.QUERY, "/funnels")
RANGE = "range"
SEGMENTS = 255
"""Mixpanel's own default."""
STEPS = "steps"
ANALYSIS = "analysis"
LISTED = {"funnel_id": whole, "name": text}
MEASURED = {
    "count": whole,
    "step_conv_ratio": number,
    "overall_conv_ratio": number,
    "avg_time": number,
    "avg_time_from_start": number,
}


@table_function(
    doc="The saved funnels.",
    endpoint=LIST,
    maintained_only=True,
    keeps=True,
    example="FROM mixpanel_funnels()",
    columns=(
        Column("id", "BIGINT", "what to give to mixpanel_funnel"),
        Column("name", "VARCHAR", "name of the funnel"),
    ),
)
async def funnels(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    yield await _saved_funnels(call)


async def _saved_funnels(call: Call) -> list[tuple[Any, ...]]:
    return [fields(funnel, LISTED) for funnel in objects(await call.recall(LIST))]


SAVED = Kind("funnel", "mixpanel_funnels()", _saved_funnels)


@table_function(
    doc="How many users went how far in a saved funnel: in the whole range, or by the period in which they began.",
    endpoint=FUNNEL,
    maintained_only=True,
    example="FROM mixpanel_funnel(7509, '2024-01-01', '2024-01-31')",
    parameters=(
        Parameter(
            "funnel_id", ID_OR_NAME, "its id or name, from mixpanel_funnels()", "7509", required=True, kind=SAVED
        ),
        *DAYS,
        Parameter(
            "unit",
            "VARCHAR",
            "range for one funnel over all days; else the length of a period, and a user counts in "
            "each in which they begin",
            "'week'",
            default=RANGE,
            choices=(RANGE, "day", "week", "month"),
        ),
        SEGMENT_BY,
        FILTER,
        Parameter("length", "BIGINT", "time to complete it, in length_unit; as saved unless given", "14"),
        Parameter(
            "length_unit", "VARCHAR", "what length is counted in", "'day'", choices=("second", "minute", "hour", "day")
        ),
        replace(MAX_SEGMENTS, default=SEGMENTS),
    ),
    columns=(
        Column("date", "DATE", "first day of the period in which they began, in the project's time zone"),
        Column("segment", "VARCHAR", "value of the property; $overall for all users"),
        Column("step", "BIGINT", "1 for the first"),
        Column("event_name", "VARCHAR", "name of the event; $custom_event:<id> for a custom event"),
        Column("label", "VARCHAR", "name of the step as people see it"),
        Column("count", "BIGINT", "users who came so far"),
        Column("step_conversion", "DOUBLE", "fraction of those at the step before; 1 for the first"),
        Column("overall_conversion", "DOUBLE", "fraction of those at the first step"),
        Column("avg_time", "DOUBLE", "seconds from the step before, on average; NULL where there is none"),
        Column("avg_time_from_start", "DOUBLE", "seconds from the first step, on average"),
    ),
)
async def funnel(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    segmented = split_by(call)
    is_range = call["unit"] == RANGE
    answer = await call.ask(
        FUNNEL,
        days(call),
        funnel_id=call["funnel_id"],
        unit=None if is_range else call["unit"],
        interval=(call["to_date"] - call["from_date"]).days + 1 if is_range else None,
        on=segmented,
        where=call["filter"],
        length=call["length"],
        length_unit=call["length_unit"],
        limit=call["max_segments"] if segmented else None,
    )
    rows = list(funnel_rows(answer))
    if segmented:
        warn_if_full(
            f"mixpanel_{call.function}", "max_segments", len({row[1] for row in rows}), call["max_segments"], SEGMENTS
        )
    # Of the steps that nobody came to, no segment can tell.
    reached = [event for _, _, _, event, _, count, *_ in rows if count]
    if says_nothing(segment for _, segment, *_ in rows):
        await refuse_unknown_properties(call, segmented, reached)
    if not reached:
        await refuse_unknown_properties(call, call["filter"], (row[3] for row in rows))
    yield rows


def funnel_rows(answer: Any) -> Iterator[tuple[Any, ...]]:
    """The rows of Mixpanel's answer, by date, segment and step."""
    for key, of_date in sorted(entries(inside(answer, "data")).items()):
        for segment, steps in _segments(entries(of_date)).items():
            yield from (_row(day(key), segment, place, step) for place, step in enumerate(objects(steps), 1))


def _segments(of_date: Mapping[str, Any]) -> Mapping[str, Any]:
    """The steps of each segment. A segment may be called ``steps``; where there are segments, there is ``$overall``."""
    found = {
        segment: _steps(said) for segment, said in of_date.items() if segment != ANALYSIS or isinstance(said, list)
    }
    if STEPS in found and OVERALL not in found:
        return {OVERALL: found.pop(STEPS), **found}
    return found


def _steps(said: Any) -> Any:
    """The steps of a segment, which may stand in an object like those of a date."""
    return inside(said, STEPS) if isinstance(said, dict) else said


def _row(start: date, segment: str, place: int, step: Mapping[str, Any]) -> tuple[Any, ...]:
    event = text(step.get("event") or step.get("goal"))
    return (
        start,
        segment,
        place,
        event,
        text(step.get("step_label")) or event,
        *fields(step, MEASURED),
    )
