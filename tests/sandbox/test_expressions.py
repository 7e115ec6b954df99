"""Mixpanel's expression language, as the sandbox answers it."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from mixpanel_data.sandbox.expressions import BadExpression, number_of, text_of, to_sql

PROPERTIES = (
    '{"plan":"pro","n":5,"text":"5","zero":0,"yes":true,"no":false,"nothing":null,"list":["a","b"],'
    '"q\\"uote":"it\'s","time":1704067200,"when":"2024-01-01T00:00:00","$city":"Köln","float":2.5}'
)


def computed(sql: str) -> Any:
    with duckdb.connect() as con:
        query = f"""SELECT {sql} FROM (SELECT ?::VARCHAR AS properties, '{{"b":2}}'::JSON AS behaviors)"""
        ((found,),) = con.execute(query, [PROPERTIES]).fetchall()
    return found


def holds(expression: str) -> bool:
    return computed(f"coalesce({to_sql(expression)}, false)")


@pytest.mark.parametrize(
    "expression",
    [
        'properties["plan"] == "pro"',
        '(properties["plan"] == "pro" and properties["n"] > 4)',
        'properties["plan"] == "free" or properties["n"] >= 5',
        'not properties["plan"] == "free"',
        'properties["plan"] != "free"',
        'properties["missing"] != "x"',
        'properties["plan"] in ["free", "pro"]',
        '"ro" in properties["plan"]',
        '"a" in properties["list"]',
        'defined(properties["plan"])',
        'not defined(properties["missing"])',
        'properties["n"] == 5',
        'properties["n"] == 5.0',
        'number(properties["text"]) == 5',
        'string(properties["n"]) == "5"',
        'properties["yes"] == true',
        'properties["yes"]',
        'not properties["no"]',
        'properties["q\\"uote"] == "it\'s"',
        'properties["$city"] == "Köln"',
        'properties["$time"] >= datetime(1704067200)',
        'properties["$time"] < datetime("2024-01-01T00:00:01")',
        'datetime(properties["when"]) == properties["time"]',
        'properties["n"] + 1 == 6',
        'properties["n"] * 2 - 1 == 9',
        'properties["n"] % 2 == 1',
        'properties["plan"] + "!" == "pro!"',
        '-properties["n"] < 0',
        'floor(properties["float"]) == 2',
        'ceil(properties["float"]) == 3',
        'boolean(properties["plan"])',
        "true",
    ],
)
def test_true(expression: str) -> None:
    assert holds(expression)


@pytest.mark.parametrize(
    "expression",
    [
        'properties["plan"] == "free"',
        'properties["n"] == "5"',
        'properties["text"] == 5',
        'properties["plan"] > 3',
        'properties["missing"] == "x"',
        'properties["missing"] > 1',
        'properties["missing"]',
        'properties["plan"] in []',
        '"z" in properties["plan"]',
        '"z" in properties["list"]',
        'properties["n"] / 0 > 1',
        'boolean(properties["zero"])',
        "false",
    ],
)
def test_false(expression: str) -> None:
    assert not holds(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a b",
        'properties["x"',
        "properties.x == 1",
        "1 < 2 < 3",
        "__import__('os')",
        "lambda: 1",
        "f(1)",
        "[1]",
        "x" * 9,
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        to_sql(expression)


@pytest.mark.parametrize(
    ("expression", "text", "number"),
    [
        ('properties["plan"]', "pro", None),
        ("plan", "pro", None),
        ("$city", "Köln", None),
        ("n", "5", 5.0),
        ('properties["float"] * 2', "5.0", 5.0),
        ("text", "5", None),
        ('number(properties["text"])', "5.0", 5.0),
        ('string(properties["n"])', "5", None),
        ("missing", "undefined", None),
        ("nothing", "undefined", None),
        ("yes", "true", None),
        ("list", '["a","b"]', None),
        ('properties["n"] > 4', "true", None),
        ('not properties["yes"]', "false", None),
        ('defined(properties["missing"])', "false", None),
        ("no such property", "undefined", None),
    ],
)
def test_values(expression: str, text: str, number: float | None) -> None:
    assert computed(text_of(expression)) == text
    assert computed(number_of(expression)) == number


@pytest.mark.parametrize("expression", ['behaviors["b"] > 1', "NOW > 1704067200", "datetime(NOW - 60) < NOW"])
def test_only_profiles_have_behaviors_and_a_present(expression: str) -> None:
    assert computed(to_sql(expression, of_profiles=True))
    with pytest.raises(BadExpression):
        to_sql(expression)


def test_behaviors_that_were_not_asked_for_are_undefined() -> None:
    assert computed(to_sql('behaviors["c"] >= 0', of_profiles=True)) is None
