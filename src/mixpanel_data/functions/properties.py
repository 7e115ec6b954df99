"""Properties of an event: their names, their values, and counts by value. ``/api/query/events/properties…``.

Source: Mixpanel's Query API reference. Unless told otherwise Mixpanel gives ten names only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import warn_if_full
from .answers import entries, items, json_text, text, whole
from .cuts import warn_of
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_if_silent, refuse_unknown
from .parameters import DAYS, EVENT, PROPERTY, TYPE, days, expression, property_name, unit
from .series import COUNT, DATE, read_series
from .spelling import MOST_PROPERTIES, PROPERTIES, refuse_unknown_properties, says_nothing

VALUES = Endpoint(Api.QUERY, "/events/properties/values")
COUNTS = Endpoint(Api.QUERY, "/events/properties")
DEFAULT = 255


@table_function(
    doc="The names of an event's properties, the most frequent first.",
    endpoint=PROPERTIES,
    keeps=True,
    example="FROM mixpanel_properties('Purchase')",
    parameters=(EVENT,),
    columns=(
        Column("property_name", "VARCHAR", "name of the property"),
        Column("count", "BIGINT", "events that have it, of late; NULL where Mixpanel does not say"),
    ),
)
async def properties(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    found = entries(await call.recall(PROPERTIES, event=call["event"], limit=MOST_PROPERTIES))
    if not found:
        await refuse_unknown(call, [call["event"]])
    if len(found) >= MOST_PROPERTIES:
        warn_of(call.function, f"Mixpanel tells no more than {MOST_PROPERTIES:,} names, and there may be more")
    yield [(name, whole(said.get("count") if isinstance(said, dict) else said)) for name, said in found.items()]


@table_function(
    doc="The values of a property, the most frequent first.",
    endpoint=VALUES,
    keeps=True,
    example="FROM mixpanel_property_values('Purchase', 'plan')",
    parameters=(
        EVENT,
        PROPERTY,
        Parameter("max_rows", "BIGINT", "only so many values, the most frequent", "1000", default=DEFAULT),
    ),
    columns=(Column("value", "VARCHAR", "the value, as text"),),
)
async def property_values(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    name = property_name(call)
    values = items(await call.recall(VALUES, event=call["event"], name=name, limit=call["max_rows"]))
    if says_nothing(text(value) for value in values):
        await refuse_unknown(call, [call["event"]])
        await refuse_unknown_properties(call, expression(name), [call["event"]])
    warn_if_full(f"mixpanel_{call.function}", "max_rows", len(values), call["max_rows"], DEFAULT)
    yield [(text(value),) for value in values]


@table_function(
    doc="How often an event happened with each value of a property, by hour, day, week or month.",
    endpoint=COUNTS,
    example="FROM mixpanel_property_counts('Purchase', 'plan', '2024-01-01', '2024-01-31')",
    parameters=(
        EVENT,
        PROPERTY,
        *DAYS,
        unit("minute", "hour", "day", "week", "month"),
        TYPE,
        Parameter("property_values", "VARCHAR[]", "only these values; the most frequent unless given", "['pro']"),
        Parameter("max_values", "BIGINT", "only so many values, the most frequent", "10", default=DEFAULT),
    ),
    columns=(DATE, Column("value", "VARCHAR", "value of the property"), COUNT),
)
async def property_counts(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    values = call["property_values"]
    answer = await call.ask(
        COUNTS,
        days(call),
        event=call["event"],
        name=property_name(call),
        values=json_text(values),
        unit=call["unit"],
        type=call["type"],
        limit=call["max_values"],
    )
    series = read_series(answer, call["type"], values or ())
    await refuse_if_silent(call, (count for _, _, count in series))
    if says_nothing(value for _, value, count in series if count):
        await refuse_unknown_properties(call, expression(call["property"]), [call["event"]])
    if not values:
        warn_if_full(
            f"mixpanel_{call.function}",
            "max_values",
            len({value for _, value, _ in series}),
            call["max_values"],
            DEFAULT,
        )
    yield series
