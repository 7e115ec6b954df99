"""The project itself: who may see it, its workspaces, its annotations.

Source: Mixpanel's Annotations API reference; ``me`` and workspaces are not documented.
"""

from __future__ import annotations

from typing import Any

from .dataset import Dataset
from .params import PROJECT, Answer, Params, Refused, day

ORGANIZATIONS = {"1": {"id": 1, "name": "Sandbox Shop", "role": "admin"}}
WORKSPACES = [
    {"id": 11, "name": "All Project Data", "project_id": int(PROJECT), "is_default": True, "is_global": True},
    {"id": 12, "name": "Europe", "project_id": int(PROJECT), "is_default": False, "is_global": False},
]
ADA = {"id": 1, "first_name": "Ada", "last_name": "Lindqvist"}
BEN = {"id": 2, "first_name": "Ben", "last_name": "Okafor"}
RELEASE, CAMPAIGN = {"id": 1, "name": "release"}, {"id": 2, "name": "campaign"}

# Mixpanel documents dates with a blank and has been seen to send them with an offset.
ANNOTATIONS: list[dict[str, Any]] = [
    {"id": 501, "date": "2024-01-03 09:00:00", "description": "Version 2.47", "user": ADA, "tags": [RELEASE]},
    {
        "id": 502,
        "date": "2024-01-15T12:00:00+01:00",
        "description": "Winter sale begins",
        "user": BEN,
        "tags": [CAMPAIGN, RELEASE],
    },
    {"id": 503, "date": "2024-01-20 00:00:00", "description": "Search was down for an hour"},
    {"id": 504, "date": "2024-02-29T23:30:00+00:00", "description": "Newsletter №2 “Köln”", "user": ADA, "tags": []},
]


def me(_: Dataset, __: Params) -> Answer:
    project = {"name": "Sandbox", "organization_id": 1, "timezone": "UTC", "has_workspaces": True}
    results = {
        "user_id": 1,
        "user_email": "sandbox@example.com",
        "organizations": ORGANIZATIONS,
        "projects": {PROJECT: project},
        "workspaces": {str(workspace["id"]): workspace for workspace in WORKSPACES},
    }
    return Answer.json({"status": "ok", "results": results})


def workspaces(_: Dataset, __: Params) -> Answer:
    return Answer.json({"status": "ok", "results": WORKSPACES})


def all_annotations(_: Dataset, params: Params) -> Answer:
    """Those between two days, both included."""
    first = day(params, "fromDate").isoformat() if "fromDate" in params else ""
    last = day(params, "toDate").isoformat() if "toDate" in params else "9"
    found = [one for one in ANNOTATIONS if first <= one["date"][:10] <= last]
    return Answer.json({"status": "ok", "results": [{"project_id": int(PROJECT), **one} for one in found]})


def annotation(_: Dataset, params: Params) -> Answer:
    for one in ANNOTATIONS:
        if str(one["id"]) == params["id"]:
            return Answer.json({"status": "ok", "results": {"project_id": int(PROJECT), **one}})
    raise Refused(404, f"no such annotation: {params['id']}")
