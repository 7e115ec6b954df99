"""The breakdowns of Insights: into which segments an event falls.

Source: answers and stored reports seen by Mixpanel's own open clients; the labels of ranges of numbers are a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .expressions import literal, named_property, number_in, seconds_in, segments_of
from .filters import ITEM, OPERATORS, check, objects_in, value_of

ELSEWHERE = ("customPropertyId", "customProperty", "behavior", "dataGroupId", "cohorts", "typeCast")
MISSING = "'undefined'"
REST = "$remaining_values"
"""The segment of what is in no group of one's own."""


@dataclass(frozen=True)
class Group:
    """One level of segments: its name in the headers, and an event's segments as a SQL list of texts."""

    name: str
    segments: str


def read_group(clause: dict[str, Any]) -> Group:
    """The group of a clause of ``sections.group``. Malformed ones raise KeyError, TypeError or ValueError."""
    check(clause, ELSEWHERE)
    value = value_of(clause)
    return Group(clause["value"], _segments(clause, value))


def _segments(clause: dict[str, Any], value: str) -> str:
    if clause.get("customGroups"):
        return _own_groups(value, clause["customGroups"])
    match clause["propertyType"]:
        case "number" if not (clause.get("customBucket") or {}).get("disabled"):
            return f"[coalesce({_ranges(number_in(value), clause.get('customBucket'))}, {MISSING})]"
        case "object":
            return _of_objects(value, clause["listItemGroup"])
        case "string" | "boolean" | "number" | "list":
            return segments_of(value)
        case "datetime":
            moment = f"make_timestamp(({seconds_in(value)} * 1000000)::BIGINT)"
            return f"[coalesce(strftime({moment}, '%Y-%m-%dT%H:%M:%S'), {MISSING})]"
    raise ValueError(clause)


def _of_objects(value: str, inner: dict[str, Any]) -> str:
    """A segment for each object of a list, also where several have the same: so objects are counted, not events."""
    text = f"coalesce({named_property(inner['propertyName'], ITEM)}->>'$', {MISSING})"
    return f"coalesce(nullif([{text} FOR {ITEM} IN {objects_in(value)}], []), [{MISSING}])"


def _own_groups(value: str, groups: list[dict[str, Any]]) -> str:
    """The first group that holds an event is its segment."""
    cases = [
        f"WHEN {OPERATORS['string'][group['filterOperator']](value, group['filterValue'])}"
        f" THEN {literal(group['segmentLabel'])}"
        for group in groups
    ]
    return f"[CASE {' '.join(cases)} ELSE '{REST}' END]"


def _ranges(number: str, bucket: dict[str, Any] | None) -> str:
    """As large as told, below and above the ends in one range each; else a round width that makes 3 to 30 of them."""
    if bucket is None:
        span = f"nullif(max({number}) OVER () - min({number}) OVER (), 0)"
        return _range(number, f"greatest(1, coalesce(pow(10, round(log10({span})) - 1), 1))", 0, None)
    if bucket.get("groups"):
        return _between(number, bucket["groups"])
    size, low, high = bucket["bucketSize"], bucket.get("min"), bucket.get("max")
    if not size > 0 or not isinstance(low, float | int | None) or not isinstance(high, float | int | None):
        raise ValueError(bucket)
    within = _range(number, str(size), low or 0, high)
    below = [f"WHEN {number} < {low} THEN '< {low:,}'"] if low is not None else []
    above = [f"WHEN {number} >= {high} THEN '≥ {high:,}'"] if high is not None else []
    return f"CASE {' '.join([*below, *above, f'WHEN {number} IS NOT NULL THEN {within}'])} END"


def _between(number: str, edges: list[float]) -> str:
    """A range for each edge and the next, and for what is below and above."""
    cases = [f"WHEN {number} < {edges[0]} THEN '< {edges[0]:,}'"]
    cases += [f"WHEN {number} < {high} THEN '{low:,} - {high:,}'" for low, high in pairwise(edges)]
    return f"CASE {' '.join(cases)} WHEN {number} >= {edges[-1]} THEN '≥ {edges[-1]:,}' END"


def _range(number: str, size: str, start: float, end: float | None) -> str:
    """Lower end in, upper end out."""
    low = f"({start} + floor(({number} - {start}) / {size}) * {size})"
    high = f"least({low} + {size}, {end})" if end is not None else f"({low} + {size})"
    return f"{_said(low)} || ' - ' || {_said(high)}"


def _said(number: str) -> str:
    """With commas, and decimals only where there are some."""
    whole, exact = f"format('{{:,}}', ({number})::BIGINT)", f"format('{{:,}}', round({number}, 6))"
    return f"CASE WHEN {number} = floor({number}) THEN {whole} ELSE {exact} END"
