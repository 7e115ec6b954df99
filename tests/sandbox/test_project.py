"""What the App API tells: the project, its workspaces, annotations and Lexicon."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import pytest

from .conftest import Shop


def test_workspaces_are_told_twice_alike(shop: Shop) -> None:
    listed = shop.app("workspaces/public")["results"]
    me = shop.send("/api/app/me").json()["results"]
    assert me["workspaces"] == {str(workspace["id"]): workspace for workspace in listed}
    assert [workspace["is_default"] for workspace in listed] == [True, False]
    assert me["projects"]["1"]["has_workspaces"] is True
    assert str(me["projects"]["1"]["organization_id"]) in me["organizations"]


def test_annotations_between_days(shop: Shop) -> None:
    every = shop.app("annotations")["results"]
    assert [one["id"] for one in every] == [501, 502, 503, 504]
    chosen = shop.app("annotations", fromDate="2024-01-15", toDate="2024-01-20")["results"]
    assert [one["id"] for one in chosen] == [502, 503]
    assert [one["id"] for one in shop.app("annotations", fromDate="2024-02-01")["results"]] == [504]


def test_annotations_have_both_kinds_of_dates_and_may_lack_users_and_tags(shop: Shop) -> None:
    every = shop.app("annotations")["results"]
    assert {datetime.fromisoformat(one["date"]).tzinfo is None for one in every} == {True, False}
    assert {("user" in one, "tags" in one) for one in every} == {(True, True), (False, False)}


def test_one_annotation(shop: Shop) -> None:
    assert shop.app("annotations/502")["results"] == shop.app("annotations")["results"][1]
    assert shop.refusal("/api/app/projects/1/annotations/9") == (404, "no such annotation: 9")


def test_schemas_of_a_type_and_of_a_name(shop: Shop) -> None:
    every = shop.app("schemas")["results"]
    assert {one["entityType"] for one in every} == {"event", "profile"}
    events = shop.app("schemas/event")["results"]
    assert events == [one for one in every if one["entityType"] == "event"]
    assert shop.app("schemas/profile")["results"] == [one for one in every if one["entityType"] == "profile"]
    for one in events:
        assert shop.app("schemas/event", entity_name=one["name"])["results"] == [one]
        assert shop.app(f"schemas/event/{quote(one['name'], safe='')}")["results"] == one["schemaJson"]
    assert shop.app("schemas/event", entity_name="No such")["results"] == []


def test_described_events_are_sent_unless_hidden_from_view(shop: Shop) -> None:
    described = {one["name"]: one["schemaJson"] for one in shop.app("schemas/event")["results"]}
    assert set(described) < set(shop.ask("events/names", type="general"))
    flags = [schema.get("metadata", {}).get("com.mixpanel", {}) for schema in described.values()]
    assert sum(flag.get("hidden", False) for flag in flags) == sum(flag.get("dropped", False) for flag in flags) == 1
    assert {} in described.values()


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("schemas/custom", 400, "Invalid entity type: custom"),
        ("schemas/custom/x", 400, "Invalid entity type: custom"),
        ("schemas/event/No%20such", 404, "no schema of event 'No such'"),
        ("nothing", 404, "no such endpoint: GET /api/app/projects/1/nothing"),
    ],
)
def test_refusals(shop: Shop, path: str, status: int, error: str) -> None:
    response = shop.send(f"/api/app/projects/1/{path}")
    assert response.status_code == status
    assert response.json() == {"status": "error", "error": error}


def test_other_projects_are_not_found(shop: Shop) -> None:
    assert shop.refusal("/api/app/projects/2/annotations")[0] == 404


def test_credentials_are_checked(shop: Shop) -> None:
    response = shop.http.get("/api/app/me", auth=("sandbox", "wrong"))
    assert response.status_code == 401
    assert response.json() == {"status": "error", "error": "Unable to authenticate request"}
