"""Mixpanel answers for an event that does not exist as for one that never happened; here it is an error."""

from __future__ import annotations

import importlib
from typing import Any

import duckdb
import pytest

from mixpanel_data.client import Budget
from mixpanel_data.client.limits import HOUR, LIMITS, Limits, Rate
from mixpanel_data.sandbox import Fault, Sandbox

events = importlib.import_module("mixpanel_data.functions.events")
DAYS = "'2024-01-01', '2024-01-02'"
CALLS = [
    f"mixpanel_segmentation('Purchse', {DAYS})",
    f"mixpanel_segmentation('Purchse', {DAYS}, segment_by := 'plan')",
    f"mixpanel_segmentation_numeric('Purchse', {DAYS}, 'amount')",
    f"mixpanel_segmentation_sum('Purchse', {DAYS}, 'amount')",
    f"mixpanel_segmentation_average('Purchse', {DAYS}, 'amount')",
    f"mixpanel_event_counts(['Sign Up', 'Purchse'], {DAYS})",
    f"mixpanel_property_counts('Purchse', 'plan', {DAYS})",
    "mixpanel_properties('Purchse')",
    "mixpanel_property_values('Purchse', 'plan')",
    f"mixpanel_retention('Purchse', 'Sign Up', {DAYS})",
    f"mixpanel_frequency({DAYS}, event := 'Purchse')",
    f"mixpanel_export({DAYS}, events := ['Purchse'])",
]


@pytest.mark.parametrize("call", CALLS)
def test_near_names_are_told(con: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(f"FROM {call}").fetchall()
    assert "the project has no event 'Purchse': did you mean 'Purchase'?" in str(caught.value)


def test_the_case_of_letters_does_not_hide_a_name(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="did you mean 'Sign Up'"):
        con.execute(f"FROM mixpanel_segmentation('SIGN UP', {DAYS})").fetchall()


def test_a_name_unlike_any_other(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match=r"no event 'xyzzy': FROM mixpanel_events\(\) lists them all"):
        con.execute(f"FROM mixpanel_segmentation('xyzzy', {DAYS})").fetchall()


def test_an_event_that_did_not_happen_is_zero(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    never = """filter := 'properties["plan"] == "none"'"""
    rows = con.execute(f"SELECT count FROM mixpanel_segmentation('Purchase', {DAYS}, {never})").fetchall()
    assert rows == [(0,), (0,)]
    assert len(sandbox.requests) == 3


def test_an_event_to_come_back_with_is_checked_too(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="did you mean 'Purchase'"):
        con.execute(f"FROM mixpanel_retention('Sign Up', 'Purchse', {DAYS})").fetchall()


def test_a_new_event_is_not_taken_for_a_mistake(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FRESH", 0)
    names = ["Old"]
    nothing = {"data": {"series": ["2024-01-01"], "values": {}}}
    con, server = answering({"/api/query/segmentation": nothing, "/api/query/events/names": names})
    con.execute(f"FROM mixpanel_segmentation('Old', {DAYS})").fetchall()
    names.append("New")
    assert con.execute(f"SELECT count FROM mixpanel_segmentation('New', {DAYS})").fetchall() == [(0,)]
    assert [target.split("?")[0] for target in server.targets].count("/api/query/events/names") == 2


def test_a_list_that_may_have_been_cut_proves_nothing(answering: Any) -> None:
    nothing = {"data": {"series": ["2024-01-01"], "values": {}}}
    names = [f"event {n}" for n in range(5000)]
    con, _ = answering({"/api/query/segmentation": nothing, "/api/query/events/names": names})
    assert con.execute(f"SELECT count FROM mixpanel_segmentation('Rare', {DAYS})").fetchall() == [(0,)]


def test_where_nothing_is_asked_no_name_is_looked_up(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = f"FROM mixpanel_export({DAYS}, events := ['Purchase']) WHERE event_name = 'Sign Up'"
    assert con.execute(query).fetchall() == []
    assert sandbox.requests == []


def test_names_are_asked_for_once(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(duckdb.Error, match="no event 'Purchse'"):
            con.execute(f"FROM mixpanel_segmentation('Purchse', {DAYS})").fetchall()
    assert [request.path for request in sandbox.requests].count("/api/query/events/names") == 1


def test_where_names_cannot_be_asked_for_the_empty_answer_stands(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(match="/events/names", status=402, body='{"error": "plan"}'))
    assert con.execute(f"SELECT sum(count) FROM mixpanel_segmentation('Purchse', {DAYS})").fetchall() == [(0,)]


def test_an_hour_is_not_waited_for_to_look_a_name_up(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, Budget.QUERY, Limits((Rate(1, HOUR),)))
    nothing = {"data": {"series": ["2024-01-01"], "values": {}}}
    con, server = answering({"/api/query/segmentation": nothing, "/api/query/events/names": ["Purchase"]})
    assert con.execute(f"SELECT count FROM mixpanel_segmentation('Purchse', {DAYS})").fetchall() == [(0,)]
    assert len(server.targets) == 1


def test_custom_events_are_not_looked_for(answering: Any) -> None:
    nothing = {"data": {"series": ["2024-01-01"], "values": {}}}
    con, server = answering({"/api/query/events": nothing, "/api/query/events/names": ["a"]})
    assert con.execute(f"FROM mixpanel_event_counts(['$custom_event:1'], {DAYS})").fetchall() == []
    assert len(server.targets) == 1
