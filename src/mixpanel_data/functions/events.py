"""Events: their names, and how often they happen. ``/api/query/events…``.

Source: Mixpanel's Query API reference. Undocumented but honoured for the names: ``from_date``, without which only the
last 31 days count, and a ``limit`` of up to 5,000; a project with a shorter history refuses a date too far back and
says how many days it has.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..client import HISTORY, Api, Budget, Endpoint
from ..exceptions import MixpanelDataError, NotFoundError, QueryError, warn_if_full
from .answers import fields, inside, items, json_text, objects, percent, text
from .cuts import warn_of
from .declaration import Call, Column, Parameter, table_function
from .parameters import DAYS, TYPE, days, unit
from .series import COUNT, DATE, count_reader, read_series, silent
from .spelling import FRESH, suggestion

NAMES = Endpoint(Api.QUERY, "/events/names")
TOP = Endpoint(Api.QUERY, "/events/top")
COUNTS = Endpoint(Api.QUERY, "/events")
EARLIEST = "2000-01-01"
MOST_NAMES = 5000
"""Mixpanel tells no more."""
MOST_FREQUENT = 100


@table_function(
    doc="The names of all events of the project, in alphabetical order.",
    endpoint=NAMES,
    requests="one request (two where the plan limits the history)",
    keeps=True,
    example="FROM mixpanel_events()",
    columns=(Column("event_name", "VARCHAR", "name of the event"),),
)
async def events(call: Call) -> AsyncGenerator[list[tuple[str]]]:
    names = await _names(call)
    if len(names) >= MOST_NAMES:
        warn_of(call.function, f"Mixpanel tells no more than {MOST_NAMES:,} names, and there may be more")
    yield [(name,) for name in sorted(names)]


@table_function(
    doc="Today's most frequent events, and how they changed since yesterday.",
    endpoint=TOP,
    example="FROM mixpanel_top_events()",
    parameters=(
        TYPE,
        Parameter("max_rows", "BIGINT", "only so many events, the most frequent", "10", default=MOST_FREQUENT),
    ),
    columns=(
        Column("event_name", "VARCHAR", "name of the event"),
        replace(COUNT, doc="how many today; a DOUBLE where the type is average"),
        Column("percent_change", "DOUBLE", "change since yesterday, in percent: 50 is half as many again"),
    ),
)
async def top_events(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    answer = await call.ask(TOP, type=call["type"], limit=call["max_rows"])
    found = objects(inside(answer, "events"))
    warn_if_full(f"mixpanel_{call.function}", "max_rows", len(found), call["max_rows"], MOST_FREQUENT)
    today = {"event": text, "amount": count_reader(call["type"]), "percent_change": percent}
    yield [fields(event, today) for event in found]


@table_function(
    doc="How often events happened, by hour, day, week or month.",
    endpoint=COUNTS,
    example="FROM mixpanel_event_counts(['Sign Up', 'Purchase'], '2024-01-01', '2024-01-31')",
    parameters=(
        Parameter("events", "VARCHAR[]", "names of the events", "['Sign Up', 'Purchase']", required=True),
        *DAYS,
        unit("minute", "hour", "day", "week", "month"),
        TYPE,
    ),
    columns=(DATE, Column("event_name", "VARCHAR", "name of the event"), COUNT),
)
async def event_counts(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    names = list(dict.fromkeys(call["events"]))
    answer = await call.ask(COUNTS, days(call), event=json_text(names), unit=call["unit"], type=call["type"])
    series = read_series(answer, call["type"], own_names(names))
    await refuse_unknown(call, silent(series, names))
    yield series


async def refuse_unknown(call: Call, names: Iterable[str]) -> None:
    """For events of which Mixpanel tells nothing: an error if there are none of that name, since it gives none itself.

    Raises:
        NotFoundError: says which names are near.
    """
    asked = own_names(names)
    if not asked or call.client.budgets.left(Budget.QUERY) == 0:  # not worth waiting for
        return
    try:
        known = await _names(call)
        if not known.issuperset(asked):  # a new one, perhaps
            known = await _names(call, FRESH)
    except MixpanelDataError:
        return
    unknown = [name for name in asked if name not in known]
    if unknown and len(known) < MOST_NAMES:
        near = suggestion(unknown[0], known, "FROM mixpanel_events() lists them all")
        raise NotFoundError(f"the project has no event {unknown[0]!r}: {near}")


async def refuse_if_silent(call: Call, counts: Iterable[float | None]) -> None:
    """The same for a call about one event, if it counts nothing."""
    if call["event"] is not None and not any(counts):
        await refuse_unknown(call, [call["event"]])


def own_names(names: Iterable[str]) -> list[str]:
    """Without Mixpanel's own events and custom events, which it may know under another name."""
    return [name for name in names if not name.startswith("$")]


async def _names(call: Call, longest: float | None = None) -> frozenset[str]:
    return await call.keep(NAMES, lambda: _ask_names(call), longest)


async def _ask_names(call: Call) -> frozenset[str]:
    try:
        return await _names_since(call, EARLIEST)
    except QueryError as error:
        history = HISTORY.search(str(error.details.get("mixpanel_says")))
        if history is None:
            raise
    # A day less: it may be tomorrow already where the project is.
    earliest = datetime.now(UTC).date() - timedelta(days=int(history[1]) - 1)
    return await _names_since(call, earliest.isoformat())


async def _names_since(call: Call, from_date: str) -> frozenset[str]:
    names = await call.ask(NAMES, type="general", limit=MOST_NAMES, from_date=from_date)
    return frozenset(name for name in map(text, items(names)) if name is not None)
