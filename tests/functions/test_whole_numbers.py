"""Counts and ids, in whichever form Mixpanel sends them."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data import MixpanelDataWarning
from mixpanel_data.functions.answers import number, whole
from mixpanel_data.lenient import Verbatim


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), ("", None), (5, 5), ("12345678901234567", 12345678901234567), ("7.0", 7), (3.0, 3)],
)
def test_a_whole_number_may_come_as_text(value: Any, number: int | None) -> None:
    assert whole(value) == number


@pytest.mark.parametrize("value", [12.9, "12.9"])
def test_another_number_is_rounded_and_told_of(value: Any) -> None:
    with pytest.warns(MixpanelDataWarning, match="where a whole number should be: it is rounded"):
        assert whole(value) == 13


@pytest.mark.parametrize("value", [True, "NaN", "-inf", "x", [1], 10**30, "9" * 5000, 1e300, "1,00"])
def test_what_is_no_number_is_none_and_told_of(value: Any) -> None:
    with pytest.warns(MixpanelDataWarning, match="should be: it is left out"):
        assert whole(value) is None


@pytest.mark.parametrize("value", [Verbatim("1e999"), "-1e999", 10**400, Verbatim("7" * 5000), "NaN"])
def test_what_no_column_of_numbers_can_hold_is_left_out_and_told_of(value: Any) -> None:
    with pytest.warns(MixpanelDataWarning, match="should be: it is left out"):
        assert number(value) is None


@pytest.mark.parametrize(("value", "number"), [("1,000", 1000), ("-12,345,678", -12345678), ("1,234.0", 1234)])
def test_commas_between_thousands_are_read_and_told_of(value: str, number: int) -> None:
    with pytest.warns(MixpanelDataWarning, match="they are taken for thousands"):
        assert whole(value) == number
