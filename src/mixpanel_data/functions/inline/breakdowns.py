"""Breakdowns as people write them: ``plan``, ``user.country``, ``amount by 50``, ``is_trial as boolean``."""

from __future__ import annotations

import re
from typing import Any

from ...exceptions import ArgumentError
from .clauses import Bucket, CohortGroup, Group
from .filters import NAME, resource_and_name

EXAMPLE = "['plan', 'user.country', 'amount by 50', 'is_trial as boolean', 'cohort 1001']"
SIZE = r"[+-]?\d+(?:\.\d+)?"
BUCKETS = re.compile(rf"(?P<name>.+?)\s+by\s+(?P<size>{SIZE})(?:\s+from\s+(?P<min>{SIZE})\s+to\s+(?P<max>{SIZE}))?")
TYPED = re.compile(r"(?P<name>.+?)\s+as\s+(?P<type>text|number|boolean|date|list)")
COHORT = re.compile(r"cohort\s+(?P<id>\d+)")
TYPES = {"text": "string", "date": "datetime"}


def read_breakdowns(function: str, written: list[str] | None) -> list[Group | CohortGroup]:
    """What a call is broken down by.

    Raises:
        ArgumentError: one line that says what to write instead.
    """
    return [_read(function, one.strip()) for one in written or ()]


def _read(function: str, written: str) -> Group | CohortGroup:
    if found := COHORT.fullmatch(written):
        return _cohort(int(found["id"]))
    if found := BUCKETS.fullmatch(written):
        return _group(function, found["name"], "number", _bucket(function, found))
    if found := TYPED.fullmatch(written):
        return _group(function, found["name"], TYPES.get(found["type"], found["type"]))
    return _group(function, written, "string")


def _group(function: str, written: str, kind: Any, bucket: Bucket | None = None) -> Group:
    name = NAME.fullmatch(written.strip())
    if name is None:
        raise _refused(function, written)
    plain, resource = resource_and_name(name)
    ranges = {} if bucket is None else {"custom_bucket": bucket}
    return Group(
        resource_type=resource,
        value=plain,
        property_name=plain,
        property_type=kind,
        property_default_type=kind,
        **ranges,
    )


def _bucket(function: str, found: re.Match[str]) -> Bucket:
    size = float(found["size"])
    if size <= 0:
        raise _refused(function, found[0])
    ends = {} if found["min"] is None else {"min": float(found["min"]), "max": float(found["max"])}
    return Bucket(bucket_size=size, **ends)


def _cohort(number: int) -> CohortGroup:
    name = f"cohort {number}"
    member = {"id": number, "name": name, "negated": False, "data_group_id": None, "groups": []}
    return CohortGroup(value=[name, f"Not In {name}"], cohorts=[member, {**member, "negated": True}])


def _refused(function: str, written: str) -> ArgumentError:
    return ArgumentError(
        f"mixpanel_{function}: segment_by '{written}' cannot be understood: write segment_by := {EXAMPLE}",
        parameter="segment_by",
    )
