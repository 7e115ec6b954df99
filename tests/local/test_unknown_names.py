"""A name in a call of a report that is nowhere in the table is told of, with the nearest; the rows are given all the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import MixpanelDataWarning, Workspace
from mixpanel_data.local import reports
from mixpanel_data.sandbox import Sandbox

pytestmark = pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="there a look would ask Mixpanel once more")
EVENTS = {
    "local_active_users(january, 7, 'Purchse')": ["Purchse"],
    "local_attribution(january, 'Purchse', properties->>'$.utm_source')": ["Purchse"],
    "local_flows(january, 'Purchse')": ["Purchse"],
    "local_frequency(january, 'Purchse')": ["Purchse"],
    "local_funnel(january, ['App Open', 'Purchse'])": ["Purchse"],
    "local_funnel(january, ['App Open', 'Purchse', 'Ad To Cart'])": ["Purchse", "Ad To Cart"],
    "local_funnel_counted(january, ['App Open', 'Purchse'])": ["Purchse"],
    "local_funnel_counted(january, ['App Open', 'Purchase'], exclude := ['Purchse'])": ["Purchse"],
    "local_lifecycle(january, 'Purchse')": ["Purchse"],
    "local_paths(january, 'Purchse')": ["Purchse"],
    "local_property_keys(january, 'Purchse')": ["Purchse"],
    "local_property_values(january, 'Purchse', 'plan')": ["Purchse"],
    "local_retention(january, 'Purchse')": ["Purchse"],
    "local_retention(january, 'Sign Up', 'Purchse')": ["Purchse"],
    "local_retention_average(january, 'Sign Up', 'Purchse')": ["Purchse"],
    "local_retention_value(january, 'Purchse', 'Purchase', properties->>'$.amount')": ["Purchse"],
    "local_revenue(january, 'Purchse', properties->>'$.amount')": ["Purchse"],
    "local_segmentation(january, 'Purchse')": ["Purchse"],
    "local_numbers(january, 'Purchse', properties->'$.amount')": ["Purchse"],
    "local_ranges(january, 'Purchse', properties->'$.amount', [20])": ["Purchse"],
    "local_trend(january, 'Purchse')": ["Purchse"],
    "local_users_once(january, 'Purchse', properties->>'$.plan')": ["Purchse"],
    "local_flows(january, 'Purchase', hidden := ['Purchse'])": ["Purchse"],
    "local_paths(january, hidden := ['Purchse'])": ["Purchse"],
    "local_sessions(january, hidden := ['Purchse'])": ["Purchse"],
    "local_sessions_by_property(january, properties->>'$.plan', hidden := ['Purchse'])": ["Purchse"],
    "local_sessions_by_events(january, 'Purchse', 'Purchase')": ["Purchse"],
    "local_sessions_by_events(january, 'App Open', 'Purchse')": ["Purchse"],
    "local_stickiness(january, 'Purchse')": ["Purchse"],
}
NEAR = {
    "amuont": "amount",
    "Purchse": "Purchase",
    "Ad To Cart": "Add To Cart",
    "plann": "plan",
    "utm_sorce": "utm_source",
}
BY = {
    "local_attribution(january, 'Purchase', properties->>'$.utm_sorce')": "utm_sorce",
    "local_first_touch(january, properties->>'$.utm_sorce')": "utm_sorce",
    "local_daily_active_users(january, by := properties->>'$.plann')": "plann",
    "local_frequency(january, by := properties->>'$.plann')": "plann",
    "local_funnel(january, ['App Open'], by := properties->>'$.plann')": "plann",
    "local_funnel_counted(january, ['App Open'], by := properties->>'$.plann')": "plann",
    "local_funnel_counted(january, ['App Open'], constant := [event_name, properties->>'$.plann'])": "plann",
    "local_numbers(january, 'Purchase', properties->'$.amuont')": "amuont",
    "local_ranges(january, 'Purchase', properties->'$.amuont', [20])": "amuont",
    "local_retention_value(january, 'Sign Up', 'Purchase', properties->'$.amuont')": "amuont",
    "local_revenue(january, 'Purchase', properties->'$.amuont')": "amuont",
    "local_retention(january, 'Sign Up', by := properties->>'$.plann')": "plann",
    "local_retention_average(january, 'Sign Up', by := properties->>'$.plann')": "plann",
    "local_retention_value(january, 'Sign Up', NULL, 1, by := properties->>'$.plann')": "plann",
    "local_revenue(january, 'Purchase', properties->>'$.amount', by := properties->>'$.plann')": "plann",
    "local_segmentation(january, 'Purchase', by := properties->>'$.plann')": "plann",
    "local_sessions_by_property(january, properties->>'$.plann')": "plann",
    "local_stickiness(january, by := properties->>'$.plann')": "plann",
}
WRITTEN = ("properties->'plann'", "properties['plann']", "properties.plann", "properties->>'$.\"plann\".x'", "upper(properties->>'$.plann')")  # fmt: skip
RIGHT = (
    "local_segmentation(january, 'Purchase', from_date := '2023-01-01', to_date := '2023-01-02')",
    "local_funnel(january, ['Purchase'], INTERVAL 1 SECOND)",
    "local_funnel(january, getvariable('steps'), by := properties->>'$.plan')",
    "local_frequency(january)",
    "local_retention(january, 'Sign Up')",
    "local_paths(january)",
    "local_property_values(january, NULL, 'plan')",
    "local_segmentation(january, 'Purchase', by := if(properties->>'$.plan' = '', 'none', NULL))",
    "local_segmentation(january, 'Purchase', by := CASE WHEN distinct_id = '' THEN 'none' END)",
    "local_segmentation(nothing, 'Purchase')",
    "local_revenue(january, 'Purchase', properties->'$.plan')",
    "local_funnel_counted(january, ['App Open'], constant := properties->>'$.plan')",
    "local_flows(january, 'App Open', hidden := ['Purchase'])",
)


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-03')")
        con.execute("CREATE TABLE variants AS SELECT * REPLACE (properties::VARIANT AS properties) FROM january")
        con.execute("CREATE TABLE nothing AS FROM january LIMIT 0")
        con.execute("SET VARIABLE steps = ['App Open', 'Purchase']")
        for report in reports():
            con.execute(report.named(f"plain_{report.name}"))
        yield con


@pytest.mark.parametrize("call", EVENTS)
@pytest.mark.parametrize("table", ["january", "own"])
def test_an_event_that_is_nowhere_is_told_of(call: str, table: str, shop: duckdb.DuckDBPyConnection) -> None:
    query = f"WITH own AS (FROM january) FROM {call.replace('january', table)}"
    with pytest.warns(MixpanelDataWarning) as told:
        rows = shop.sql(query).fetchall()
    report = call.partition("(")[0]
    assert [str(one.message).partition("?")[0] for one in told] == [
        f"{report}: the table has no event {name!r}: did you mean {NEAR[name]!r}" for name in EVENTS[call]
    ]
    assert rows == shop.sql(query.replace("local_", "plain_")).fetchall()


@pytest.mark.parametrize("call", BY)
def test_a_property_that_is_nowhere_is_told_of(call: str, shop: duckdb.DuckDBPyConnection) -> None:
    near = f"no event that was counted has a property {BY[call]!r}: did you mean '{NEAR[BY[call]]}'"
    with pytest.warns(MixpanelDataWarning, match=near) as told:
        shop.sql(f"FROM {call}").fetchall()
    assert len(told) == 1


@pytest.mark.parametrize("written", WRITTEN)
def test_however_it_is_written(written: str, shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.warns(MixpanelDataWarning, match="has a property 'plann': did you mean 'plan'"):
        shop.sql(f"FROM local_segmentation(january, 'Purchase', by := {written})").fetchall()


def test_of_a_variant_and_of_a_bound_value_too(shop: duckdb.DuckDBPyConnection) -> None:
    with pytest.warns(MixpanelDataWarning, match="has a property 'plann': did you mean 'plan'"):
        shop.sql("FROM local_segmentation(variants, 'Purchase', by := properties.plann)").fetchall()
    with pytest.warns(MixpanelDataWarning, match="has a property 'plann': did you mean 'plan'"):
        shop.execute("FROM local_segmentation(january, ?, by := properties->>?)", ["Purchase", "$.plann"]).fetchall()


@pytest.mark.parametrize("call", RIGHT)
def test_nothing_is_told_of_names_that_are_there(call: str, shop: duckdb.DuckDBPyConnection) -> None:
    rows = shop.sql(f"FROM {call}").fetchall()
    assert rows == shop.sql(f"FROM {call.replace('local_', 'plain_')}").fetchall()


@pytest.mark.parametrize("report", reports(), ids=lambda report: report.name)
def test_what_is_right_has_the_rows_of_the_file(
    report: mixpanel_data.local.Report, shop: duckdb.DuckDBPyConnection
) -> None:
    plain = report.example.replace("FROM local_", "FROM plain_")
    found, expected = shop.sql(report.example), shop.sql(plain)
    assert (found.columns, found.types) == (expected.columns, expected.types)
    assert sorted(found.fetchall(), key=repr) == sorted(expected.fetchall(), key=repr)


def test_any_connection_tells(shop: duckdb.DuckDBPyConnection) -> None:
    with shop.cursor() as cursor, pytest.warns(MixpanelDataWarning, match="did you mean 'Purchase'"):
        cursor.sql("FROM mixpanel.local.segmentation(january, 'Purchse')").fetchall()


def test_events_without_properties_are_told_of(shop: duckdb.DuckDBPyConnection) -> None:
    bare = "WITH bare AS (SELECT event_name, event_time, distinct_id, 'undefined' AS plan FROM january)"
    with pytest.warns(MixpanelDataWarning, match="did you mean 'Purchase'") as told:
        shop.sql(f"{bare} FROM local_segmentation(bare, 'Purchse', by := plan)").fetchall()
    assert len(told) == 1
    shop.sql(f"{bare} FROM local_segmentation(bare, 'Purchase', by := plan)").fetchall()


def test_a_workspace_tells(tmp_path: Path, sandbox: Sandbox) -> None:
    with Workspace("sandbox", path=tmp_path / "shop.db", progress=False) as ws:
        ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-01")
        with pytest.warns(MixpanelDataWarning, match="local_segmentation: the table has no event 'Purchse'"):
            assert set(ws.sql("FROM local_segmentation(january, 'Purchse')")["count"]) == {0}


def test_mp_sql_tells_in_a_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("event_name,event_time,distinct_id\nBuy,2024-01-01 10:00:00,u\n")
    query = f"WITH e AS (FROM '{tmp_path}/events.csv') SELECT count FROM local_segmentation(e, 'Bye')"
    command = [sys.executable, "-m", "mixpanel_data", "sql", query, "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    said = "mp: local_segmentation: the table has no event 'Bye': did you mean 'Buy'? SELECT DISTINCT event_name lists them all\n"
    assert (done.stdout, done.stderr) == ("count\n0.0\n", said)
