"""What a client of ``mp serve`` gets of what it may ask, and what becomes of it when others ask too much."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from mixpanel_data import ArgumentError, Workspace, serve
from mixpanel_data.serving import extension, sessions
from tests.anywhere.served import Served, ask, client, free_port, serving
from tests.shell import mp

pytest.importorskip("duckdb_extension_quack")

SECONDS = 4
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sandbox served, with local tables of several kinds."""
    folder = tmp_path_factory.mktemp("served")
    with Workspace("sandbox", path=folder / "shop.db", progress=False) as ws:
        ws.fetch_events("first", from_date="2024-01-01", to_date="2024-01-01")
        ws.sql("CREATE TABLE as_variant AS SELECT * REPLACE (properties::VARIANT AS properties) FROM first")
        ws.sql("CREATE TYPE plan AS ENUM ('free', 'pro')")
        ws.sql("CREATE TABLE plans AS SELECT 'pro'::plan AS plan")
        ws.sql('CREATE TABLE "my ""own"" table" AS SELECT 7 AS seven')
        ws.sql("CREATE VIEW a_few AS FROM first LIMIT 10")
    with serving("--account", "sandbox", "--path", str(folder / "shop.db"), "--max-seconds", str(SECONDS)) as found:
        yield found


@pytest.mark.parametrize(
    "query",
    [
        "FROM mixpanel_events()",
        "FROM MIXPANEL_EVENTS() LIMIT 3",
        'FROM "mixpanel"."events"()',
        "FROM mixpanel.main.events()",
        "FROM memory.main.mixpanel_events()",
        "SELECT (SELECT count(*) FROM mixpanel_events()) + 1",
        "FROM mixpanel_functions()",
        "FROM mixpanel_days('2024-01-01', '2024-01-03')",
        "FROM local_daily_active_users(first)",
        "FROM mixpanel.local.daily_active_users('shop.first')",
        "FROM local_daily_active_users(['first', 'a_few'])",
        "WITH mine AS (FROM first) FROM local_segmentation(mine, 'Purchase')",
        "FROM local_segmentation(first, 'Purchase', by := properties->>'$.plan')",
        "FROM first LIMIT 1",
        "FROM main.first LIMIT 1",
        "FROM shop.first LIMIT 1",
        "FROM shop.main.first LIMIT 1",
        "FROM memory.main.first LIMIT 1",
        'FROM "FIRST" LIMIT 1',
        "FROM a_few",
        'FROM "my ""own"" table"',
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "DESCRIBE first",
        "SUMMARIZE plans",
        "FROM information_schema.tables",
        "VALUES (1, 'a'), (2, 'b')",
        "FROM range(3)",
        "FROM generate_series(1, 3)",
        "FROM unnest([1, 2])",
        "SELECT unnest(['a', 'b']), generate_subscripts([5, 6], 1)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
        "WITH quack_stop AS (SELECT 1 AS one) FROM quack_stop",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT a.x, b.x FROM a, b",
        "SELECT 'quack_stop()' AS read_text, 1 AS \"FROM duckdb_secrets()\" -- CALL quack_stop('x')",
        "SELECT event_name, count(*) FILTER (WHERE distinct_id IS NOT NULL), rank() OVER (ORDER BY count(*)) FROM first GROUP BY ALL",
        "FROM (SELECT event_name, 1 AS n FROM first) PIVOT (sum(n) FOR event_name IN ('Purchase', 'Sign Up'))",
        "SELECT * EXCLUDE (properties) REPLACE (upper(event_name) AS event_name) FROM first LIMIT 1",
        "SELECT date_trunc('week', DATE '2024-01-03'), INTERVAL 3 DAYS, current_date, now() IS NULL, 5 BETWEEN 1 AND 9",
        "SELECT CASE WHEN 1 IN (1, 2) THEN 'a' END, 'abc' LIKE 'a%', 'x' || 'y', [1, 2, 3][2:], {a: 1}.a, MAP {1: 2}[1]",
        "SELECT list_transform([1, 2], x -> x + 1), [x * 2 FOR x IN [1, 2] IF x > 1], '{\"a\": 1}'::JSON->>'$.a'",
        "SELECT x.upper().lower() FROM (SELECT 'aBc' AS x)",
        "SELECT try_cast('x' AS INTEGER), coalesce(NULL, 1), nullif(1, 1), 'a' COLLATE NOCASE = 'A'",
        "SELECT 1 AS a, 2 AS a",
        "SELECT 1 WHERE false",
        "SELECT NULL",
        "SELECT 1;",
    ],
)  # fmt: skip
def test_what_may_be_asked(served: Served, query: str) -> None:
    with client(served) as con:
        ask(con, query)


@pytest.mark.parametrize(
    "value",
    ["'pro'::ENUM('free', 'pro')", "'{\"a\": [1, 2]}'::JSON::VARIANT", "'{\"b\": 1, \"a\": 1.50}'::JSON",
     "170141183460469231731687303715884105727", "1.50::DECIMAL(12, 2)", "INTERVAL '1 month 2 days 3 seconds'",
     "TIMESTAMP '2024-01-01 00:00:00.123456'", "TIMESTAMPTZ '2024-01-01 00:00:00+00'", "TIME '12:00:01'",
     "{'a': [1, NULL], 'b': {'c': 'x'}}", "MAP {'a': DATE '2024-01-01'}", "'\\xFF'::BLOB", "'101'::BIT",
     "'00000000-0000-0000-0000-000000000000'::UUID", "'nan'::DOUBLE"],
)  # fmt: skip
def test_values_keep_their_type(served: Served, value: str) -> None:
    with client(served) as con, duckdb.connect() as at_home:
        there = con.execute("SELECT x::VARCHAR, typeof(x) FROM quack_query_by_name('mp', $1)", [f"SELECT {value} AS x"])
        assert (
            there.fetchall() == at_home.execute(f"SELECT x::VARCHAR, typeof(x) FROM (SELECT {value} AS x)").fetchall()
        )


def test_local_tables_keep_their_types(served: Served) -> None:
    with client(served) as con:
        assert ask(con, "SELECT count(*) FROM as_variant WHERE properties.plan = 'pro'") != [(0,)]
        kinds = {name: kind for name, kind, *_ in con.execute("DESCRIBE mp.as_variant").fetchall()}
        assert kinds["properties"] == "VARIANT"
        assert con.execute("SELECT typeof(plan), plan FROM mp.plans").fetchall() == [("ENUM('free', 'pro')", "pro")]
        assert con.execute("SELECT count(properties) > 1000 FROM mp.as_variant").fetchall() == [(True,)]


def test_rows_come_in_order(served: Served) -> None:
    with client(served) as con:
        assert ask(con, "FROM range(300000) ORDER BY range DESC") == [(n,) for n in reversed(range(300_000))]


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ('SELECT 1 AS a, 2 AS a, 3 AS "A"', ["a", "a", "A"]),
        ('SELECT 1 AS "my ""own"" name"', ['my "own" name']),
        ("SELECT 1 AS c0, 2 AS c1, 3 AS nextval", ["c0", "c1", "nextval"]),
        ("VALUES (1, 2)", ["col0", "col1"]),
        ("SELECT count(*)", ["count_star()"]),
        ("SHOW TABLES", ["name"]),
    ],
)
def test_columns_keep_their_names(served: Served, query: str, columns: list[str]) -> None:
    with client(served) as con:
        (answered,) = (
            con.execute(
                "SELECT list(column_name) FROM (DESCRIBE FROM quack_query_by_name('mp', $1))", [query]
            ).fetchone()
            or ()
        )
        if len(set(columns)) == len({name.lower() for name in columns}) == len(columns):
            assert answered == columns
        else:  # the client's own DuckDB tells them apart
            assert [name.partition("_")[0] for name in answered] == columns


@pytest.mark.parametrize(
    "query",
    ["SELECT 7 -- a comment", "SELECT 7 /* a; comment */;", " SELECT 7 ; ; -- more", "SELECT 7 -- ;\n;", "(SELECT 7)",
     "FROM (VALUES (7)) AS t(x) -- 'ö;'", "SELECT x FROM (SELECT 7 AS x, $$;$$ AS y, ';' AS \"ö;\")"],
)  # fmt: skip
def test_comments_and_semicolons(served: Served, query: str) -> None:
    with client(served) as con:
        assert ask(con, query) == [(7,)]


def test_who_reads_no_further_harms_nobody(served: Served) -> None:
    with client(served) as con:
        for _ in range(30):
            con.execute("FROM quack_query_by_name('mp', 'FROM range(5000000)')").fetchone()
            assert ask(con, "SELECT 1") == [(1,)]


def test_a_client_that_is_killed_leaves_nothing_behind(served: Served) -> None:
    killed = served.client(f"FROM mp.query('{ENDLESS}')")
    with client(served) as con:
        ask(con, "SELECT count(*) FROM first")
        killed.kill()
        killed.communicate()
        assert ask(con, "SELECT 42") == [(42,)]


def test_endless_questions_of_some_do_not_keep_others_waiting(served: Served) -> None:
    def endless(_: int) -> str:
        with client(served) as con, pytest.raises(duckdb.Error) as refused:
            ask(con, ENDLESS)
        return str(refused.value)

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(endless, number) for number in range(12)]
        with client(served) as con:
            assert ask(con, "SELECT count(*) > 1 FROM mixpanel_events()") == [(True,)]
            assert not any(one.done() for one in asked)
        assert all(f"takes longer than {SECONDS} seconds" in one.result() for one in asked)
    with client(served) as con:
        assert ask(con, "SELECT 42") == [(42,)]


def test_an_answer_that_nobody_reads_is_let_go(sandbox: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "READING", 0.1)
    port = free_port()
    with (
        serve("sandbox", ":memory:", port=port, max_seconds=10, max_rows=10**8) as server,
        duckdb.connect() as elsewhere,
    ):
        extension.load(elsewhere)
        elsewhere.execute(f"ATTACH '{server.uri}' AS mp (TOKEN '{server.token}')")
        answer = elsewhere.execute("FROM mp.query('FROM range(20000000)')")
        with pytest.raises(duckdb.Error, match="Invalid connection id"):
            while answer.fetchmany(100):
                pass
        elsewhere.execute("DETACH mp")
        elsewhere.execute(f"ATTACH '{server.uri}' AS mp (TOKEN '{server.token}')")
        assert elsewhere.execute("FROM mp.query('SELECT 42')").fetchall() == [(42,)]


def test_python_serves_within_limits_too(sandbox: object) -> None:
    port = free_port()
    with serve("sandbox", ":memory:", port=port, max_rows=1000) as server, duckdb.connect() as elsewhere:
        extension.load(elsewhere)
        elsewhere.execute(f"ATTACH '{server.uri}' AS mp (TOKEN '{server.token}')")
        elsewhere.execute("FROM mp.query('FROM range(1000)')").fetchall()
        with pytest.raises(duckdb.Error, match="more than 1,000 rows: ask for fewer"):
            elsewhere.execute("FROM mp.query('FROM range(1001)')").fetchall()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--memory-limit", "much"), "memory_limit 'much' is no amount of memory: write '2GB'"),
        (("--max-seconds", "0"), "max_seconds and max_rows must be more than 0"),
        (("--max-rows", "0"), "max_seconds and max_rows must be more than 0"),
    ],
)
def test_limits_that_are_none(options: tuple[str, ...], line: str) -> None:
    done = mp("--account", "sandbox", "serve", "--ephemeral", *options)
    assert (done.stdout, done.stderr) == ("", f"mp: {line}\n")


def test_limits_that_are_none_in_python() -> None:
    with pytest.raises(ArgumentError), serve("sandbox", ":memory:", port=free_port(), max_seconds=-1):
        pass


def test_help_says_what_clients_may_do() -> None:
    said = mp("serve", "--help").stdout
    for word in ("--memory-limit", "--max-seconds", "--max-rows", "local_", "generate_series", "refused"):
        assert word in said
