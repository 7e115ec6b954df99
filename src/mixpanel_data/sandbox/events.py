"""The raw export, and the breakdown of events: names, counts, properties and their values.

Source: Mixpanel's Raw Export and Query API references.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from .buckets import MEASURES, Chart, buckets_by_unit, chart
from .dataset import FIRST_DAY, Dataset
from .expressions import property_as_text
from .params import (
    Answer,
    Params,
    Refused,
    choice,
    condition,
    days,
    integer,
    is_event,
    is_one_of,
    names,
    required,
    today,
)

UNITS = ("minute", "hour", "day", "week", "month")
LAST_DESCRIBED_DAY = FIRST_DAY + timedelta(days=30)
"""Properties and their values are told from the first 31 days, as Mixpanel tells them from the last 31."""


def export(data: Dataset, params: Params) -> Answer:
    first, last = days(params)
    events = is_event(*names(params, "event")) if "event" in params else "true"
    limit = f"LIMIT {integer(params, 'limit', 1, 100_000, default=1)}" if "limit" in params else ""
    if params.get("time_in_ms") == "true":
        raise Refused(400, "time_in_ms is not part of the sandbox")
    query = f"""
        SELECT '{{"event":' || to_json(event) || ',"properties":' || properties || '}}' || chr(10) AS line
        FROM {data.events(first, last)} WHERE {events} AND {condition(params)} {limit}
    """
    return Answer(lines=_lines(data, query), headers={"Content-Type": "text/plain"})


def event_names(data: Dataset, params: Params) -> Answer:
    choice(params, "type", MEASURES)
    if "from_date" in params or "to_date" in params:
        days({"to_date": today().isoformat(), **params})
    limit = integer(params, "limit", 1, 5000, default=255)
    # A day has every event but for chance; a week has them all.
    week = data.events(FIRST_DAY, FIRST_DAY + timedelta(days=6))
    found = data.rows(f"SELECT DISTINCT event FROM {week} ORDER BY hash(event) LIMIT {limit}")
    return Answer.json([name for (name,) in found])


def top_events(data: Dataset, params: Params) -> Answer:
    """Today's events, and how they changed since yesterday: wholly, where yesterday had none."""
    kind = choice(params, "type", MEASURES)
    measure, midnight = MEASURES[kind], f"epoch(DATE '{today()}')"
    query = f"""
        WITH counted AS (
          SELECT event, time >= {midnight} AS today, {measure} AS amount
          FROM {data.events(today() - timedelta(days=1), today())} GROUP BY ALL
        )
        SELECT event, t.amount, coalesce((t.amount - y.amount) / y.amount, 1.0)
        FROM (FROM counted WHERE today) t LEFT JOIN (FROM counted WHERE NOT today) y USING (event)
        ORDER BY t.amount DESC, event LIMIT {integer(params, "limit", 1, 10_000, default=100)}
    """
    events = [{"amount": n, "event": event, "percent_change": change} for event, n, change in data.rows(query)]
    return Answer.json({"events": events, "type": kind})


def event_counts(data: Dataset, params: Params) -> Answer:
    return _charted(data, params, "event", is_event(*names(params, "event")), limit=10_000)


def property_counts(data: Dataset, params: Params) -> Answer:
    """By value; events without the property are left out."""
    value, where = property_as_text(required(params, "name")), is_event(required(params, "event"))
    if "values" in params:
        where += f" AND {is_one_of(value, names(params, 'values'))}"
    return _charted(data, params, value, where, limit=integer(params, "limit", 1, 10_000, default=255))


def top_properties(data: Dataset, params: Params) -> Answer:
    query = f"""
        SELECT name, count(*) AS n FROM (
          SELECT unnest(json_keys(properties)) AS name
          FROM {data.events(FIRST_DAY, LAST_DESCRIBED_DAY)} WHERE {is_event(required(params, "event"))}
        ) GROUP BY name ORDER BY n DESC, name LIMIT {integer(params, "limit", 1, 10_000, default=10)}
    """
    return Answer.json({name: {"count": n} for name, n in data.rows(query)})


def property_values(data: Dataset, params: Params) -> Answer:
    query = f"""
        SELECT {property_as_text(required(params, "name"))} AS value
        FROM {data.events(FIRST_DAY, LAST_DESCRIBED_DAY)}
        WHERE {is_event(required(params, "event"))} AND value IS NOT NULL
        GROUP BY value ORDER BY count(*) DESC, value LIMIT {integer(params, "limit", 1, 10_000, default=255)}
    """
    return Answer.json([value for (value,) in data.rows(query)])


def measure_of(params: Params, unit: str, default: str | None = None) -> str:
    """What is counted, as SQL; people are not counted by the hour."""
    kind = choice(params, "type", MEASURES, default)
    if kind == "unique" and unit in {"minute", "hour"}:
        raise Refused(400, f"unique counts are not available by {unit}")
    return MEASURES[kind]


def charted(series: list[str], values: Chart) -> dict[str, Any]:
    return {"data": {"series": series, "values": values}, "legend_size": len(values)}


def _charted(data: Dataset, params: Params, segment: str, where: str, limit: int) -> Answer:
    buckets = buckets_by_unit(params, UNITS)
    values = chart(data, buckets, measure_of(params, buckets.unit), segment=segment, where=where, limit=limit)
    return Answer.json(charted(buckets.labels(data), values))


def _lines(data: Dataset, query: str) -> Iterator[bytes]:
    """The query's one text column, in large pieces: the text buffers of the Arrow batches are the body itself."""
    with data.connect() as engine:
        for batch in engine.sql(query).to_arrow_reader(50_000):
            column = batch.column(0)
            offsets, text = memoryview(column.buffers()[1]).cast("i"), column.buffers()[2]
            yield (text[offsets[column.offset] : offsets[column.offset + len(column)]].to_pybytes() if text else b"")
