"""Funnels: how many people go from step to step, and how long it takes them.

Somebody enters a bucket with their first event there that is the first step. A later step counts when it comes after
the step before it and within the funnel's length of the entry, also past the last day asked for.

Source: Mixpanel's Query API reference and OpenAPI file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .buckets import EVERYBODY, Buckets, buckets_by_unit_or_interval, largest
from .dataset import Dataset
from .expressions import literal
from .params import Answer, Params, Refused, choice, condition, integer, is_event, now, required, segment, today

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST = 90 * 86400


@dataclass(frozen=True)
class Step:
    event: str
    custom_event: tuple[int, str] | None = None
    """Id and name of the custom event that stands for the event."""

    def described(self) -> dict[str, Any]:
        if self.custom_event is None:
            return {"goal": self.event, "event": self.event}
        number, label = self.custom_event
        name = f"$custom_event:{number}"
        return {"goal": name, "event": name, "step_label": label, "custom_event": True, "custom_event_id": number}

    @property
    def label(self) -> str:
        return self.custom_event[1] if self.custom_event else self.event


@dataclass(frozen=True)
class Funnel:
    name: str
    steps: Sequence[Step]
    days: int = 14


@dataclass(frozen=True)
class Query:
    funnel: Funnel
    buckets: Buckets
    seconds: int
    where: str = "true"
    segment: str | None = None


@dataclass(frozen=True)
class Passed:
    """How many people came through each step, and the average seconds since the step before and since the first."""

    counts: list[int]
    times: list[float | None]
    times_from_start: list[float | None]


FUNNELS = {
    7509: Funnel("Purchase funnel", [Step("App Open"), Step("Add To Cart"), Step("Begin Checkout"), Step("Purchase")]),
    9070: Funnel(
        "Sign-up to purchase", [Step("Sign Up"), Step("Search", custom_event=(12345, "Any search")), Step("Purchase")]
    ),
    9071: Funnel("Buyers who invite", [Step("Purchase"), Step("Invite Friend")], days=30),
}


def saved_funnels(_: Dataset, __: Params) -> Answer:
    return Answer.json([{"funnel_id": number, "name": funnel.name} for number, funnel in FUNNELS.items()])


def funnel(data: Dataset, params: Params) -> Answer:
    query = _query(params)
    limit = integer(params, "limit", 1, 10_000, default=255)
    dates, found = query.buckets.labels(data), passed(data, query)
    begun = ((name, passed.counts[0]) for (_, name), passed in found.items())
    chosen = [EVERYBODY, *(largest(begun, limit) if query.segment else ())]
    n = len(query.funnel.steps)
    nobody = Passed([0] * n, [None] * n, [None] * n)
    steps = {date: {name: steps_of(query.funnel, found.get((date, name), nobody)) for name in chosen} for date in dates}
    answers = steps if query.segment else {date: _analyzed(steps[date][EVERYBODY]) for date in dates}
    return Answer.json({"meta": {"dates": dates}, "data": answers, "computed_at": now()})


def passed(data: Dataset, query: Query) -> dict[tuple[str, str], Passed]:
    """By bucket and segment; under ``$overall`` for everybody."""
    rows = data.rows(_sql(data, query))
    return {(date, name): Passed(*lists) for date, name, *lists in rows}


def _query(params: Params) -> Query:
    number = required(params, "funnel_id")
    found = FUNNELS.get(int(number)) if number.isdecimal() else None
    if found is None:
        raise Refused(400, f"Invalid funnel_id: {number}")
    length = integer(params, "length", 1, LONGEST, default=found.days)
    seconds = length * SECONDS[choice(params, "length_unit", SECONDS, "day")]
    if seconds > LONGEST:
        raise Refused(400, "length may not be greater than 90 days")
    return Query(found, buckets_by_unit_or_interval(params), seconds, condition(params), segment(params))


def _sql(data: Dataset, query: Query) -> str:
    """Each step is joined to the nearest of its events after the step before."""
    first, *later = query.funnel.steps
    last = query.buckets.last
    until = min(last + timedelta(days=1, seconds=query.seconds), today())
    walks = "".join(
        f""", walked{k} AS (
          SELECT a.*, b.time AS t{k} FROM walked{k - 1} a
          ASOF LEFT JOIN (SELECT distinct_id, time FROM chosen WHERE {is_event(step.event)}) b
            ON a.distinct_id = b.distinct_id AND a.t{k - 1} < b.time)"""
        for k, step in enumerate(later, 1)
    )
    return f"""
        WITH chosen AS MATERIALIZED (
          SELECT event, distinct_id, time, {query.segment or literal(EVERYBODY)} AS segment
          FROM {data.events(query.buckets.first, until)}
          WHERE {is_event(*(step.event for step in query.funnel.steps))} AND {query.where}
        ), walked0 AS (
          SELECT {query.buckets.of_event} AS bucket, distinct_id, min(time) AS t0, arg_min(segment, time) AS segment
          FROM chosen WHERE {is_event(first.event)} AND time < epoch(DATE '{last}' + 1) GROUP BY bucket, distinct_id
        ){walks}
        SELECT {query.buckets.label("bucket")}, if(grouping(segment) = 1, {literal(EVERYBODY)}, segment),
               {_measures(len(later), query.seconds)}
        FROM walked{len(later)} GROUP BY GROUPING SETS ((bucket), (bucket, segment))
    """


def _measures(later: int, seconds: int) -> str:
    """Three lists over the steps; whoever comes too late for one has not come through it."""
    steps = range(1, later + 1)
    counts = [f"count(*) FILTER (t{k} - t0 <= {seconds})" for k in steps]
    times = [f"avg(t{k} - t{k - 1}) FILTER (t{k} - t0 <= {seconds})" for k in steps]
    times_from_start = [f"avg(t{k} - t0) FILTER (t{k} - t0 <= {seconds})" for k in steps]
    return f"[count(*), {', '.join(counts)}], [NULL, {', '.join(times)}], [NULL, {', '.join(times_from_start)}]"


def steps_of(funnel: Funnel, passed: Passed) -> list[dict[str, Any]]:
    """The steps as Mixpanel tells them."""
    counts = passed.counts
    return [
        {
            "count": counts[k],
            "avg_time": passed.times[k],
            "avg_time_from_start": passed.times_from_start[k],
            "step_conv_ratio": _ratio(counts[k], counts[k - 1]) if k else 1,
            "overall_conv_ratio": _ratio(counts[k], counts[0]) if k else 1,
            **step.described(),
        }
        for k, step in enumerate(funnel.steps)
    ]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0


def _analyzed(steps: list[dict[str, Any]]) -> dict[str, Any]:
    worst = min(range(1, len(steps)), key=lambda k: steps[k]["step_conv_ratio"])
    analysis = {
        "completion": steps[-1]["count"],
        "starting_amount": steps[0]["count"],
        "steps": len(steps),
        "worst": worst,
    }
    return {"steps": steps, "analysis": analysis}
