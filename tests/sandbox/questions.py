"""Questions put to Insights, written down shortly."""

from __future__ import annotations

from typing import Any

JANUARY = ("2024-01-01", "2024-01-31")


def metric(event: str = "Purchase", math: str = "total", **more: Any) -> dict[str, Any]:
    """A clause of ``show``; what is no part of its behavior or of the clause itself belongs to its measurement."""
    behavior = {"type": "event", "name": event, "resourceType": "events"}
    behavior |= {"filters": more.pop("filters", []), "filtersDeterminer": more.pop("determiner", "all")}
    clause = {name: more.pop(name) for name in ("name", "isHidden") if name in more}
    if "of" in more:
        more["property"] = {"name": more.pop("of"), "resourceType": "events"}
    return {"type": "metric", "behavior": behavior, "measurement": {"math": math, **more}, **clause}


def formula(definition: str, **more: Any) -> dict[str, Any]:
    return {"type": "formula", "definition": definition, "measurement": {}, "referencedMetrics": [], **more}


def group(name: str, kind: str = "string", resource: str = "events", **more: Any) -> dict[str, Any]:
    return {"resourceType": resource, "value": name, "propertyType": kind, "propertyName": name, **more}


def kept(name: str, kind: str, operator: str, value: Any = None, resource: str = "events") -> dict[str, Any]:
    """A filter."""
    said = {"filterType": kind, "defaultType": kind, "filterOperator": operator, "filterValue": value}
    return {"resourceType": resource, "value": name, **said}


def between(first: str, last: str, unit: str = "day") -> dict[str, Any]:
    return {"dateRangeType": "between", "unit": unit, "value": [first, last]}


def question(
    *show: dict[str, Any],
    chart: str = "line",
    time: dict[str, Any] | None = None,
    groups: list[dict[str, Any]] | None = None,
    filters: list[dict[str, Any]] | None = None,
    display: dict[str, Any] | None = None,
    limit: int | None = None,
    **root: Any,
) -> dict[str, Any]:
    """Of January by the day, unless told otherwise."""
    sections = {"show": list(show), "time": [time or between(*JANUARY)], "filter": filters or [], "group": groups or []}
    limits = {"queryLimits": {"limit": limit}} if limit is not None else {}
    bookmark = {"sections": sections, "displayOptions": {"chartType": chart, **(display or {})}, **root}
    return {"project_id": 1, "bookmark": bookmark, **limits}
