"""Retention: who comes back after how many intervals; and addiction: in how many hours or days people are active.

Source: Mixpanel's Query API reference and OpenAPI file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from .buckets import EVERYBODY, Buckets, buckets_by_unit, buckets_by_unit_or_interval, largest
from .dataset import Dataset
from .expressions import literal
from .params import (
    Answer,
    Params,
    Refused,
    choice,
    condition,
    integer,
    is_event,
    required,
    segments,
    today,
    truth,
)

DAYS_IN = {"day": 1, "week": 7, "month": 30}
"""Intervals are counted in days from somebody's birth, whatever the calendar says."""
LONGEST_STAY = timedelta(days=400)
"""By the arithmetic of the data set only those come back later who do so every day."""
SOMEBODY = "distinct_id <> ''"
ACTIVE_UNITS = {
    ("hour", "day"): 24,
    ("hour", "week"): 168,
    ("hour", "month"): 744,
    ("day", "day"): 1,
    ("day", "week"): 7,
    ("day", "month"): 31,
}
SECONDS = {"hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Query:
    """Births are first events in the range or, if compounded, in each bucket; returns are later events of the same."""

    buckets: Buckets
    intervals: int
    born: str = "true"
    returning: str = "true"
    compounded: bool = False
    unbounded: bool = False
    born_segment: str | None = None
    return_segment: str | None = None

    @property
    def step(self) -> timedelta:
        """How long an interval is."""
        return timedelta(days=DAYS_IN[self.buckets.unit] * self.buckets.size)

    @property
    def last_return(self) -> date:
        """The last day on which coming back makes a difference."""
        shown = self.step * (self.intervals + 1)
        stay = max(shown, LONGEST_STAY) if self.unbounded else shown
        return min(self.buckets.last + stay, today())


Counts = dict[str, dict[str, dict[str, Any]]]
"""Bucket's label, segment, and in it ``first`` and ``counts``."""


def retention(data: Dataset, params: Params) -> Answer:
    # The `on` of retention is said to segment the second event, so every segment has the whole cohort as its `first`.
    by = segments(params)
    found = retained(data, _query(params, by), integer(params, "limit", 1, 10_000, default=10_000))
    return Answer.json(found if by else {label: cohort[EVERYBODY] for label, cohort in found.items()})


def retained(data: Dataset, query: Query, limit: int = 10_000) -> Counts:
    births, returns = _counted(data, query)
    names = [EVERYBODY, *largest(((name, people) for (_, name, _), people in returns.items()), limit)]
    return {
        label: {
            name: {
                "counts": [returns.get((label, name, n), 0) for n in range(begun)],
                "first": births.get((label, name if query.born_segment else EVERYBODY), 0),
            }
            for name in names
        }
        for label, begun in _begun(data, query).items()
    }


def _counted(data: Dataset, query: Query) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str, int], int]]:
    births: dict[tuple[str, str], int] = {}
    returns: dict[tuple[str, str, int], int] = {}
    for label, name, n, people in data.rows(_sql(data, query)):
        if n is None:
            births[label, name] = people
        else:
            returns[label, name, n] = people
    return births, returns


def _query(params: Params, by: str | None) -> Query:
    if "unit" in params and "interval" in params:
        raise Refused(500, "unit and interval both specified")
    compounded = choice(params, "retention_type", ("birth", "compounded"), "birth") == "compounded"
    returning = _returning(params)
    return Query(
        buckets_by_unit_or_interval(params),
        integer(params, "interval_count", 1, 1000, default=1),
        born=returning if compounded else _born(params),
        returning=returning,
        compounded=compounded,
        unbounded=truth(params, "unbounded_retention", default=False),
        return_segment=by,
    )


def _born(params: Params) -> str:
    return f"{is_event(required(params, 'born_event'))} AND {condition(params, 'born_where')}"


def _returning(params: Params) -> str:
    return f"{is_event(params['event']) if 'event' in params else 'true'} AND {condition(params)}"


def _sql(data: Dataset, query: Query) -> str:
    """People by bucket, segment and number of whole intervals since birth; without a number, all who were born."""
    buckets = query.buckets
    per = "bucket, distinct_id" if query.compounded else "distinct_id"
    # Whoever comes back in interval n counts in it; unbounded, in all up to it, however much later n is.
    shown = f"range({0 if query.unbounded else 'n'}, least(n, {query.intervals}) + 1)"
    bucket = buckets.of_event if query.compounded else buckets.of("make_timestamp(min(time) * 1000000)")
    return f"""
        WITH births AS (
          SELECT {bucket} AS bucket, distinct_id, min(time) AS born,
                 {f"arg_min({query.born_segment}, time)" if query.born_segment else "NULL"} AS segment
          FROM {data.events(buckets.first, buckets.last)} WHERE {query.born} AND {SOMEBODY} GROUP BY {per}
        ), returns AS (
          SELECT b.bucket, b.distinct_id, coalesce(b.segment, r.segment) AS segment,
                 (r.time - b.born) // {query.step.total_seconds():.0f} AS n
          FROM births b JOIN (
            SELECT distinct_id, time, {query.return_segment or "NULL"} AS segment
            FROM {data.events(buckets.first, query.last_return)} WHERE {query.returning}
          ) r ON b.distinct_id = r.distinct_id AND r.time > b.born
        ), shown AS (
          SELECT bucket, distinct_id, segment, unnest({shown}) AS n FROM returns
          UNION ALL SELECT bucket, distinct_id, segment, NULL FROM births
        )
        SELECT {buckets.label("bucket")}, if(grouping(segment) = 1, {literal(EVERYBODY)}, segment), n,
               count(DISTINCT distinct_id)
        FROM shown GROUP BY GROUPING SETS ((bucket, n), (bucket, segment, n))
        HAVING grouping(segment) = 1 OR segment IS NOT NULL
    """


def _begun(data: Dataset, query: Query) -> dict[str, int]:
    """How many of its intervals have begun by now, for each bucket."""
    buckets = query.buckets
    step = f"INTERVAL {query.step.days} DAY"
    begins = f"list_transform(range({query.intervals + 1}), lambda n : bucket + n * {step})"
    rows = data.rows(f"""
        SELECT {buckets.label("bucket")}, len(list_filter({begins}, lambda begin : begin < DATE '{today()}' + 1))
        FROM {buckets.table} ORDER BY bucket
    """)
    return dict(rows)


def addiction(data: Dataset, params: Params) -> Answer:
    """How many people are active in at least 1, 2, 3… hours or days of each bucket."""
    buckets, by = buckets_by_unit(params), segments(params)
    unit = choice(params, "addiction_unit", SECONDS)
    length = ACTIVE_UNITS[unit, buckets.unit]
    query = f"""
        WITH happened AS (
          SELECT *, {by or "''"} AS segment
          FROM {data.events(buckets.first, buckets.last)} WHERE {_returning(params)} AND {SOMEBODY}
        ), active AS (
          SELECT {buckets.of_event} AS bucket, segment, distinct_id, count(DISTINCT time // {SECONDS[unit]}) AS units
          FROM happened GROUP BY ALL
        ), reached AS (SELECT bucket, segment, unnest(range(units)) AS n FROM active)
        SELECT {buckets.label("bucket")}, segment, n, count(*) FROM reached GROUP BY bucket, segment, n
    """
    found = {(label, name, n): people for label, name, n, people in data.rows(query)}
    limit = integer(params, "limit", 1, 10_000, default=10_000)
    names = largest(((name, people) for (_, name, _), people in found.items()), limit)
    answer = {
        label: {name: [found.get((label, name, n), 0) for n in range(length)] for name in names}
        for label in buckets.labels(data)
    }
    nobody = [0] * length
    return Answer.json({"data": answer if by else {label: lists.get("", nobody) for label, lists in answer.items()}})
