"""What a WHERE leaves possible: never less than what matches."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.functions.predicate import EVERYTHING, Predicate
from mixpanel_data.functions.zones import start_of

SCHEMA = pa.schema([("name", pa.string()), ("at", pa.timestamp("us")), ("other", pa.string())])
NAME, AT, OTHER = pc.field("name"), pc.field("at"), pc.field("other")
FIRST, LAST = date(2024, 1, 1), date(2024, 1, 31)
texts = st.text(max_size=6)


def moment(day: int, hour: int = 0) -> pa.Scalar:
    return pa.scalar(datetime(2024, 1, day, hour), pa.timestamp("us"))


def days(expression: pc.Expression) -> list[int]:
    return [day.day for day in Predicate(expression, SCHEMA).possible_days("at", FIRST, LAST)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (moment(5, 3) == AT, [5]),
        ((moment(5) <= AT) & (moment(7) > AT), [5, 6]),
        ((moment(30, 23) < AT) | (moment(1, 1) > AT), [1, 30, 31]),
        (AT.isin([datetime(2024, 1, 5), datetime(2024, 1, 9)]), [5, 9]),
        (moment(30) <= AT, [30, 31]),
        ((OTHER == "x") & (moment(31) <= AT), [31]),
        (AT.is_null(), list(range(1, 32))),
        (OTHER == "2024-01-05", list(range(1, 32))),
        ((moment(2) > AT) & (moment(3) < AT), []),
    ],
)
def test_days(expression: pc.Expression, expected: list[int]) -> None:
    assert days(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (NAME == "a", ["a"]),
        (NAME == "", [""]),
        (NAME.isin(["b", "a"]), ["a", "b"]),
        ((NAME == "a") | (NAME == "b"), ["a", "b"]),
        ((NAME == "a") & (NAME == "b"), []),
        ((NAME.isin(["a", "b"])) & (NAME != "a"), ["b"]),
        (pc.if_else(NAME.is_valid(), NAME.isin(["a"]), pa.scalar(None, pa.bool_())), ["a"]),
        ((NAME == "a") & (OTHER == "b"), ["a"]),
        (NAME != "a", None),
        (NAME.is_null(), None),
        ((NAME == "a") | NAME.is_null(), None),
        ((NAME == "a") | (OTHER == "b"), None),
        ((NAME >= "a") & (NAME < "b"), None),
        (NAME > "a", None),
        (NAME < "a", None),
        ((NAME > "b") | (NAME == "a"), None),
        (NAME.is_valid(), None),
        (~NAME.isin(["a"]), None),
        (OTHER == "a", None),
    ],
)
def test_values(expression: pc.Expression, expected: list[str] | None) -> None:
    assert Predicate(expression, SCHEMA).possible_values("name") == expected


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2024, 11, 4, 4, 30), date(2024, 11, 3)),  # the last half hour of a day of 25 hours
        (datetime(2024, 11, 4, 5), date(2024, 11, 4)),
        (datetime(2024, 3, 11, 3, 30), date(2024, 3, 10)),  # and of one of 23
        (datetime(2024, 3, 11, 4), date(2024, 3, 11)),
    ],
)
def test_a_moment_is_on_one_day_also_when_clocks_change(at: datetime, day: date) -> None:
    predicate = Predicate(pa.scalar(at, pa.timestamp("us")) == AT, SCHEMA)
    first, last = day - timedelta(days=3), day + timedelta(days=3)
    assert predicate.possible_days("at", first, last, partial(start_of, zone="America/New_York")) == [day]


def test_no_filter_leaves_everything_possible() -> None:
    assert EVERYTHING.possible_values("name") is None
    assert len(EVERYTHING.possible_days("at", FIRST, LAST)) == 31
    assert not EVERYTHING.mentions("name")


def test_mentions() -> None:
    predicate = Predicate((NAME == "at") & AT.is_valid(), SCHEMA)
    assert predicate.mentions("name")
    assert predicate.mentions("at")
    assert not predicate.mentions("other")


names = st.sampled_from(["", "a", "ab", "b", 'q"\\\n\u2028', "é", "😀"])
moments = st.datetimes(datetime(2023, 12, 30), datetime(2024, 2, 2))
leaves = st.one_of(
    names.map(lambda name: name == NAME),
    names.map(lambda name: name != NAME),
    names.map(lambda name: name > NAME),
    names.map(lambda name: name <= NAME),
    st.lists(names, min_size=1).map(NAME.isin),
    names.map(lambda name: name == OTHER),
    moments.map(lambda at: pa.scalar(at, pa.timestamp("us")) > AT),
    moments.map(lambda at: pa.scalar(at, pa.timestamp("us")) <= AT),
    moments.map(lambda at: pa.scalar(at, pa.timestamp("us")) == AT),
    st.sampled_from([NAME.is_null(), AT.is_null(), NAME.is_valid(), AT.is_valid()]),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
        inner.map(lambda one: ~one),
    ),
    max_leaves=6,
)
rows = st.lists(
    st.tuples(st.one_of(st.none(), names), st.one_of(st.none(), moments), st.one_of(st.none(), names)),
    max_size=20,
)


@given(expressions, rows)
def test_no_matching_row_is_ever_ruled_out(
    expression: pc.Expression, given_rows: list[tuple[str | None, datetime | None, str | None]]
) -> None:
    columns = list(zip(*given_rows, strict=True)) or [[], [], []]
    table = pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA)
    predicate = Predicate(expression, SCHEMA)
    possible_names = predicate.possible_values("name")
    possible_days = predicate.possible_days("at", FIRST - timedelta(days=5), LAST + timedelta(days=5))
    for row in table.filter(expression).to_pylist():
        assert possible_names is None or row["name"] in possible_names
        assert row["at"] is None or row["at"].date() in possible_days
        if row["at"] is None:
            assert len(possible_days) == 41


SIGNS = [operator.lt, operator.le, operator.gt, operator.ge, operator.ne, operator.eq]


@given(st.lists(texts, max_size=4), st.sampled_from(SIGNS), texts, st.lists(texts, max_size=8))
def test_a_name_that_the_where_does_not_tell_is_not_ruled_out(
    told: list[str], sign: Callable[[pc.Expression, str], pc.Expression], bound: str, others: list[str]
) -> None:
    expression = NAME.isin(pa.array(told, pa.string())) | sign(NAME, bound)
    possible = Predicate(expression, SCHEMA).possible_values("name")
    # Before, between and behind all that is told.
    names = ["", *others, *(name + "!" for name in [*told, bound]), "\U0010ffff" * 7]
    table = pa.table({"name": names, "at": pa.nulls(len(names), SCHEMA.field("at").type), "other": names})
    matching = {row["name"] for row in table.filter(expression).to_pylist()}
    assert possible is None or matching <= set(possible)


@given(texts, texts)
def test_literals_come_back_exactly(one: str, two: str) -> None:
    found = set(Predicate((one == NAME) & (OTHER.isin([two])), SCHEMA).literals())
    assert {one, two} <= found
