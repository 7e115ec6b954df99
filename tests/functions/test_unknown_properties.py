"""Mixpanel answers for a property that does not exist as for one that no event has; here it is an error."""

from __future__ import annotations

import importlib
from typing import Any

import duckdb
import pytest

from mixpanel_data.client import Budget
from mixpanel_data.client.limits import HOUR, LIMITS, Limits, Rate
from mixpanel_data.sandbox import Fault, Sandbox

spelling = importlib.import_module("mixpanel_data.functions.spelling")
DAYS = "'2024-01-01', '2024-01-02'"
TOP = "/api/query/events/properties/top"
CALLS = [
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plann')",
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'properties.plann')",
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'properties[\"plann\"]')",
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'Plan_')",
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'event.plan')",
    f"mixpanel_property_counts('Purchase', 'plann', {DAYS})",
    "mixpanel_property_values('Purchase', 'plann')",
    f"mixpanel_funnel(7509, {DAYS}, segment_by := 'plann')",
    f"mixpanel_retention('Sign Up', 'Purchase', {DAYS}, segment_by := 'plann')",
    f"mixpanel_frequency({DAYS}, event := 'Purchase', segment_by := 'plann')",
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'string(properties[\"plann\"])')",
    f"mixpanel_segmentation('Purchase', {DAYS}, filter := 'properties[\"amount\"] > 0 and properties[''plann''] == 1')",
    f"mixpanel_segmentation('Purchase', {DAYS}, filter := 'properties[\"plann\"] == \"pro\"')",
    f"mixpanel_segmentation_sum('Purchase', {DAYS}, 'amount', filter := 'properties[\"plann\"] == \"pro\"')",
    f'mixpanel_funnel(7509, {DAYS}, filter := \'properties["plann"] == "pro"\')',
    f"mixpanel_retention('Sign Up', 'Purchase', {DAYS}, born_filter := 'properties[\"plann\"] == \"pro\"')",
    f"mixpanel_retention('Sign Up', 'Purchase', {DAYS}, return_filter := 'properties[\"plann\"] == \"pro\"')",
    f"mixpanel_frequency({DAYS}, event := 'Purchase', filter := 'properties[\"plann\"] == \"pro\"')",
    f"mixpanel_export({DAYS}, events := ['Purchase'], filter := 'properties[\"plann\"] == \"pro\"')",
]
OF_NUMBERS = [
    f"mixpanel_segmentation_numeric('Purchase', {DAYS}, 'amuont')",
    f"mixpanel_segmentation_sum('Purchase', {DAYS}, 'amuont')",
    f"mixpanel_segmentation_average('Purchase', {DAYS}, 'amuont')",
    f"mixpanel_segmentation_sum('Purchase', {DAYS}, 'number(properties[\"amuont\"])')",
    f"mixpanel_segmentation_average('Purchase', {DAYS}, 'number(properties[\"amuont\"]) * 2')",
    f"mixpanel_segmentation_numeric('Purchase', {DAYS}, 'number(properties[\"amuont\"])')",
]


@pytest.mark.parametrize("call", CALLS)
def test_near_names_are_told(con: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(duckdb.Error, match=r"has no property '.*': did you mean 'plan'") as caught:
        con.execute(f"FROM {call}").fetchall()
    assert "FROM mixpanel_properties('" in str(caught.value)


@pytest.mark.parametrize("call", OF_NUMBERS)
def test_near_names_of_numbers_are_told(con: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(duckdb.Error, match="'Purchase' has no property 'amuont': did you mean 'amount'"):
        con.execute(f"FROM {call}").fetchall()


def test_an_unknown_event_is_told_before_its_property(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="no event 'Purchse'"):
        con.execute(f"FROM mixpanel_segmentation('Purchse', {DAYS}, segment_by := 'plann')").fetchall()


STANDING = {
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plan')": {"free", "pro", "team"},
    f"mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plan', filter := 'properties[\"plan\"] == \"none\"')": set(),
    f"mixpanel_segmentation('Purchase', {DAYS}, filter := 'not defined(properties[\"nothing\"])')": {"Purchase"},
    f"mixpanel_frequency({DAYS}, segment_by := 'plann')": {"undefined"},
    f"mixpanel_segmentation('Purchase', {DAYS})": {"Purchase"},
}


@pytest.mark.parametrize("call", STANDING)
def test_what_exists_or_cannot_be_known_stands(con: duckdb.DuckDBPyConnection, call: str) -> None:
    assert {segment for (segment,) in con.execute(f"SELECT segment FROM {call}").fetchall()} == STANDING[call]


def test_names_are_looked_up_only_where_an_answer_says_nothing(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox
) -> None:
    con.execute(f"FROM mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plan')").fetchall()
    assert [request.path for request in sandbox.requests].count(TOP) == 0
    for _ in range(2):
        with pytest.raises(duckdb.Error, match="no property 'plann'"):
            con.execute(f"FROM mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plann')").fetchall()
    assert [request.path for request in sandbox.requests].count(TOP) == 1


def nothing_of(known: Any) -> dict[str, Any]:
    counts = {"data": {"series": ["2024-01-01"], "values": {"undefined": {"2024-01-01": 5}}}}
    return {"/api/query/segmentation": counts, "/api/query/events/names": ["e"], TOP: known}


QUERY = f"SELECT segment, count FROM mixpanel_segmentation('e', {DAYS}, segment_by := 'new')"


@pytest.mark.parametrize("known", [{}, {f"p{n}": {} for n in range(5000)}, {"new": {"count": 1}}])
def test_a_list_that_proves_nothing(answering: Any, known: Any) -> None:
    con, _ = answering(nothing_of(known))
    assert con.execute(QUERY).fetchall() == [("undefined", 5)]


def test_a_new_property_is_not_taken_for_a_mistake(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "FRESH", 0)
    known: dict[str, Any] = {"old": {"count": 1}}
    con, server = answering(nothing_of(known))
    con.execute("FROM mixpanel_properties('e')").fetchall()
    known["new"] = {"count": 1}
    assert con.execute(QUERY).fetchall() == [("undefined", 5)]
    assert [target.split("?")[0] for target in server.targets].count(TOP) == 2


def test_where_names_cannot_be_asked_for_the_answer_stands(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/properties/top", status=402, body='{"error": "plan"}'))
    rows = con.execute(f"SELECT DISTINCT segment FROM mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plann')")
    assert rows.fetchall() == [("undefined",)]


def test_an_hour_is_not_waited_for_to_look_a_name_up(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, Budget.QUERY, Limits((Rate(1, HOUR),)))
    con, server = answering(nothing_of({"old": {}}))
    assert con.execute(QUERY).fetchall() == [("undefined", 5)]
    assert len(server.targets) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("user.plan", 'user["plan"]'),
        ("people.plan", 'user["plan"]'),
        ("user[plan]", 'user["plan"]'),
        ('users["plan"]', 'user["plan"]'),
        ("properties[plan]", "plan"),
        ("properties[ plan ]", "plan"),
        ('property["plan"]', "plan"),
        ("event[plan]", "plan"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        "mixpanel_segmentation('Purchase', {days}, segment_by := {said})",
        "mixpanel_funnel(7509, {days}, segment_by := {said})",
        "mixpanel_retention('Sign Up', 'Purchase', {days}, segment_by := {said})",
        "mixpanel_frequency({days}, segment_by := {said})",
        "mixpanel_segmentation_sum('Purchase', {days}, {said})",
    ],
)
def test_what_looks_like_an_expression_and_is_none(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, said: str, meant: str, call: str
) -> None:
    with pytest.raises(duckdb.Error) as caught:
        con.execute("FROM " + call.format(days=DAYS, said=f"'{said}'")).fetchall()
    assert "would mean an event's property of that very name: write" in str(caught.value)
    assert f":= '{meant}'" in str(caught.value)
    assert sandbox.requests == []


@pytest.mark.parametrize("said", ['properties["plan"]', "properties[plan]", "user.plan"])
@pytest.mark.parametrize(
    "call", ["mixpanel_property_values('Purchase', '{}')", "mixpanel_property_counts('Purchase', '{}', {days})"]
)
def test_an_expression_where_only_a_name_can_be(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, said: str, call: str
) -> None:
    with pytest.raises(
        duckdb.Error, match=r"property is the bare name of an event's property, .*: write property := 'plan'"
    ):
        con.execute("FROM " + call.format(said, days=DAYS)).fetchall()
    assert sandbox.requests == []
