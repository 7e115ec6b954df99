"""One event over time, split and summed: ``/api/query/segmentation…``.

Source: Mixpanel's Query API reference. It leaves ``week`` out of the units, which the server takes nevertheless.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import warn_if_full
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_if_silent
from .parameters import DAYS, EVENT, FILTER, MAX_SEGMENTS, SEGMENT_BY, TYPE, days, split_by, unit
from .series import COUNT, DATE, by_date, read_series
from .spelling import refuse_unknown_properties, says_nothing

SEGMENTATION = Endpoint(Api.QUERY, "/segmentation")
NUMERIC = Endpoint(Api.QUERY, "/segmentation/numeric")
SUM = Endpoint(Api.QUERY, "/segmentation/sum")
AVERAGE = Endpoint(Api.QUERY, "/segmentation/average")
SEGMENTS = 60
"""Mixpanel's own default."""
NUMBER = Parameter(
    "property", "VARCHAR", "the property, or an expression that gives a number", "'amount'", required=True
)


@table_function(
    doc="How often an event happened, by hour, day, week or month, and by the values of a property.",
    endpoint=SEGMENTATION,
    maintained_only=True,
    example="FROM mixpanel_segmentation('Purchase', '2024-01-01', '2024-01-31', segment_by := 'plan')",
    parameters=(
        EVENT,
        *DAYS,
        SEGMENT_BY,
        unit("minute", "hour", "day", "week", "month"),
        TYPE,
        FILTER,
        replace(MAX_SEGMENTS, default=SEGMENTS),
    ),
    columns=(
        DATE,
        Column("segment", "VARCHAR", "value of the property; the name of the event where nothing is split"),
        COUNT,
    ),
)
async def segmentation(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    segmented = split_by(call)
    answer = await _ask(
        call, SEGMENTATION, segmented, type=call["type"], limit=call["max_segments"] if segmented else None
    )
    series = read_series(answer, call["type"])
    if not series and not segmented:
        series = read_series(answer, call["type"], [call["event"]])
    if segmented:
        warn_if_full(
            f"mixpanel_{call.function}",
            "max_segments",
            len({segment for _, segment, _ in series}),
            call["max_segments"],
            SEGMENTS,
        )
    heard = [segment for _, segment, count in series if count]
    if not heard:
        await _refuse_unknown(call)
    if segmented and says_nothing(heard):
        await refuse_unknown_properties(call, segmented, [call["event"]])
    yield series


@table_function(
    doc="How often an event happened, by the size of a number, in ranges that Mixpanel chooses.",
    endpoint=NUMERIC,
    maintained_only=True,
    example="FROM mixpanel_segmentation_numeric('Purchase', '2024-01-01', '2024-01-31', 'amount')",
    parameters=(EVENT, *DAYS, NUMBER, unit("hour", "day"), TYPE, FILTER),
    columns=(DATE, Column("bucket", "VARCHAR", "range of the number, as in '2,000 - 2,100'"), COUNT),
)
async def segmentation_numeric(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    series = read_series(await _ask(call, NUMERIC, split_by(call, "property"), type=call["type"]), call["type"])
    await _refuse_if_silent(call, (count for _, _, count in series))
    yield series


@table_function(
    doc="The sum of a number over an event, by hour or day.",
    endpoint=SUM,
    maintained_only=True,
    example="FROM mixpanel_segmentation_sum('Purchase', '2024-01-01', '2024-01-31', 'amount')",
    parameters=(EVENT, *DAYS, NUMBER, unit("hour", "day"), FILTER),
    columns=(DATE, Column("sum", "DOUBLE", "the sum; what is no number counts as 0")),
)
async def segmentation_sum(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    sums = list(by_date(await _ask(call, SUM, split_by(call, "property")), "results"))
    await _refuse_if_silent(call, (total for _, total in sums))
    yield sums


@table_function(
    doc="The average of a number over an event, by hour or day.",
    endpoint=AVERAGE,
    maintained_only=True,
    example="FROM mixpanel_segmentation_average('Purchase', '2024-01-01', '2024-01-31', 'amount')",
    parameters=(EVENT, *DAYS, NUMBER, unit("hour", "day"), FILTER),
    columns=(DATE, Column("average", "DOUBLE", "the average")),
)
async def segmentation_average(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    averages = list(by_date(await _ask(call, AVERAGE, split_by(call, "property")), "results"))
    await _refuse_if_silent(call, (average for _, average in averages))
    yield averages


async def _refuse_if_silent(call: Call, numbers: Iterable[float | None]) -> None:
    """An error where nothing was counted, and the event or the property does not exist."""
    if not any(numbers):
        await _refuse_unknown(call)
        await refuse_unknown_properties(call, split_by(call, "property"), [call["event"]])


async def _refuse_unknown(call: Call) -> None:
    """An error if there is no such event, or none of its properties is called as the filter says."""
    await refuse_if_silent(call, ())
    await refuse_unknown_properties(call, call["filter"], [call["event"]])


async def _ask(call: Call, endpoint: Endpoint, on: str | None, **more: Any) -> Any:
    asked = {"event": call["event"], "unit": call["unit"], "where": call["filter"], "on": on}
    return await call.ask(endpoint, {**days(call), **asked, **more})
