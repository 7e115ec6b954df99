"""Segmentation: one event counted, summed or averaged by time and by the value of an expression.

Source: Mixpanel's Query API reference and OpenAPI file.
"""

from __future__ import annotations

from .buckets import Buckets, averaged, buckets_by_unit, buckets_by_unit_or_interval, chart, summed
from .dataset import Dataset
from .events import UNITS, charted, measure_of
from .expressions import literal
from .params import Answer, Params, condition, integer, is_event, now, number, required, segments

NUMERIC_UNITS = ("hour", "day")


def segmentation(data: Dataset, params: Params) -> Answer:
    event, by, where = required(params, "event"), segments(params), _where(params)
    buckets = buckets_by_unit_or_interval(params, UNITS)
    limit = integer(params, "limit", 1, 10_000, default=60)
    measure = measure_of(params, buckets.unit, "general")
    values = chart(data, buckets, measure, where=where, segment=by or literal(event), limit=limit)
    return Answer.json(charted(_unsorted(buckets.labels(data)), values if by or values else {event: {}}))


def numeric(data: Dataset, params: Params) -> Answer:
    """Counts by ranges of a number; events where it is none are left out."""
    where, value = _where(params), number(params)
    buckets = buckets_by_unit(params, NUMERIC_UNITS, "day")
    measure = measure_of(params, buckets.unit, "general")
    width = _round_width(data, buckets, value, where)
    low = f"floor({value} / {width})::BIGINT * {width}"
    ranges = f"CASE WHEN {value} IS NOT NULL THEN format('{{:,}} - {{:,}}', {low}, {low} + {width}) END"
    return Answer.json(
        charted(_unsorted(buckets.labels(data)), chart(data, buckets, measure, where=where, segment=ranges))
    )


def total(data: Dataset, params: Params) -> Answer:
    """Sums, for which what is no number counts nothing."""
    results = _by_time(data, params, summed(f"coalesce({number(params)}, 0)"))
    return Answer.json({"status": "ok", "computed_at": now(), "results": results})


def average(data: Dataset, params: Params) -> Answer:
    """Averages, for which what is no number counts as 0, too; a bucket without events has no entry."""
    values = f"coalesce({number(params)}, 0)"
    return Answer.json({"results": _by_time(data, params, averaged(values)), "status": "ok"})


def _where(params: Params) -> str:
    return f"{is_event(required(params, 'event'))} AND {condition(params)}"


def _by_time(data: Dataset, params: Params, measure: str) -> dict[str, float]:
    buckets = buckets_by_unit(params, NUMERIC_UNITS, "day")
    return chart(data, buckets, measure, where=_where(params)).get("", {})


def _round_width(data: Dataset, buckets: Buckets, value: str, where: str) -> int:
    """The power of ten that cuts the numbers into some 3 to 30 ranges."""
    query = f"""
        SELECT max(number) - min(number)
        FROM (SELECT {value} AS number FROM {data.events(buckets.first, buckets.last)} WHERE {where})
    """
    ((span,),) = data.rows(f"SELECT pow(10, round(log10(nullif(({query}), 0))) - 1)")
    return max(1, int(span or 1))


def _unsorted(labels: list[str]) -> list[str]:
    """Out of order, as in Mixpanel's own example, so that no client relies on an order."""
    middle = len(labels) // 2
    return labels[middle:] + labels[:middle]
