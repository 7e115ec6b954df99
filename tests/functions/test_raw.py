"""The way to everything else: it reads, from Mixpanel, and nothing more."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.exceptions import ArgumentError
from mixpanel_data.functions.raw import _endpoint
from mixpanel_data.sandbox import Sandbox


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/query/events/top", "GET /api/query/events/top"),
        ("/api/app/me", "GET /api/app/me"),
        (
            "/api/app/projects/{project_id}/data-definitions/events/",
            "GET /api/app/projects/{project_id}/data-definitions/events/",
        ),
        ("/api/app/projects/1/schemas/event/Sign%20Up", "GET /api/app/projects/1/schemas/event/Sign%20Up"),
        ("/api/2.0/events/names", "GET /api/query/events/names"),
    ],
)
def test_paths(path: str, shown: str) -> None:
    assert str(_endpoint(path)) == shown


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "api/app/me",
        "/api/app",
        "/api/app/",
        "//example.com/api/app/me",
        "https://example.com/api/app/me",
        "/api/app/../../oauth/token",
        "/api/query/./events",
        "/api/app/%2e%2e/%2E./oauth",
        "/api/application/me",
        "/api/query/events?type=general",
        "/api/query/events#x",
        "/api/query/{secret}",
        "/api/query/{project_id",
        "/api/query\\events",
        "/api/query/a b",
        "/api/query/a\nb",
        "/api/2.0/export",
        "/api/app@example.com/me",
    ],
)
def test_paths_that_are_refused(path: str) -> None:
    with pytest.raises(ArgumentError, match="path must begin with /api/query/ or /api/app/"):
        _endpoint(path)


@pytest.mark.parametrize("path", ["/api/app/projects/1/annotations", "/api/2.0/export", "https://example.com/", "/"])
def test_only_where_nothing_can_be_changed_is_there_a_post(con: duckdb.DuckDBPyConnection, path: str) -> None:
    with pytest.raises(duckdb.Error, match="mixpanel_post: path must begin with /api/query/ and"):
        con.execute("FROM mixpanel_post(?)", [path]).fetchall()


def test_a_post_of_json(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    event = {"type": "event", "name": "Purchase", "resourceType": "events", "filters": [], "filtersDeterminer": "all"}
    sections = {
        "show": [{"type": "metric", "behavior": event, "measurement": {"math": "total"}}],
        "time": [{"dateRangeType": "between", "unit": "day", "value": ["2024-01-01", "2024-01-31"]}],
        "filter": [],
        "group": [],
    }
    question = json.dumps({"bookmark": {"sections": sections, "displayOptions": {"chartType": "bar"}}})
    ask = "SELECT value->>'$.series.*.all' FROM mixpanel_post('/api/query/insights', params := ?, as_json := true)"
    sandbox.requests.clear()
    found = con.execute(ask, [question]).fetchall()
    assert sandbox.requests[0].params["project_id"] == "1"
    same = "mixpanel_insights('Purchase', '2024-01-01', '2024-01-31', unit := 'range')"
    assert found == con.execute(f"SELECT [value::BIGINT::VARCHAR] FROM {same}").fetchall()


def test_a_post_is_a_form(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = (
        "SELECT value->>'$.total' FROM mixpanel_post('/api/2.0/engage', params := {'filter_by_cohort': {'id': 1001}})"
    )
    expected = con.execute("SELECT count::VARCHAR FROM mixpanel_cohorts() WHERE id = 1001").fetchall()
    sandbox.requests.clear()
    assert con.execute(query).fetchall() == expected
    (request,) = sandbox.requests
    assert (request.method, request.path, request.params["filter_by_cohort"]) == (
        "POST",
        "/api/query/engage",
        '{"id": 1001}',
    )


@given(st.text())
def test_no_text_leads_elsewhere(text: str) -> None:
    try:
        endpoint = _endpoint(f"/api/app/{text}")
    except ArgumentError:
        return
    assert endpoint.method == "GET"
    assert ".." not in endpoint.path.split("/")
    assert not set(endpoint.path) & set("?#\\ \n")


def test_parameters_of_every_kind(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("""
        FROM mixpanel_get('/api/query/events', params := {'event': ['Purchase'], 'type': 'general', 'unit': 'day',
                          'from_date': DATE '2024-01-01', 'to_date': '2024-01-02', 'limit': 5, 'x': true, 'y': NULL})
    """).fetchall()
    assert sandbox.requests[0].params == {
        "project_id": "1",
        "event": '["Purchase"]',
        "type": "general",
        "unit": "day",
        "from_date": "2024-01-01",
        "to_date": "2024-01-02",
        "limit": "5",
        "x": "true",
    }


def test_dates_that_are_none_are_for_mixpanel_to_refuse(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="Mixpanel refused the request"):
        con.execute("""
            FROM mixpanel_get('/api/query/segmentation',
                              params := {'event': 'Purchase', 'from_date': 'yesterday', 'to_date': 'today'})
        """).fetchall()
    ((first, last),) = con.execute("SELECT from_date, to_date FROM mixpanel_requests() WHERE status = 400").fetchall()
    assert (first, last) == (None, None)


@pytest.mark.parametrize("name", ["project_id", "workspace_id"])
def test_the_scope_is_no_parameter(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(duckdb.Error, match=f"{name} cannot be among the params: write workspace_id := 12345"):
        con.execute(f"FROM mixpanel_get('/api/app/me', params := {{'{name}': 2}})").fetchall()
    assert sandbox.requests == []


def test_the_lexicon_has_a_budget_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_get('/api/app/projects/{project_id}/schemas')").fetchall()
    assert con.execute("SELECT budget FROM mixpanel_requests()").fetchall() == [("lexicon",)]


@pytest.mark.parametrize("params", ["'[1]'", "'text'", "[1]", "5"])
def test_parameters_that_are_no_struct(con: duckdb.DuckDBPyConnection, params: str) -> None:
    with pytest.raises(duckdb.Error, match="params must be"):
        con.execute(f"FROM mixpanel_get('/api/app/me', params := {params})").fetchall()


def test_the_answer_is_whole(answering: Any) -> None:
    big = {"id": 12345678901234567890, "nested": [{"a": None, "ü": 1.5}], "text": '"\n'}
    con, _ = answering({"/api/app/x": big})
    ((value,),) = con.execute("FROM mixpanel_get('/api/app/x')").fetchall()
    assert json.loads(value) == big
