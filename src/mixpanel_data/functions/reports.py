"""The answers of saved reports: ``/api/query/insights`` and, for flows, ``/api/query/arb_funnels``.

Source: Mixpanel's Query API reference for insights reports; for the others, answers seen by Mixpanel's own open client.
What each key of an answer is, ``numbers`` tells. The counts of flows are written as text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..client import Api, Endpoint
from ..exceptions import ArgumentError, MixpanelDataError, NotFoundError, QueryError
from .answers import fields, inside, json_text, objects, text, whole
from .bookmarks import saved_reports
from .cuts import warn_of
from .dates import Days
from .declaration import Call, Column, Parameter, table_function
from .funnels import FUNNEL, MEASURED, funnel_rows
from .numbers import OVERALL, Number, Path, numbers
from .retention import RETENTION, retention_rows
from .saved import ID_OR_NAME, Kind

INSIGHTS = Endpoint(Api.QUERY, "/insights")
FLOWS = Endpoint(Api.QUERY, "/arb_funnels")


async def _named(call: Call) -> list[tuple[Any, ...]]:
    return [fields(report, NAMED) for report in await saved_reports(call)]


async def _named_flows(call: Call) -> list[tuple[Any, ...]]:
    return [fields(report, NAMED) for report in await saved_reports(call) if text(report.get("type")) == "flows"]


NAMED = {"id": whole, "name": text}
REPORT = Kind("saved report", "mixpanel_bookmarks()", _named)
FLOWS_REPORT = Kind("flows report", "mixpanel_bookmarks()", _named_flows)
BOOKMARK = Parameter(
    "bookmark_id",
    ID_OR_NAME,
    "the report's id or name, from mixpanel_bookmarks()",
    "2001",
    required=True,
    kind=REPORT,
)
DAYS = 30
NOTHING: list[Any] = [(None,) * len(Number._fields)]
"""The row of an answer without numbers, where it is wanted."""
NODE = {"event": text, "type": text, "totalCount": whole}
EDGE = {"event": text, "type": text, "step": whole, "totalCount": whole}
NOT_SERVED = re.compile(
    r"(this |the )?(invalid (insights|bookmark|report)(_| )?id|(insights|bookmark|report)( type| id)? "
    r"(is |was |could )?(not (be )?(found|supported|served)|does not exist))",
    re.IGNORECASE,
)
"""What Mixpanel answers for a report that it does not serve as insights."""


@table_function(
    doc="The answer of a saved insights, funnel or retention report, a row for each number. Where Mixpanel serves a "
    "funnel or retention report only by its own API, which does not know the report's days, filters and breakdowns, "
    "the rows are those of the last 30 days, and a warning says so.",
    endpoint=INSIGHTS,
    requests="one request (two in that case)",
    example="FROM mixpanel_saved_report(2001)",
    parameters=(
        BOOKMARK,
        Parameter("keep_answer", "BOOLEAN", "give the answer also where it holds no number, in a row of nothing else",
                  "true", default=False),
    ),
    columns=(
        Column("metric", "VARCHAR", "what was measured, as the report calls it; of a funnel count, avg_time and so on"),
        Column("breakdown", "VARCHAR[]", "the step of a funnel, as in '1. Sign Up', then the values it is broken down "
               "by; empty if none"),
        Column("date", "TIMESTAMP", "start of the period, in the project's time zone; NULL in a report without dates"),
        Column("measure", "VARCHAR", "of a cohort in a retention report: first, counts or rates"),
        Column("period", "BIGINT", "of a retention report: 0 for the period that begins with the first event"),
        Column("value", "DOUBLE", "the number; NULL where there is none, or text instead of it"),
        Column("text", "VARCHAR", "the value as text where it came as text; the JSON of what is no number"),
        Column("name", "VARCHAR", "what the report calls the funnel, the retention or the metric; NULL if nothing"),
        Column("step", "BIGINT", "of a funnel: 1 for the first step"),
        Column("label", "VARCHAR", "what Mixpanel calls the period: the date with its offset, all where there are no "
               "dates, $average for retention on average over all dates"),
        Column("is_total", "BOOLEAN", "whether it is Mixpanel's total of the segments beside it, called $overall"),
        Column("answer", "JSON", "Mixpanel's whole answer, in the first row"),
    ),
)  # fmt: skip
async def saved_report(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    try:
        answer = await call.ask(INSIGHTS, bookmark_id=call["bookmark_id"])
    except QueryError as refusal:
        if not _is_not_served(refusal):
            raise
        answer, rows = await _ask_by_kind(call, refusal)
    else:
        rows = list(numbers(answer))
    if call["keep_answer"]:
        rows = rows or NOTHING
    yield [(*row, None if place else json_text(answer)) for place, row in enumerate(rows)]


def _is_not_served(refusal: QueryError) -> bool:
    """Whether Mixpanel does not know the report here, or not this kind of report; any other refusal is about what the
    report asks, and stands."""
    return isinstance(refusal, NotFoundError) or NOT_SERVED.match(str(refusal.details.get("mixpanel_says"))) is not None


async def _ask_by_kind(call: Call, refusal: QueryError) -> tuple[Any, list[Number]]:
    """The same from the endpoint of the report's own kind: some funnels are not served as insights."""
    wanted, said = call["bookmark_id"], refusal.message
    match await _kind(call, refusal):
        case "flows":
            raise ArgumentError(f"{wanted} is a flows report: write FROM mixpanel_flows({wanted}) ({said})")
        case "funnels":
            days = _lately(call, FUNNEL, said)
            answer = await call.ask(FUNNEL, days, funnel_id=wanted)
            return answer, list(_funnel_numbers(answer))
        case "retention":
            days = _lately(call, RETENTION, said)
            answer = await call.ask(RETENTION, days, bookmark_id=wanted)
            return answer, list(_retention_numbers(answer, Days(*map(date.fromisoformat, days.values()))))
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


def _lately(call: Call, endpoint: Endpoint, said: str) -> dict[str, str]:
    """Endpoints that do not know a report's own days are asked for those that are over, wherever the project is."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    warn_of(
        call.function,
        f"Mixpanel does not serve report {call['bookmark_id']} as it was saved ({said}): these are the rows of "
        f"{endpoint} from {first} to {last}, without its own days, filters and breakdowns",
    )
    return {"from_date": first.isoformat(), "to_date": last.isoformat()}


def _funnel_numbers(answer: Any) -> Iterator[Number]:
    for (start, _, place, _, name, *measured), segments in _with_segments(funnel_rows(answer)):
        path = Path(segments=segments, label=str(start), step=f"{place}. {name}")
        yield from (path._replace(metric=metric).number(said) for metric, said in zip(MEASURED, measured, strict=True))


def _retention_numbers(answer: Any, days: Days) -> Iterator[Number]:
    for (start, _, size, period, retained, rate), segments in _with_segments(retention_rows(answer, days)):
        path = Path(segments=segments, label=str(start))
        if period == 0:
            yield path._replace(measure="first").number(size)
        if retained is not None:
            yield path._replace(measure="counts").number(retained, period)
            yield path._replace(measure="rates").number(rate, period)


def _with_segments(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[tuple[Any, ...], tuple[str, ...]]]:
    """Each row with what it is broken down by: nothing, unless there are other segments than all users."""
    found = list(rows)
    is_split = any(segment != OVERALL for _, segment, *_ in found)
    return ((row, (row[1],) if is_split else ()) for row in found)


@table_function(
    doc="The answer of a saved flows report: what users did step by step. Mixpanel does not document this API.",
    endpoint=FLOWS,
    example="FROM mixpanel_flows(4001)",
    parameters=(replace(BOOKMARK, example="4001", kind=FLOWS_REPORT),),
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
