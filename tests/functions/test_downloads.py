"""Downloading, and then reading from this machine: whole, once, and free afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import ArgumentError
from mixpanel_data.client.spool import open_spools
from mixpanel_data.sandbox import Fault, Sandbox
from tests.binding.test_stopping import eventually
from tests.servers import gzip_answer, lines, raw_server

SPAN = "'2024-01-01', '2024-01-06'"
HOLD = "SET VARIABLE handles = (SELECT list(handle ORDER BY from_date) FROM mixpanel_download({}))"
READ = "mixpanel_downloaded(getvariable('handles'))"
EVENTS = "event_name, event_time, distinct_id, insert_id, properties"


def counted(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    return con.execute(query).fetchall()[0][0]


def test_the_rows_are_those_of_the_export_in_the_same_order(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    exported = con.execute(f"FROM mixpanel_export({SPAN})").fetchall()
    con.execute(HOLD.format(f"{SPAN}, parallel := 3"))
    assert open_spools() == 3
    sandbox.requests.clear()
    con.execute(f"CREATE TABLE t AS SELECT {EVENTS} FROM {READ}")
    assert con.execute("FROM t").fetchall() == exported
    assert sandbox.requests == []
    assert open_spools() == 0


def test_what_was_downloaded_is_told(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        f"SELECT * EXCLUDE (starts_at, ends_at, skipped_lines) FROM mixpanel_download({SPAN}, parallel := 2)"
    ).fetchall()
    assert [(str(first), str(last)) for _, first, last, *_ in rows] == [
        ("2024-01-01", "2024-01-03"),
        ("2024-01-04", "2024-01-06"),
    ]
    assert sum(row[3] for row in rows) == counted(con, f"SELECT count(*) FROM mixpanel_export({SPAN})")
    assert all(duplicates == 0 and size > 1000 for *_, duplicates, _, size, _ in rows)
    assert [sum(day["events"] for day in row[5]) for row in rows] == [row[3] for row in rows]
    assert [len(row[5]) for row in rows] == [3, 3]
    assert con.execute(f"SELECT count(*) FROM mixpanel_downloaded(['{rows[1][0]}'])").fetchall() == [(rows[1][3],)]


def test_only_some_days(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute(HOLD.format(f"{SPAN}, days := ['2024-01-02', DATE '2024-01-05']"))
    assert counted(
        con, f"SELECT list(DISTINCT event_time::DATE::VARCHAR ORDER BY 1) FROM {READ.replace('))', '), keep := true)')}"
    ) == [
        "2024-01-02",
        "2024-01-05",
    ]
    assert sorted(request.params["from_date"] for request in sandbox.requests) == ["2024-01-02", "2024-01-05"]


def test_rows_are_given_once_unless_they_are_to_be_kept(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLD.format(SPAN))
    kept = READ.replace("))", "), keep := true)")
    assert counted(con, f"SELECT count(*) FROM {kept}") == counted(con, f"SELECT count(*) FROM {READ}")
    with pytest.raises(duckdb.Error, match="it was read already"):
        con.execute(f"FROM {READ}")
    assert open_spools() == 0


def test_an_unknown_handle_frees_nothing(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLD.format(SPAN))
    with pytest.raises(duckdb.Error, match="nothing is held under the handle 'nope'"):
        con.execute("FROM mixpanel_downloaded(list_append(getvariable('handles'), 'nope'))").fetchall()
    assert counted(con, f"SELECT count(*) FROM {READ}") > 0


def test_reading_a_part_frees_all(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLD.format(SPAN))
    assert len(con.execute(f"FROM {READ} LIMIT 3").fetchall()) == 3
    assert eventually(lambda: not open_spools())


def test_what_nobody_reads_is_free_when_the_functions_go(sandbox: Sandbox) -> None:
    with duckdb.connect() as con:
        registration = mixpanel_data.register(con, account="sandbox")
        con.execute(HOLD.format(f"{SPAN}, parallel := 3"))
        assert open_spools() == 3
        registration.release_downloads()
        assert open_spools() == 0


def test_what_nobody_reads_is_free_when_the_connection_closes(sandbox: Sandbox) -> None:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute(HOLD.format(SPAN))
        assert open_spools()
    assert open_spools() == 0


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_nothing_waits_for_the_garbage_collector_after_a_part_was_read(
    sandbox: Sandbox, no_garbage_collector: None
) -> None:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute(HOLD.format(SPAN))
        assert con.sql("FROM mixpanel_profiles() LIMIT 1").fetchall()
    assert eventually(lambda: not open_spools())


def test_nothing_waits_for_the_garbage_collector_after_a_failure(sandbox: Sandbox, no_garbage_collector: None) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-03", status=403, times=99))
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        with pytest.raises(duckdb.Error, match="may not read this"):
            con.execute(f"FROM mixpanel_download({SPAN})").fetchall()
        assert open_spools() == 2
    assert eventually(lambda: not open_spools())


def test_a_process_ends_quietly_while_something_is_held() -> None:
    script = (
        "import duckdb, mixpanel_data; con = duckdb.connect(); con.execute('SET enable_progress_bar = false'); "
        "mixpanel_data.register(con, account='sandbox'); "
        f'con.execute("SELECT handle FROM mixpanel_download({SPAN})").fetchall()'
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_where_and_columns_work_as_ever(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(HOLD.format(SPAN))
    query = "SELECT count(*), max(distinct_id) FROM {} WHERE event_name = 'Purchase' AND event_time >= '2024-01-03'"
    asked = con.execute(query.format(f"mixpanel_export({SPAN})")).fetchall()
    assert con.execute(query.format(READ)).fetchall() == asked


def test_what_succeeds_beside_a_failure_is_held(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-03", status=403, times=99))
    with pytest.raises(duckdb.Error, match="may not read this"):
        con.execute(f"FROM mixpanel_download({SPAN})").fetchall()
    assert open_spools() == 2


@pytest.mark.parametrize(("limit", "requests"), [(10, 1), (100_001, 3)])
def test_a_sample(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, limit: int, requests: int) -> None:
    span = "'2024-01-01', '2024-01-31'"
    con.execute(HOLD.format(f"{span}, max_rows := {limit}"))
    assert len(sandbox.requests) == requests
    assert counted(con, f"SELECT count(*) FROM {READ}") == limit


@pytest.fixture
def odd(point_at: Callable[..., None]):
    """A project whose every answer has a time that is text, none at all, one of the day before, and a good one."""
    times: list[dict[str, Any]] = [{"time": 1704067200}, {"time": "2024-01-01T00:01:00Z"}, {}, {"time": 1704067199}]
    events = [{"event": "e", "properties": {**time, "$insert_id": f"i{n}"}} for n, time in enumerate(times)]
    with raw_server(lambda _: gzip_answer(lines(events))) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        yield con


def test_events_outside_their_days_are_counted_and_told_apart(odd: duckdb.DuckDBPyConnection) -> None:
    ((handle, events, by_day),) = odd.execute(
        "SELECT handle, events, by_day FROM mixpanel_download('2024-01-01', '2024-01-01')"
    ).fetchall()
    assert (events, by_day) == (4, [{"day": date(2024, 1, 1), "events": 1}])
    query = "SELECT insert_id FROM mixpanel_downloaded($handle) WHERE is_outside ORDER BY ALL"
    assert odd.execute(query, {"handle": handle}).fetchall() == [("i1",), ("i2",), ("i3",)]


def test_batches_may_have_any_size(con: duckdb.DuckDBPyConnection) -> None:
    exported = con.execute(f"FROM mixpanel_export({SPAN})").fetchall()
    for rows in (1000, 61_440):
        con.execute(HOLD.format(SPAN))
        query = f"SELECT {EVENTS} FROM {READ.replace('))', f'), batch_rows := {rows})')}"
        assert con.execute(query).fetchall() == exported
    with pytest.raises(ArgumentError, match="batch_rows must be at least 1"):
        registration = mixpanel_data.register(con, account="sandbox")
        try:
            con.execute("FROM mixpanel_downloaded('x', batch_rows := 0)")
        except duckdb.Error as error:
            raise registration.error_behind(error) or error from None
