"""Segmentation: the same counts, sums and averages as over the export."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from statistics import mean
from typing import Any

import pytest

from .conftest import JANUARY, Event, Shop
from .test_events import by_time

PURCHASES = {**JANUARY, "event": "Purchase"}


def purchases(shop: Shop) -> list[Event]:
    return [event for event in shop.exported() if event.name == "Purchase"]


def by_segment(events: list[Event], segment: Any, unit: str = "day") -> dict[str, dict[str, float]]:
    names = {segment(event) for event in events}
    return {name: by_time([event for event in events if segment(event) == name], unit) for name in names}


@pytest.mark.parametrize("kind", ["general", "unique", "average"])
def test_an_event_alone_goes_by_its_name(shop: Shop, kind: str) -> None:
    answer = shop.ask("segmentation", **PURCHASES, type=kind)
    assert answer["data"]["values"] == {"Purchase": pytest.approx(by_time(purchases(shop), "day", kind))}
    assert answer["legend_size"] == 1


def test_series_is_complete_but_not_sorted(shop: Shop) -> None:
    series = shop.ask("segmentation", **PURCHASES)["data"]["series"]
    days = [(date(2024, 1, 1) + timedelta(days=n)).isoformat() for n in range(31)]
    assert sorted(series) == days
    assert series != days


@pytest.mark.parametrize(
    ("on", "segment"),
    [
        ('properties["plan"]', lambda event: event.properties["plan"]),
        ("plan", lambda event: event.properties["plan"]),
        ("$browser", lambda event: event.properties["$browser"]),
        ("coupon", lambda event: event.properties.get("coupon", "undefined")),
        ('properties["coupon"]', lambda event: event.properties.get("coupon", "undefined")),
        ('properties["amount"] > 100', lambda event: str(event.properties["amount"] > 100).lower()),
        ('defined(properties["coupon"])', lambda event: str("coupon" in event.properties).lower()),
        ('properties["plan"] + "-" + properties["$os"]', lambda e: f"{e.properties['plan']}-{e.properties['$os']}"),
        ('number(properties["age"]) % 2', lambda event: f"{event.properties['age'] % 2}.0"),
        ("age", lambda event: str(event.properties["age"])),
    ],
)
def test_segments(shop: Shop, on: str, segment: Any) -> None:
    values = shop.ask("segmentation", **PURCHASES, on=on, unit="week")["data"]["values"]
    assert values == by_segment(purchases(shop), segment, "week")


def test_the_largest_segments_come_first_and_may_be_the_only_ones(shop: Shop) -> None:
    totals = Counter(str(event.properties["age"]) for event in purchases(shop))
    largest = sorted(totals, key=lambda age: (-totals[age], age))
    assert list(shop.ask("segmentation", **PURCHASES, on="age")["data"]["values"]) == largest[:60]
    assert list(shop.ask("segmentation", **PURCHASES, on="age", limit="3")["data"]["values"]) == largest[:3]


def test_where(shop: Shop) -> None:
    kept = [event for event in purchases(shop) if event.properties["plan"] == "pro" and event.properties["amount"] > 50]
    where = '(properties["plan"] == "pro" and properties["amount"] > 50)'
    assert shop.ask("segmentation", **PURCHASES, where=where)["data"]["values"] == {"Purchase": by_time(kept, "day")}


def test_an_interval_of_days(shop: Shop) -> None:
    answer = shop.ask("segmentation", **PURCHASES, interval="10", type="unique")["data"]
    assert sorted(answer["series"]) == ["2024-01-01", "2024-01-11", "2024-01-21", "2024-01-31"]
    first = {event.person for event in purchases(shop) if event.day <= "2024-01-10"}
    assert answer["values"]["Purchase"]["2024-01-01"] == len(first)


def test_an_unknown_event_has_no_values(shop: Shop) -> None:
    answer = shop.ask("segmentation", **{**PURCHASES, "event": "No such"})
    assert (answer["data"]["values"], answer["legend_size"]) == ({"No such": {}}, 1)
    assert shop.ask("segmentation", **{**PURCHASES, "event": "No such"}, on="plan")["data"]["values"] == {}


def test_numeric_ranges(shop: Shop) -> None:
    answer = shop.ask("segmentation/numeric", **PURCHASES, on='properties["amount"]', unit="day")
    width = 10

    def bucket(event: Event) -> str:
        low = math.floor(event.properties["amount"] / width) * width
        return f"{low:,} - {low + width:,}"

    assert answer["data"]["values"] == by_segment(purchases(shop), bucket)
    assert answer["legend_size"] == len(answer["data"]["values"])


def test_large_numbers_have_commas(shop: Shop) -> None:
    on = 'properties["item_id"] * 100'
    values = shop.ask("segmentation/numeric", **{**PURCHASES, "event": "Add To Cart"}, on=on)["data"]["values"]
    assert "20,000 - 30,000" in values


def test_texts_are_in_no_numeric_range(shop: Shop) -> None:
    assert shop.ask("segmentation/numeric", **PURCHASES, on="plan")["data"]["values"] == {}


def test_sums_and_averages(shop: Shop) -> None:
    amounts: dict[str, list[float]] = {}
    for event in purchases(shop):
        amounts.setdefault(event.day, []).append(event.properties["amount"])
    summed = shop.ask("segmentation/sum", **PURCHASES, on='properties["amount"]')
    assert summed["status"] == "ok"
    assert summed["computed_at"].endswith("+00:00")
    assert summed["results"] == pytest.approx({day: sum(found) for day, found in amounts.items()})
    averaged = shop.ask("segmentation/average", **PURCHASES, on="amount")
    assert averaged == {"status": "ok", "results": pytest.approx({day: mean(found) for day, found in amounts.items()})}


def test_what_is_no_number_counts_as_0(shop: Shop) -> None:
    days = {event.day for event in purchases(shop)}
    assert shop.ask("segmentation/sum", **PURCHASES, on="plan")["results"] == dict.fromkeys(days, 0)
    assert shop.ask("segmentation/average", **PURCHASES, on="plan")["results"] == dict.fromkeys(days, 0)


def test_sums_by_hour(shop: Shop) -> None:
    results = shop.ask("segmentation/sum", **PURCHASES, on='1 + 0 * number(properties["age"])', unit="hour")["results"]
    assert results == by_time(purchases(shop), "hour")


@pytest.mark.parametrize(
    ("path", "params", "error"),
    [
        ("segmentation", {"event": None}, "Missing required parameter: event"),
        ("segmentation", {"unit": "year"}, "Invalid value for unit"),
        ("segmentation", {"type": "unique", "unit": "hour"}, "unique counts are not available by hour"),
        ("segmentation", {"where": "a b"}, "invalid expression: 'a b'"),
        ("segmentation", {"where": 'behaviors["b"] > 0'}, "invalid expression: 'behaviors[\"b\"] > 0'"),
        ("segmentation", {"on": 'properties["plan"'}, "invalid expression: 'properties[\"plan\"'"),
        ("segmentation", {"limit": "10001"}, "Invalid value for limit"),
        ("segmentation/numeric", {}, "Missing required parameter: on"),
        ("segmentation/sum", {}, "Missing required parameter: on"),
        ("segmentation/average", {"on": "amount", "unit": "week"}, "Invalid value for unit"),
    ],
)
def test_refusals(shop: Shop, path: str, params: dict[str, Any], error: str) -> None:
    asked = {name: value for name, value in {**PURCHASES, **params}.items() if value is not None}
    assert shop.refusal(path, **asked) == (400, error)
