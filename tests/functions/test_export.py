"""The export through SQL, from servers that send what no data set of ours would."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mixpanel_data
from mixpanel_data import IncompleteExportError, MixpanelDataError
from mixpanel_data.client import retry
from mixpanel_data.sandbox import Sandbox
from tests.servers import answer, chunked_answer, gzip_answer, lines, raw_server

EVENT = b'{"event":"A","properties":{}}\n'
DAY = "mixpanel_export('2024-01-01', '2024-01-01')"
ODD_EVENTS: list[dict[str, Any]] = [
    {
        "event": name,
        "properties": {"time": 1704067200 + n, "distinct_id": f"u{n}", "$insert_id": f"i{n}", **more},
    }
    for n, (name, more) in enumerate(
        [
            ("Plain", {}),
            ('Quo"ted', {'na"me': 'va"lue', "back\\slash": "\\"}),
            ("Émoji 😀", {"k": "🎉", "東京": ["日本", {"深": "い"}]}),
            ("Line\u2028sep\u2029\u0085", {"text": "a\u2028b\u2029c\u0085d\u000bе\u000c"}),
            ("Nested", {"a": {"b": {"c": [1, [2, [3, {"d": None}]]]}}}),
            (
                "Big",
                {
                    "max": 9223372036854775807,
                    "beyond": 18446744073709551615,
                    "huge": 10**30,
                    "id": 9007199254740993,
                },
            ),
            ("Same keys", {"$city": "Köln", "city": "Bonn", "City": "Berlin"}),
            ("Literals", {"a": "undefined", "b": "<null>", "c": None, "d": True, "e": "", "f": []}),
            ("SQL'; DROP TABLE x; --", {"q": "'; DROP TABLE x; --"}),
            ("properties", {"properties": {"properties": 1}, "event": "inner"}),
            ("Long " + "x" * 3000, {"long": "y" * 100_000}),
            ("Control", {"c": "\x01\x1f\x7f\t\n\r"}),
        ]
    )
] + [
    {"event": "No id", "properties": {"time": 1704067300}},
    {"event": "Null id", "properties": {"time": 1704067301, "distinct_id": None, "$insert_id": "x"}},
    {"event": "Empty id", "properties": {"time": 1704067302, "distinct_id": "", "$insert_id": ""}},
    {
        "event": "Number id",
        "properties": {"time": 1704067303, "distinct_id": 12345678901234567, "$insert_id": 5},
    },
    {"event": "No time", "properties": {"distinct_id": "u", "$insert_id": "y"}},
    {"event": "Milliseconds", "properties": {"time": 1704067304123, "distinct_id": "u", "$insert_id": "z"}},
    {"event": "Microseconds", "properties": {"time": 1704067304123456, "distinct_id": "u", "$insert_id": "µ"}},
    {"event": "", "properties": {}},
]


@pytest.fixture
def reading(point_at: Callable[..., None]):
    """The rows that a server's bytes become."""

    def read(reply: bytes, query: str = f"FROM {DAY}") -> list[tuple[Any, ...]]:
        with raw_server(lambda _: reply) as server, duckdb.connect() as con:
            point_at(server.url)
            registration = mixpanel_data.register(con)
            try:
                con.execute(f"CREATE TABLE t AS {query}")
            except duckdb.Error as error:
                assert con.execute("FROM duckdb_tables()").fetchall() == []
                raise registration.error_behind(error) or error from None
            return con.execute("FROM t").fetchall()

    return read


def text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


@pytest.mark.parametrize("send", [gzip_answer, answer, chunked_answer], ids=lambda send: send.__name__)
def test_every_event_field_by_field(reading: Callable[..., Any], send: Callable[[bytes], bytes]) -> None:
    rows = reading(send(lines(ODD_EVENTS)))
    assert len(rows) == len(ODD_EVENTS)
    for (name, time, distinct_id, insert_id, properties), event in zip(rows, ODD_EVENTS, strict=True):
        sent = event["properties"]
        assert name == event["event"]
        assert properties == json.dumps(sent, ensure_ascii=False)
        assert distinct_id == text(sent.get("distinct_id"))
        assert insert_id == text(sent["$insert_id"]) if "$insert_id" in sent else len(insert_id) == 36
        if "time" in sent:
            seconds = sent["time"] / (1e6 if sent["time"] > 1e13 else 1000 if sent["time"] > 1e10 else 1)
            assert time == datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        else:
            assert time is None


def test_properties_can_be_asked_with_json_operators(reading: Callable[..., Any]) -> None:
    rows = reading(
        gzip_answer(lines(ODD_EVENTS)),
        f"SELECT properties->>'$.id', properties->'$.max', properties->>'$.beyond' FROM {DAY} WHERE event_name = 'Big'",
    )
    assert rows == [("9007199254740993", "9223372036854775807", "18446744073709551615")]


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")], ids=["as Mixpanel writes", "another form"])
def test_many_events_in_order(reading: Callable[..., Any], separators: tuple[str, str]) -> None:
    events = [{"event": f"e{n % 7}", "properties": {"time": n, "n": n, "pad": "x" * (n % 50)}} for n in range(30_000)]
    rows = reading(gzip_answer("".join(json.dumps(event, separators=separators) + "\n" for event in events).encode()))
    assert [row[0] for row in rows] == [event["event"] for event in events]
    assert [json.loads(row[4]) for row in rows] == [event["properties"] for event in events]


def test_an_empty_day(reading: Callable[..., Any]) -> None:
    assert reading(answer(b"")) == []
    assert reading(chunked_answer(b"").replace(b"0\r\n\r\n0\r\n\r\n", b"0\r\n\r\n")) == []


@pytest.mark.parametrize("end", [b"", b"0\r\n", b"5\r\nabc"])
def test_a_chunked_body_without_its_ending_is_refused(
    reading: Callable[..., Any], end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    with pytest.raises(MixpanelDataError):
        reading(chunked_answer(lines(ODD_EVENTS), end=end))


BODY = lines(ODD_EVENTS)
WHOLE = gzip_answer(BODY)
PLAIN = answer(BODY)
GZIPPED = gzip.compress(BODY)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_body_cut_at_any_byte_gives_all_rows_or_an_error_and_no_table(
    reading: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    form = data.draw(
        st.sampled_from(["cut connection", "cut plain connection", "well-formed end", "well-formed chunks"])
    )
    if form == "cut connection":
        reply = WHOLE[: data.draw(st.integers(0, len(WHOLE)))]
    elif form == "cut plain connection":
        reply = PLAIN[: data.draw(st.integers(0, len(PLAIN)))]
    else:
        part = GZIPPED[: data.draw(st.integers(1, len(GZIPPED)))]
        headers = "Content-Encoding: gzip\r\n"
        reply = answer(part, headers=headers) if form == "well-formed end" else chunked_answer(part, headers=headers)
    try:
        assert len(reading(reply)) == len(ODD_EVENTS)
    except MixpanelDataError:
        pass


def test_an_end_that_nothing_marks_is_refused(reading: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    with pytest.raises(IncompleteExportError, match="cannot be proven whole"):
        reading(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
    assert len(reading(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + GZIPPED)) == len(ODD_EVENTS)


def test_filter_goes_to_mixpanel_untouched(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    expression = 'properties["plan"] == "pro" and not ("x" in properties["$city"])'
    con.execute(f"FROM mixpanel_export('2024-01-01', '2024-01-01', filter := '{expression}')").fetchall()
    assert sandbox.requests[0].params["where"] == expression


def test_what_is_sent(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_export('2024-01-01', '2024-01-01', events := ['Purchase', 'é\"'])").fetchall()
    (request,) = sandbox.requests
    assert (request.method, request.path) == ("GET", "/api/2.0/export")
    assert request.params == {
        "project_id": "1",
        "from_date": "2024-01-01",
        "to_date": "2024-01-01",
        "event": '["Purchase", "é\\""]',
    }


@pytest.mark.parametrize(("rows", "limit", "requests"), [(10, "10", 1), (100_000, "100000", 1), (100_001, None, 3)])
def test_max_rows(
    con: duckdb.DuckDBPyConnection, sandbox: Sandbox, rows: int, limit: str | None, requests: int
) -> None:
    query = f"SELECT count(*), count(DISTINCT insert_id) FROM mixpanel_export('2024-01-01', '2024-01-31', max_rows := {rows})"
    assert con.execute(query).fetchall() == [(rows, rows)]
    assert {request.params.get("limit") for request in sandbox.requests} == {limit}
    assert len(sandbox.requests) == requests


def test_days_that_have_not_begun_are_not_asked_for(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    today = datetime.now(UTC).date()
    con.execute("SELECT count(*) FROM mixpanel_export(?, ?)", [today, today + timedelta(days=3)]).fetchall()
    assert {request.params["to_date"] for request in sandbox.requests} == {today.isoformat()}
    sandbox.requests.clear()
    tomorrow = today + timedelta(days=1)
    assert con.execute("FROM mixpanel_export(?, ?)", [tomorrow, tomorrow]).fetchall() == []
    assert sandbox.requests == []


def test_a_month_costs_three_requests(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-31')").fetchall()
    assert len(sandbox.requests) == 3


def test_a_window_that_comes_late_breaks_no_row_group(point_at: Callable[..., None]) -> None:
    """DuckDB would write all that follows a broken one twice."""
    has_rows = threading.Event()

    def reply(target: str) -> bytes:
        if "from_date=2024-01-01" in target:
            return answer(EVENT * 50_000)
        has_rows.wait()
        return answer(EVENT * 100_000)

    given = [0]
    days = {"from_date": "2024-01-01", "to_date": "2024-01-03", "parallel": 3}
    with raw_server(reply) as server:
        point_at(server.url)
        for batch in mixpanel_data.register(duckdb.connect()).batches("export", **days):
            if batch is not None:
                given.append(given[-1] + batch.num_rows)
                has_rows.set()
    assert 0 < given[1] < 50_000
    assert {122_880, 245_760, 250_000} <= set(given)
    assert len([rows for rows in given if rows > 122_880]) < 10


def test_more_at_once_on_request(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-31', parallel := 8)").fetchall()
    assert len(sandbox.requests) == 8


@pytest.mark.parametrize(
    "query",
    [
        "CREATE VIEW v AS FROM mixpanel_export('2024-01-01', '2024-01-01'); SELECT count(*) FROM v",
        "SELECT count(*) FROM (FROM mixpanel_export('2024-01-01', '2024-01-01') UNION ALL FROM mixpanel_export('2024-01-02', '2024-01-02')) WHERE event_time < '2024-01-02'",
        "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01') a JOIN mixpanel_export('2024-01-01', '2024-01-01') b USING (insert_id)",
        "WITH e AS (FROM mixpanel_export('2024-01-01', '2024-01-01')) SELECT (SELECT count(*) FROM e)",
        "SET VARIABLE d = DATE '2024-01-01'; SELECT count(*) FROM mixpanel_export(getvariable('d'), getvariable('d'))",
    ],
)
def test_anywhere_a_table_can_stand(con: duckdb.DuckDBPyConnection, query: str) -> None:
    expected = con.execute(f"SELECT count(*) FROM {DAY}").fetchall()
    assert con.execute(query).fetchall() == expected
