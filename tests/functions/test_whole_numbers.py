"""Counts and ids, in whichever form Mixpanel sends them."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data import MixpanelDataWarning, ServerError
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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", [True, "NaN", "-inf", "x", [1]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ServerError, match="should be"):
        whole(value)


@pytest.mark.parametrize("value", [Verbatim("1e999"), "-1e999", 10**400, Verbatim("7" * 5000), "NaN"])
def test_what_no_column_of_numbers_can_hold_is_left_out_and_told_of(value: Any) -> None:
    with pytest.warns(MixpanelDataWarning, match="no DOUBLE can hold it, so it is left out"):
        assert number(value) is None
