"""The sandbox's data: always the same, plausible, and of any size at once."""

from __future__ import annotations

import duckdb
import pytest

from mixpanel_data.sandbox.dataset import Dataset

QUARTER = "events(DATE '2024-01-01', DATE '2024-03-31', 800)"


@pytest.fixture(scope="module")
def data():
    with Dataset().connect() as con:
        yield con


def one(data: duckdb.DuckDBPyConnection, query: str):
    (row,) = data.execute(query).fetchall()
    return row[0] if len(row) == 1 else row


def test_it_is_the_same_everywhere(data: duckdb.DuckDBPyConnection) -> None:
    day = "events(DATE '2024-02-29', DATE '2024-02-29', 800)"
    assert one(data, f"SELECT md5(string_agg(properties, '' ORDER BY id)) FROM {day}") == (
        "81e19a236a9d2ad8f0d4172dddec2722"
    )


def test_a_day_is_the_same_in_any_range(data: duckdb.DuckDBPyConnection) -> None:
    digest = "SELECT md5(string_agg(properties, '' ORDER BY id)) FROM {} WHERE time // 86400 = 19782"
    alone = "events(DATE '2024-02-29', DATE '2024-02-29', 800)"
    assert one(data, digest.format(alone)) == one(data, digest.format(QUARTER))


def test_its_size(data: duckdb.DuckDBPyConnection) -> None:
    events, users, names, days = one(
        data,
        f"SELECT count(*), count(DISTINCT distinct_id), count(DISTINCT event), count(DISTINCT time // 86400) FROM {QUARTER}",
    )
    assert events > 300_000
    assert users > 5_000
    assert names >= 10
    assert days == 91


def test_ids_are_unique_and_properties_are_json(data: duckdb.DuckDBPyConnection) -> None:
    assert one(data, f"SELECT count(DISTINCT id) = count(*) AND bool_and(json_valid(properties)) FROM {QUARTER}")


def test_nobody_acts_before_signing_up(data: duckdb.DuckDBPyConnection) -> None:
    early = f"""
        SELECT count(*) FROM {QUARTER} e
        JOIN (SELECT distinct_id, min(time) AS joined FROM {QUARTER} WHERE event = 'Sign Up' GROUP BY ALL) s USING (distinct_id)
        WHERE e.time < s.joined - 86400
    """
    assert one(data, early) == 0


def test_people_come_back_less_and_less(data: duckdb.DuckDBPyConnection) -> None:
    weeks = data.execute(f"""
        WITH joined AS (SELECT distinct_id, min(time) AS joined_at FROM {QUARTER} WHERE event = 'Sign Up' GROUP BY ALL)
        SELECT (time - joined_at) // 604800 AS week, count(DISTINCT distinct_id) AS people
        FROM {QUARTER} JOIN joined USING (distinct_id) WHERE joined_at < epoch(TIMESTAMP '2024-01-15') AND time > joined_at
        GROUP BY week HAVING week BETWEEN 0 AND 9 ORDER BY week
    """).fetchall()
    people = [count for _, count in weeks]
    assert people[0] > people[2] > people[5] > people[9] > 0


def test_a_larger_one_starts_no_slower_since_nothing_is_made_before_it_is_asked_for() -> None:
    with Dataset(sessions=1_000_000).connect() as con:
        assert one(con, "SELECT count(*) FROM duckdb_tables()") == 0
        (day,) = con.execute(
            "SELECT count(*) FROM (FROM events(DATE '2024-01-01', DATE '2024-01-01', 1000000) LIMIT 5)"
        ).fetchall()[0]
        assert day == 5


def test_before_the_first_day_there_is_nothing(data: duckdb.DuckDBPyConnection) -> None:
    assert one(data, "SELECT count(*) FROM events(DATE '2023-01-01', DATE '2023-12-31', 800)") == 0


def test_from_november_on_there_is_what_is_odd(data: duckdb.DuckDBPyConnection) -> None:
    days = "events(DATE '2024-10-31', DATE '2024-11-03', 10)"
    nobody = f"SELECT min(time // 86400) - 20027 FROM {days} WHERE distinct_id = ''"
    assert one(data, nobody) == 1  # the day after the 31st
    kinds = f"SELECT list(DISTINCT json_type(properties, '$.genres')) FROM {days} WHERE event = 'Listen'"
    assert {"ARRAY", "VARCHAR", None} == {*one(data, kinds), None}
    linked = f"""
        SELECT count(*) FROM {days} e JOIN {days} s ON e.distinct_id = '$device:' || (s.properties->>'$."$device_id"')
        WHERE s.event = 'Sign Up'
    """
    assert one(data, linked) == 3
