"""What is in the local tables, and out it goes; profiles into tables; names of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import (
    ArgumentError,
    ColumnInfo,
    FetchPlan,
    NotFoundError,
    QueryError,
    ServerError,
    TableExistsError,
    TableNotFoundError,
    Workspace,
)
from mixpanel_data.sandbox import Fault, Sandbox

WEEK = {"from_date": "2024-01-01", "to_date": "2024-01-07"}
PRO = 'user["plan"] == "pro"'


@pytest.fixture(params=["a file of many", "a file of one's own", "memory"])
def ws(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    make = {"a file of many": Workspace, "a file of one's own": Workspace.ephemeral, "memory": Workspace.memory}
    with make[request.param]("sandbox") as workspace:
        yield workspace


@pytest.fixture
def week(ws: Workspace) -> Workspace:
    """With a week of events in it."""
    ws.fetch_events(**WEEK)
    return ws


def test_tables(week: Workspace) -> None:
    week.fetch_events("purchases", events=["Purchase"], where='properties["plan"] == "pro"', **WEEK)
    week.fetch_profiles(where=PRO)
    week.sql("CREATE TABLE mine AS SELECT 1 AS one")
    week.sql("CREATE VIEW looks AS FROM mine")
    week.sql("CREATE TEMP TABLE passing AS FROM mine")
    events, mine, profiles, purchases = week.tables()
    assert (events.name, events.type, events.date_range) == ("events", "events", ("2024-01-01", "2024-01-07"))
    assert (mine.name, mine.type, mine.rows, mine.date_range, mine.fetched_at) == ("mine", None, 1, None, None)
    assert (profiles.name, profiles.type, profiles.filter_where, profiles.date_range) == (
        "profiles",
        "profiles",
        PRO,
        None,
    )
    assert (purchases.filter_events, purchases.filter_where) == (["Purchase"], 'properties["plan"] == "pro"')
    for table in (events, mine, profiles, purchases):
        assert table.rows == week.sql_scalar(f"SELECT count(*) FROM {table.name}")
    assert events.fetched_at is not None
    assert datetime.now(UTC) - events.fetched_at < timedelta(minutes=1)
    assert json.loads(json.dumps(events.to_dict()))["rows"] == events.rows


def test_info(week: Workspace, sandbox: Sandbox) -> None:
    info = week.info()
    assert (info.project_id, info.region, info.account, info.tables) == (
        sandbox.project_id,
        "us",
        "sandbox",
        ["events"],
    )
    assert datetime.now(UTC) - info.created_at < timedelta(minutes=1)
    is_in_memory = week.sql_scalar("SELECT current_database()") == "memory"
    assert (info.size_mb > 0) is not is_in_memory
    assert "<table>" in info._repr_html_()


def test_schema(week: Workspace) -> None:
    schema = week.schema("events")
    assert schema.columns[1] == ColumnInfo("event_time", "TIMESTAMP", True)
    assert [column.dtype for column in schema.columns] == ["VARCHAR", "TIMESTAMP", "VARCHAR", "VARCHAR", "JSON"]
    assert schema.row_count == week.tables()[0].rows
    assert "distinct_id" in schema.sample_properties
    week.fetch_profiles(where=PRO)
    assert [(c.name, c.dtype) for c in week.schema("profiles").columns] == [
        ("distinct_id", "VARCHAR"), ("properties", "JSON"), ("last_seen", "TIMESTAMP"),
    ]  # fmt: skip
    assert week.schema("profiles").sample_properties["plan"] == "pro"


def test_the_notes_have_the_columns_of_the_specification(week: Workspace) -> None:
    columns = [(column.name, column.dtype) for column in week.schema("_metadata").columns]
    assert columns[:8] == [
        ("table_name", "VARCHAR"), ("type", "VARCHAR"), ("fetched_at", "TIMESTAMP"), ("from_date", "DATE"),
        ("to_date", "DATE"), ("filter_events", "JSON"), ("filter_where", "VARCHAR"), ("row_count", "BIGINT"),
    ]  # fmt: skip


def test_looking(week: Workspace) -> None:
    assert len(week.sample(n=7)) == 7
    assert isinstance(week.sample(n=1)["properties"][0], dict)
    summary = week.summarize()
    assert summary.df["column_name"].tolist()[:2] == ["event_name", "event_time"]
    assert summary.row_count == week.tables()[0].rows
    breakdown = week.event_breakdown()
    assert breakdown.total_events == summary.row_count == breakdown.df["count"].sum()
    assert breakdown.total_users == week.sql_scalar("SELECT count(DISTINCT distinct_id) FROM events")
    assert breakdown.df["count"].is_monotonic_decreasing
    assert breakdown.date_range is not None
    assert breakdown.date_range[0].startswith("2024-01-01 ")
    assert breakdown.df["percent"].sum() == pytest.approx(100, abs=0.1)


def test_property_keys(week: Workspace) -> None:
    assert set(week.property_keys(event="Purchase")) == set(
        week.arrow("SELECT DISTINCT unnest(json_keys(properties)) AS k FROM events WHERE event_name = 'Purchase'")["k"].to_pylist()
    )  # fmt: skip
    assert "amount" not in week.property_keys(event="Sign Up")
    week.fetch_profiles()
    assert "$email" in week.property_keys("profiles")
    with pytest.raises(ArgumentError, match="profiles has no events: leave event out"):
        week.property_keys("profiles", event="Purchase")
    with pytest.raises(QueryError, match="properties"):
        week.property_keys("_loaded_days")


def test_column_stats(week: Workspace) -> None:
    amount = week.column_stats("events", "amount")
    low, high, mean, count = week.sql_rows(
        "SELECT min(a), max(a), avg(a), count(a) FROM (SELECT (properties->>'$.amount')::DOUBLE AS a FROM events)"
    )[0]
    assert (amount.min, amount.max, amount.mean, amount.count) == (low, high, pytest.approx(mean), count)
    assert amount.dtype == "DOUBLE"
    plan = week.column_stats("events", "plan", top=2)
    assert (plan.mean, plan.std, plan.dtype, plan.unique_count) == (None, None, "VARCHAR", 3)
    assert len(plan.df) == 2
    assert plan.count + plan.null_count == week.tables()[0].rows
    name = week.column_stats("events", "event_name")
    assert name.df["value"][0] == week.event_breakdown().df["event_name"][0]
    assert week.column_stats("events", 'no "such" property').count == 0
    with pytest.raises(ArgumentError, match="has no column nothing: it has table_name"):
        week.column_stats("_metadata", "nothing")


def test_variant_is_looked_at_as_well(ws: Workspace) -> None:
    ws.fetch_events("v", properties="variant", **WEEK)
    ws.fetch_events("j", **WEEK)
    assert set(ws.property_keys("v")) == set(ws.property_keys("j"))
    assert ws.column_stats("v", "plan").df.equals(ws.column_stats("j", "plan").df)
    assert ws.schema("v").sample_properties.keys() == ws.schema("j").sample_properties.keys()


@pytest.mark.parametrize(
    "look",
    [
        lambda ws: ws.schema("nowhere"),
        lambda ws: ws.sample("nowhere"),
        lambda ws: ws.summarize("nowhere"),
        lambda ws: ws.event_breakdown("nowhere"),
        lambda ws: ws.property_keys("nowhere"),
        lambda ws: ws.column_stats("nowhere", "x"),
        lambda ws: ws.drop("events", "nowhere"),
    ],
)
def test_a_table_that_is_not_there(week: Workspace, look: Callable[[Workspace], Any]) -> None:
    with pytest.raises(TableNotFoundError, match="there is no table nowhere; there are: events"):
        look(week)
    assert [table.name for table in week.tables()] == ["events"], "all of them or none"


def test_dropping(week: Workspace) -> None:
    for name in ("january", "february", "march"):
        week.sql(f"CREATE TABLE {name} AS SELECT 1 AS one")
    week.fetch_profiles(where=PRO)
    week.drop("january", "events")
    assert [table.name for table in week.tables()] == ["february", "march", "profiles"]
    assert week.sql_rows("SELECT table_name FROM _metadata") == [("profiles",)]
    assert week.sql_scalar("SELECT count(*) FROM _loaded_days") == 0
    week.fetch_events(**WEEK)
    week.drop_all(type="events")
    assert [table.name for table in week.tables()] == ["february", "march", "profiles"]
    week.drop_all("profiles")
    week.drop_all()
    week.drop_all()
    assert week.tables() == []
    for name in ("_metadata", "_Loaded_Days"):
        with pytest.raises(ArgumentError, match="belongs to the ledger"):
            week.drop(name)
    with pytest.raises(ArgumentError, match="type must be events or profiles, not 'tables'"):
        week.drop_all("tables")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["select", 'a"b', "with space", "ÄÖ", "x'; DROP TABLE y; --", "$1", "a.b"])
def test_any_name_is_a_table_name(ws: Workspace, name: str) -> None:
    ws.fetch_profiles(name, where=PRO, properties=["plan"])
    ws.fetch_profiles(name, where=PRO, append=True)
    ws.fetch_profiles(name, where=PRO, replace=True)
    assert [table.name for table in ws.tables()] == [name]
    assert ws.schema(name).row_count == ws.summarize(name).row_count == ws.column_stats(name, "plan").count
    assert len(ws.sample(name, 2)) == 2
    assert "plan" in ws.property_keys(name)
    ws.drop(name)
    assert ws.tables() == []


def test_profiles_into_a_table(ws: Workspace, sandbox: Sandbox) -> None:
    result = ws.fetch_profiles()
    assert (result.table, result.type, result.date_range, result.days) == ("profiles", "profiles", None, 0)
    assert result.rows == ws.sql_scalar("SELECT count(*) FROM profiles") > 5000
    query = "SELECT count(*) FROM (FROM profiles EXCEPT ALL FROM mixpanel_profiles())"
    assert ws.sql_scalar(query) == 0
    with pytest.raises(TableExistsError, match="table profiles exists"):
        ws.fetch_profiles()
    some = ws.fetch_profiles("pro", where=PRO, properties=["plan"])
    assert ws.property_keys("pro") == ["plan"]
    assert some.rows == ws.sql_scalar("SELECT count(*) FROM profiles WHERE properties->>'$.plan' = 'pro'")


def test_a_cohort_by_its_id_and_by_its_name(ws: Workspace) -> None:
    cohort = ws.cohorts()[0]
    by_id, by_name = ws.fetch_profiles("a", cohort=cohort.id), ws.fetch_profiles("b", cohort=cohort.name)
    assert by_id.rows == by_name.rows == cohort.count
    with pytest.raises(NotFoundError, match=f"there is no cohort 'Nobody'; there are: .*{cohort.name}"):
        ws.fetch_profiles("c", cohort="Nobody")


def test_profiles_are_added_and_brought_up_to_date(ws: Workspace) -> None:
    ws.fetch_profiles("t", distinct_ids=["user-0000001", "user-0000002"], properties=["plan"])
    result = ws.fetch_profiles("t", distinct_ids=["user-0000002", "user-0000004"], append=True)
    assert result.rows == 2
    assert ws.sql_rows("SELECT distinct_id, json_keys(properties) <> ['plan'] FROM t ORDER BY ALL") == [
        ("user-0000001", False), ("user-0000002", True), ("user-0000004", True),
    ]  # fmt: skip
    assert ws.fetch_profiles("t", distinct_ids=["user-0000006"], replace=True).rows == 1
    assert ws.tables()[0].rows == 1
    with pytest.raises(TableNotFoundError, match="no table nowhere to append to"):
        ws.fetch_profiles("nowhere", append=True)
    with pytest.raises(ArgumentError, match="give only one of append=True and replace=True"):
        ws.fetch_profiles("t", append=True, replace=True)


def test_what_profiles_would_cost(ws: Workspace, sandbox: Sandbox) -> None:
    plan = ws.fetch_profiles(dry_run=True)
    assert isinstance(plan, FetchPlan)
    assert (len(plan.requests), plan.budget_before, plan.budget_after) == (1, 10_000, 9_999)
    assert len(ws.fetch_profiles(dry_run=True, distinct_ids=[str(n) for n in range(4001)]).requests) == 3
    assert json.dumps(plan.to_dict())
    assert sandbox.requests == []
    assert ws.tables() == []


@pytest.mark.parametrize("mode", [{}, {"append": True}, {"replace": True}])
def test_a_failure_leaves_the_profiles_as_they_were(ws: Workspace, sandbox: Sandbox, mode: dict[str, bool]) -> None:
    if mode:
        ws.fetch_profiles("t", distinct_ids=["user-0000001"])
    before = ws.sql_rows("FROM t") if mode else None
    sandbox.faults.add(Fault(match="page=2", status=500, times=99))
    with pytest.raises(ServerError):
        ws.fetch_profiles("t", **mode)
    assert [table.name for table in ws.tables()] == (["t"] if mode else [])
    assert before is None or ws.sql_rows("FROM t") == before


def test_progress_of_profiles(ws: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    result = ws.fetch_profiles(progress=lambda progress: seen.append((progress.profiles_done, progress.profiles)))
    assert seen == sorted(seen)
    assert seen[-1] == (result.rows, result.rows)


def test_another_project_and_region(sandbox: Sandbox, tmp_path: Path) -> None:
    with Workspace("sandbox", project_id="99999", region="eu") as ws:
        info = ws.info()
        assert (info.project_id, info.region, info.account) == ("99999", "eu", "sandbox")
        assert info.path == tmp_path / "databases" / "99999.db"
    for wrong, said in (
        ({"region": "moon"}, "region: must be us, eu or in"),
        ({"project_id": "x"}, "must be a number"),
    ):
        with pytest.raises(Exception, match=said):
            Workspace("sandbox", **wrong)


def test_numbers_are_exact_and_odd_names_are_names(ws: Workspace) -> None:
    ws.sql("""CREATE TABLE t AS SELECT * FROM (VALUES
        (9007199254740993, 'inf'::DOUBLE, '{"*": 1, "": 2, "$x": 3, "/y": 4, "a.b": 5}'::JSON),
        (9007199254740992, 1.5, NULL)) AS t(big, odd, properties)""")
    big = ws.column_stats("t", "big")
    assert (big.min, big.max) == (9007199254740992, 9007199254740993)
    odd = ws.column_stats("t", "odd")
    assert (odd.mean, odd.std) == (1.5, None)
    json.dumps(odd.to_dict(), allow_nan=False)
    for name, value in (("*", "1"), ("$x", "3"), ("/y", "4"), ("a.b", "5")):
        assert ws.column_stats("t", name).df["value"].tolist() == [value]
    ws.sql("""CREATE TABLE mixed AS SELECT unnest(['{"n": 1}', '{"n": 3}', '{"n": 0.25}'])::JSON AS properties""")
    mixed = ws.column_stats("mixed", "n")
    assert (mixed.min, mixed.max, mixed.mean) == (0.25, 3, pytest.approx(4.25 / 3))
    ws.sql("CREATE TABLE empty (n INTEGER, PROPERTIES JSON)")
    assert ws.column_stats("empty", "n").dtype == "INTEGER"
    assert ws.property_keys("empty") == []
    assert ws.schema("empty").sample_properties == {}
