"""Properties become expressions; expressions stay what they are."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.functions.parameters import expression


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, None),
        ("country", 'properties["country"]'),
        ("properties.country", 'properties["country"]'),
        ("$browser", 'properties["$browser"]'),
        ("Cart Size (USD)", 'properties["Cart Size (USD)"]'),
        ('10" pan', r'properties["10\" pan"]'),
        ("a\\b", r'properties["a\\b"]'),
        ("a.b", 'properties["a.b"]'),
        ('properties["country"]', 'properties["country"]'),
        ('user["$email"]', 'user["$email"]'),
        ('number(properties["amount"])', 'number(properties["amount"])'),
        ('event["$time"]', 'event["$time"]'),
        ("properties['plan']", "properties['plan']"),
        ("Last event [id]", 'properties["Last event [id]"]'),
        ("", 'properties[""]'),
    ],
)
def test_expressions(given: str | None, sent: str | None) -> None:
    assert expression(given) == sent


@given(st.text(alphabet=st.characters(exclude_characters="'\"[]", exclude_categories=("Cs", "Cc"))))
def test_any_name_is_quoted_so_that_it_reads_back(name: str) -> None:
    quoted = re.fullmatch(r"properties\[(.*)\]", expression(name) or "", re.DOTALL)
    assert quoted
    assert json.loads(quoted[1]) == name.removeprefix("properties.")
