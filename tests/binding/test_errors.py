"""What a user of plain SQL is told when something fails: one line, what to do, no traceback, no secret."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import AuthenticationError, IncompleteExportError, RateLimitError
from mixpanel_data.client import retry
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import answer, json_answer, raw_server

DAY = "mixpanel_export('2024-01-01', '2024-01-01')"
SECRET = "s3cr3t-välue"


def message(con: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(query).fetchall()
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "FROM mixpanel_export('2024-01-01')",
            "needs to_date (last day, inclusive): write FROM mixpanel_export(",
        ),
        (
            "FROM mixpanel_export('2024-01-01', '2024/01/31')",
            "to_date must be a whole day (YYYY-MM-DD",
        ),
        (
            "FROM mixpanel_export('2024-02-01', '2024-01-31')",
            "from_date 2024-02-01 is after to_date 2024-01-31: swap",
        ),
        ("FROM mixpanel_export('2024-01-01', '2024-01-02', max_rows := 0)", "max_rows must be at least 1"),
        (
            "FROM mixpanel_export('2024-01-01', '2024-01-02', events := [1])",
            "events must be a list of strings",
        ),
        ("FROM mixpanel_export('2024-01-01', '2024-01-02', filter := 'a b')", "Mixpanel refused the request"),
    ],
)
def test_what_cannot_be_understood(con: duckdb.DuckDBPyConnection, query: str, expected: str) -> None:
    said = message(con, query)
    assert expected in said
    assert "\n" not in said
    assert "Traceback" not in said


def test_a_refused_call_makes_no_request(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    message(con, "FROM mixpanel_export('2024-02-01', '2024-01-31')")
    assert sandbox.requests == []


def test_the_typed_error_can_be_had(sandbox: Sandbox) -> None:
    with duckdb.connect() as con:
        registration = mixpanel_data.register(con, account="sandbox", wait=False)
        sandbox.faults.add(Fault(match="/export", status=429, headers={"Retry-After": "3600"}))
        with pytest.raises(duckdb.Error) as caught:
            con.execute(f"FROM {DAY}").fetchall()
        error = registration.error_behind(caught.value)
        assert isinstance(error, RateLimitError)
        assert error.retry_after == 3600
        assert "it frees in 3,600 s" in str(caught.value)
        with pytest.raises(duckdb.Error) as not_ours:
            con.execute("FROM nowhere")
        assert registration.error_behind(not_ours.value) is None


def test_an_error_after_the_first_rows(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-12", status=402, times=9))
    said = message(con, "FROM mixpanel_export('2024-01-01', '2024-01-31')")
    # DuckDB 1.5 may put a line of its own before it, that the query had failed already.
    assert said.splitlines()[-1].endswith("the plan of project 1 in region us does not include this API")
    assert "Traceback" not in said


def test_very_long_messages_are_cut(con: duckdb.DuckDBPyConnection) -> None:
    said = message(con, f"FROM mixpanel_export('2024-01-01', '{'x' * 100_000}')")
    assert len(said) < 500


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: json_answer({"error": f"wrong: robot:{SECRET}"}, "401 No"),
        lambda _: json_answer({"error": SECRET}, "400 No"),
        lambda _: answer(SECRET.encode(), status="500 Oops"),
        lambda _: answer(f"<title>{SECRET}</title>".encode(), status="403 No"),
        lambda _: answer(
            b"",
            status="302 Found",
            headers=f"Location: https://x.example/{base64.b64encode(b'x').decode()}\r\n",
        ),
        lambda _: b"garbage " + SECRET.encode(),
        lambda _: b"",
    ],
)
def test_the_secret_is_nowhere(
    point_at: Callable[..., None], reply: Callable[[str], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with raw_server(reply) as server, duckdb.connect() as con:
        point_at(server.url, secret=SECRET)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error) as caught:
            con.execute(f"FROM {DAY}").fetchall()
        shown = "".join(traceback.format_exception(caught.value))
        shown += str(con.execute(f"EXPLAIN FROM {DAY}").fetchall())
        shown += str(con.execute("FROM duckdb_functions()").fetchall() + con.execute("FROM duckdb_views()").fetchall())
    out, err = capfd.readouterr()
    assert server.heads, "the server was asked"
    for hidden in (SECRET, base64.b64encode(f"robot:{SECRET}".encode()).decode()):
        assert hidden not in shown + out + err


def test_wrong_credentials(point_at: Callable[..., None], sandbox: Sandbox) -> None:
    point_at(sandbox.url, secret="wrong", project="1", username="sandbox")
    with duckdb.connect() as con:
        registration = mixpanel_data.register(con)
        with pytest.raises(duckdb.Error) as caught:
            con.execute(f"FROM {DAY}").fetchall()
        assert isinstance(registration.error_behind(caught.value), AuthenticationError)
    assert len(sandbox.requests) == 1, "wrong credentials are not tried again"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(last_line="terminated early\n"),
        Fault(last_line="terminated early"),
        Fault(first_line="export terminated early"),
        Fault(first_line='{"event":"x","properties":'),
        Fault(cut=1000),
        Fault(cut=1000, encoding="identity"),
        Fault(close=1000),
        Fault(close=1000, encoding="identity"),
        Fault(close=0),
        Fault(reset=1000),
        Fault(reset=0),
        Fault(corrupt=5000),
        Fault(unmarked_end=True, cut=5000),
        Fault(unmarked_end=True, encoding="identity"),
        Fault(status=200, body="<html>busy</html>"),
        Fault(status=503, body="<html>busy</html>"),
        Fault(status=500, body='{"error":"An unknown error occurred."}'),
        Fault(status=429),
        Fault(status=429, headers={"Retry-After": "0"}),
        Fault(status=429, headers={"Retry-After": "NaN"}),
        Fault(status=429, headers={"Retry-After": "-30"}),
        Fault(status=400, body='{"error":"Timeout Error."}'),
    ],
    ids=str,
)
def test_a_fault_that_passes_costs_another_request_and_no_row(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.match, fault.times = "/export", 1
    query = f"SELECT count(*), count(DISTINCT insert_id), sum(hash(properties::VARCHAR)) FROM {DAY}"
    expected = con.execute(query).fetchall()
    sandbox.requests.clear()
    sandbox.faults.add(fault)
    assert con.execute(query).fetchall() == expected
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize(
    "fault", [Fault(encoding="members"), Fault(encoding="identity"), Fault(unmarked_end=True)], ids=str
)
def test_unusual_but_whole_bodies_are_taken(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, fault: Fault) -> None:
    query = f"SELECT count(*), sum(hash(properties::VARCHAR)) FROM {DAY}"
    expected = con.execute(query).fetchall()
    fault.match = "/export"
    sandbox.faults.add(fault)
    assert con.execute(query).fetchall() == expected


def test_a_fault_that_stays_is_an_error_after_halving(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 2)
    sandbox.faults.add(Fault(match="/export", last_line="terminated early\n", times=1000))
    with duckdb.connect() as con:
        registration = mixpanel_data.register(con, account="sandbox")
        with pytest.raises(duckdb.Error) as caught:
            con.execute("CREATE TABLE t AS FROM mixpanel_export('2024-01-01', '2024-01-16', parallel := 4)")
        assert isinstance(registration.error_behind(caught.value), IncompleteExportError)
        assert con.execute("FROM duckdb_tables()").fetchall() == []
    spans = {(r.params["from_date"], r.params["to_date"]) for r in sandbox.requests}
    assert {("2024-01-01", "2024-01-04"), ("2024-01-01", "2024-01-02"), ("2024-01-01", "2024-01-01")} <= spans


def test_a_window_too_large_to_be_sent_whole_is_halved(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = "SELECT event_time::DATE, count(*) FROM mixpanel_export('2024-01-01', '2024-01-16', parallel := 4) GROUP BY 1 ORDER BY 1"
    expected = con.execute(query).fetchall()
    sandbox.requests.clear()
    sandbox.faults.add(Fault(match="to_date=2024-01-04", last_line="terminated early\n", times=5))
    assert con.execute(query).fetchall() == expected
    spans = [(r.params["from_date"], r.params["to_date"]) for r in sandbox.requests]
    assert ("2024-01-01", "2024-01-02") in spans
    assert ("2024-01-03", "2024-01-04") in spans
