"""SQL through the workspace: frames, tuples, one value, Arrow, streams; errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import httpx
import pandas as pd
import pyarrow as pa
import pytest

import mixpanel_data
from mixpanel_data import (
    ArgumentError,
    AuthenticationError,
    NotFoundError,
    Progress,
    QueryError,
    RateLimitError,
    StorageError,
    TransportError,
    Workspace,
)
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import raw_server


@pytest.fixture
def ws(sandbox: Sandbox) -> Iterator[Workspace]:
    with Workspace("sandbox") as workspace:
        yield workspace


def test_sql_finds_a_frame_of_the_callers(ws: Workspace) -> None:
    mine = pd.DataFrame({"a": [1]})
    assert ws.sql_rows("FROM mine") == [(mine["a"][0],)]


def test_a_frame_has_json_as_python_objects(ws: Workspace) -> None:
    query = """SELECT * FROM (VALUES ('{"n": 12345678901234567890, "l": [1, null]}'::JSON, 1, 'x'), (NULL, NULL, NULL))
               AS t(j, i, s)"""
    frame = ws.sql(query)
    assert frame["j"].tolist() == [{"n": 12345678901234567890, "l": [1, None]}, None]
    assert frame["s"].tolist()[0] == "x"
    assert ws.sql_rows(query)[0] == ('{"n": 12345678901234567890, "l": [1, null]}', 1, "x")


def test_sql_finds_the_callers_own_frames(ws: Workspace) -> None:
    plans = pd.DataFrame({"plan": ["pro", "free"], "price": [20, 0]})
    assert ws.sql_rows("SELECT plan FROM plans WHERE price > 0") == [("pro",)]
    ws.sql("CREATE TABLE kept AS FROM plans")
    assert ws.sql_scalar("SELECT count(*) FROM kept") == len(plans)


def test_a_frame_is_found_whatever_it_is_called(ws: Workspace) -> None:
    query = session = values = con = rows = self = pd.DataFrame({"a": [1]})
    names = [name for name in locals() if name != "ws"]
    assert len(names) == 6
    for name in names:
        assert ws.sql(f"FROM {name}")["a"].tolist() == [query["a"][0]]
        assert ws.sql_rows(f"FROM {name} WHERE a = ?", [1]) == [(len(session),)]
        assert ws.sql_scalar(f"SELECT 2; FROM {name}") == len(values)
        assert ws.arrow(f"FROM {name}").num_rows == len(con)
        assert next(ws.stream(f"FROM {name} WHERE a > $least", {"least": 0})).num_rows == len(rows) == len(self)


def test_a_variable_of_the_callers_caller_is_found_too(ws: Workspace) -> None:
    def ask() -> Any:
        return ws.sql_scalar("SELECT sum(a) FROM values JOIN query USING (a)")

    values = query = pa.table({"a": [1, 2]})
    assert ask() == len(values) + len(query) - 1


@pytest.mark.parametrize("name", ["query", "values", "rows", "seen", "BETWEEN"])
def test_no_variable_of_ours_is_taken_for_a_table(ws: Workspace, name: str) -> None:
    with pytest.raises(QueryError, match=f"Table with name {name} does not exist"):
        ws.sql(f"FROM {name}")


def test_two_columns_of_one_name(ws: Workspace) -> None:
    frame = ws.sql("""SELECT '[1]'::JSON AS j, '[2]'::JSON AS j""")
    assert frame.iloc[0].tolist() == [[1], [2]]


def test_values_are_bound(ws: Workspace) -> None:
    evil = "'; DROP TABLE t; --"
    assert ws.sql_scalar("SELECT ?", [evil]) == evil
    assert ws.sql_rows("SELECT $a, $b", {"a": evil, "b": [1, 2]}) == [(evil, [1, 2])]
    assert ws.sql("SELECT $day::DATE AS day", {"day": date(2024, 1, 1)})["day"][0].year == 2024
    assert next(ws.stream("SELECT ? AS x", [evil])).to_pylist() == [{"x": evil}]


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("SELECT 1 WHERE false", "0 rows of 1 column"),
        ("SELECT 1, 2", "1 row of 2 columns"),
        ("FROM range(3)", "3 rows of 1 column"),
    ],
)
def test_one_value_or_a_clear_error(ws: Workspace, query: str, size: str) -> None:
    with pytest.raises(ValueError, match=f"this query gives {size}: use sql_rows"):
        ws.sql_scalar(query)


def test_several_statements_and_comments(ws: Workspace) -> None:
    assert ws.sql_rows("CREATE TABLE t AS SELECT 1 AS x; INSERT INTO t VALUES (2); SELECT sum(x) FROM t -- all") == [
        (3,)
    ]
    assert ws.sql_rows("FROM t ORDER BY x; -- done") == [(1,), (2,)]
    assert ws.sql_rows("DROP TABLE t") in ([], [(True,)])


def test_what_is_set_stays_set(ws: Workspace) -> None:
    ws.sql("SET VARIABLE first = '2024-01-01'")
    ws.sql("CREATE TEMP TABLE names AS SELECT 'Purchase' AS event_name")
    assert ws.sql_scalar("SELECT getvariable('first')") == "2024-01-01"
    assert ws.sql_scalar("SELECT count(*) FROM mixpanel_events() SEMI JOIN names USING (event_name)") == 1


def test_arrow_is_exact(ws: Workspace) -> None:
    table = ws.arrow("SELECT 9007199254740993::BIGINT AS big, NULL::BIGINT AS none, 1.10::DECIMAL(9,2) AS money")
    assert isinstance(table, pa.Table)
    assert str(table.to_pylist()) == "[{'big': 9007199254740993, 'none': None, 'money': Decimal('1.10')}]"


def test_a_stream_is_read_bit_by_bit(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t AS FROM range(300000)")
    batches = list(ws.stream("FROM t", rows=10_000))
    assert max(batch.num_rows for batch in batches) <= 12_288
    assert sum(batch.num_rows for batch in batches) == 300_000


def test_a_stream_has_the_functions_too_and_more_than_one_may_run(ws: Workspace) -> None:
    streams = [ws.stream("FROM mixpanel_export('2024-01-01', '2024-01-02')", rows=2048) for _ in range(2)]
    first = [next(stream).num_rows for stream in streams]
    assert [n + sum(batch.num_rows for batch in stream) for n, stream in zip(first, streams, strict=True)] == [
        7873,
        7873,
    ]


def test_last_sql_can_be_pasted(ws: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    ws.segmentation("Purchase", from_date=date(2024, 1, 1), to_date="2024-01-02", on='properties["plan"]', where="true")
    assert ws.last_sql == (
        "FROM mixpanel.segmentation(event := 'Purchase', from_date := '2024-01-01', to_date := '2024-01-02', "
        "segment_by := 'properties[\"plan\"]', unit := 'day', type := 'general', filter := 'true')"
    )
    for ask in (
        lambda: ws.properties("Purchase"),
        lambda: ws.event_counts(["Purchase", "it's"], from_date="2024-01-01", to_date="2024-01-02"),
        lambda: ws.retention("Sign Up", "Purchase", from_date="2024-01-01", to_date="2024-01-02", interval=2),
        lambda: ws.jql("function main() { return 'x' + 1 }", {"a": "it's"}),
        ws.cohorts,
        lambda: ws.fetch_events("x", from_date="2024-01-01", to_date="2024-01-01", events=["Purchase"]),
        lambda: ws.fetch_profiles("y", properties=["$email"]),
    ):
        with_it = None
        try:
            ask()
        except mixpanel_data.MixpanelDataError as error:
            with_it = error
        assert ws.last_sql is not None
        if with_it is None:
            con.execute(ws.last_sql).fetchall()


def test_the_error_raised_is_the_typed_one_with_its_cause(ws: Workspace, sandbox: Sandbox, point_at: Any) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'Purchase'") as caught:
        ws.sql("FROM mixpanel_segmentation('Purchas', '2024-01-01', '2024-01-02')")
    assert caught.value.__suppress_context__, "what DuckDB made of it on the way is not shown"
    with pytest.raises(QueryError, match="syntax error") as refused:
        ws.sql("SELEC 1")
    assert isinstance(refused.value.__cause__, duckdb.Error)
    sandbox.faults.add(Fault(match="/segmentation", status=429, headers={"Retry-After": "3600"}, times=99))
    with (
        Workspace.memory("sandbox", wait=False) as hasty,
        pytest.raises(RateLimitError) as limited,
    ):
        hasty.segmentation("Purchase", from_date="2024-01-01", to_date="2024-01-02")
    assert limited.value.retry_after is not None


def test_errors_of_a_stream_are_typed_too(ws: Workspace, sandbox: Sandbox) -> None:
    with pytest.raises(QueryError, match="nowhere does not exist"):
        next(ws.stream("FROM nowhere"))
    with pytest.raises(NotFoundError, match="did you mean 'Purchase'"):
        list(ws.stream("FROM mixpanel_segmentation('Purchas', '2024-01-01', '2024-01-02')"))
    with pytest.raises(QueryError, match="late"):
        list(ws.stream("SELECT CASE WHEN range > 200000 THEN error('late') END FROM range(300000)", rows=1000))
    sandbox.faults.add(Fault(match="/export", status=401, times=9))
    with pytest.raises(AuthenticationError):
        list(ws.stream_events(from_date="2024-01-01", to_date="2024-01-01"))


def test_a_connection_that_breaks_is_the_cause(point_at: Any) -> None:
    with raw_server(lambda _: b"") as server:
        point_at(server.url)
        with Workspace.memory() as ws, pytest.raises(TransportError) as broken:
            ws.top_events()
    assert isinstance(broken.value.__cause__, httpx.RemoteProtocolError)


def test_after_an_error_everything_goes_on(ws: Workspace) -> None:
    for query in ("FROM nowhere", "FROM mixpanel_export('x')", "SELECT 1/'a'", "INSERT INTO nowhere VALUES (1)"):
        with pytest.raises(QueryError):
            ws.sql(query)
    assert ws.sql_scalar("SELECT 1") == 1
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    assert ws.sql_rows("FROM t") == [(1,)]


def test_closing_twice_is_harmless_and_what_is_closed_says_so(sandbox: Sandbox) -> None:
    ws = Workspace.memory("sandbox")
    ws.close()
    ws.close()
    for use in (
        lambda: ws.sql("SELECT 1"),
        ws.events,
        ws.tables,
        lambda: ws.connection,
        lambda: next(ws.stream("FROM t")),
    ):
        with pytest.raises(StorageError, match="this workspace is closed"):
            use()


def test_an_old_error_is_not_taken_for_a_new_one(ws: Workspace) -> None:
    class Cancel(Exception):
        pass

    for raised in (RuntimeError("events"), Cancel()):

        def cancel(_: Progress, raised: Exception = raised) -> None:
            raise raised

        with pytest.raises(type(raised)):
            ws.fetch_events("x", from_date="2024-01-01", to_date="2024-01-01", progress=cancel)
    for query in ("SELECT no_such_events", "FROM events"):
        with pytest.raises(QueryError):
            ws.sql(query)


def test_a_time_with_its_zone(ws: Workspace) -> None:
    assert ws.sql_scalar("SELECT now()").tzinfo is not None
    assert ws.sql_scalar("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00'").timestamp() == 1704067200


def test_what_writes_without_looking_so(ws: Workspace) -> None:
    ws.sql("CREATE SEQUENCE s; CREATE TABLE t (i INTEGER)")
    assert [ws.sql_scalar("SELECT nextval('s')") for _ in range(2)] == [1, 2]
    ws.sql("EXPLAIN ANALYZE INSERT INTO t VALUES (1)")
    assert ws.sql_rows("FROM t") == [(1,)]


@pytest.mark.parametrize("rows", [0, -1])
def test_a_batch_has_rows(ws: Workspace, rows: int) -> None:
    with pytest.raises(ArgumentError, match="rows must be at least 1"):
        next(ws.stream("SELECT 1", rows=rows))


def test_a_stream_knows_what_was_set(ws: Workspace) -> None:
    ws.sql("SET VARIABLE x = 5; SET VARIABLE \"odd name\" = ['a', NULL]")
    (batch,) = ws.stream("SELECT getvariable('x') AS x, getvariable('odd name') AS y")
    assert batch.to_pylist() == [{"x": 5, "y": ["a", None]}]


@pytest.mark.parametrize(
    ("query", "cure"),
    [
        ("FROM mixpanel_segmentation(event = 'Purchase')", "an argument is named with :=, as in event := …"),
        ("FROM mixpanel_events", "a function is called with brackets: FROM mixpanel_events()"),
        ("SELECT plan FROM (SELECT '{}'::JSON AS properties)", "a property is read as properties->>'$.plan'"),
        ('FROM mixpanel_export("2024-01-01", current_date)', "text is written in single quotes: '2024-01-01'"),
        (
            "FROM mixpanel_property_values('plan', event := 'Purchase')",
            "it takes, in this order or by name with :=, event",
        ),
        ("FROM local_sessions(t, pause := 3)", "it takes, in this order or by name with :=, events, gap"),
        ("SELECT even_name FROM (SELECT 1 AS event_name)", 'Candidate bindings: "event_name"'),
        ("FROM mixpanel_eksport('2024-01-01', '2024-01-02')", 'Did you mean "mixpanel_export"?'),
    ],
)
def test_where_duckdb_refuses_a_call_the_error_says_what_to_write(ws: Workspace, query: str, cure: str) -> None:
    with pytest.raises(QueryError) as refused:
        ws.sql(query)
    assert cure in refused.value.message
    assert "pg_" not in refused.value.message


def test_what_duckdb_says_is_kept_where_we_know_no_better(ws: Workspace) -> None:
    for query, said in (("FROM nowhere", "Table with name nowhere does not exist!"), ("SELECT 1 +", "syntax error")):
        with pytest.raises(QueryError, match=said):
            ws.sql(query)
