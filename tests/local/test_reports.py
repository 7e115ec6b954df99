"""Each report is complete, says the truth of itself, and can be called from wherever people are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import Workspace
from mixpanel_data.local import Report, reports
from mixpanel_data.local.parts import with_parts
from mixpanel_data.sandbox import Sandbox
from mixpanel_data.storage.file import IS_1

EVERY = pytest.mark.parametrize("report", reports(), ids=lambda report: report.name)
PURCHASES = "SELECT sum(count) FROM {}(january, 'Purchase')"


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-03')")
        con.execute("CREATE SCHEMA archive; CREATE VIEW archive.january AS FROM main.january")
        yield con


@EVERY
def test_everything_is_said(report: Report) -> None:
    assert report.doc.endswith(".")
    assert report.notes.endswith(".")
    assert report.example.startswith(f"FROM local_{report.name}(january")
    assert report.parameters[0].name == "events"
    for part in (*report.parameters, *report.columns):
        assert not part.meaning.endswith(".")


@EVERY
def test_nobody_reads_lines_that_are_too_long(report: Report) -> None:
    assert max(map(len, report.sql.splitlines())) <= 120


@EVERY
def test_what_reports_have_in_common_is_the_same_in_each(report: Report) -> None:
    assert report.sql == with_parts(report.sql), "write it anew: python -m mixpanel_data.local.parts"


@EVERY
def test_the_example_runs_and_its_columns_are_those_that_are_said(
    report: Report, shop: duckdb.DuckDBPyConnection
) -> None:
    result = shop.sql(report.example)
    assert result.limit(1).fetchall()
    said = [column.name for column in report.columns]
    assert result.columns == said or (report.name == "dbt_event" and not said)


@EVERY
def test_the_parameters_are_those_that_are_said(report: Report, shop: duckdb.DuckDBPyConnection) -> None:
    found = shop.execute(
        "SELECT parameters, comment FROM duckdb_functions() WHERE function_name = ? AND NOT internal",
        [f"local_{report.name}"],
    ).fetchall()
    ((parameters, comment),) = found
    assert parameters == [parameter.name for parameter in report.parameters]
    assert report.doc in comment
    assert report.example in comment


@EVERY
def test_the_file_runs_in_any_duckdb_as_it_stands(report: Report, shop: duckdb.DuckDBPyConnection) -> None:
    rows = shop.sql("FROM january").arrow()
    with duckdb.connect() as plain:
        plain.from_arrow(rows).create("january")
        plain.execute(Path(f"sql/local/{report.name}.sql").read_text(encoding="utf-8"))
        example = next(line[3:] for line in report.sql.splitlines() if line.startswith("-- FROM"))
        assert plain.sql(example).limit(1).fetchall() == shop.sql(report.example).limit(1).fetchall()


@EVERY
def test_it_is_listed(report: Report, shop: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT doc, cost, example, endpoint FROM mixpanel_functions() WHERE name = ?"
    listed = (report.doc, "nothing: asks only tables that are here", report.example, None)
    assert shop.execute(query, [f"local_{report.name}"]).fetchall() == [listed]


@pytest.mark.parametrize(
    "table", ["january", "'january'", "archive.january", "'archive.january'", "getvariable('mine')", "newest"]
)
def test_what_a_table_may_be(table: str, shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("SET VARIABLE mine = 'january'")
    query = f"WITH newest AS (FROM january) FROM local_daily_active_users({table})"
    assert shop.sql(query).fetchall() == shop.sql("FROM local_daily_active_users(january)").fetchall()


def test_a_table_may_be_several_or_a_file(tmp_path: Path, shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("CREATE OR REPLACE TABLE one AS FROM january WHERE event_time < '2024-01-02'")
    shop.execute("CREATE OR REPLACE TABLE two AS FROM january WHERE event_time >= '2024-01-02'")
    shop.execute(f"COPY january TO '{tmp_path}/january.parquet'")
    expected = shop.sql("FROM local_daily_active_users(january, by := properties->>'$.plan')").fetchall()
    for tables in ("['one', 'two']", f"'{tmp_path}/january.parquet'"):
        assert shop.sql(f"FROM local_daily_active_users({tables}, by := properties->>'$.plan')").fetchall() == expected


def test_names_and_values_may_be_bound(shop: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT sum(count) FROM local_segmentation(?, ?, by := properties->>?)"
    assert shop.execute(query, ["january", "Purchase", "$.plan"]).fetchall() == [(372,)]


@EVERY
def test_a_table_may_be_called_like_anything_within(report: Report, shop: duckdb.DuckDBPyConnection) -> None:
    within = {*re.findall(r"(\w+) AS (?:MATERIALIZED |NOT MATERIALIZED )?\($", report.sql, re.MULTILINE)}
    assert "given" in within
    expected = shop.sql(report.example).fetchall()
    for name in {*within, *(parameter.name for parameter in report.parameters)}:
        example = report.example.replace("january", f'"{name}"')
        assert shop.sql(f'WITH "{name}" AS (FROM january) {example}').fetchall() == expected, name
        shop.execute(f'CREATE TABLE "{name}" AS FROM january')
        assert shop.sql(example).fetchall() == expected, name
        shop.execute(f'DROP TABLE "{name}"')


SPLIT = [report for report in reports() if "by" in {parameter.name for parameter in report.parameters}]


@pytest.mark.parametrize("report", SPLIT, ids=lambda report: report.name)
def test_an_expression_may_speak_of_a_column_called_like_anything_within(
    report: Report, shop: duckdb.DuckDBPyConnection
) -> None:
    within = {*re.findall(r" AS (\w+)", report.sql), *(parameter.name for parameter in report.parameters)}
    expected = shop.sql(report.example).fetchall()
    by = re.search(r"properties->>'\$\.(?:plan|utm_source|mp_country_code)'", report.example)
    assert by is not None
    for name in within - {"distinct_id", "event_name", "event_time", "local_time", "properties"}:
        example = report.example.replace(by[0], f'"{name}"').replace("january", "mine")
        rows = shop.sql(f'WITH mine AS (SELECT *, {by[0]} AS "{name}" FROM january) {example}').fetchall()
        assert rows == expected, name


@pytest.mark.parametrize("plan", ["properties.plan", "properties['plan']", "properties->'$.plan'"])
@pytest.mark.parametrize("report", SPLIT, ids=lambda report: report.name)
def test_a_value_that_is_json_is_written_without_its_quotes(
    report: Report, plan: str, shop: duckdb.DuckDBPyConnection
) -> None:
    example = re.sub(r"properties->>'\$\.(?:utm_source|mp_country_code)'", "properties->>'$.plan'", report.example)
    expected = shop.sql(example).fetchall()
    assert shop.sql(example.replace("properties->>'$.plan'", plan)).fetchall() == expected


@pytest.mark.parametrize("interval", ["INTERVAL 2 HOURS", "'2 hours'", "INTERVAL '2 hours'", "to_hours(2)"])
def test_what_an_interval_may_be(interval: str, shop: duckdb.DuckDBPyConnection) -> None:
    for query in (
        "FROM local_funnel(january, ['App Open', 'Purchase'], {})",
        "FROM local_sessions(january, {})",
        "FROM local_paths(january, 'App Open', gap := {})",
        "FROM local_attribution(january, 'Purchase', properties->>'$.utm_source', within := {})",
    ):
        expected = shop.sql(query.format("INTERVAL 120 MINUTES")).fetchall()
        assert shop.sql(query.format(interval)).fetchall() == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("FROM local_segmentation(january, 'Purchase', by := 'plan')", "by is an expression: write by := properties->>'$.plan'"),
        ("FROM local_first_touch(january, 'utm_source')", "by is an expression: write properties->>'$.utm_source'"),
        ("FROM local_revenue(january, 'Purchase', 'amount')", "amount is an expression: write properties->'$.amount'"),
        ("FROM local_segmentation(january, 'Purchase', type := 'users')", "type must be general, unique or average"),
        ("FROM local_funnel(january, ['Sign Up'], unit := 'hour')", "unit must be day, week, month, quarter, year or range"),
        ("FROM local_funnel_counted(january, ['Sign Up'], counting := 'all')", "counting must be unique, total or session"),
        ("FROM local_funnel_counted(january, ['Sign Up'], reentry := 'any')", "reentry must be optimized or NULL"),
        ("FROM local_funnel_counted(january, ['Sign Up'], constant := 'plan')", "constant is an expression"),
        ("FROM local_retention(january, 'Sign Up', unit := 'hour')", "unit must be day, week or month"),
        ("FROM local_frequency(january, unit := 'year')", "unit must be day, week or month"),
        ("FROM local_frequency(january, addiction_unit := 'minute')", "addiction_unit must be hour or day"),
        ("FROM local_funnel(januari, ['Sign Up'])", 'Did you mean "january"?'),
        ("FROM local_funnel(january)", "local_funnel(events, steps, within := '7 days', by := NULL, unit := NULL"),
        ("FROM local_funnel(january, ['App Open', 'Purchase'], 7)", "INTERVAL"),
        ("FROM local_sessions(january, gap := 30)", "INTERVAL"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(query: str, said: str, shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match=r".*") as caught:
        shop.sql(query).fetchall()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ('"$browser_version": 17.6, "$screen_width": "1920", "$os_version": 14', (17, 1920, "14")),
        ('"$browser_version": "120.0.1", "$screen_width": "wide", "$os_version": "14.1"', (120, None, "14.1")),
        ('"$browser_version": "latest", "$screen_width": null', (None, None, None)),
    ],
)
def test_a_column_for_dbt_is_null_where_a_property_is_of_another_type(
    said: str, read: tuple[object, ...], shop: duckdb.DuckDBPyConnection
) -> None:
    query = "WITH e AS (SELECT * REPLACE (?::JSON AS properties) FROM january LIMIT 1) FROM local_dbt_event(e)"
    row = shop.execute(f"SELECT browser_version, screen_width, os_version FROM ({query})", [f"{{{said}}}"]).fetchone()
    assert row == read


def test_any_connection_has_the_long_names(shop: duckdb.DuckDBPyConnection) -> None:
    with shop.cursor() as cursor:
        assert cursor.sql(PURCHASES.format("mixpanel.local.segmentation")).fetchall() == [(372,)]


def test_a_database_called_mixpanel_keeps_the_short_names(tmp_path: Path, sandbox: Sandbox) -> None:
    with duckdb.connect(str(tmp_path / "mixpanel.db")) as con:
        with pytest.warns(mixpanel_data.MixpanelDataWarning, match="named mixpanel already"):
            mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-03')")
        assert con.sql(PURCHASES.format("local_segmentation")).fetchall() == [(372,)]
        assert con.sql(PURCHASES.format("mixpanel_data.local.segmentation")).fetchall() == [(372,)]


def test_unregistering_takes_them_away(sandbox: Sandbox) -> None:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        mixpanel_data.unregister(con)
        assert con.sql("FROM duckdb_functions() WHERE NOT internal").fetchall() == []


def test_an_export_that_is_asked_twice_is_fetched_once(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    """A report reads its table more than once; a CTE of an export is kept meanwhile."""
    query = """
        WITH days AS (FROM mixpanel_export('2024-01-01', '2024-01-03'))
        SELECT sum(count) FROM local_segmentation(days, 'Purchase')
    """
    assert con.sql(query).fetchall() == [(372,)]
    asked = [request.params["from_date"] for request in sandbox.requests]
    assert len(asked) == len({*asked})


def test_a_workspace_has_them(tmp_path: Path, sandbox: Sandbox) -> None:
    with Workspace("sandbox", path=tmp_path / "shop.db") as ws:
        ws.fetch_events(
            "january", from_date="2024-01-01", to_date="2024-01-03", properties="json" if IS_1 else "variant"
        )
        assert ws.sql_scalar(PURCHASES.format("local_segmentation")) == 372
        assert {function.name for function in ws.functions()} > {f"local_{report.name}" for report in reports()}


def test_mp_sql_has_them_also_without_an_account(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "event_name,event_time,distinct_id\nA,2024-01-01 10:00:00,u\nB,2024-01-02 09:00:00,u\n"
    )
    query = f"WITH e AS (FROM '{tmp_path}/events.csv') SELECT step, count FROM local_funnel(e, ['A', 'B'])"
    command = [sys.executable, "-m", "mixpanel_data", "sql", query, "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (0, "step,count\n1,1\n2,1\n", "")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("local_funnel(few, ['A', 'B'], '14')", "within has no unit: write INTERVAL 7 DAYS"),
        ("local_funnel(few, ['A', 'B'], 14)", "within has no unit"),
        ("local_attribution(few, 'B', event_name, within := '30')", "within has no unit"),
        ("local_sessions(few, gap := '30')", "gap has no unit: write INTERVAL 30 MINUTES"),
        ("local_paths(few, 'A', gap := 30)", "gap has no unit"),
    ],
)
def test_a_time_without_a_unit_is_refused(few: duckdb.DuckDBPyConnection, call: str, said: str) -> None:
    with pytest.raises(duckdb.Error, match=said):
        few.execute(f"FROM {call}")


@pytest.mark.parametrize("report", ["local_funnel(few, ['A'], by := {})", "local_retention(few, 'A', 'A', by := {})"])
@pytest.mark.parametrize("by", ["distinct_id", "to_json(distinct_id)"])
def test_a_value_that_is_called_like_the_total_is_told_apart(
    few: duckdb.DuckDBPyConnection, report: str, by: str
) -> None:
    segments = few.execute(f"SELECT DISTINCT segment FROM {report.format(by)} ORDER BY 1").fetchall()
    assert segments == [('"$overall"',), ("$overall",), ("x",)]


@pytest.fixture
def few(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute("CREATE TABLE few (event_name VARCHAR, event_time TIMESTAMP, distinct_id VARCHAR, properties JSON)")
    rows = [(name, f"2024-01-01 10:0{n}", user, "{}") for n, name in enumerate("AB") for user in ("$overall", "x")]
    con.executemany("INSERT INTO few VALUES (?, ?, ?, ?)", rows)
    return con
