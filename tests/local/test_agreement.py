"""Each report over fetched tables says what the function that asks Mixpanel says, number for number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

import mixpanel_data

JANUARY = "'2024-01-01', '2024-01-31'"
IN_JANUARY = "from_date := '2024-01-01', to_date := '2024-01-31'"
KINDS = ("json", "variant")


@pytest.fixture(scope="module")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """January, and enough after it for funnels and retention to end; properties as JSON and as VARIANT."""
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE json AS FROM mixpanel_export('2024-01-01', '2024-03-31')")
        con.execute("CREATE TABLE variant AS SELECT * REPLACE (properties::VARIANT AS properties) FROM json")
        for kind in KINDS:
            con.execute(f"CREATE VIEW january_{kind} AS FROM {kind} WHERE event_time < '2024-02-01'")
        yield con


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def of(name: str, kind: str) -> str:
    """A property as SQL."""
    return f"properties->>'$.{name}'" if kind == "json" else f"properties.{name}"


def told(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query, in an order that is the same for all."""
    return sorted(map(plain, con.sql(query).fetchall()), key=repr)


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers to nine digits, since the order of adding, which is any, changes the last; days as midnights."""
    return tuple(
        float(f"{value:.9g}") if isinstance(value, int | float) else str(value).removesuffix(" 00:00:00")
        for value in row
    )


@pytest.mark.parametrize("counted", ["general", "unique", "average"])
@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
def test_segmentation(shop: duckdb.DuckDBPyConnection, kind: str, counted: str, unit: str) -> None:
    if (counted, unit) == ("unique", "hour"):
        counted = "general"  # Mixpanel does not count users by the hour
    both = f"unit := '{unit}', type := '{counted}'"
    assert (
        told(shop, f"FROM local_segmentation(january_{kind}, 'Purchase', {both})")
        == told(shop, f"FROM mixpanel_segmentation('Purchase', {JANUARY}, {both})")
        != []
    )
    assert (
        told(shop, f"FROM local_segmentation(january_{kind}, 'Purchase', {both}, by := {of('plan', kind)})")
        == told(shop, f"FROM mixpanel_segmentation('Purchase', {JANUARY}, {both}, segment_by := 'plan')")
        != []
    )


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("length", [1, 14])
def test_funnel(shop: duckdb.DuckDBPyConnection, kind: str, unit: str, length: int) -> None:
    columns = (
        "date, segment, step, event_name, count, step_conversion, overall_conversion, avg_time, avg_time_from_start"
    )
    live = f"mixpanel_funnel(7509, {JANUARY}, unit := '{unit}', length := {length}, segment_by := 'plan')"
    steps = "['App Open', 'Add To Cart', 'Begin Checkout', 'Purchase']"
    local = f"local_funnel({kind}, {steps}, INTERVAL {length} DAYS, {of('plan', kind)}, '{unit}', {IN_JANUARY})"
    assert told(shop, f"FROM {local}") == told(shop, f"SELECT {columns} FROM {live}") != []


@pytest.mark.parametrize("length", [1, 14])
def test_a_funnel_whose_users_enter_several_segments(shop: duckdb.DuckDBPyConnection, kind: str, length: int) -> None:
    columns = "segment, step, count, avg_time"
    local = f"local_funnel({kind}, ['Purchase', 'Invite Friend'], INTERVAL {length} DAYS, {of('coupon', kind)}, {IN_JANUARY})"
    live = f"mixpanel_funnel(9071, {JANUARY}, unit := 'month', length := {length}, segment_by := 'coupon')"
    assert told(shop, f"SELECT {columns} FROM {local}") == told(shop, f"SELECT {columns} FROM {live}") != []
    counted = local.replace("local_funnel(", "local_funnel_counted(")
    assert told(shop, f"SELECT {columns} FROM {counted}") == told(shop, f"SELECT {columns} FROM {live}")


def test_a_funnel_without_segments_that_goes_on_after_its_last_day(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    columns = "segment, step, event_name, count, step_conversion, overall_conversion, avg_time, avg_time_from_start"
    assert (
        told(
            shop,
            f"SELECT {columns} FROM local_funnel({kind}, ['Purchase', 'Invite Friend'], INTERVAL 30 DAYS, {IN_JANUARY})",
        )
        == told(shop, f"SELECT {columns} FROM mixpanel_funnel(9071, {JANUARY}, unit := 'month')")
        != []
    )


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("returning", ["Purchase", None])
def test_retention(shop: duckdb.DuckDBPyConnection, kind: str, unit: str, returning: str | None) -> None:
    event = f"return_event := {'NULL' if returning is None else repr(returning)}"
    both = f"unit := '{unit}', interval_count := {1 if unit == 'month' else 5}"
    assert (
        told(
            shop, f"SELECT * EXCLUDE (complete) FROM local_retention({kind}, 'Sign Up', {event}, {both}, {IN_JANUARY})"
        )
        == told(
            shop,
            f"FROM mixpanel_retention('Sign Up', {event}, from_date := '2024-01-01', to_date := '2024-01-31', {both})",
        )
        != []
    )


@pytest.mark.parametrize(
    ("live", "local"),
    [
        ("'Sign Up', 'Purchase', unbounded := true", "'Sign Up', 'Purchase', mode := 'on_or_after'"),
        ("return_event := 'Purchase', type := 'compounded'", "'Purchase', 'Purchase', cohorts := 'every'"),
    ],
)
def test_retention_counted_otherwise(
    shop: duckdb.DuckDBPyConnection, live: str, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unbounded, Mixpanel looks as far as there are events: here, to the table's last day."""
    monkeypatch.setattr("mixpanel_data.sandbox.retention.today", lambda: date(2024, 3, 31))
    both = "from_date := '2024-01-01', to_date := '2024-01-31', unit := 'week', interval_count := 3"
    assert (
        told(shop, f"SELECT * EXCLUDE (complete) FROM local_retention(json, {local}, {both})")
        == told(shop, f"FROM mixpanel_retention({live}, {both})")
        != []
    )


def test_retention_by_what_was_known_at_the_first_event(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Mixpanel's segment_by splits the returns; the saved report, as the local one, splits the cohorts."""
    saved = """
        SELECT date, breakdown[1], period, value FROM mixpanel_saved_report(3001) WHERE measure = 'counts'
    """
    local = f"""
        SELECT cohort_date, segment, period, retained
        FROM local_retention({kind}, 'Sign Up', unit := 'week', interval_count := 4, by := {of("plan", kind)}, {IN_JANUARY})
    """
    assert told(shop, local) == told(shop, saved) != []


@pytest.mark.parametrize(("unit", "counted"), [("day", "hour"), ("week", "day"), ("week", "hour"), ("month", "day")])
def test_frequency(shop: duckdb.DuckDBPyConnection, kind: str, unit: str, counted: str) -> None:
    both = f"unit := '{unit}', addiction_unit := '{counted}'"
    assert (
        told(shop, f"FROM local_frequency({kind}, {both}, {IN_JANUARY})")
        == told(shop, f"FROM mixpanel_frequency({JANUARY}, {both})")
        != []
    )
    assert (
        told(shop, f"FROM local_frequency({kind}, 'Search', {both}, by := {of('query', kind)}, {IN_JANUARY})")
        == told(shop, f"FROM mixpanel_frequency({JANUARY}, event := 'Search', {both}, segment_by := 'query')")
        != []
    )


def test_daily_active_users(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert (
        told(shop, f"SELECT date, segment, users FROM local_daily_active_users(january_{kind})")
        == told(
            shop, f"SELECT date, segment, users FROM mixpanel_frequency({JANUARY}, unit := 'day') WHERE intervals = 1"
        )
        != []
    )
    assert (
        told(
            shop, f"SELECT date, segment, users FROM local_daily_active_users({kind}, {of('plan', kind)}, {IN_JANUARY})"
        )
        == told(
            shop,
            f"SELECT date, segment, users FROM mixpanel_frequency({JANUARY}, unit := 'day', segment_by := 'plan') "
            "WHERE intervals = 1",
        )
        != []
    )


def test_property_keys(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert (
        told(shop, f"SELECT property_name, count FROM local_property_keys(january_{kind}, 'View Item')")
        == told(shop, "FROM mixpanel_properties('View Item')")
        != []
    )


@pytest.mark.parametrize("name", ["plan", "age", "amount", "$city"])
def test_property_values(shop: duckdb.DuckDBPyConnection, kind: str, name: str) -> None:
    assert (
        told(shop, f"SELECT value FROM local_property_values(january_{kind}, 'Purchase', '{name}')")
        == told(shop, f"SELECT * FROM mixpanel_property_values('Purchase', '{name}', max_rows := 10000)")
        != []
    )
    assert (
        told(shop, f"SELECT value, count FROM local_property_values(january_{kind}, 'Purchase', '{name}')")
        == told(
            shop,
            f"SELECT value, sum(count) FROM mixpanel_property_counts('Purchase', '{name}', {JANUARY}, max_values := 10000) GROUP BY ALL",
        )
        != []
    )


def test_flows(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    live = """
        SELECT step, node, edge.event, edge.count FROM (
          SELECT step, node, unnest(from_json(edges, '[{"event": "VARCHAR", "count": "BIGINT"}]')) AS edge
          FROM mixpanel_flows(4001))
    """
    assert (
        told(shop, f"SELECT step, event_name, next_event, count FROM local_flows({kind}, 'App Open', {IN_JANUARY})")
        == told(shop, live)
        != []
    )


def test_paths(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    """The ways are those whose steps the flows count."""
    live = "SELECT step, node, count FROM mixpanel_flows(4001) WHERE type <> 'DROPOFF'"
    local = f"""
        SELECT step, path[step], sum(count) FROM (
          SELECT *, unnest(range(1, len(path) + 1)) AS step FROM local_paths({kind}, 'App Open', {IN_JANUARY})
        ) GROUP BY ALL
    """
    assert told(shop, local) == told(shop, live) != []


def test_user_timeline(shop: duckdb.DuckDBPyConnection, kind: str) -> None:
    columns = "event_time, event_name, properties::JSON->>'$.plan'"
    assert (
        told(shop, f"SELECT {columns} FROM local_user_timeline(january_{kind}, 'user-0000001')")
        == told(shop, f"SELECT {columns} FROM mixpanel_activity(['user-0000001'], {JANUARY})")
        != []
    )


@pytest.mark.parametrize("unit", ["hour", "day"])
def test_revenue(shop: duckdb.DuckDBPyConnection, kind: str, unit: str) -> None:
    live = f"mixpanel_segmentation_sum('Purchase', {JANUARY}, 'amount', unit := '{unit}')"
    local = f"local_revenue(january_{kind}, 'Purchase', {of('amount', kind)}, unit := '{unit}')"
    averages = f"mixpanel_segmentation_average('Purchase', {JANUARY}, 'amount', unit := '{unit}')"
    assert (
        told(shop, f"SELECT date, revenue FROM {local} WHERE revenue > 0")
        == told(shop, f"FROM {live} WHERE sum > 0")
        != []
    )
    assert told(shop, f"SELECT date, average FROM {local} WHERE average > 0") == told(shop, f"FROM {averages}") != []


NOVEMBER = "'2024-11-01', '2024-11-07'"
"""Days that have what is odd, too: events of nobody, lists, values of other types."""


@pytest.fixture(scope="module")
def odd(shop: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    shop.execute(f"CREATE TABLE odd_json AS FROM mixpanel_export({NOVEMBER})")
    shop.execute("CREATE TABLE odd_variant AS SELECT * REPLACE (properties::VARIANT AS properties) FROM odd_json")
    return shop


@pytest.mark.parametrize("counted", ["general", "unique", "average"])
@pytest.mark.parametrize(
    ("event", "name"), [("Listen", "genres"), ("Listen", "rating"), ("Listen", "player"), ("Page View", "plan")]
)
def test_segments_of_lists_objects_and_other_types(
    odd: duckdb.DuckDBPyConnection, event: str, counted: str, name: str
) -> None:
    live = f"mixpanel_segmentation('{event}', {NOVEMBER}, type := '{counted}', segment_by := '{name}')"
    local = f"local_segmentation(odd_json, '{event}', type := '{counted}', by := properties->'$.{name}')"
    assert told(odd, f"FROM {local} WHERE count > 0") == told(odd, f"FROM {live} WHERE count > 0") != []


def test_users_of_days_on_which_nobody_came(odd: duckdb.DuckDBPyConnection, kind: str) -> None:
    live = f"SELECT date, users FROM mixpanel_frequency({NOVEMBER}, unit := 'day') WHERE intervals = 1"
    assert told(odd, f"SELECT date, users FROM local_daily_active_users(odd_{kind})") == told(odd, live) != []


def test_sums_and_averages_of_texts_that_look_like_numbers(odd: duckdb.DuckDBPyConnection, kind: str) -> None:
    rating = "properties->'$.rating'" if kind == "json" else "properties.rating"
    local = f"local_revenue(odd_{kind}, 'Listen', {rating})"
    both = f"'Listen', {NOVEMBER}, 'rating'"
    assert told(odd, f"SELECT date, revenue FROM {local}") == told(odd, f"FROM mixpanel_segmentation_sum({both})") != []
    live = f"FROM mixpanel_segmentation_average({both})"
    assert told(odd, f"SELECT date, average FROM {local}") == told(odd, live) != []


DAYS = "from_date := '2024-11-01', to_date := '2024-11-05'"


def test_how_often_where_values_are_lists(odd: duckdb.DuckDBPyConnection) -> None:
    for local, live in (
        ("by := properties->'$.genres'", "segment_by := 'genres'"),
        ("'Page View'", "event := 'Page View'"),
    ):
        assert (
            told(odd, f"FROM local_frequency(odd_json, {local}, {DAYS}) WHERE users > 0")
            == told(odd, f"FROM mixpanel_frequency({live}, {DAYS}) WHERE users > 0")
            != []
        )


@pytest.mark.parametrize(
    ("local", "live"),
    [
        ("'Page View'", "'Page View'"),
        ("'Page View', 'Page View', cohorts := 'every'", "return_event := 'Page View', type := 'compounded'"),
    ],
)
def test_retention_where_some_are_nobody(odd: duckdb.DuckDBPyConnection, kind: str, local: str, live: str) -> None:
    both = f"interval_count := 1, {DAYS}"
    assert (
        told(odd, f"SELECT * EXCLUDE (complete) FROM local_retention(odd_{kind}, {local}, {both})")
        == told(odd, f"FROM mixpanel_retention({live}, {both})")
        != []
    )


def test_a_funnel_of_steps_in_the_same_seconds(odd: duckdb.DuckDBPyConnection, kind: str) -> None:
    columns = "segment, step, count, avg_time, avg_time_from_start"
    steps = "['App Open', 'Add To Cart', 'Begin Checkout', 'Purchase']"
    days = "from_date := '2024-11-01', to_date := '2024-11-06'"
    local = f"local_funnel(odd_{kind}, {steps}, INTERVAL 1 HOUR, {of('plan', kind)}, 'week', {days})"
    live = "mixpanel_funnel(7509, '2024-11-01', '2024-11-06', unit := 'week', length := 1, length_unit := 'hour', "
    assert told(odd, f"SELECT {columns} FROM {local}") == told(
        odd, f"SELECT {columns} FROM {live}segment_by := 'plan')"
    )


@pytest.mark.parametrize(("math", "type_"), [("total", "general"), ("unique", "unique")])
@pytest.mark.parametrize("unit", ["day", "week", "month", "quarter", "range"])
def test_insights_count_events_and_users(
    shop: duckdb.DuckDBPyConnection, kind: str, math: str, type_: str, unit: str
) -> None:
    # Mixpanel's first week or quarter begins before the first day.
    days = "'2024-01-01', '2024-03-31'"
    live = f"mixpanel_insights('Purchase', {days}, math := '{math}', unit := '{unit}', segment_by := 'plan')"
    local = f"local_segmentation({kind}, 'Purchase', {of('plan', kind)}, '{unit}', '{type_}')"
    dated = "coalesce(date, TIMESTAMP '2024-01-01')"
    assert (
        told(shop, f"SELECT date, segment, count FROM {local}")
        == told(shop, f"SELECT {dated}, segment, value FROM {live} WHERE segment <> '$overall'")
        != []
    )
    everyone = f"local_segmentation({kind}, 'Purchase', unit := '{unit}', type := '{type_}')"
    assert told(shop, f"SELECT date, count FROM {everyone}") == told(
        shop, f"SELECT {dated}, value FROM {live} WHERE segment = '$overall'"
    )


@pytest.mark.parametrize(("math", "days"), [("dau", 1), ("wau", 7), ("mau", 30)])
@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_insights_count_active_users(
    shop: duckdb.DuckDBPyConnection, kind: str, math: str, days: int, unit: str
) -> None:
    lately = "'2024-02-05', '2024-03-03'" if unit != "month" else "'2024-02-01', '2024-03-31'"
    first, last = lately.split(", ")
    live = f"mixpanel_insights('Search', {lately}, math := '{math}', unit := '{unit}')"
    local = f"local_active_users({kind}, {days}, 'Search', unit := '{unit}', from_date := {first}, to_date := {last})"
    assert told(shop, f"SELECT date, users FROM {local}") == told(shop, f"SELECT date, value FROM {live}") != []


@pytest.mark.parametrize("math", ["average", "median", "min", "max", "p25", "p90", "sum"])
@pytest.mark.parametrize("per_user", [None, "total", "average", "max"])
@pytest.mark.parametrize("unit", ["week", "range"])
def test_insights_measure_a_number(
    shop: duckdb.DuckDBPyConnection, kind: str, math: str, per_user: str | None, unit: str
) -> None:
    if math == "sum" and per_user is not None:
        per_user = None  # the sum of all users' sums is that of all
    column = {"sum": "total", "min": "least", "max": "most"}.get(math, math)
    of_user = {"total": "'sum'", "average": "'average'", "max": "'most'", None: "NULL"}[per_user]
    asked = "" if per_user is None else f", per_user := '{per_user}'"
    days, number = "'2024-01-01', '2024-03-31'", "amount" if kind == "variant" else "$.amount"
    live = f"mixpanel_insights('Purchase', {days}, math := '{math}', property := 'amount', unit := '{unit}'{asked})"
    amount = f"properties->'{number}'" if kind == "json" else "properties.amount"
    local = f"local_numbers({kind}, 'Purchase', {amount}, {of_user}, unit := '{unit}')"
    assert (
        told(shop, f"SELECT date, {column} FROM {local}")
        == told(shop, f"SELECT coalesce(date, TIMESTAMP '2024-01-01'), value FROM {live}")
        != []
    )


def test_insights_count_by_ranges_of_a_number(shop: duckdb.DuckDBPyConnection) -> None:
    live = f"mixpanel_insights('Purchase', {JANUARY}, unit := 'range', segment_by := 'amount by 50 from 0 to 200')"
    local = "local_ranges(january_json, 'Purchase', properties->'$.amount', [0, 50, 100, 150, 200])"
    within = "segment LIKE '% - %'"
    assert (
        told(shop, f"SELECT range, count FROM {local} WHERE lower >= 0 AND upper <= 200")
        == told(shop, f"SELECT segment, value FROM {live} WHERE {within}")
        != []
    )


def test_insights_add_up_and_average(shop: duckdb.DuckDBPyConnection) -> None:
    live = f"mixpanel_insights('Purchase', {JANUARY}, cumulative := true)"
    assert told(shop, f"SELECT date, value FROM {live}") == told(
        shop, "SELECT date, cumulative FROM local_trend(january_json, 'Purchase')"
    )
    live = f"mixpanel_insights('Purchase', {JANUARY}, rolling := 7)"
    assert told(shop, f"SELECT date, value FROM {live}") == told(
        shop, "SELECT date, rolling_average FROM local_trend(january_json, 'Purchase', 7) WHERE date >= '2024-01-07'"
    )


def test_insights_of_days_with_odd_data(shop: duckdb.DuckDBPyConnection) -> None:
    """Events of nobody, lists, other types: each item of a list is a segment, and nobody is no user."""
    days = "'2024-11-01', '2024-11-07'"
    shop.execute(f"CREATE OR REPLACE TEMP TABLE odd AS FROM mixpanel_export({days})")
    for event, name in (("Listen", "genres"), ("Listen", "rating"), ("Page View", "plan")):
        for math, type_ in (("total", "general"), ("unique", "unique")):
            live = f"mixpanel_insights('{event}', {days}, math := '{math}', segment_by := '{name}')"
            local = f"local_segmentation(odd, '{event}', properties->'$.{name}', type := '{type_}')"
            assert (
                told(shop, f"SELECT date, segment, count FROM {local} WHERE count > 0")
                == told(shop, f"SELECT date, segment, value FROM {live} WHERE value > 0 AND segment <> '$overall'")
                != []
            )
