"""What was asked and what may still be asked, as tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.client import Budget, journal
from mixpanel_data.client.limits import HOUR, SANDBOX_LIMITS, Limits, Rate
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import json_answer, raw_server


def test_every_request_is_told(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", status=503))
    (events,) = con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchone() or (0,)
    names = con.execute("FROM mixpanel_events()").fetchall()
    query = (
        "SELECT budget, endpoint, account, from_date, attempt, status, error, rows, counted FROM mixpanel_requests()"
    )
    day = date(2024, 1, 1)
    assert con.execute(query).fetchall() == [
        ("query", "GET /api/query/events/names", "sandbox", date(2000, 1, 1), 1, 200, None, len(names), True),
        ("export", "GET /api/2.0/export", "sandbox", day, 2, 200, None, events, True),
        ("export", "GET /api/2.0/export", "sandbox", day, 1, 503, "server", None, True),
    ]
    ((received, seconds),) = con.execute(
        "SELECT bytes, seconds FROM mixpanel_requests() WHERE budget = 'export' AND attempt = 2"
    ).fetchall()
    assert received > 50 * events
    assert seconds > 0


def test_requests_outlive_the_process_that_sent_them(sandbox: Sandbox, point_at: Callable[..., None]) -> None:
    with raw_server(lambda _: json_answer(["a"])) as server:
        point_at(server.url, project="77")
        with duckdb.connect() as con:
            mixpanel_data.register(con)
            con.execute("FROM mixpanel_events()").fetchall()
    journal._journal_at.cache_clear()
    with duckdb.connect() as con:
        mixpanel_data.register(con)
        assert con.execute("SELECT project_id, host, rows FROM mixpanel_requests()").fetchall() == [
            ("77", server.url.removeprefix("http://"), 1)
        ]
        query = "SELECT budget, allowed, window_seconds, used, remaining, frees_at, at_once FROM mixpanel_budget() ORDER BY 1"
        assert con.execute(query).fetchall() == [
            ("export", 60, 3600, 0, 60, None, 5),
            ("lexicon", 5, 60, 0, 5, None, None),
            ("query", 60, 3600, 1, 59, None, 5),
        ]


def test_a_budget_that_is_spent_says_when_it_frees(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", status=429, headers={"Retry-After": "1800"}))
    with duckdb.connect() as other:
        mixpanel_data.register(other, account="sandbox", wait=False)
        with pytest.raises(duckdb.Error, match="it frees in 1,800 s"):
            other.execute("FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()
    ((remaining, minutes),) = con.execute(
        "SELECT remaining, (epoch(frees_at) - epoch(now())) / 60 FROM mixpanel_budget() WHERE budget = 'export'"
    ).fetchall()
    assert remaining == 0
    assert 29 < minutes <= 30


def test_a_plan_is_what_happens_then(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = "'2024-01-01', '2024-02-29', events := ['Purchase']"
    plan = con.execute(f"SELECT from_date, to_date FROM mixpanel_export_plan({query})").fetchall()
    assert sandbox.requests == []
    con.execute(f"SELECT count(*) FROM mixpanel_export({query})").fetchall()
    asked = [(r.params["from_date"], r.params["to_date"]) for r in sandbox.requests]
    assert sorted(asked) == [(str(first), str(last)) for first, last in plan]


def test_a_plan_tells_the_budget_and_the_size_once_it_is_known(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT request, days, expected_bytes, budget_before - budget_after FROM mixpanel_export_plan('2024-01-01', '2024-01-31')"
    assert con.execute(query).fetchall() == [(1, 11, None, 1), (2, 11, None, 1), (3, 9, None, 1)]
    con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-10')").fetchall()
    ((size,),) = con.execute("SELECT sum(bytes) FROM mixpanel_requests()").fetchall()
    ((request, days, expected, cost),) = con.execute(query).fetchall()
    assert (request, days, cost) == (1, 31, 1), "small days are asked for together"
    assert expected == pytest.approx(size * 3.1, abs=2)


def test_what_the_sandbox_was_asked_is_not_kept(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_events()").fetchall()
    assert con.execute("SELECT count(*) FROM mixpanel_requests()").fetchall() == [(1,)]
    assert journal.machine_journal().rows() == []


def test_more_used_than_the_limit_turns_out_to_allow_leaves_nothing(sandbox: Sandbox) -> None:
    lowered = {"RateLimit-Policy": '"project";q=2;w=3600', "Retry-After": "0"}
    seen: list[int | None] = []
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox", wait=False, watch=lambda now: seen.append(now.budget_left))
        con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-31')").fetchall()
        sandbox.faults.add(Fault(match="/export", status=429, headers=lowered))
        with pytest.raises(duckdb.Error, match=r"is spent \(3 of 2 requests in the last hour\)"):
            con.execute("FROM mixpanel_export('2024-02-01', '2024-02-01')").fetchall()
        query = "SELECT allowed, used, remaining FROM mixpanel_budget() WHERE budget = 'export'"
        assert con.execute(query).fetchall() == [(2, 3, 0)]
        query = "SELECT request, budget_before, budget_after FROM mixpanel_export_plan('2022-01-01', '2023-12-31')"
        assert con.execute(query).fetchall() == [(1, 0, -1), (2, -1, -2)], "as few requests as two years can be"
    assert 9_997 in seen
    assert all(left is None or left >= 0 for left in seen)


def test_with_nothing_left_nobody_waits_to_learn_which_events_there_are(sandbox: Sandbox) -> None:
    lowered = {"RateLimit-Policy": '"project";q=1;w=3600', "Retry-After": "0"}
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox", wait=False)
        con.execute("FROM mixpanel_funnels()").fetchall()
        con.execute("FROM mixpanel_properties('Purchase')").fetchall()
        sandbox.faults.add(Fault(match="/cohorts", status=429, headers=lowered))
        with pytest.raises(duckdb.Error, match=r"is spent \(2 of 1 requests"):
            con.execute("FROM mixpanel_cohorts()").fetchall()
    asked = len(sandbox.requests)
    told: list[str | None] = []
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox", watch=lambda now: told.append(now.waiting))
        query = "FROM mixpanel_export('2024-01-01', '2024-01-01', events := ['No such event'])"
        assert con.execute(query).fetchall() == []
    assert [request.path for request in sandbox.requests[asked:]] == ["/api/2.0/export"]
    assert not any(told)


@pytest.mark.parametrize("whole_days", [0, 2])
@pytest.mark.parametrize(
    "part", ["max_rows := 10", "events := ['Purchase']", """filter := 'properties["plan"] == "pro"'"""]
)
def test_a_part_of_a_day_does_not_tell_what_days_weigh(
    con: duckdb.DuckDBPyConnection, whole_days: int, part: str
) -> None:
    if whole_days:
        con.execute("FROM mixpanel_export('2024-01-03', '2024-01-04')").fetchall()
    plan = "SELECT from_date, to_date, expected_bytes FROM mixpanel_export_plan('2024-01-01', '2024-01-31')"
    before = con.execute(plan).fetchall()
    assert con.execute(f"FROM mixpanel_export('2024-01-01', '2024-01-04', {part})").fetchall()
    assert con.execute(plan).fetchall() == before


def test_a_where_on_the_name_does_not_tell_what_days_weigh(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_export('2024-01-01', '2024-01-04') WHERE event_name = 'Purchase'").fetchall()
    assert con.execute(
        "SELECT count(expected_bytes) FROM mixpanel_export_plan('2024-01-01', '2024-01-31')"
    ).fetchall() == [(0,)]


def test_the_limit_of_the_second_is_not_that_of_the_hour(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SANDBOX_LIMITS, Budget.EXPORT, Limits((Rate(60, HOUR), Rate(1, 600.0))))
    con.execute("FROM mixpanel_export('2024-01-01', '2024-01-01', max_rows := 1)").fetchall()
    query = "SELECT allowed, window_seconds, used, remaining, frees_at FROM mixpanel_budget() WHERE budget = 'export'"
    assert con.execute(query).fetchall() == [(60, 3600, 1, 59, None)]
