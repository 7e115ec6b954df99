"""Saved reports: their list, and their results in the one form that ``insights`` gives to all kinds.

Source: Mixpanel's Query API reference (Insights); bookmarks and other kinds than insights as other clients have seen
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import flows
from .buckets import EVERYBODY, MEASURES, USERS, Buckets, Chart, chart, summed
from .dataset import Dataset
from .expressions import number_of, text_of
from .funnels import FUNNELS, Query, passed, steps_of
from .params import PROJECT, Answer, Params, Refused, choice, is_event, now, required
from .people import FIRST, LAST
from .retention import Query as RetentionQuery
from .retention import retained

TYPES = ("insights", "funnels", "retention", "flows")
DAYS = Buckets(FIRST, LAST)
MONTH = Buckets(FIRST, LAST, size=31)
Result = tuple[list[str], dict[str, Any]]
"""Headers and series."""


@dataclass(frozen=True)
class Report:
    name: str
    type: str
    result: Callable[[Dataset], Result] | None
    """Of flows, ``insights`` tells none."""
    description: str = ""


def visits_and_purchases(data: Dataset) -> Result:
    both = chart(data, DAYS, MEASURES["general"], segment="event", where=is_event("App Open", "Purchase"))
    return ["$event"], _dated(both)


def purchases_by_plan(data: Dataset) -> Result:
    where, count = is_event("Purchase"), MEASURES["general"]
    overall = chart(data, DAYS, count, segment=f"'{EVERYBODY}'", where=where)
    plans = chart(data, DAYS, count, segment=text_of("plan"), where=where)
    return ["$event", "plan"], {"Purchase": _dated(overall | plans)}


def month_in_numbers(data: Dataset) -> Result:
    """No chart over time, so each metric has one number."""
    measures = {"Purchase - Total": "count(*)", "Purchase - Unique": USERS}
    measures["Purchase - Sum of amount"] = summed(number_of("amount"))
    query = f"SELECT {', '.join(measures.values())} FROM {data.events(FIRST, LAST)} WHERE {is_event('Purchase')}"
    (values,) = data.rows(query)
    return ["$metric"], {name: {"all": value} for name, value in zip(measures, values, strict=True)}


def sign_up_retention(data: Dataset) -> Result:
    """By the plan at sign-up, so each segment has a ``first`` of its own."""
    query = RetentionQuery(Buckets(FIRST, LAST, "week"), 4, born=is_event("Sign Up"), born_segment=text_of("plan"))
    series = {
        _iso(label): {name: counts | {"rates": _rates(counts)} for name, counts in segments.items()}
        for label, segments in retained(data, query).items()
    }
    return ["$retention", "segment"], {"Sign Up and then Any event": series}


def _funnel(number: int) -> Callable[[Dataset], Result]:
    return lambda data: _funnel_result(data, number)


def _funnel_result(data: Dataset, number: int) -> Result:
    funnel = FUNNELS[number]
    found = passed(data, Query(funnel, MONTH, seconds=funnel.days * 86400))
    steps = steps_of(funnel, found[FIRST.isoformat(), EVERYBODY])
    labels = [f"{k}. {step.label}" for k, step in enumerate(funnel.steps, 1)]
    measures = ("count", "overall_conv_ratio", "step_conv_ratio", "avg_time", "avg_time_from_start")
    series = {
        measure: {label: {"all": step[measure]} for label, step in zip(labels, steps, strict=True)}
        for measure in measures
    }
    return ["$funnel"], series


REPORTS = {
    2001: Report("Visits and purchases", "insights", visits_and_purchases, "Two events by day"),
    2002: Report("Purchases by plan", "insights", purchases_by_plan, "One event by day, broken down"),
    2003: Report("January in numbers", "insights", month_in_numbers),
    **{number: Report(funnel.name, "funnels", _funnel(number)) for number, funnel in FUNNELS.items()},
    3001: Report("Sign-up retention", "retention", sign_up_retention, "Who comes back in the weeks after signing up"),
    4001: Report("After opening the app", "flows", None),
}


def bookmarks(_: Dataset, params: Params) -> Answer:
    kind = choice(params, "type", TYPES) if "type" in params else None
    ids = params["ids"].split(",") if params.get("ids") else None
    found = [
        _bookmark(number, report)
        for number, report in REPORTS.items()
        if kind in {None, report.type} and (ids is None or str(number) in ids)
    ]
    return Answer.json({"status": "ok", "results": {"results": found}})


def insights(data: Dataset, params: Params) -> Answer:
    report = _report(params)
    if report is None or report.result is None:
        raise Refused(400, f"Invalid insights_id: {params['bookmark_id']}")
    headers, series = report.result(data)
    dates = {"from_date": _iso(FIRST.isoformat()), "to_date": f"{LAST}T23:59:59.999000+00:00"}
    return Answer.json({"computed_at": now(), "date_range": dates, "headers": headers, "series": series})


def saved_flows(data: Dataset, params: Params) -> Answer:
    report = _report(params)
    if report is None or report.type != "flows":
        raise Refused(400, f"Invalid bookmark_id: {params['bookmark_id']}")
    return flows.flows(data, params)


def _report(params: Params) -> Report | None:
    number = required(params, "bookmark_id")
    return REPORTS.get(int(number)) if number.isdecimal() else None


def _bookmark(number: int, report: Report) -> dict[str, Any]:
    return {
        "id": number,
        "name": report.name,
        "type": report.type,
        "project_id": int(PROJECT),
        "workspace_id": None,
        "dashboard_id": None,
        "created": "2024-02-01T10:00:00",
        "modified": "2024-02-05T16:39:49",
        "creator_id": 1,
        "creator_name": "Ada Lindqvist",
        "description": report.description,
        "params": {},
    }


def _dated(chart: Chart) -> Chart:
    return {name: {_iso(label): value for label, value in values.items()} for name, values in chart.items()}


def _iso(label: str) -> str:
    return f"{label}T00:00:00+00:00"


def _rates(counts: dict[str, Any]) -> list[float]:
    return [count / counts["first"] if counts["first"] else 0.0 for count in counts["counts"]]
