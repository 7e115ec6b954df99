"""Counts are whole numbers in SQL, and fractions only where averages are asked for."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

DAYS = "'2024-01-01', '2024-01-02'"
CALLS = [
    "mixpanel_top_events(type := {type})",
    f"mixpanel_event_counts(['Purchase'], {DAYS}, type := {{type}})",
    f"mixpanel_segmentation('Purchase', {DAYS}, type := {{type}})",
    f"mixpanel.segmentation('Purchase', {DAYS}, segment_by := 'plan', type := {{type}})",
    f"mixpanel_segmentation_numeric('Purchase', {DAYS}, 'amount', type := {{type}})",
    f"mixpanel_property_counts('Purchase', 'plan', {DAYS}, type := {{type}})",
]


@pytest.mark.parametrize("call", CALLS)
def test_the_type_of_a_count(con: duckdb.DuckDBPyConnection, call: str) -> None:
    con.execute("SET VARIABLE how = 'average'")
    for how, kind in (
        ("NULL", "BIGINT"),
        ("'unique'", "BIGINT"),
        ("'average'", "DOUBLE"),
        ("getvariable('how')", "DOUBLE"),
    ):
        rows = con.execute(f"SELECT DISTINCT typeof(count) FROM {call.format(type=how)}").fetchall()
        assert rows == [(kind,)]
    (average,) = con.execute(f"SELECT max(count) FROM {call.format(type='?')}", ["average"]).fetchone() or (0,)
    assert average > 0
    assert not float(average).is_integer()


def test_a_prepared_statement_has_either_type(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"PREPARE ask AS SELECT DISTINCT typeof(count) FROM mixpanel_segmentation($1, {DAYS}, type := $2)")
    assert con.execute("EXECUTE ask('Purchase', 'unique')").fetchall() == [("BIGINT",)]
    assert con.execute("EXECUTE ask('Purchase', 'average')").fetchall() == [("DOUBLE",)]


def test_a_where_and_a_table_have_the_type_too(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"CREATE TABLE t AS FROM mixpanel_segmentation('Purchase', {DAYS}, segment_by := 'plan') WHERE count > 20"
    )
    assert con.execute("SELECT DISTINCT typeof(count) FROM t").fetchall() == [("BIGINT",)]
    assert con.execute("SELECT min(count) > 20 FROM t").fetchall() == [(True,)]


@pytest.mark.parametrize("count", [9007199254740993, "9007199254740993"])
def test_a_count_is_exact(answering: Any, count: Any) -> None:
    con, _ = answering(
        {"/api/query/segmentation": {"data": {"series": ["2024-01-01"], "values": {"e": {"2024-01-01": count}}}}}
    )
    assert con.execute(f"SELECT count FROM mixpanel_segmentation('e', {DAYS})").fetchall() == [(9007199254740993,)]
