"""A question put to Insights without a saved report: read, and refused as Mixpanel refuses it.

Source: requests that Mixpanel's own open clients send, and errors that they have seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .filters import check, conditions, not_here, value_of
from .formulas import Formula, read_formula
from .groups import Group, read_group
from .metrics import OF_USERS, Metric
from .params import Params, Refused, is_event, json_of
from .spans import UNITS, Span, read_span

MAX_LIMIT, USUAL_LIMIT = 50_000, 3_000
UNKNOWN = "An unknown error occurred."
ROOT = {
    *("sections", "displayOptions", "timeComparison", "liftComparison", "name", "title", "icon", "description"),
    *("sorting", "columnWidths", "legend", "versions"),
}
DATED = {"line", "column", "stacked-line", "stacked-column"}
TOTALS = {"bar", "pie", "table", "insights-metric", "bar-stacked", "metric"}
ANY_EVENT = "$all_events"
SECTIONS_ELSEWHERE = ("globalDataGroupId", "cohorts", "formula")
ELSEWHERE = ("cumulative", "rolling", "multiAttribution", "dataGroupId")
"""What a measurement may ask of Mixpanel and not of the sandbox."""
BRACKETS = {
    "unique": "Unique Users",
    "dau": "DAU",
    "wau": "WAU",
    "mau": "MAU",
    "sessions": "Total Sessions",
    "cumulative_unique": "Cumulative Unique Users",
    "average": "Average",
    "median": "Median",
    "min": "Minimum",
    "max": "Maximum",
    "unique_values": "Unique",
}


@dataclass(frozen=True)
class Shown:
    """A clause of ``sections.show``; a formula has its operands by their letters."""

    letter: str
    name: str
    is_hidden: bool
    counts: Metric | Formula
    operands: dict[str, Metric]


@dataclass(frozen=True)
class Question:
    shown: list[Shown]
    span: Span
    groups: list[Group]
    group_clauses: list[dict[str, Any]]
    limit: int
    rolling: int | None
    """How many points an average is of."""
    is_cumulative: bool
    compared: tuple[str, int] | None
    """How many of which unit ago the time is with which it is compared."""
    lift: dict[str, Any] | None
    """Asks for the change since then, and is told again in the answer."""


def read_question(params: Params) -> Question:
    bookmark = json_of(params, "bookmark", dict)
    for key in bookmark:
        if key not in ROOT:
            raise Refused(400, f"Extra inputs are not permitted at {key}")
    if "format" in params:
        raise not_here("format")
    try:
        limit = _limit(json.loads(params.get("queryLimits", "{}")))
        return _question(bookmark, limit)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Refused(500, UNKNOWN) from None


def letter(position: int) -> str:
    """A to Z, then BA and so on."""
    more, last = divmod(position, 26)
    return (letter(more) if more else "") + chr(ord("A") + last)


def _limit(limits: dict[str, int]) -> int:
    limit = int(limits.get("limit", USUAL_LIMIT))
    if limit > MAX_LIMIT:
        raise Refused(400, f"Query limit exceeds max limit of {MAX_LIMIT} ({limit} was given)")
    return limit


def _question(bookmark: dict[str, Any], limit: int) -> Question:
    sections, display = bookmark["sections"], bookmark["displayOptions"]
    if display["chartType"] not in DATED | TOTALS:
        raise not_here(f"chartType {display['chartType']}")
    check(sections, SECTIONS_ELSEWHERE)
    is_dated = display["chartType"] in DATED
    (time,) = sections["time"]
    clauses, analysis = sections.get("group") or [], display.get("analysis") or "linear"
    if analysis not in {"linear", "logarithmic", "rolling", "cumulative"}:
        raise ValueError(analysis)
    return Question(
        shown=_shown(sections["show"], conditions(sections.get("filter") or [])),
        span=read_span(time, is_dated=is_dated),
        groups=[read_group(clause) for clause in clauses],
        group_clauses=clauses,
        limit=limit,
        rolling=_window(display["rollingWindowSize"]) if analysis == "rolling" and is_dated else None,
        is_cumulative=analysis == "cumulative" and is_dated,
        compared=_compared(bookmark.get("timeComparison")),
        lift=_lift(bookmark.get("liftComparison")),
    )


def _window(size: int) -> int:
    if size < 1:
        raise ValueError(size)
    return size


def _compared(comparison: dict[str, Any] | None) -> tuple[str, int] | None:
    if comparison is None:
        return None
    unit, count = comparison["offset"]["unit"], comparison["offset"]["value"]
    if unit not in UNITS or not isinstance(count, int):
        raise ValueError(comparison)
    return unit, count


def _lift(comparison: dict[str, Any] | None) -> dict[str, Any] | None:
    if comparison is not None and comparison["type"] != "timeComparison":
        raise not_here(f"liftComparison {comparison['type']}")
    return comparison


def _shown(clauses: list[dict[str, Any]], condition: str) -> list[Shown]:
    """At least one. In formulas a clause is one metric, also where its events have a series each."""
    placed = [(letter(n), clause) for n, clause in enumerate(clauses)]
    metrics = {place: _metric(clause, condition) for place, clause in placed if clause["type"] == "metric"}
    shown = [_clause(place, one, metrics, condition) for place, clause in placed for one in _apart(clause)]
    if not shown:
        raise ValueError(clauses)
    return shown


def _apart(clause: dict[str, Any]) -> list[dict[str, Any]]:
    """A clause for each event, where several have no name together."""
    if {"metric": False, "formula": True}[clause["type"]] or clause.get("name"):
        return [clause]
    return [{**clause, "behavior": event} for event in _events(clause)]


def _clause(place: str, clause: dict[str, Any], metrics: dict[str, Metric], condition: str) -> Shown:
    is_hidden = bool(clause.get("isHidden"))
    if clause["type"] == "metric":
        return Shown(place, clause.get("name") or _named(clause), is_hidden, _metric(clause, condition), {})
    own = {letter(n): _metric(one, condition) for n, one in enumerate(clause.get("referencedMetrics") or [])}
    formula = read_formula(clause["definition"])
    operands = {one: (own or metrics)[one] for one in formula.letters}
    return Shown(place, clause.get("name") or "Formula", is_hidden, formula, operands)


def _metric(clause: dict[str, Any], condition: str) -> Metric:
    events, measurement = _events(clause), clause["measurement"]
    check(measurement, ELSEWHERE)
    asked = measurement.get("property")
    return Metric(
        f"({' OR '.join(_happened(one) for one in events)}) AND {condition}",
        measurement["math"],
        value_of({"resourceType": "events", **asked, "value": asked["name"]}) if asked is not None else None,
        measurement.get("percentile"),
        measurement.get("perUserAggregation"),
        is_once=measurement["math"] in OF_USERS and _is_once(measurement.get("segmentMethod") or "all"),
    )


def _is_once(method: str) -> bool:
    return {"all": False, "first": True}[method]


def _events(clause: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a clause, of which each counts; filters of a block of them are ignored."""
    if "behavior" not in clause and "id" in clause:
        raise not_here("a saved metric")
    behavior = clause["behavior"]
    if behavior["type"] not in {"event", "simple"}:
        raise not_here(f"behavior {behavior['type']}")
    events = behavior["behaviors"] if behavior["type"] == "simple" else [behavior]
    if any(event["type"] != "event" for event in events):
        raise not_here(f"behavior {' and '.join(event['type'] for event in events)}")
    if not events:
        raise ValueError(behavior)
    return list(events)


def _happened(event: dict[str, Any]) -> str:
    is_it = "true" if event["name"] == ANY_EVENT else is_event(event["name"])
    return f"({is_it} AND {conditions(event.get('filters') or [], event.get('filtersDeterminer') or 'all')})"


def _named(clause: dict[str, Any]) -> str:
    """As in ``Purchase [Sum of amount]``."""
    measurement, (event,) = clause["measurement"], _events(clause)
    math, asked = measurement["math"], measurement.get("property") or {"name": ""}
    counted = BRACKETS.get(math, math.upper())
    if math == "custom_percentile":
        counted = f"P{measurement['percentile']}"
    if math == "total":
        counted = f"Sum of {asked['name']}" if asked["name"] else "Total Events"
    elif asked["name"]:
        counted = f"{counted} {'Time' if asked['name'] == 'time' else asked['name']}"
    return f"{'All Events' if event['name'] == ANY_EVENT else event['name']} [{counted}]"
