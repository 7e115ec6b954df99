"""Fetching into tables: whole or not at all, never doubled, and written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import (
    AccessDeniedError,
    ArgumentError,
    AuthenticationError,
    FetchPlan,
    FetchResult,
    IncompleteExportError,
    MixpanelDataWarning,
    Progress,
    QueryError,
    StorageError,
    TableExistsError,
    TableNotFoundError,
    Workspace,
)
from mixpanel_data.client import retry
from mixpanel_data.client.spool import open_spools
from mixpanel_data.sandbox import Fault, Sandbox

LEDGER = ["_loaded_days", "_metadata", "_skipped_lines", "_stray_rows"]
JANUARY = {"from_date": "2024-01-01", "to_date": "2024-01-06", "parallel": 3}


@pytest.fixture
def ws(sandbox: Sandbox) -> Iterator[Workspace]:
    """A workspace that closes its file while Mixpanel is waited for."""
    with Workspace("sandbox") as workspace:
        yield workspace


@pytest.fixture(params=["file", "temporary file", "memory"])
def each_ws(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """One of each kind: for what depends on when the database is open, and for whom."""
    make = {"file": Workspace, "temporary file": Workspace.ephemeral, "memory": Workspace.memory}
    with make[request.param]("sandbox") as workspace:
        yield workspace


def rows(ws: Workspace, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return ws.sql_rows(query, values or None)


def tables(ws: Workspace) -> list[str]:
    return [
        name
        for (name,) in rows(
            ws, "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY 1"
        )
    ]


def same_as_mixpanel(ws: Workspace, table: str, first: str, last: str) -> bool:
    """Whether the table is what one undisturbed export gives, row for row."""
    export = f"FROM mixpanel_export('{first}', '{last}')"
    query = f"SELECT (SELECT count(*) FROM (FROM {table} EXCEPT ALL {export})), (SELECT count(*) FROM ({export} EXCEPT ALL FROM {table}))"
    return rows(ws, query) == [(0, 0)]


def test_a_new_table_with_all_that_is_written_down_of_it(each_ws: Workspace) -> None:
    result = each_ws.fetch_events("january", **JANUARY)
    assert isinstance(result, FetchResult)
    assert same_as_mixpanel(each_ws, "january", "2024-01-01", "2024-01-06")
    ((count,),) = rows(each_ws, "SELECT count(*) FROM january")
    assert (result.table, result.rows, result.type, result.days, result.duplicates) == (
        "january",
        count,
        "events",
        6,
        0,
    )
    assert result.date_range == ("2024-01-01", "2024-01-06")
    query = "SELECT table_name, type, from_date, to_date, filter_events, filter_where, row_count FROM _metadata"
    assert rows(each_ws, query) == [("january", "events", date(2024, 1, 1), date(2024, 1, 6), None, None, count)]
    per_day = rows(each_ws, "SELECT event_time::DATE, count(*) FROM january GROUP BY ALL ORDER BY ALL")
    assert rows(each_ws, "SELECT day, rows FROM _loaded_days ORDER BY day") == per_day
    assert json.loads(json.dumps(result.to_dict()))["rows"] == count


def test_a_table_that_exists_is_left_alone(ws: Workspace, sandbox: Sandbox) -> None:
    ws.fetch_events("january", **JANUARY)
    sandbox.requests.clear()
    with pytest.raises(TableExistsError, match="table january exists: drop it, choose another name"):
        ws.fetch_events("january", **JANUARY)
    assert sandbox.requests == []


@pytest.mark.parametrize("mode", [{}, {"replace": True}, {"append": True}, {"resume": True}])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=401, times=99), AuthenticationError),
        (Fault(status=403, times=99), AccessDeniedError),
        (Fault(cut=3000, times=99), IncompleteExportError),
    ],
)
def test_a_failure_leaves_everything_as_it_was(
    ws: Workspace,
    sandbox: Sandbox,
    mode: dict[str, bool],
    fault: Fault,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    if mode:
        ws.fetch_events("t", from_date="2023-12-30", to_date="2024-01-01")
    before = rows(ws, "SELECT count(*) FROM t") if mode else None
    sandbox.faults.add(Fault(**{**vars(fault), "match": "/export"}))
    with pytest.raises(error) as caught:
        ws.fetch_events("t", from_date="2024-01-02", to_date="2024-01-04", parallel=1, **mode)
    assert "\n" not in str(caught.value)
    assert tables(ws) == ([*LEDGER, "t"] if mode else [])
    assert before is None or rows(ws, "SELECT count(*) FROM t") == before
    assert before is None or rows(ws, "SELECT row_count FROM _metadata") == before
    assert not open_spools()


def test_append_adds_days_and_brings_those_that_are_there_up_to_date(each_ws: Workspace) -> None:
    each_ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-04")
    each_ws.sql("DELETE FROM t WHERE event_time >= '2024-01-04' AND event_name = 'Purchase'")
    each_ws.fetch_events("t", from_date="2024-01-03", to_date="2024-01-06", append=True)
    assert same_as_mixpanel(each_ws, "t", "2024-01-01", "2024-01-06")
    assert rows(each_ws, "SELECT from_date, to_date FROM _metadata") == [(date(2024, 1, 1), date(2024, 1, 6))]
    assert rows(each_ws, "SELECT count(*) FROM _loaded_days") == [(6,)]
    with pytest.raises(TableNotFoundError, match="no table nowhere to append to"):
        each_ws.fetch_events("nowhere", append=True, **JANUARY)


@pytest.mark.parametrize("mode", ["append", "resume", "sync"])
def test_other_events_are_not_mixed_in(ws: Workspace, sandbox: Sandbox, mode: str) -> None:
    ws.fetch_events("t", events=["Purchase"], **JANUARY)
    sandbox.requests.clear()
    for other in ({"events": ["Search"]}, {}, {"events": ["Purchase"], "where": "true"}):
        with pytest.raises(
            ArgumentError, match=r"table t holds the events Purchase, not .*: give the same again, or choose"
        ):
            ws.fetch_events("t", **{mode: True}, **other, **JANUARY)
    assert sandbox.requests == []


def test_replace_takes_the_place_of_any_table(each_ws: Workspace) -> None:
    each_ws.fetch_events("t", from_date="2024-02-01", to_date="2024-02-02")
    each_ws.fetch_events("t", replace=True, **JANUARY)
    assert same_as_mixpanel(each_ws, "t", "2024-01-01", "2024-01-06")
    assert rows(each_ws, "SELECT min(day), max(day), count(*) FROM _loaded_days") == [
        (date(2024, 1, 1), date(2024, 1, 6), 6)
    ]
    each_ws.fetch_events("fresh", replace=True, from_date="2024-01-01", to_date="2024-01-01")
    assert tables(each_ws) == [*LEDGER, "fresh", "t"]


@pytest.mark.parametrize("status", [401, 403])
def test_resume_asks_only_for_what_is_missing(each_ws: Workspace, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-03", status=status, times=99))
    with pytest.raises(AuthenticationError):
        each_ws.fetch_events("t", resume=True, **JANUARY)
    done = {day for (day,) in rows(each_ws, "SELECT day FROM _loaded_days")}
    assert done == {date(2024, 1, n) for n in (1, 2, 5, 6)}, "what the others had under way is kept"
    sandbox.faults.clear()
    sandbox.requests.clear()
    result = each_ws.fetch_events("t", resume=True, **JANUARY)
    assert isinstance(result, FetchResult)
    assert result.days == 2
    asked = {(r.params["from_date"], r.params["to_date"]) for r in sandbox.requests}
    assert {day for span in asked for day in span} == {"2024-01-03", "2024-01-04"}
    assert same_as_mixpanel(each_ws, "t", "2024-01-01", "2024-01-06")
    sandbox.requests.clear()
    each_ws.fetch_events("t", resume=True, **JANUARY)
    assert sandbox.requests == []


def test_a_day_that_was_not_over_is_fetched_again(ws: Workspace, sandbox: Sandbox) -> None:
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    ws.fetch_events("t", resume=True, from_date=yesterday)
    sandbox.requests.clear()
    ws.fetch_events("t", resume=True, from_date=yesterday)
    assert {request.params["from_date"] for request in sandbox.requests} == {today.isoformat()}
    assert rows(ws, "SELECT count(*) - count(DISTINCT insert_id) FROM t") == [(0,)]


def test_sync_fetches_late_events_and_never_doubles_a_day(each_ws: Workspace, sandbox: Sandbox) -> None:
    each_ws.fetch_events("t", sync=True, from_date="2024-01-01", to_date="2024-01-10")
    each_ws.sql("DELETE FROM t WHERE event_time >= '2024-01-05' AND event_name = 'Purchase'")
    sandbox.requests.clear()
    result = each_ws.fetch_events("t", sync=True, to_date="2024-01-12", look_back=6)
    assert isinstance(result, FetchResult)
    assert result.days == 8, "six that were loaded, and two that were not"
    assert min(request.params["from_date"] for request in sandbox.requests) == "2024-01-05"
    assert same_as_mixpanel(each_ws, "t", "2024-01-01", "2024-01-12")
    assert rows(each_ws, "SELECT count(*), count(DISTINCT day), sum(rows) FROM _loaded_days") == [
        (12, 12, rows(each_ws, "SELECT count(*) FROM t")[0][0])
    ]


def test_two_at_once_for_one_table_take_turns(each_ws: Workspace) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            each_ws.fetch_events("t", sync=True, from_date="2024-01-01", to_date="2024-01-06")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert same_as_mixpanel(each_ws, "t", "2024-01-01", "2024-01-06")


def test_a_table_keeps_to_its_selection(ws: Workspace) -> None:
    ws.fetch_events("t", events=["Purchase"], resume=True, **JANUARY)
    with pytest.raises(ArgumentError, match="table t holds the events Purchase, not all"):
        ws.fetch_events("t", resume=True, **JANUARY)
    ws.sql("CREATE TABLE mine AS SELECT 1 AS x")
    with pytest.raises(TableNotFoundError, match="was not fetched by mixpanel_data"):
        ws.fetch_events("mine", sync=True, **JANUARY)


def test_duplicates_are_removed_counted_and_kept_on_request(ws: Workspace, sandbox: Sandbox) -> None:
    line = '{"event":"Purchase","properties":{"time":1704067200,"distinct_id":"u","$insert_id":"i","n":1}}'
    sandbox.faults.add(Fault(match="/export", first_line=f"{line}\n{line}\n{line}", times=2))
    result = ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-01")
    assert isinstance(result, FetchResult)
    assert result.duplicates == 2
    ws.fetch_events("all_of_them", from_date="2024-01-01", to_date="2024-01-01", deduplicate=False)
    assert rows(ws, "SELECT (SELECT count(*) FROM all_of_them) - (SELECT count(*) FROM t)") == [(2,)]


def test_properties_compressed_by_zstd_are_so_in_the_file_also_where_days_are_added(tmp_path: Path) -> None:
    def compressions() -> set[str]:
        stored = "SELECT compression FROM pragma_storage_info('t') WHERE column_name = 'properties'"
        return {kind for (kind,) in ws.sql_rows(f"{stored} AND segment_type = 'JSON'")}

    with Workspace("sandbox", path=tmp_path / "shop.db", progress=False) as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-07", compression="zstd", columns={"plan": "plan"})
        assert compressions() == {"ZSTD"}
        ws.fetch_events("t", from_date="2024-01-08", to_date="2024-01-14", append=True)
        assert compressions() == {"ZSTD"}
        assert ws.sql_scalar("SELECT count(DISTINCT plan) FROM t WHERE properties->>'$.plan' = plan") == 3


def test_properties_as_variant_and_as_columns(ws: Workspace) -> None:
    columns = {"country": "mp_country_code", "amount": ("$.amount", "DOUBLE"), "sku": "$.items[0].sku", 'a"b': "age"}
    ws.fetch_events("t", events=["Purchase"], properties="variant", columns=columns, **JANUARY)
    kinds = dict(rows(ws, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 't'"))
    assert (kinds["country"], kinds["amount"], kinds["properties"]) == ("VARCHAR", "DOUBLE", "VARIANT")
    query = "SELECT count(*), round(sum({amount}), 2), min({country}), max({sku}) FROM {source}"
    stored = query.format(amount="amount", country="country", sku="sku", source="t")
    fresh = query.format(
        amount="(properties->>'$.amount')::DOUBLE", country="properties->>'$.mp_country_code'",
        sku="properties->>'$.items[0].sku'", source="mixpanel_export('2024-01-01', '2024-01-06', events := ['Purchase'])",
    )  # fmt: skip
    assert rows(ws, stored) == rows(ws, fresh)
    orders = "SELECT max((properties->>'$.order_id')::UBIGINT) FROM mixpanel_export('2024-01-01', '2024-01-06')"
    assert rows(ws, "SELECT max(properties.order_id::UBIGINT) FROM t") == rows(ws, orders), "big integers are exact"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "fetch_events needs from_date"),
        ({"from_date": "2024-02-01", "to_date": "2024-01-01"}, "after to_date 2024-01-01: swap"),
        ({"from_date": "tomorrow"}, "YYYY-MM-DD, .*not 'tomorrow'"),
        ({"from_date": "2999-01-01"}, "has not begun yet"),
        ({"from_date": "2024-01-01", "append": True, "replace": True}, "only one of append"),
        ({"from_date": "2024-01-01", "properties": "bson"}, "json or variant, not 'bson'"),
        ({"from_date": "2024-01-01", "columns": {"City": "$city", "city": "$city"}}, "named City is there already"),
        ({"from_date": "2024-01-01", "columns": {"Properties": "$city"}}, "named properties is there already"),
        ({"from_date": "2024-01-01", "compression": "gzip"}, "auto or zstd, not 'gzip'"),
        ({"from_date": "2024-01-01", "compression": "zstd", "properties": "variant"}, "VARIANT is small already"),
        ({"from_date": "2024-01-01", "columns": {"event_name": "x"}}, "is there already"),
        ({"from_date": "2024-01-01", "columns": {"x": ("$.x", "INT); DROP TABLE t; --")}}, "is no type such as"),
        ({"from_date": "2024-01-01", "name": "_metadata"}, "belongs to the ledger"),
    ],
)
def test_what_cannot_be_understood(ws: Workspace, sandbox: Sandbox, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        ws.fetch_events(**{"name": "t", **arguments})
    assert sandbox.requests == []
    assert tables(ws) == []


@pytest.mark.parametrize("name", ["select", 'a"b', "with space", "ÄÖ", "x'; DROP TABLE y; --", "a{}b", "$from_date"])
def test_any_name_is_a_table_name(ws: Workspace, name: str) -> None:
    ws.fetch_events(name, resume=True, from_date="2024-01-01", to_date="2024-01-01")
    ws.fetch_events(name, append=True, from_date="2024-01-02", to_date="2024-01-02")
    ws.fetch_events(name, replace=True, from_date="2024-01-02", to_date="2024-01-02")
    assert tables(ws) == sorted([*LEDGER, name])


def test_a_dry_run_asks_nothing_and_changes_nothing(ws: Workspace, sandbox: Sandbox) -> None:
    plan = ws.fetch_events("t", dry_run=True, **JANUARY)
    assert isinstance(plan, FetchPlan)
    assert [(r.from_date.day, r.to_date.day, r.expected_bytes) for r in plan.requests] == [
        (1, 2, None),
        (3, 4, None),
        (5, 6, None),
    ]
    assert (plan.budget_before, plan.budget_after) == (10_000, 9_997)
    ws.fetch_events("t", resume=True, dry_run=True, **JANUARY)
    assert sandbox.requests == []
    assert tables(ws) == []
    assert json.dumps(plan.to_dict())


def test_progress_is_one_for_the_whole_fetch(sandbox: Sandbox) -> None:
    seen: list[tuple[int, int]] = []
    last: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.days_done, progress.days))
        last[:] = [progress]

    with Workspace("sandbox", progress=watch) as ws:
        result = ws.fetch_events("t", resume=True, **JANUARY)
    assert isinstance(result, FetchResult)
    assert seen == sorted(seen)
    assert seen[-1] == (6, 6)
    assert last[0].events == result.rows
    assert last[0].budget_left == 9_997


def test_a_database_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database")
    with Workspace("sandbox", path=tmp_path / "x.db") as ws, pytest.raises(StorageError, match="cannot open"):
        ws.tables()


SPAN = {"from_date": "2024-01-01", "to_date": "2024-01-06"}


def test_a_table_dropped_by_sql_is_forgotten(ws: Workspace) -> None:
    ws.fetch_events("t", resume=True, **SPAN)
    ws.sql("DROP TABLE t")
    ws.fetch_events("t", from_date="2024-01-03", to_date="2024-01-04")
    ws.fetch_events("t", resume=True, **SPAN)
    assert same_as_mixpanel(ws, "t", "2024-01-01", "2024-01-06")


def test_days_that_are_gone_from_a_table_are_fetched_again(ws: Workspace, sandbox: Sandbox) -> None:
    ws.fetch_events("shop", **JANUARY, resume=True)
    ws.sql("CREATE OR REPLACE TABLE shop AS FROM mixpanel_export('2024-01-01', '2024-01-04')")
    sandbox.requests.clear()
    ws.fetch_events("shop", **JANUARY | {"to_date": "2024-01-07"}, resume=True)
    assert min(request.params["from_date"] for request in sandbox.requests) == "2024-01-05"
    assert same_as_mixpanel(ws, "shop", "2024-01-01", "2024-01-07")

    ws.sql("DELETE FROM shop WHERE event_time::DATE = '2024-01-02'")
    assert ws.fetch_events("shop", **JANUARY, sync=True, look_back=0).days >= 1
    assert same_as_mixpanel(ws, "shop", "2024-01-01", "2024-01-07")


def test_rows_that_somebody_has_deleted_stay_deleted_and_are_told_of(ws: Workspace, sandbox: Sandbox) -> None:
    ws.fetch_events("shop", **JANUARY, resume=True)
    ((person, lost),) = rows(ws, "SELECT distinct_id, count(*) AS n FROM shop GROUP BY ALL ORDER BY n DESC, 1 LIMIT 1")
    ws.sql("DELETE FROM shop WHERE distinct_id = ?", [person])
    sandbox.requests.clear()
    with pytest.warns(MixpanelDataWarning, match=f"table shop has lost {lost} rows of . days since"):
        ws.fetch_events("shop", **JANUARY, resume=True)
    assert sandbox.requests == []


@pytest.mark.parametrize("mode", ["append", "resume", "sync"])
def test_a_table_that_has_lost_a_column_is_refused_in_words(ws: Workspace, sandbox: Sandbox, mode: str) -> None:
    ws.fetch_events("shop", **JANUARY)
    ws.sql(
        "CREATE OR REPLACE TABLE shop AS SELECT EVENT_NAME, event_time, distinct_id, properties, 1 AS mine FROM shop"
    )
    sandbox.requests.clear()
    with pytest.raises(ArgumentError, match="table shop has lost the column insert_id since it was fetched"):
        ws.fetch_events("shop", **JANUARY, **{mode: True})
    assert sandbox.requests == []
    ws.fetch_events("shop", **JANUARY, replace=True)


def test_a_column_of_ones_own_stays(ws: Workspace) -> None:
    ws.fetch_events("shop", from_date="2024-01-01", to_date="2024-01-01")
    ws.sql("ALTER TABLE shop ADD COLUMN mine INTEGER DEFAULT 7")
    ws.fetch_events("shop", from_date="2024-01-02", to_date="2024-01-02", append=True)
    assert rows(ws, "SELECT DISTINCT mine FROM shop") == [(7,)]


def test_a_table_dropped_by_sql_and_a_backfill_that_fails(ws: Workspace, sandbox: Sandbox) -> None:
    ws.fetch_events("t", resume=True, **SPAN)
    ws.sql("DROP TABLE t")
    sandbox.faults.add(Fault(match="/export", status=401, times=9))
    with pytest.raises(AuthenticationError):
        ws.fetch_events("t", resume=True, **SPAN)
    sandbox.faults.clear()
    ws.fetch_events("t", resume=True, **SPAN)
    assert same_as_mixpanel(ws, "t", "2024-01-01", "2024-01-06")


def test_an_append_takes_the_form_of_the_table(ws: Workspace, sandbox: Sandbox) -> None:
    day, next_day = ({"from_date": day, "to_date": day} for day in ("2024-01-01", "2024-01-02"))
    ws.fetch_events("t", events=["Purchase"], columns={"amount": ("amount", "DOUBLE")}, **day)
    ws.fetch_events("t", events=["Purchase"], append=True, **next_day)
    assert rows(ws, "SELECT count(*) - count(amount) FROM t") == [(0,)]
    sandbox.requests.clear()
    forms = ({"columns": {"plan": "plan"}}, {"properties": "variant"}, {"deduplicate": False}, {"compression": "zstd"})
    for form in forms:
        with pytest.raises(ArgumentError, match="table t holds"):
            ws.fetch_events("t", append=True, **{"events": ["Purchase"], **form}, **next_day)
    ws.sql("CREATE TABLE mine AS SELECT 1 AS x")
    with pytest.raises(TableNotFoundError, match=r"was not fetched by mixpanel_data: .*INSERT INTO it in SQL"):
        ws.fetch_events("mine", append=True, **day)
    assert sandbox.requests == []


def test_capitals_make_no_other_table(ws: Workspace, sandbox: Sandbox) -> None:
    ws.fetch_events("Events", **SPAN)
    sandbox.requests.clear()
    with pytest.raises(TableExistsError, match="table Events exists"):
        ws.fetch_events("events", **SPAN)
    assert ws.fetch_events("EVENTS", resume=True, **SPAN).days == 0
    assert sandbox.requests == []
    ws.fetch_events("events", replace=True, from_date="2024-01-01", to_date="2024-01-01")
    assert [(table.name, table.date_range) for table in ws.tables()] == [("Events", ("2024-01-01", "2024-01-01"))]
    assert ws.schema("eVENTS").name == "Events"
    assert ws.column_stats("events", "EVENT_NAME").null_count == 0
    ws.drop("events", "EVENTS")
    assert ws.tables() == []


def test_views_and_other_kinds_of_tables_are_left_alone(ws: Workspace, sandbox: Sandbox) -> None:
    ws.sql("CREATE VIEW v AS SELECT 1 AS x; CREATE SCHEMA s; CREATE TABLE s.events AS SELECT 1 AS x")
    ws.fetch_profiles("people", distinct_ids=["user-0000001"])
    ws.fetch_events("happened", from_date="2024-01-01", to_date="2024-01-01")
    sandbox.requests.clear()
    for mode in ({}, {"replace": True}, {"resume": True}):
        with pytest.raises(TableExistsError, match="view v exists"):
            ws.fetch_events("v", **mode, **SPAN)
    for mode in ({"append": True}, {"replace": True}, {"resume": True}):
        with pytest.raises(ArgumentError, match="table people holds profiles"):
            ws.fetch_events("people", **mode, **SPAN)
    for mode in ({"append": True}, {"replace": True}):
        with pytest.raises(ArgumentError, match="table happened holds events"):
            ws.fetch_profiles("happened", **mode)
    with pytest.raises(TableNotFoundError, match="v is a view, and no table"):
        ws.drop("v")
    assert sandbox.requests == []
    ws.fetch_events(**SPAN)  # there is a table of that name in another schema only


def test_a_temporary_table_takes_nobodys_place(each_ws: Workspace) -> None:
    each_ws.fetch_events(**SPAN)
    count = each_ws.tables()[0].rows
    each_ws.sql("CREATE TEMP TABLE events AS SELECT 1 AS x")
    assert (each_ws.tables()[0].rows, each_ws.schema("events").row_count) == (count, count)
    each_ws.fetch_events(append=True, from_date="2024-01-07", to_date="2024-01-07")
    assert each_ws.event_breakdown().total_events > count
    each_ws.drop("events")
    assert each_ws.tables() == []
    assert rows(each_ws, "FROM events") == [(1,)]


@pytest.mark.parametrize(
    "wish",
    [
        {"events": []},
        {"from_date": datetime(2024, 1, 1, 5)},
        {"from_date": 20240101},
        {"columns": {"a": ("x",)}},
        {"columns": {"a": 5}},
        {"name": None},
        {"name": ""},
        {"parallel": 0, "resume": True},
    ],
    ids=str,
)
def test_odd_arguments_get_one_clear_line(ws: Workspace, sandbox: Sandbox, wish: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        ws.fetch_events(**{**SPAN, **wish})
    with pytest.raises(ArgumentError, match="distinct_ids is empty"):
        ws.fetch_profiles(distinct_ids=[])
    assert sandbox.requests == []
    assert ws.tables() == []


def test_days_of_other_kinds(ws: Workspace) -> None:
    result = ws.fetch_events("t", from_date=datetime(2024, 1, 1), to_date=date(2024, 1, 1))
    assert result.date_range == ("2024-01-01", "2024-01-01")


def test_a_column_added_by_sql_is_no_obstacle(ws: Workspace) -> None:
    ws.fetch_events("t", resume=True, from_date="2024-01-01", to_date="2024-01-01")
    ws.sql("ALTER TABLE t ADD COLUMN mine INTEGER DEFAULT 7")
    ws.fetch_events("t", resume=True, from_date="2024-01-01", to_date="2024-01-02")
    assert rows(ws, "SELECT DISTINCT mine FROM t ORDER BY ALL") == [(7,)]


def test_a_progress_callback_may_look_at_the_tables(each_ws: Workspace) -> None:
    seen: list[Any] = []
    each_ws.sql("CREATE TABLE mine AS SELECT 1 AS x")

    def watch(_: Progress) -> None:
        seen.append(each_ws.sql_scalar("SELECT count(*) FROM mine"))
        with pytest.raises(QueryError, match="a progress callback cannot ask Mixpanel"):
            each_ws.events()

    each_ws.fetch_events("t", progress=watch, **SPAN)
    assert set(seen) == {1}
