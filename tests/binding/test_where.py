"""A WHERE on the returned columns is applied exactly, and narrows what is asked of Mixpanel."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixpanel_data.sandbox import Sandbox
from tests.servers import gzip_answer, lines

DAYS = "mixpanel_export('2024-01-01', '2024-01-04')"


@pytest.fixture
def table(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute(f"CREATE TABLE local AS FROM {DAYS}")
    return con


def asked(sandbox: Sandbox) -> list[dict[str, str]]:
    return sorted(
        ({k: v for k, v in request.params.items() if k != "project_id"} for request in sandbox.requests),
        key=lambda params: params["from_date"],
    )


@pytest.mark.parametrize(
    "where",
    [
        "event_name = 'Purchase'",
        "event_name IN ('Purchase', 'Sign Up')",
        "event_name NOT IN ('Purchase', 'Sign Up')",
        "event_name <> 'App Open'",
        "event_name > 'P' AND event_name < 'Q'",
        "event_name > 'Search' OR event_name = 'App Open'",
        "event_name > 'Search'",
        "event_name < 'B' OR event_name IN ('Purchase', 'Search')",
        "event_name LIKE 'P%'",
        "event_name IS NULL",
        "event_name = 'Purchase' OR distinct_id = 'user-0007200'",
        "event_name = 'App \"Crash\" 💥'",
        "event_time >= '2024-01-02' AND event_time < '2024-01-03'",
        "event_time::DATE = '2024-01-03'",
        "event_time BETWEEN '2024-01-02 12:00:00' AND '2024-01-03 11:59:59'",
        "event_time IS NULL",
        "event_time > '2025-01-01'",
        "distinct_id = 'user-0007200'",
        "insert_id >= 'f'",
        "properties IS NOT NULL",
        "properties->>'$.plan' = 'pro'",
        "event_name = 'Purchase' AND (properties->>'$.amount')::DOUBLE > 100",
        "event_name = 'Purchase' AND event_time >= '2024-01-04' AND distinct_id IS NOT NULL",
        "properties::VARCHAR LIKE '%WELCOME%'",
        "length(event_name) = 8",
    ],
)
def test_the_rows_are_those_of_the_same_where_on_a_local_table(table: duckdb.DuckDBPyConnection, where: str) -> None:
    query = "SELECT count(*), count(DISTINCT insert_id), sum(hash(properties::VARCHAR)) FROM {} WHERE " + where
    assert table.execute(query.format(DAYS)).fetchall() == table.execute(query.format("local")).fetchall()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("event_name = 'Purchase'", {"event": '["Purchase"]'}),
        ("event_name IN ('Sign Up', 'Purchase')", {"event": '["Purchase", "Sign Up"]'}),
        ("event_name <> 'Purchase'", {}),
        (
            "event_time >= '2024-01-02' AND event_time < '2024-01-04'",
            {"from_date": "2024-01-02", "to_date": "2024-01-03"},
        ),
        ("event_name = 'A' AND event_time < '2024-01-02'", {"event": '["A"]', "to_date": "2024-01-01"}),
        ("properties->>'$.plan' = 'pro'", {}),
        ("event_name = 'q\"\\''é'", {"event": '["q\\"\\\\\'é"]'}),
    ],
)
def test_the_request_is_narrowed(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, where: str, expected: dict[str, str]
) -> None:
    con.execute(f"FROM {DAYS} WHERE {where}").fetchall()
    requests = asked(sandbox)
    assert requests[0]["from_date"] == expected.get("from_date", "2024-01-01")
    assert requests[-1]["to_date"] == expected.get("to_date", "2024-01-04")
    for request in requests:
        assert request.get("event") == expected.get("event")


@pytest.mark.parametrize("where", ["event_name > 'é'", "event_name > 'é' OR event_name = 'App Open'"])
def test_names_behind_the_last_one_told_are_not_lost(answering, where: str) -> None:
    # In another script, since the arguments, which are JSON and in the WHERE too, sort behind any name in English.
    events = [{"event": name, "properties": {"time": 1704067200}} for name in ("Search", "ściągnij", "東京")]
    con, server = answering({"/api/2.0/export": gzip_answer(lines(events))})
    query = f"SELECT event_name FROM mixpanel_export('2024-01-01', '2024-01-01') WHERE {where}"
    assert con.execute(query).fetchall() == [("ściągnij",), ("東京",)]
    assert "event=" not in server.targets[0]


def test_days_in_between_are_left_out(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute(f"FROM {DAYS} WHERE event_time < '2024-01-02' OR event_time >= '2024-01-04'").fetchall()
    assert [(r["from_date"], r["to_date"]) for r in asked(sandbox)] == [
        ("2024-01-01", "2024-01-01"),
        ("2024-01-04", "2024-01-04"),
    ]


@pytest.mark.parametrize("where", ["event_time > '2030-01-01'", "event_name = 'a' AND event_name = 'b'", "false"])
def test_what_cannot_match_is_not_asked(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, where: str) -> None:
    assert con.execute(f"FROM {DAYS} WHERE {where}").fetchall() == []
    assert sandbox.requests == []


def test_given_events_and_where_meet(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = (
        "SELECT DISTINCT event_name FROM mixpanel_export('2024-01-01', '2024-01-01', events := ['Purchase', 'Search'])"
    )
    assert con.execute(query + " WHERE event_name IN ('Search', 'Sign Up')").fetchall() == [("Search",)]
    assert asked(sandbox)[0]["event"] == '["Search"]'


def test_a_sample_is_taken_before_the_where(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = (
        "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-04', max_rows := 50) WHERE event_name = 'App Open'"
    )
    ((found,),) = con.execute(query).fetchall()
    assert 0 < found < 50
    assert asked(sandbox) == [{"from_date": "2024-01-01", "to_date": "2024-01-04", "limit": "50"}]


def test_more_names_than_a_url_holds_are_not_sent(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    names = ", ".join(f"'name {n}'" for n in range(500)) + ", 'Purchase'"
    rows = con.execute(f"SELECT DISTINCT event_name FROM {DAYS} WHERE event_name IN ({names})").fetchall()
    assert rows == [("Purchase",)]
    assert "event" not in asked(sandbox)[0]


def test_a_join_filters_exactly(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE wanted AS SELECT 'Purchase' AS event_name UNION ALL SELECT 'No such event'")
    joined = con.execute(f"SELECT count(*) FROM {DAYS} JOIN wanted USING (event_name)").fetchall()
    assert joined == con.execute(f"SELECT count(*) FROM {DAYS} WHERE event_name = 'Purchase'").fetchall()


names = st.sampled_from(["Purchase", "Sign Up", "App Open", "P", "Q", "zzz", "", 'App "Crash" 💥', "O'Brien"])
moments = st.sampled_from(["2024-01-01", "2024-01-02 12:34:56", "2024-01-03", "2024-01-04 23:59:59", "2030-01-01"])
signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


conditions = st.recursive(
    st.one_of(
        st.builds(lambda sign, name: f"event_name {sign} {literal(name)}", signs, names),
        st.builds(lambda sign, at: f"event_time {sign} TIMESTAMP {literal(at)}", signs, moments),
        st.builds(
            lambda ns: f"event_name IN ({', '.join(map(literal, ns))})",
            st.lists(names, min_size=1, max_size=4),
        ),
        st.sampled_from(["distinct_id IS NULL", "insert_id < '8'", "(properties->>'$.plan') = 'team'"]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a} AND {b})", inner, inner),
        st.builds(lambda a, b: f"({a} OR {b})", inner, inner),
        st.builds(lambda a: f"(NOT {a})", inner),
    ),
    max_leaves=5,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions)
def test_any_where_is_exact(table: duckdb.DuckDBPyConnection, where: str) -> None:
    query = "SELECT count(*), sum(hash(insert_id)) FROM {} WHERE " + where
    live, local = (table.execute(query.format(source)).fetchall() for source in (DAYS, "local"))
    assert live == local


def test_the_sandbox_data_has_what_these_tests_look_for(table: duckdb.DuckDBPyConnection) -> None:
    rows: list[Any] = table.execute("SELECT properties FROM local WHERE event_name = 'Purchase'").fetchall()
    assert any("coupon" in json.loads(properties) for (properties,) in rows)
