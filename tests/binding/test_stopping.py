"""LIMIT, interrupts, closed results and errors end the requests at once and leave nothing behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mixpanel_data.client.spool import open_spools
from mixpanel_data.sandbox import Fault, Sandbox

MONTH = "mixpanel_export('2024-01-01', '2024-01-31', parallel := 3)"
SECOND_WINDOW = "from_date=2024-01-12"


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before long."""
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


gives_up_dropped_results = pytest.mark.skipif(
    duckdb.__version__.startswith("1."), reason="DuckDB 1.5 may wait for more rows of a result that was dropped"
)


def let_go(con: duckdb.DuckDBPyConnection) -> None:
    """Has DuckDB give up a result that nobody holds any more."""
    gc.collect()
    con.execute("SELECT 1")


@pytest.fixture
def hanging(sandbox: Sandbox) -> Sandbox:
    """The second window never answers: whoever waits for it waits until the test's own time limit."""
    sandbox.faults.add(Fault(match=SECOND_WINDOW, hang=True, cut=0, times=1000))
    return sandbox


def test_explain_makes_no_request(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    ((_, plan),) = con.execute(f"EXPLAIN SELECT count(*) FROM {MONTH} WHERE event_name = 'Purchase'").fetchall()
    assert "__args" in plan
    assert sandbox.requests == []


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("limit", [1, 10, 5_000, 20_000])
def test_limit_stops(con: duckdb.DuckDBPyConnection, hanging: Sandbox, threads: int, limit: int) -> None:
    con.execute(f"SET threads = {threads}")
    assert len(con.execute(f"FROM {MONTH} LIMIT {limit}").fetchall()) == limit
    assert eventually(lambda: not open_spools())


def test_limit_stops_a_create_table(con: duckdb.DuckDBPyConnection, hanging: Sandbox) -> None:
    con.execute(f"CREATE TABLE few AS FROM {MONTH} LIMIT 10")
    assert con.execute("SELECT count(*) FROM few").fetchall() == [(10,)]
    assert eventually(lambda: not open_spools())


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt_stops_and_leaves_no_table(con: duckdb.DuckDBPyConnection, hanging: Sandbox, threads: int) -> None:
    con.execute(f"SET threads = {threads}")
    threading.Timer(0.3, con.interrupt).start()
    with pytest.raises(duckdb.InterruptException):
        con.execute(f"CREATE TABLE january AS FROM {MONTH}")
    assert con.execute("FROM duckdb_tables()").fetchall() == []
    assert eventually(lambda: not open_spools())


def test_interrupt_works_before_the_first_byte(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/events/names", hang=True, cut=0))
    threading.Timer(0.3, con.interrupt).start()
    with pytest.raises(duckdb.InterruptException):
        con.execute("FROM mixpanel_events()").fetchall()


@gives_up_dropped_results
def test_a_result_that_is_dropped_stops(con: duckdb.DuckDBPyConnection, hanging: Sandbox) -> None:
    reader = con.sql(f"FROM {MONTH}").to_arrow_reader(10)
    assert reader.read_next_batch().num_rows > 0
    assert eventually(lambda: open_spools() > 0)
    del reader
    let_go(con)
    assert eventually(lambda: not open_spools())


@gives_up_dropped_results
def test_closing_the_connection_stops(sandbox: Sandbox, con: duckdb.DuckDBPyConnection, hanging: Sandbox) -> None:
    cursor = con.cursor()
    reader = cursor.sql(f"FROM {MONTH.replace('_', '.', 1)}").to_arrow_reader(10)
    assert reader.read_next_batch().num_rows > 0
    del reader
    let_go(cursor)
    cursor.close()
    assert eventually(lambda: not open_spools())


@gives_up_dropped_results
def test_the_server_sees_the_connection_go(con: duckdb.DuckDBPyConnection, hanging: Sandbox) -> None:
    reader = con.sql(f"FROM {MONTH}").to_arrow_reader(10)
    reader.read_next_batch()
    assert eventually(lambda: bool(hanging.answering))
    del reader
    let_go(con)
    assert eventually(lambda: not hanging.answering)


def test_an_error_leaves_no_table_and_no_file(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, tmp_path: Path) -> None:
    refusal = Fault(match=SECOND_WINDOW, status=403, body='{"error":"no"}', times=1000)
    sandbox.faults.add(refusal)
    with pytest.raises(duckdb.Error, match="may not read this"):
        con.execute(f"CREATE TABLE january AS FROM {MONTH}")
    with pytest.raises(duckdb.Error, match="may not read this"):
        con.execute(f"COPY (FROM {MONTH}) TO '{tmp_path}/x.parquet'")
    assert con.execute("FROM duckdb_tables()").fetchall() == []
    if not duckdb.__version__.startswith("1."):  # DuckDB 1.5 writes to the file itself and leaves it unfinished
        assert not (tmp_path / "x.parquet").exists()
    assert eventually(lambda: not open_spools())


def test_an_error_leaves_a_table_as_it_was(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("CREATE TABLE events AS FROM mixpanel_export('2024-02-01', '2024-02-01')")
    before = con.execute("SELECT count(*) FROM events").fetchall()
    sandbox.faults.add(Fault(match=SECOND_WINDOW, status=403, times=1000))
    with pytest.raises(duckdb.Error):
        con.execute(f"INSERT INTO events FROM {MONTH}")
    with pytest.raises(duckdb.Error):
        con.execute(f"CREATE OR REPLACE TABLE events AS FROM {MONTH}")
    assert con.execute("SELECT count(*) FROM events").fetchall() == before


def test_rows_come_in_the_order_of_the_days(con: duckdb.DuckDBPyConnection) -> None:
    days = con.execute("SELECT event_time::DATE FROM mixpanel_export('2024-01-01', '2024-01-10')").fetchall()
    assert days == sorted(days)
