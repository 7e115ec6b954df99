"""Arguments survive the road through SQL, JSON and Arrow filters exactly, whatever is in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mixpanel_data
from mixpanel_data.binding import registration
from mixpanel_data.functions import Call
from mixpanel_data.functions.declaration import Column, Function, Parameter, table_function

CALLS: list[dict[str, Any]] = []


@table_function(
    doc="Writes down its arguments.",
    columns=(Column("text", "VARCHAR", "what was given"), Column("number", "BIGINT", "zero")),
    example="FROM mixpanel_echo()",
    parameters=tuple(
        Parameter(name, kind, "anything", "'x'")
        for name, kind in (
            ("text", "VARCHAR"),
            ("properties", "VARCHAR"),
            ("list", "VARCHAR[]"),
            ("day", "DATE"),
        )
    ),
)
async def echo(call: Call) -> AsyncIterator[list[tuple[Any, ...]]]:
    CALLS.append(dict(call.arguments))
    yield [(call["text"], 0)]


@contextmanager
def echoing(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    functions: tuple[Function, ...] = (echo, *registration.FUNCTIONS)
    monkeypatch.setattr(registration, "FUNCTIONS", functions)
    with duckdb.connect() as con:
        mixpanel_data.register(con)
        CALLS.clear()
        yield con


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with pytest.MonkeyPatch.context() as monkeypatch, echoing(monkeypatch) as con:
        yield con


ODD = 'q"\\\'\n\t\u2028\u00e9😀{"text":"x"} -- /* ; \\u0041 \x01'
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def last() -> dict[str, Any]:
    return CALLS[-1]


@given(texts, texts)
@example(ODD, "x")
@example("", "")
def test_literals(con: duckdb.DuckDBPyConnection, one: str, two: str) -> None:
    rows = con.execute(f"FROM mixpanel_echo({literal(one)}, properties := {literal(two)})").fetchall()
    assert rows == [(one, 0)]
    assert (last()["text"], last()["properties"]) == (one, two)


@given(texts, st.lists(texts, min_size=1, max_size=4))
@example(ODD, [ODD, ""])
def test_parameters(con: duckdb.DuckDBPyConnection, one: str, many: list[str]) -> None:
    assert con.execute("FROM mixpanel_echo(?, list := ?)", [one, many]).fetchall() == [(one, 0)]
    assert (last()["text"], last()["list"]) == (one, many)


@given(texts, texts, texts)
@example(ODD, ODD, ODD)
@example('{"text":"a","properties":null,"list":null,"day":null}', "a", "b")
def test_other_literals_in_the_where_are_not_mistaken_for_arguments(
    con: duckdb.DuckDBPyConnection, given_text: str, one: str, two: str
) -> None:
    where = f"text = {literal(one)} OR text IN ({literal(two)}, 'z')"
    rows = con.execute(f"SELECT text FROM mixpanel_echo(?) WHERE {where}", [given_text]).fetchall()
    assert last()["text"] == given_text
    assert rows == ([(given_text,)] if given_text in {one, two, "z"} else [])


def test_a_nul_character_travels_too(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_echo('a' || chr(0) || 'b')")
    assert last()["text"] == "a\0b"


def test_dates_in_every_form(con: duckdb.DuckDBPyConnection) -> None:
    forms = [
        "'2024-02-29'",
        "DATE '2024-02-29'",
        "TIMESTAMP '2024-02-29'",
        "'2024-03-01'::DATE - 1",
        "date_trunc('day', TIMESTAMP '2024-02-29 11:00:00')",
        "getvariable('day')",
    ]
    con.execute("SET VARIABLE day = DATE '2024-02-29'")
    for form in forms:
        con.execute(f"FROM mixpanel_echo(day := {form})")
        assert last()["day"] == date(2024, 2, 29), form
    con.execute("FROM mixpanel_echo(day := ?)", [date(2024, 2, 29)])
    assert last()["day"] == date(2024, 2, 29)
    (today,) = con.execute("SELECT current_date - 7").fetchall()[0]
    con.execute("FROM mixpanel_echo(day := current_date - 7)")
    assert last()["day"] == today


def test_each_of_two_calls_in_a_statement_gets_its_own(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "SELECT a.text, b.text FROM mixpanel_echo('one') a, mixpanel_echo('two') b "
        "UNION ALL SELECT text, text FROM mixpanel_echo('three') WHERE number = 0"
    ).fetchall()
    assert sorted(rows) == [("one", "two"), ("three", "three")]


def test_views_and_prepared_statements(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE OR REPLACE TEMP VIEW seen AS FROM mixpanel_echo('viewed')")
    assert con.execute("SELECT text FROM seen WHERE text <> 'x'").fetchall() == [("viewed",)]
    con.execute("PREPARE again AS SELECT text FROM mixpanel_echo(?)")
    assert con.execute("EXECUTE again('a''b')").fetchall() == [("a'b",)]
    assert con.execute("EXECUTE again('c')").fetchall() == [("c",)]


@pytest.mark.parametrize(
    "query",
    [
        "FROM range(3) r, LATERAL (FROM mixpanel_echo('a' || r.range)) e",
        "FROM (VALUES ('a'), ('b')) v(x), mixpanel_echo(x)",
        "SELECT (SELECT any_value(text) FROM mixpanel_echo(v.x)) FROM (VALUES ('a'), ('b')) v(x)",
    ],
)
def test_arguments_that_are_not_constant_are_refused(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(
        duckdb.Error, match=r"mixpanel_echo: every argument must be a constant|can only contain constant"
    ):
        con.execute(query).fetchall()


@pytest.mark.parametrize("values", ["('a')", "('a'), ('b')"])
def test_a_subquery_is_refused_or_understood_but_never_empty(con: duckdb.DuckDBPyConnection, values: str) -> None:
    """DuckDB 1.5 tells a source what the other side of a join has come to: where that is one value, it is constant."""
    try:
        rows = con.execute(f"FROM mixpanel_echo((SELECT max(x) FROM (VALUES {values}) v(x)))").fetchall()
    except duckdb.Error as error:
        assert "mixpanel_echo: every argument must be a constant" in str(error)
    else:
        assert rows == [(values[-3], 0)]


def test_without_the_optimizer_a_call_is_refused_not_empty(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("PRAGMA disable_optimizer")
    try:
        with pytest.raises(duckdb.Error, match="the optimizer must be on"):
            con.execute("FROM mixpanel_echo('a')").fetchall()
    finally:
        con.execute("PRAGMA enable_optimizer")


def test_an_unknown_argument_is_refused_with_the_signature(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match=r"mixpanel_echo\(.*text := NULL, properties := NULL"):
        con.execute("FROM mixpanel_echo(tekst := 'a')")
