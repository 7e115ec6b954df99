"""The answers of saved reports: ``/api/query/insights`` and, for flows, ``/api/query/arb_funnels``.

Source: Mixpanel's Query API reference for insights reports; for the others, answers seen by Mixpanel's own open client.
An answer nests metric, breakdowns, date, and what was measured, each level a key; a report without dates has ``all`` in
their place. The counts of flows are written as text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import ArgumentError, MixpanelDataError, NotFoundError, QueryError
from .answers import entries, fields, inside, json_text, moment, number, objects, text, whole
from .bookmarks import saved_reports
from .declaration import Call, Column, Parameter, table_function
from .funnels import FUNNEL, MEASURED, OVERALL, funnel_rows
from .retention import RETENTION, retention_rows

INSIGHTS = Endpoint(Api.QUERY, "/insights")
FLOWS = Endpoint(Api.QUERY, "/arb_funnels")
BOOKMARK = Parameter("bookmark_id", "BIGINT", "id of the report, from mixpanel_bookmarks()", "2001", required=True)
ALL = "all"
DAYS = 30
NODE = {"event": text, "type": text, "totalCount": whole}
EDGE = {"event": text, "type": text, "step": whole, "totalCount": whole}
MEASURES = frozenset({"first", "counts", "rates"})
"""What a retention report says of a cohort."""


@table_function(
    doc="The answer of a saved insights, funnel or retention report, a row for each number. Where Mixpanel serves a "
    "funnel or retention report only by its own API, which does not know the report's days, those are the last 30.",
    endpoint=INSIGHTS,
    requests="one request (two in that case)",
    example="FROM mixpanel_saved_report(2001)",
    parameters=(BOOKMARK,),
    columns=(
        Column("metric", "VARCHAR", "what was measured, as the report calls it"),
        Column("breakdown", "VARCHAR[]", "the values it is broken down by, or the step of a funnel; empty if none"),
        Column("date", "TIMESTAMP", "start of the period, in the project's time zone; NULL in a report without dates"),
        Column("measure", "VARCHAR", "of a cohort in a retention report: first, counts or rates"),
        Column("period", "BIGINT", "of a retention report: 0 for the period that begins with the first event"),
        Column("value", "DOUBLE", "the number"),
        Column("answer", "JSON", "Mixpanel's whole answer, in the first row"),
    ),
)  # fmt: skip
async def saved_report(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    try:
        answer = await call.ask(INSIGHTS, bookmark_id=call["bookmark_id"])
        rows = list(_numbers(entries(inside(answer, "series"))))
    except QueryError as refusal:
        answer, rows = await _ask_by_kind(call, refusal)
    first = rows[0] if rows else (None,) * 6
    yield [(*first, json_text(answer)), *((*row, None) for row in rows[1:])]


Number = tuple[str, list[str], datetime | None, str | None, int | None, float | None]


def _numbers(series: Mapping[str, Any]) -> Iterator[Number]:
    for metric, nested in series.items():
        for path, value in _leaves(nested):
            yield _read(metric, path, value)


def _leaves(nested: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every number, with the keys and places that lead to it."""
    if isinstance(nested, dict):
        for key, value in nested.items():
            yield from _leaves(value, *path, key)
    elif isinstance(nested, list):
        for place, value in enumerate(nested):
            yield from _leaves(value, *path, place)
    else:
        yield path, nested


def _read(metric: str, path: Sequence[str | int], value: Any) -> Number:
    """What each key of the path is: a date, a measure, a period, or a breakdown, whose values may be dates too."""
    keys = [key for key in path if isinstance(key, str)]
    period = next((key for key in path if isinstance(key, int)), None)
    measure = keys.pop() if keys[-1:] and keys[-1] in MEASURES and moment(keys[0]) else None
    place = 0 if measure else -1
    date = moment(keys[place]) if keys else None
    if date is not None or keys[-1:] == [ALL]:
        keys.pop(place)
    return metric, keys, date, measure, period, number(value)


async def _ask_by_kind(call: Call, refusal: QueryError) -> tuple[Any, list[Number]]:
    """The same from the endpoint of the report's own kind: some funnels are not served as insights."""
    wanted = call["bookmark_id"]
    match await _kind(call, refusal):
        case None:
            raise NotFoundError(f"there is no saved report {wanted}: FROM mixpanel_bookmarks() lists them")
        case "flows":
            raise ArgumentError(f"{wanted} is a flows report: write FROM mixpanel_flows({wanted})")
        case "funnels":
            answer = await call.ask(FUNNEL, _lately(), funnel_id=wanted)
            return answer, list(_funnel_numbers(answer))
        case "retention":
            answer = await call.ask(RETENTION, _lately(), bookmark_id=wanted)
            return answer, list(_retention_numbers(answer))
        case _:
            raise refusal


async def _kind(call: Call, refusal: QueryError) -> str | None:
    """What kind of report it is; None if there is none of that id."""
    try:
        reports = await saved_reports(call, longest=0)
    except MixpanelDataError:
        raise refusal from None
    return next(
        (text(report.get("type")) for report in reports if whole(report.get("id")) == call["bookmark_id"]), None
    )


def _lately() -> dict[str, str]:
    """Endpoints that do not know a report's own days are asked for those that are over, wherever the project is."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    return {"from_date": (last - timedelta(days=DAYS - 1)).isoformat(), "to_date": last.isoformat()}


def _funnel_numbers(answer: Any) -> Iterator[Number]:
    for start, segment, place, _, name, *numbers in funnel_rows(answer):
        split = [] if segment == OVERALL else [segment]
        for metric, value in zip(MEASURED, numbers, strict=True):
            yield metric, [f"{place}. {name}", *split], datetime.combine(start, time.min), None, None, value


def _retention_numbers(answer: Any) -> Iterator[Number]:
    for start, segment, size, period, retained, rate in retention_rows(answer):
        begun = datetime.combine(start, time.min)
        if period == 0:
            yield "retention", [segment], begun, "first", None, size
        yield "retention", [segment], begun, "counts", period, retained
        yield "retention", [segment], begun, "rates", period, rate


@table_function(
    doc="The answer of a saved flows report: what users did step by step. Mixpanel does not document this API.",
    endpoint=FLOWS,
    example="FROM mixpanel_flows(4001)",
    parameters=(BOOKMARK,),
    columns=(
        Column("step", "BIGINT", "1 for the first"),
        Column("node", "VARCHAR", "name of the event"),
        Column("type", "VARCHAR", "ANCHOR, NORMAL, FORWARD, REVERSE, DROPOFF or PRUNED"),
        Column("count", "BIGINT", "how many came by"),
        Column("edges", "JSON", "where they went: a list of event, type, step and count"),
    ),
)
async def flows(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    answer = await call.ask(FLOWS, bookmark_id=call["bookmark_id"], query_type="flows_sankey")
    yield [
        (step, *fields(node, NODE), json_text(_edges(node)))
        for step, at in enumerate(objects(inside(answer, "steps")), 1)
        for node in objects(at.get("nodes") or [])
    ]


def _edges(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        dict(zip(("event", "type", "step", "count"), fields(edge, EDGE), strict=True))
        for edge in objects(node.get("edges") or [])
    ]
