"""Questions to Mixpanel's Insights that no saved report holds: ``POST /api/query/insights``.

Mixpanel does not document it, though products of its own ask like this. Source: what Mixpanel's own open clients send
and were answered. An answer's keys are labels, so metrics are told apart by their places.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..client import Api, Endpoint
from ..exceptions import ArgumentError
from .answers import inside, objects, possible
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_unknown
from .numbers import OVERALL, Number, numbers
from .parameters import DAYS, TEXTS_OR_STRUCTS, expression
from .spelling import refuse_unknown_properties, says_nothing

if TYPE_CHECKING:
    from .inline.clauses import Clause

INSIGHTS = Endpoint(Api.QUERY, "/insights", method="POST", takes_json=True)
UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year", "range")
SEGMENTS = 3000
"""What Mixpanel's own pages ask for."""
MOST_SEGMENTS = 50_000
"""Mixpanel takes no more."""
LONGEST_IN_MINUTES = 2
"""Days: Mixpanel refuses longer ranges by the minute."""
Key = tuple[str | None, tuple[str, ...], int]


@table_function(
    doc="The answer to a question of your own, as a report of Mixpanel's Insights gives it: events and users over "
    "time, amounts, percentiles, formulas, broken down and compared. Mixpanel does not document this API.",
    endpoint=INSIGHTS,
    example="FROM mixpanel_insights('Purchase', '2024-01-01', '2024-01-31', math := 'unique', segment_by := 'plan')",
    parameters=(
        Parameter(
            "events",
            TEXTS_OR_STRUCTS,
            "the events, each a metric: names; or structs of event, math, property, per_user, filters and name; "
            "$all_events is any event",
            "['Sign Up', 'Purchase']",
            required=True,
        ),
        *DAYS,
        Parameter(
            "math",
            "VARCHAR",
            "what is counted: total (events), unique (users), dau, wau, mau, sessions, cumulative_unique; of a "
            "property: sum, average, median, min, max, p25 and other percentiles, unique_values",
            "'unique'",
            default="total",
        ),
        Parameter("property", "VARCHAR", "the property with the number; user.age for one of users", "'amount'"),
        Parameter(
            "per_user",
            "VARCHAR",
            "make one number of each user first, and math is over users",
            "'total'",
            choices=("total", "average", "min", "max", "unique_values"),
        ),
        Parameter(
            "segment_by",
            "VARCHAR[]",
            "what to break down by, as in plan, user.country, amount by 50, is_trial as boolean, cohort 1001",
            "['plan', 'amount by 50']",
        ),
        Parameter(
            "filters",
            TEXTS_OR_STRUCTS,
            "only events for which all of these hold, as in plan = pro, amount > 100, country in (DE, AT), user.email "
            "is set",
            "['plan = pro', 'amount > 100']",
        ),
        Parameter(
            "unit", "VARCHAR", "length of a period; range for all days at once", "'week'", default="day", choices=UNITS
        ),
        Parameter(
            "formula",
            "VARCHAR[]",
            "instead of the metrics, formulas over them: A is the first",
            "'B / A'",
        ),
        Parameter("compare", "VARCHAR", "beside each value that of so long before", "'1 month'"),
        Parameter("cumulative", "BOOLEAN", "add up from the first period on", "true", default=False),
        Parameter("rolling", "BIGINT", "the average of so many periods; the first ones have none", "7"),
        Parameter("max_segments", "BIGINT", "only so many segments, the largest", "100", default=SEGMENTS),
        Parameter("params", "JSON", "more of the report's parameters, as Mixpanel has them, in the place of ours",
                  "{'displayOptions': {'chartType': 'bar'}}"),
    ),
    columns=(
        Column("date", "TIMESTAMP", "start of the period, in the project's time zone; NULL for all days at once"),
        Column("metric", "VARCHAR", "name of the event, or the formula"),
        Column("segment", "VARCHAR", "value of the first breakdown; $overall for all"),
        Column("segments", "VARCHAR[]", "values of all breakdowns, in their order; empty without any"),
        Column("value", "DOUBLE", "the number; NULL where there is none"),
        Column("compared", "DOUBLE", "the number of as long before as compare says; NULL unless asked"),
    ),
)  # fmt: skip
async def insights(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    show, bookmark = _question(call)
    answer = await call.ask(INSIGHTS, bookmark=bookmark, queryLimits={"limit": _limit(call)})
    depth = len(bookmark["sections"]["group"])
    rows = list(_rows(answer, show, depth))
    await _refuse_unknown(call, bookmark["sections"], rows)
    yield rows


def _question(call: Call) -> tuple[list[str], dict[str, Any]]:
    """The names of the metrics that the answer shows, in their order, and the report's parameters."""
    # Only who asks pays for the models.
    from .inline.breakdowns import read_breakdowns  # noqa: PLC0415
    from .inline.filters import read_filters  # noqa: PLC0415
    from .inline.question import analysis, merged, offset, question  # noqa: PLC0415

    name, unit, days = call.function, call["unit"], (call["from_date"], call["to_date"])
    if unit == "minute" and (days[1] - days[0]).days >= LONGEST_IN_MINUTES:
        raise ArgumentError(
            f"mixpanel_{name}: Mixpanel counts by the minute over two days at most: write unit := 'hour'"
        )
    show = _show(call)
    filters, groups = read_filters(name, call["filters"]), read_breakdowns(name, call["segment_by"])
    display = analysis(name, call["cumulative"], call["rolling"])
    asked = question(show, days, unit, filters, groups, display) | offset(name, call["compare"])
    return [clause.name for clause in show if not getattr(clause, "is_hidden", False)], merged(asked, _params(call))


def _show(call: Call) -> list[Any]:
    """The metrics, hidden where formulas are asked for, and the formulas."""
    from .inline.metrics import formulas, metric, read_events  # noqa: PLC0415

    name, written = call.function, call["formula"] or []
    asked = read_events(name, call["events"], call["math"], call["property"], call["per_user"])
    metrics: list[Clause] = [metric(name, one, is_hidden=bool(written)) for one in asked]
    return [*metrics, *formulas(name, written, len(metrics))]


def _params(call: Call) -> Mapping[str, Any]:
    given = call["params"] or {}
    if not isinstance(given, dict):
        raise ArgumentError(f"mixpanel_{call.function}: params must be a struct or a JSON object", parameter="params")
    return given


def _limit(call: Call) -> int:
    wanted: int = call["max_segments"]
    if not 1 <= wanted <= MOST_SEGMENTS:
        raise ArgumentError(
            f"mixpanel_{call.function}: max_segments must be from 1 to {MOST_SEGMENTS:,}, not {wanted:,}: write "
            "max_segments := 100",
            parameter="max_segments",
        )
    return wanted


def _rows(answer: Any, shown: Sequence[str], depth: int) -> Iterator[tuple[Any, ...]]:
    names = _names(answer, shown)
    past = _by_place({**answer, "series": possible(answer.get("time_comparison")).get("series") or {}})
    for key, number in _by_place(answer).items():
        segments = [*number.breakdown, *[OVERALL] * (depth - len(number.breakdown))]
        before = past[key].value if key in past else None
        metric = names.get(number.name, number.name)
        yield number.date, metric, (segments or [OVERALL])[0], segments, number.value, before


def _by_place(answer: Any) -> dict[Key, Number]:
    """Each number by metric, segments and the place of its date: what is compared has other dates."""
    found = list(numbers(answer))
    dates = sorted({one.date for one in found if one.date is not None})
    places: dict[datetime | None, int] = {date: place for place, date in enumerate(dates)}
    return {(one.name, tuple(one.breakdown), places.get(one.date, 0)): one for one in found}


def _names(answer: Any, shown: Sequence[str]) -> dict[str | None, str]:
    """Our name of each metric by its key in the answer: keys are labels, with letters before them where there are
    several."""
    keys = [one.get("metric_key") for one in objects(_sections(answer).get("show") or []) if not one.get("isHidden")]
    if len(keys) != len(shown):
        keys = list(inside(answer, "series"))
    return dict(zip(keys, shown, strict=True)) if len(keys) == len(shown) else {}


def _sections(answer: Any) -> Mapping[str, Any]:
    return possible(possible(answer.get("meta")).get("report_sections"))


async def _refuse_unknown(call: Call, sections: Mapping[str, Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """An error where an answer says nothing, and an event or a property is nowhere."""
    events = [one["behavior"].get("name") for one in sections["show"] if "behavior" in one]
    counted = [row for row in rows if row[4]]
    if not counted:
        await refuse_unknown(call, [name for name in events if name])
        await _refuse_properties(call, sections["filter"], events)
    silent = [said for place, said in enumerate(sections["group"]) if says_nothing(row[3][place] for row in counted)]
    await _refuse_properties(call, silent, events)


async def _refuse_properties(call: Call, clauses: Iterable[Mapping[str, Any]], events: Sequence[str | None]) -> None:
    names = (one["value"] for one in clauses if one.get("resourceType") == "events" and isinstance(one["value"], str))
    for name in names:
        await refuse_unknown_properties(call, expression(name), events)
