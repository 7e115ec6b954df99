"""Funnels: how many people go from step to step, and how long it takes them.

Somebody enters a bucket with their first event there that is the first step. A later step is the next event of its
name, within the funnel's length of the entry, also past the last day asked for. Consecutive steps up to two seconds
apart count in either order. Whoever has come through, or is out of time, may enter another segment.

Source: Mixpanel's Query API reference and OpenAPI file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from .buckets import EVERYBODY, Buckets, buckets_by_unit_or_interval, largest
from .dataset import Dataset
from .expressions import literal
from .params import Answer, Params, Refused, choice, condition, integer, is_event, now, required, segments, today

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST = 90 * 86400
GRACE = 2
"""Seconds up to which two consecutive steps count in either order."""


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
    segments: str | None = None

    @property
    def names(self) -> list[str]:
        return [step.event for step in self.funnel.steps]


class Event(NamedTuple):
    """One of the funnel's events."""

    id: int
    person: str
    name: str
    time: int
    bucket: str | None
    """Where somebody may enter with it; None outside the days asked for."""
    segments: list[str]


Times = list[int]
"""When somebody came through each step, as far as they came."""


@dataclass(frozen=True)
class Passed:
    """How many people came through each step, and the average seconds since the step before and since the first."""

    counts: list[int]
    times: list[float | None]
    times_from_start: list[float | None]

    @classmethod
    def of(cls, walks: Sequence[Times], steps: int) -> Passed:
        through = [[times for times in walks if len(times) > k] for k in range(steps)]
        return cls(
            [len(walks) for walks in through],
            [None, *(_mean([times[k] - times[k - 1] for times in through[k]]) for k in range(1, steps))],
            [None, *(_mean([times[k] - times[0] for times in through[k]]) for k in range(1, steps))],
        )


def _mean(numbers: Sequence[int]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


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
    chosen = [EVERYBODY, *(largest(begun, limit) if query.segments else ())]
    nobody = Passed.of([], len(query.funnel.steps))
    steps = {date: {name: steps_of(query.funnel, found.get((date, name), nobody)) for name in chosen} for date in dates}
    answers = steps if query.segments else {date: _analyzed(steps[date][EVERYBODY]) for date in dates}
    return Answer.json({"meta": {"dates": dates}, "data": answers, "computed_at": now()})


def passed(data: Dataset, query: Query) -> dict[tuple[str, str], Passed]:
    """By bucket and segment; under ``$overall`` for everybody."""
    walks: dict[tuple[str, str], list[Times]] = defaultdict(list)
    for _, theirs in groupby(_happened(data, query), lambda event: event.person):
        for bucket, segment, times in _walks(list(theirs), query):
            walks[bucket, segment].append(times)
    return {place: Passed.of(found, len(query.names)) for place, found in walks.items()}


def _query(params: Params) -> Query:
    number = required(params, "funnel_id")
    found = FUNNELS.get(int(number)) if number.isdecimal() else None
    if found is None:
        raise Refused(400, f"Invalid funnel_id: {number}")
    length = integer(params, "length", 1, LONGEST, default=found.days)
    seconds = length * SECONDS[choice(params, "length_unit", SECONDS, "day")]
    if seconds > LONGEST:
        raise Refused(400, "length may not be greater than 90 days")
    return Query(found, buckets_by_unit_or_interval(params), seconds, condition(params), segments(params))


def _happened(data: Dataset, query: Query) -> Iterator[Event]:
    """By person and time. A second step may be of the day before the first."""
    first, last = query.buckets.first, query.buckets.last
    until = min(last + timedelta(days=1, seconds=query.seconds), today())
    in_range = f"time >= epoch(DATE '{first}') AND time < epoch(DATE '{last}' + 1)"
    rows = data.rows(f"""
        SELECT id, distinct_id, event, time,
               CASE WHEN {in_range} THEN {query.buckets.label(query.buckets.of_event)} END, list(segment)
        FROM (
          SELECT id, distinct_id, event, time, {query.segments or literal(EVERYBODY)} AS segment
          FROM {data.events(first - timedelta(days=1), until)}
          WHERE {is_event(*query.names)} AND distinct_id <> '' AND {query.where}
        )
        GROUP BY ALL ORDER BY distinct_id, time, min(segment), id
    """)
    return map(Event._make, rows)


def _walks(events: Sequence[Event], query: Query) -> Iterator[tuple[str, str, Times]]:
    """One person's ways, by bucket and segment; the first in a bucket is also that for everybody."""
    entries = [event for event in events if event.name == query.names[0] and event.bucket]
    for bucket in dict.fromkeys(entry.bucket or "" for entry in entries):
        ended, entered = 0, set[str]()
        for entry in (entry for entry in entries if entry.bucket == bucket):
            new = set(entry.segments) - entered
            if entry.time > ended and new:
                times = _walk([event for event in events if event.time > ended], query, entry)
                names = (new if query.segments else set()) | (set() if entered else {EVERYBODY})
                yield from ((bucket, name, times) for name in names)
                entered |= new
                ended = times[-1] if len(times) == len(query.names) else entry.time + query.seconds


def _walk(events: Sequence[Event], query: Query, entry: Event) -> Times:
    """No event is two steps."""
    times, taken, before = [entry.time], {entry.id}, entry.time
    for name in query.names[1:]:
        possible = (event for event in events if event.name == name and event.id not in taken)
        step = next((event for event in possible if event.time >= before - GRACE), None)
        if step is None or step.time > entry.time + query.seconds:
            break
        times.append(max(times[-1], step.time))
        taken.add(step.id)
        before = step.time
    return times


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
