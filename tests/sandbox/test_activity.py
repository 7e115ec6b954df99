"""The activity feed: the export's events of some people, in order."""

from __future__ import annotations

import json
from collections import Counter

from .conftest import JANUARY, Shop


def test_it_is_what_the_export_has_of_them(shop: Shop) -> None:
    busiest = [person for person, _ in Counter(event.person for event in shop.exported()).most_common(2)]
    answer = shop.ask("stream/query", **JANUARY, distinct_ids=json.dumps([*busiest, "nobody"]))
    assert answer["status"] == "ok"
    told = answer["results"]["events"]
    expected = sorted((event for event in shop.exported() if event.person in busiest), key=lambda event: event.time)
    assert len(told) == len(expected) > 4
    for n, (one, event) in enumerate(zip(told, expected, strict=True)):
        name = "$distinct_id" if n % 2 else "distinct_id"
        properties = dict(one["properties"])
        assert properties.pop(name) == event.person
        assert (one["event"], {**properties, "distinct_id": event.person}) == (event.name, event.properties)


def test_of_nobody_there_is_nothing(shop: Shop) -> None:
    for ids in ("[]", '["nobody"]'):
        assert shop.ask("stream/query", **JANUARY, distinct_ids=ids)["results"]["events"] == []


def test_refusals(shop: Shop) -> None:
    assert shop.refusal("stream/query", **JANUARY) == (400, "Missing required parameter: distinct_ids")
    assert shop.refusal("stream/query", **JANUARY, distinct_ids="x") == (400, "Invalid JSON Format: distinct_ids")
