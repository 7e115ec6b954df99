"""``mp inspect``: the project and the local tables, in few words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import Workspace
from mixpanel_data.sandbox import Sandbox
from tests.cli.conftest import Run

Ok = Callable[..., str]
INSPECT = ("--account", "sandbox", "inspect")


@pytest.fixture
def shop(tmp_path: Path) -> tuple[str, ...]:
    """A database with the events of a day."""
    file = tmp_path / "shop.db"
    with Workspace("sandbox", path=file, progress=False) as ws:
        ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-01")
    return ("--path", str(file), "inspect")


@pytest.mark.filterwarnings("always::mixpanel_data.MixpanelDataWarning")
def test_values_that_a_usual_limit_may_have_cut_are_told_of_in_a_line(run: Run, answering: Any) -> None:
    answering({"/api/query/events/properties/values": [f"v{n}" for n in range(100)]})
    done = run("inspect", "values", "p", "--event", "e")
    assert (done.code, len(json.loads(done.out)), done.err.count("\n")) == (0, 100, 1)
    assert done.err.startswith("mp: property_values: as many came as are asked for unless a limit is given")
    assert "--limit 1000" in done.err
    assert run("inspect", "values", "p", "--event", "e", "--limit", "99").err == ""


def test_the_project(ok: Ok) -> None:
    assert "Purchase" in json.loads(ok(*INSPECT, "events"))
    assert "amount" in json.loads(ok(*INSPECT, "properties", "Purchase"))
    assert json.loads(ok(*INSPECT, "values", "plan", "--event", "Purchase")) == ["free", "pro", "team"]
    assert json.loads(ok(*INSPECT, "values", "plan", "--event", "Purchase", "--limit", "2")) == ["free", "pro"]
    assert json.loads(ok(*INSPECT, "funnels"))[0]["funnel_id"] == 7509
    assert json.loads(ok(*INSPECT, "cohorts"))[0]["id"] == 1001
    assert [report["id"] for report in json.loads(ok(*INSPECT, "bookmarks", "--type", "flows"))] == [4001]
    assert len(json.loads(ok(*INSPECT, "top-events", "--limit", "3"))) == 3
    assert {schema["entity_type"] for schema in json.loads(ok(*INSPECT, "schemas", "--entity-type", "event"))} == {
        "event"
    }
    assert len(json.loads(ok(*INSPECT, "annotations", "--from", "2024-01-01", "--to", "2024-12-31"))) > 0
    assert json.loads(ok(*INSPECT, "projects"))[0]["id"] == 1


def test_the_event_is_given_once(ok: Ok, run: Run) -> None:
    assert ok(*INSPECT, "properties", "Purchase") == ok(*INSPECT, "properties", "--event", "Purchase")
    for arguments in (("properties",), ("properties", "Purchase", "--event", "Search"), ("values", "plan")):
        done = run(*INSPECT, *arguments)
        assert (done.code, done.err) == (3, "mp: give the event once, as in --event Purchase\n")
    assert run(*INSPECT, "properties", "Purchas").code == 4


def test_local_tables_need_no_account_and_ask_nothing(ok: Ok, shop: tuple[str, ...], sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    (table,) = json.loads(ok(*shop, "tables"))
    assert (table["name"], table["rows"], table["date_range"]) == ("january", 3885, ["2024-01-01", "2024-01-01"])
    columns = {column["name"]: column["dtype"] for column in json.loads(ok(*shop, "schema", "january"))}
    assert (columns["event_time"], columns["properties"]) == ("TIMESTAMP", "JSON")
    assert len(json.loads(ok(*shop, "sample", "january", "-n", "3"))) == 3
    assert json.loads(ok(*shop, "summarize", "january"))[0]["column_name"] == "event_name"
    assert sum(row["count"] for row in json.loads(ok(*shop, "breakdown", "january"))) == 3885
    assert "amount" in json.loads(ok(*shop, "keys", "january", "--event", "Purchase"))
    plan = json.loads(ok(*shop, "column", "january", "plan", "--top", "1"))
    assert (plan["unique_count"], [row["value"] for row in plan["rows"]]) == (3, ["free"])
    assert json.loads(ok(*shop, "info"))["tables"] == ["january"]
    assert sandbox.requests == []


def test_tables_and_schema_are_short(ok: Ok, shop: tuple[str, ...]) -> None:
    assert len(ok(*shop, "tables")) < 400
    assert len(ok(*shop, "schema", "january")) < 400


def test_tables_that_are_not_there(run: Run, shop: tuple[str, ...]) -> None:
    for command in (("schema", "nope"), ("sample", "nope"), ("column", "nope", "x"), ("drop", "january", "nope")):
        done = run(*shop, *command)
        assert (done.code, done.out) == (4, "")
        assert done.err == "mp: there is no table nope; there are: january\n"


def test_drop(ok: Ok, run: Run, shop: tuple[str, ...]) -> None:
    refused = run(*shop, "drop", "--all")
    assert (refused.code, refused.err) == (3, "mp: this would drop january: add --yes\n")
    assert run(*shop, "drop").code == 3
    assert run(*shop, "drop", "january", "--all").code == 3
    assert json.loads(ok(*shop, "drop", "january")) == {"dropped": ["january"]}
    assert json.loads(ok(*shop, "tables")) == []
    assert json.loads(ok(*shop, "drop", "--all")) == {"dropped": []}


def test_what_is_asked_and_what_is_left(ok: Ok) -> None:
    ok(*INSPECT, "events")
    assert json.loads(ok(*INSPECT, "requests", "--limit", "1"))[0]["endpoint"] == "GET /api/query/events/names"
    assert {budget["budget"] for budget in json.loads(ok(*INSPECT, "budget"))} >= {"query"}
    assert "mixpanel_export" in {function["name"] for function in json.loads(ok(*INSPECT, "functions"))}


def test_a_view_over_a_function_is_looked_at_too(ok: Ok, tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"))
    ok(*base, "sql", "CREATE VIEW names AS FROM mixpanel.events()")
    assert len(json.loads(ok(*base, "inspect", "sample", "names", "-n", "2"))) == 2
