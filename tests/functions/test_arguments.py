"""Arguments that cannot be understood are refused with one line that says what to write."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mixpanel_data.exceptions import ArgumentError
from mixpanel_data.functions import read_arguments
from mixpanel_data.functions.export import export

DATES = {"from_date": "2024-01-01", "to_date": "2024-01-31"}


def test_defaults_are_filled_in() -> None:
    assert read_arguments(export, DATES) == {
        "from_date": date(2024, 1, 1),
        "to_date": date(2024, 1, 31),
        "events": None,
        "filter": None,
        "max_rows": None,
        "deduplicate": False,
        "parallel": None,
        "on_bad_line": "error",
        "account": None,
    }


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "2024-02-29 00:00:00", "2024-02-29T00:00:00", "2024-02-29 00:00:00.000", "2024-02-29 00:00:00+00"],
)
def test_whole_days_in_the_forms_duckdb_writes_them(text: str) -> None:
    assert read_arguments(export, {**DATES, "to_date": text})["to_date"] == date(2024, 2, 29)


@pytest.mark.parametrize(
    "value",
    [
        "01/02/2024",
        "2024-1-2",
        "2024-02-30",
        "2024-01-01 13:00:00",
        "tomorrow",
        "",
        20240101,
        1.5,
        ["2024-01-01"],
        True,
    ],
)
def test_a_date_in_another_form_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"mixpanel_export: from_date must be .*: write from_date := '2024-01-01'"):
        read_arguments(export, {**DATES, "from_date": value})


@pytest.mark.parametrize("value", [10, "10", 10.0])
def test_whole_numbers_in_the_forms_ids_come_in(value: Any) -> None:
    assert read_arguments(export, {**DATES, "max_rows": value})["max_rows"] == 10


def test_a_missing_argument_is_named_with_an_example() -> None:
    with pytest.raises(ArgumentError) as caught:
        read_arguments(export, {"from_date": "2024-01-01", "to_date": None})
    assert str(caught.value) == (
        "mixpanel_export needs to_date (last day, inclusive): write FROM mixpanel_export('2024-01-01', '2024-01-31')"
    )
    assert caught.value.details == {"parameter": "to_date"}


def test_one_event_may_be_given_without_a_list() -> None:
    assert read_arguments(export, {**DATES, "events": "Purchase"})["events"] == ["Purchase"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("events", [1], "events must be a list of strings, not [1]: write events := ['Purchase']"),
        ("events", [], "events must be a list of strings, not []"),
        ("filter", 5, "filter must be a string, not 5"),
        ("max_rows", "10.5", "max_rows must be a whole number, not '10.5': write max_rows := 1000"),
        ("max_rows", 1.5, "max_rows must be a whole number, not 1.5: write max_rows := 1000"),
        ("max_rows", 1.5, "max_rows must be a whole number, not 1.5"),
        ("max_rows", True, "max_rows must be a whole number, not true"),
        ("account", {"a": 1}, 'account must be a string, not {"a": 1}'),
        ("filter", ["x" * 200], "…"),
    ],
)
def test_wrong_types_are_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        read_arguments(export, {**DATES, name: value})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250
