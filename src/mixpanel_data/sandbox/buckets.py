"""Time cut up into buckets, and events counted in each: what most reports are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from .dataset import Dataset
from .params import Params, choice, days, integer

USERS = "count(DISTINCT nullif(distinct_id, ''))"
"""An event with an empty ``distinct_id`` is nobody's."""
MEASURES = {
    "general": "count(*)",
    "unique": USERS,
    "average": f"count(nullif(distinct_id, '')) / nullif({USERS}, 0)",
}
EVERYBODY = "$overall"
"""The segment of all segments."""
DAYS = ("day", "week", "month")
Chart = dict[str, dict[str, float]]
"""Segment, bucket's label, value; where there is nothing there is no entry."""


@dataclass(frozen=True)
class Buckets:
    """Days cut up by a unit of the calendar (weeks begin on Mondays), or into ``size`` days each from the first."""

    first: date
    last: date
    unit: str = "day"
    size: int = 1

    def of(self, timestamp: str) -> str:
        """The SQL timestamp at which the bucket of another begins."""
        if self.size == 1:
            return f"date_trunc('{self.unit}', {timestamp})::TIMESTAMP"
        return f"time_bucket(INTERVAL {self.step}, {timestamp}, TIMESTAMP '{self.first}')"

    @property
    def of_event(self) -> str:
        return self.of("make_timestamp(time * 1000000)")

    @property
    def step(self) -> str:
        return f"{self.size} {self.unit}"

    def label(self, bucket: str) -> str:
        has_hours = self.unit in {"minute", "hour"}
        return f"strftime({bucket}, '{'%Y-%m-%d %H:%M:%S' if has_hours else '%Y-%m-%d'}')"

    @property
    def table(self) -> str:
        """All buckets, as a column ``bucket``, for a FROM clause."""
        first, end = self.of(f"TIMESTAMP '{self.first}'"), f"TIMESTAMP '{self.last}' + INTERVAL 1 DAY"
        return f"range({first}, {end}, INTERVAL {self.step}) AS buckets(bucket)"

    def labels(self, data: Dataset) -> list[str]:
        """Of all buckets, in order."""
        rows = data.rows(f"SELECT {self.label('bucket')} FROM {self.table} ORDER BY bucket")
        return [label for (label,) in rows]


def buckets_by_unit(params: Params, units: Collection[str] = DAYS, default: str | None = None) -> Buckets:
    """Buckets of the unit that the request names."""
    first, last = days(params)
    return Buckets(first, last, choice(params, "unit", units, default))


def buckets_by_unit_or_interval(params: Params, units: Collection[str] = DAYS) -> Buckets:
    """Buckets of a unit, or of so many days."""
    if "unit" in params:
        return buckets_by_unit(params, units)
    return Buckets(*days(params), size=integer(params, "interval", 1, 90, default=1))


def chart(
    data: Dataset, buckets: Buckets, measure: str, *, where: str, segment: str = "''", limit: int = 10_000
) -> Chart:
    """A measure of the events where the condition holds, by segment and bucket, for the segments with most of it.

    Those with most events where the measure is an average.
    """
    ranking = "events" if measure == MEASURES["average"] else "value"
    query = f"""
        WITH happened AS (
          SELECT *, {segment} AS segment FROM {data.events(buckets.first, buckets.last)} WHERE {where}
        ), counted AS (
          SELECT segment, {buckets.of_event} AS bucket, {measure} AS value, count(*) AS events
          FROM happened GROUP BY ALL
        ), ranked AS (SELECT *, sum({ranking}) OVER (PARTITION BY segment) AS total FROM counted)
        SELECT segment, {buckets.label("bucket")}, value FROM ranked
        WHERE segment IS NOT NULL AND value IS NOT NULL
        QUALIFY dense_rank() OVER (ORDER BY total DESC, segment) <= {limit}
        ORDER BY total DESC, segment, bucket
    """
    chart: Chart = {}
    for name, label, value in data.rows(query):
        chart.setdefault(name, {})[label] = value
    return chart


def summed(number: str) -> str:
    """As SQL; rounded, since the order of adding, which is any, changes the last digits."""
    return f"round(sum({number}), 6)"


def averaged(number: str) -> str:
    return f"round(avg({number}), 9)"


def largest(amounts: Iterable[tuple[str, int]], limit: int) -> list[str]:
    """The segments with the largest totals, largest first; not that of everybody."""
    totals = Counter[str]()
    for name, amount in amounts:
        if name != EVERYBODY:
            totals[name] += amount
    return sorted(totals, key=lambda name: (-totals[name], name))[:limit]
