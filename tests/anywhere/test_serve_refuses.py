"""What a client of ``mp serve`` cannot do, however it is written: one line says so, and the server answers the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import Workspace
from mixpanel_data.serving.allowed import MAY, ONLY_SELECT
from mixpanel_data.serving.size import HOW_LONG
from tests.anywhere.served import Served, ask, client, serving

pytest.importorskip("duckdb_extension_quack")

LIMITS = ("--max-seconds", "5", "--max-rows", "100000", "--memory-limit", "300MB")
FILE = Path(__file__).absolute()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sandbox served with small limits, and with a local table and a macro of its owner's."""
    folder = tmp_path_factory.mktemp("served")
    with Workspace("sandbox", path=folder / "shop.db", progress=False) as ws:
        ws.fetch_events("first", from_date="2024-01-01", to_date="2024-01-01")
        ws.sql("CREATE MACRO stop_it() AS TABLE FROM duckdb_secrets()")
    with serving("--account", "sandbox", "--path", str(folder / "shop.db"), *LIMITS) as found:
        yield found


def refusal(con: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.Error) as refused:
        ask(con, query)
    return str(refused.value).partition("\n\nLINE 1: FROM quack_query_by_name")[0]  # its own DuckDB adds where it was


def refusal_in_one_line(served: Served, query: str) -> str:
    """The refusal, after which the server goes on."""
    with client(served) as con:
        refused = refusal(con, query)
        assert len(refused.splitlines()) == 1
        still_answers(served, con)
    return refused


def still_answers(served: Served, con: duckdb.DuckDBPyConnection) -> None:
    assert ask(con, "SELECT 42") == [(42,)]
    with client(served) as another:
        assert ask(another, "SELECT count(*) > 1 FROM mixpanel_events()") == [(True,)]
    assert served.process.poll() is None


NOT_ALLOWED = [
    # listening, stopping, and what others are doing
    "FROM quack_serve('quack:0.0.0.0:9599', token := 'my-own-token', allow_other_hostname := true)",
    "FROM quack_stop('quack:localhost:9494')",
    'FROM "QUACK_STOP"(\'quack:localhost:9494\')',
    "FROM system.main.quack_stop('quack:localhost:9494')",
    "FROM main.quack_stop('quack:localhost:9494')",
    "SELECT (SELECT count(*) FROM quack_stop('quack:localhost:9494'))",
    "SELECT 1 WHERE EXISTS (FROM quack_stop('quack:localhost:9494'))",
    "SELECT 1 LIMIT (SELECT count(*) FROM quack_stop('quack:localhost:9494'))",
    "SELECT 1 ORDER BY (SELECT count(*) FROM quack_stop('quack:localhost:9494'))",
    "WITH quack_stop AS (SELECT 1) FROM quack_stop('quack:localhost:9494')",
    "WITH t AS MATERIALIZED (FROM quack_stop('quack:localhost:9494')) SELECT 1",
    "SELECT 1 UNION ALL SELECT count(*) FROM quack_stop('quack:localhost:9494')",
    "FROM range(3), LATERAL (FROM quack_stop('quack:localhost:9494'))",
    "FROM range((SELECT count(*) FROM quack_stop('quack:localhost:9494')))",
    "FROM (VALUES ((SELECT count(*) FROM quack_stop('quack:localhost:9494'))))",
    "SELECT list_transform([1], x -> (SELECT count(*) FROM quack_stop('quack:localhost:9494')))",
    "SELECT * REPLACE ((SELECT count(*) FROM quack_server_list()) AS range) FROM range(1)",
    "SELECT sum(range) FILTER (WHERE EXISTS (FROM quack_server_list())) FROM range(1)",
    "SELECT sum(range) OVER (ORDER BY (SELECT 1 FROM quack_server_list())) FROM range(1)",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n + 1 FROM t, quack_server_list()) FROM t",
    "FROM mixpanel_events(account := (SELECT listen_uri FROM quack_server_list()))",
    "DESCRIBE FROM quack_server_list()",
    "SUMMARIZE FROM quack_server_list()",
    "FROM range(2) PIVOT (count(*) FOR range IN (0)) , quack_server_list()",
    "FROM quack_active_connections()",
    "FROM quack_query('quack:localhost:9494', 'SELECT 1')",
    "FROM quack_clear_cache()",
    "FROM quack_identify(name := 'mine')",
    "FROM whoami()",
    "SELECT quack_check_token('a', 'b', 'b')",
    "FROM enable_logging(storage := 'file', storage_config := {'path': 'logs'})",
    "FROM enable_logging(level := 'debug')",
    "FROM disable_logging()",
    "FROM duckdb_logs()",
    "FROM duckdb_logs",
    "FROM main.duckdb_logs",
    "FROM duckdb_logs_parsed('QueryLog')",
    "FROM truncate_duckdb_logs()",
    "SELECT write_log('x')",
    "FROM enable_profiling()",
    "SELECT current_query()",
    # a name that a CTE has, where that CTE is not
    "SELECT (WITH duckdb_logs AS (SELECT 1) SELECT 1 FROM duckdb_logs), l FROM duckdb_logs AS l",
    "WITH a AS (FROM duckdb_logs), duckdb_logs AS (SELECT 1) FROM a",
    "WITH duckdb_logs AS (FROM duckdb_logs) FROM duckdb_logs",
    "WITH RECURSIVE duckdb_logs AS (FROM duckdb_logs UNION ALL FROM duckdb_logs) FROM duckdb_logs",
    "WITH duckdb_logs AS (SELECT 1) FROM main.duckdb_logs",
    # text that becomes SQL or a name
    "FROM query('FROM quack_stop(''quack:localhost:9494'')')",
    "FROM query_table('duckdb_logs')",
    "FROM query_table(['duckdb_logs', 'duckdb_logs'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT json_serialize_plan('FROM quack_stop(''x'')')",
    "FROM local_segmentation('duckdb_logs', 'x')",
    "FROM local_segmentation(duckdb_logs, 'x')",
    "FROM local_segmentation(event := 'x', EVENTS := 'duckdb_logs')",
    "FROM mixpanel.local.segmentation(['first', 'duckdb_logs'], 'x')",
    f"FROM local_segmentation('{FILE}', 'x')",
    "FROM local_segmentation('\"duckdb_logs\"', 'x')",
    "FROM local_segmentation(first, 'Purchase', by := (SELECT count(*) FROM quack_server_list()))",
    "FROM stop_it()",
    "FROM shop.stop_it()",
    # files
    f"FROM '{FILE}'",
    f"FROM read_text('{FILE}')",
    f"FROM read_blob('{FILE}')",
    f"FROM read_csv('{FILE}')",
    f"FROM read_csv_auto('{FILE}')",
    f"FROM read_json('{FILE}')",
    f"FROM read_parquet('{FILE}')",
    f"FROM parquet_metadata('{FILE}')",
    f"FROM sniff_csv('{FILE}')",
    "FROM glob('*')",
    "FROM 'http://localhost:1/x.csv'",
    "WITH \"x.csv\" AS (SELECT 1) SELECT * FROM 'y.csv'",
    # settings, secrets and what the server knows
    "FROM duckdb_settings()",
    "FROM duckdb_secrets()",
    "FROM which_secret('s3://x', 's3')",
    "FROM duckdb_variables()",
    "FROM duckdb_extensions()",
    "FROM duckdb_databases()",
    "FROM duckdb_temporary_files()",
    "FROM duckdb_memory()",
    "FROM duckdb_prepared_statements()",
    "FROM pragma_database_list",
    "FROM pragma_database_size()",
    "FROM pragma_storage_info('first')",
    "FROM pg_catalog.pg_settings",
    "FROM sqlite_master",
    "SELECT current_setting('s3_secret_access_key')",
    "SELECT getvariable('x')",
    "SELECT getenv('HOME')",
    "SELECT first.getenv() FROM first",
    "SHOW DATABASES",
    "FROM (SHOW DATABASES)",
    # what waits, counts or scans for its own sake
    "SELECT nextval('s')",
    "SELECT setseed(0.5)",
    "SELECT pg_sleep(1000)",
    "SELECT sleep_ms(1000)",
    "FROM checkpoint()",
    "FROM force_checkpoint()",
    "FROM test_all_types()",
    "FROM repeat(1, 100)",
    "FROM seq_scan('first')",
    "FROM arrow_scan(1::UBIGINT::POINTER, 1::UBIGINT::POINTER, 1::UBIGINT::POINTER)",
    "FROM pandas_scan(1)",
    "FROM python_map_function(1)",
    "SELECT __mixpanel_answer('session', 'SELECT 1')",
    "SELECT __mixpanel_names('x', [], [], [])",
    "FROM __answer_1",
    "FROM __answer_1.main.rows",
    "SELECT __mixpanel_taken(1)",
    'FROM mixpanel."__export"',
    "FROM no_such_function()",
    "FROM no_such_table",
]  # fmt: skip
NO_SELECT = [
    "CALL quack_stop('quack:localhost:9494')",
    "SET memory_limit = '100GB'",
    "SET GLOBAL quack_authorization_function = 'quack_nop_authorization'",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "USE shop",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH ':memory:' AS mine",
    "DETACH shop",
    "COPY first TO 'out.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "EXPORT DATABASE 'out'",
    "IMPORT DATABASE 'out'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP VIEW v AS FROM duckdb_logs",
    "CREATE TEMP MACRO upper(x) AS TABLE FROM quack_stop(x)",
    "CREATE SECRET (TYPE http)",
    "INSERT INTO first SELECT * FROM first",
    "DELETE FROM shop.first",
    "DROP VIEW first",
    "UPDATE first SET event_name = 'x'",
    "PREPARE p AS FROM duckdb_logs",
    "EXECUTE p",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE FROM quack_stop('quack:localhost:9494')",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "SELECT 1; SELECT 2",
    "SELECT 1; CALL quack_stop('quack:localhost:9494')",
    "PIVOT first ON event_name USING count(*)",
    "-- only a comment",
    "",
]


@pytest.mark.parametrize("query", NOT_ALLOWED)
def test_what_is_not_on_the_list_is_refused(served: Served, query: str) -> None:
    assert refusal_in_one_line(served, query).endswith(f" cannot be run here: {MAY}")


@pytest.mark.parametrize("query", NO_SELECT)
def test_nothing_but_one_select(served: Served, query: str) -> None:
    assert refusal_in_one_line(served, query).endswith(f": {ONLY_SELECT}")


TOO_MUCH = {
    "endless": ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t", "seconds"),
    "endless rows at first": ("FROM range(10) UNION ALL SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = -1", "seconds"),
    "a large join": ("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = -1", "seconds"),
    "a long sleep of numbers": ("SELECT sum(hash(range)) FROM range(1000000000000)", "seconds"),
    "too many rows": ("FROM range(100001)", "100,000 rows"),
    "far too many rows": ("FROM range(1000000000000)", "100,000 rows"),
    "rows of a series": ("FROM generate_series(1, 200000)", "100,000 rows"),
    "a list of everything": ("SELECT len(list(range)) FROM range(3000000000)", "memory"),
    "texts put together": ("SELECT len(string_agg(repeat('x', 1000), '')) FROM range(100000000)", "memory"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_takes_too_much_is_refused(served: Served, name: str) -> None:
    query, limit = TOO_MUCH[name]
    refused = refusal_in_one_line(served, query)
    assert limit in refused
    assert "start" in refused
    assert "larger --max-" in refused or "larger --memory-limit" in refused


UNCOUNTED = [
    "SELECT len(repeat('x', 3000000000))",
    "SELECT repeat('x', range) FROM range(10)",
    "SELECT REPEAT('x', 30000 * 30000)",
    "SELECT x.repeat(3000000000) FROM (SELECT 'x' AS x)",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT format('{:>100000000}', range) FROM range(2048)",
    "SELECT format('{:>{}}', 1, 100000000)",
    "SELECT format(event_name, 1) FROM first",
    "SELECT printf('%*d', 100000000, 1)",
    "SELECT len(range(3000000000))",
    "SELECT unnest(generate_series(1, 200000))",
    "SELECT generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2025-01-01', INTERVAL 1 MICROSECOND)",
    "SELECT len(list_resize([1], 3000000000))",
]


@pytest.mark.parametrize("query", UNCOUNTED)
def test_values_of_any_length_are_refused(served: Served, query: str) -> None:
    assert refusal_in_one_line(served, query).endswith(f"() on mp serve {HOW_LONG}")


def nested(before: str, middle: str, after: str, times: int) -> str:
    return f"SELECT {before * times}{middle}{after * times}"


def chain(first: str, then: str, times: int) -> str:
    """CTEs, each made from the one before."""
    ctes = [f"t0 AS ({first})", *(f"t{n} AS ({then.replace('?', f't{n - 1}')})" for n in range(1, times))]
    return f"WITH {', '.join(ctes)} SELECT count(*) FROM t{times - 1}"


LARGE = {
    "subqueries": nested("(SELECT ", "1", ")", 3_000),
    "brackets": nested("(", "1", ")", 20_000),
    "a sum": nested("1 + ", "1", "", 20_000),
    "lists": nested("[", "1", "]", 20_000),
    "nots": nested("NOT ", "true", "", 20_000),
    "tables": nested("(FROM ", "range(1)", ")", 5_000).replace("SELECT", "FROM"),
    "lambdas": nested("list_transform([1], x -> ", "1", ")", 25),
    "macros": nested("nullif(", "1", ", 1)", 40),
    "joined CTEs": chain("SELECT 1", "FROM ?, ? AS b", 40),
    "doubled structs": chain("SELECT 1 AS x", "SELECT {a: x, b: x} AS x FROM ?", 40),
    "doubled columns": chain("SELECT 1 AS x", "SELECT *, COLUMNS(*) FROM ?", 40),
    "repeats of repeats": nested("repeat(", "'x'", ", 100)", 4),
    "lists of lists": nested("list_transform(range(1000), x -> ", "1", ")", 3),
    "a large statement": f"SELECT '{'x' * 1_000_000}'",
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_to_plan_is_refused(served: Served, name: str) -> None:
    assert refusal_in_one_line(served, LARGE[name])


@pytest.mark.parametrize("query", ["SELECT 1 FROM", "SELECT 'unended", "SELECT 'x'::INTEGER", "SELECT no_such_column"])
def test_an_error_is_told_as_it_is(served: Served, query: str) -> None:
    with client(served) as con, duckdb.connect() as at_home:
        with pytest.raises(duckdb.Error) as here:
            at_home.execute(query)
        assert str(here.value).splitlines()[0].partition(": ")[2] in refusal(con, query)
        still_answers(served, con)
