"""Events, their properties and values, counted: as many as the export has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from .conftest import JANUARY, Event, Shop

MEASURES = {
    "general": len,
    "unique": lambda events: len({event.person for event in events}),
    "average": lambda events: len(events) / len({event.person for event in events}),
}


def label(event: Event, unit: str) -> str:
    match unit:
        case "minute":
            return event.moment.strftime("%Y-%m-%d %H:%M:00")
        case "hour":
            return event.moment.strftime("%Y-%m-%d %H:00:00")
        case "week":
            return (event.moment.date() - timedelta(days=event.moment.weekday())).isoformat()
        case "month":
            return event.day[:8] + "01"
    return event.day


def by_time(events: Iterable[Event], unit: str, kind: str = "general") -> dict[str, float]:
    buckets: dict[str, list[Event]] = {}
    for event in events:
        buckets.setdefault(label(event, unit), []).append(event)
    return {bucket: MEASURES[kind](found) for bucket, found in buckets.items()}


@pytest.mark.parametrize(
    ("kind", "unit"),
    [(kind, unit) for kind in MEASURES for unit in ("day", "week", "month")]
    + [("general", "hour"), ("general", "minute"), ("average", "hour")],
)
def test_counts_are_those_of_the_export(shop: Shop, kind: str, unit: str) -> None:
    names = ["Purchase", 'App "Crash" 💥']
    answer = shop.ask("events", **JANUARY, event='["Purchase", "App \\"Crash\\" 💥"]', type=kind, unit=unit)
    assert answer["legend_size"] == 2
    assert answer["data"]["values"] == {
        name: pytest.approx(by_time([event for event in shop.exported() if event.name == name], unit, kind))
        for name in names
    }


@pytest.mark.parametrize(
    ("unit", "last", "series"),
    [
        ("hour", "2024-01-03", [f"2024-01-03 {hour:02}:00:00" for hour in range(24)]),
        ("day", "2024-01-05", ["2024-01-03", "2024-01-04", "2024-01-05"]),
        ("week", "2024-01-15", ["2024-01-01", "2024-01-08", "2024-01-15"]),
        ("month", "2024-03-01", ["2024-01-01", "2024-02-01", "2024-03-01"]),
    ],
)
def test_series_have_every_bucket_and_values_only_those_with_events(
    shop: Shop, unit: str, last: str, series: list[str]
) -> None:
    answer = shop.ask(
        "events", event='["Invite Friend", "No such"]', type="general", unit=unit, from_date="2024-01-03", to_date=last
    )
    assert answer["data"]["series"] == series
    assert list(answer["data"]["values"]) == ["Invite Friend"]
    values = answer["data"]["values"]["Invite Friend"]
    assert set(values) <= set(series)
    assert 0 not in values.values()


def test_nothing_known_is_an_empty_answer(shop: Shop) -> None:
    answer = shop.ask("events", **JANUARY, event='["No such"]', type="unique", unit="day")
    assert (answer["data"]["values"], len(answer["data"]["series"])) == ({}, 31)
    assert shop.ask("events/properties/top", event="No such") == {}
    assert shop.ask("events/properties/values", event="No such", name="plan") == []
    assert shop.ask("events/properties/values", event="Purchase", name="no such") == []


def test_names(shop: Shop) -> None:
    names = shop.ask("events/names", type="general")
    assert set(names) == {event.name for event in shop.exported("2024-01-01", "2024-01-07")}
    assert shop.ask("events/names", type="general", from_date="2024-05-01", to_date="2024-05-02") == names
    assert shop.ask("events/names", type="unique", limit="3") == names[:3]


def test_top_compares_today_with_yesterday(shop: Shop, today: date) -> None:
    now, before = (
        Counter(event.name for event in shop.exported(day.isoformat(), day.isoformat()))
        for day in (today, today - timedelta(days=1))
    )
    answer = shop.ask("events/top", type="general")
    assert answer["type"] == "general"
    assert {one["event"]: one["amount"] for one in answer["events"]} == now
    for one in answer["events"]:
        yesterday = before[one["event"]]
        change = (one["amount"] - yesterday) / yesterday if yesterday else 1
        assert one["percent_change"] == pytest.approx(change)
    amounts = [one["amount"] for one in answer["events"]]
    assert amounts == sorted(amounts, reverse=True)
    assert shop.ask("events/top", type="general", limit="2")["events"] == answer["events"][:2]


def test_property_values_are_counted_where_there_are_any(shop: Shop) -> None:
    params = {**JANUARY, "event": "Purchase", "type": "general", "unit": "week"}
    purchases = [event for event in shop.exported() if event.name == "Purchase"]
    values = shop.ask("events/properties", **params, name="plan")["data"]["values"]
    assert values == {
        plan: by_time([event for event in purchases if event.properties["plan"] == plan], "week")
        for plan in ("free", "pro", "team")
    }
    coupons = shop.ask("events/properties", **params, name="coupon")["data"]["values"]
    assert coupons == {"WELCOME": by_time([event for event in purchases if "coupon" in event.properties], "week")}
    chosen = shop.ask("events/properties", **params, name="plan", values='["pro", "none"]')["data"]["values"]
    assert chosen == {"pro": values["pro"]}
    assert list(shop.ask("events/properties", **params, name="plan", limit="1")["data"]["values"]) == ["free"]
    assert shop.ask("events/properties", **params, name="plan", values="[]")["data"]["values"] == {}


def test_top_properties(shop: Shop) -> None:
    counts = Counter(name for event in shop.exported() if event.name == "Purchase" for name in event.properties)
    answer = shop.ask("events/properties/top", event="Purchase", limit="100")
    assert answer == {name: {"count": count} for name, count in counts.items()}
    assert list(answer)[-1] == "coupon"
    assert len(shop.ask("events/properties/top", event="Purchase")) == 10


def test_values_come_most_frequent_first(shop: Shop) -> None:
    counts = Counter(str(event.properties["query"]) for event in shop.exported() if event.name == "Search")
    values = shop.ask("events/properties/values", event="Search", name="query")
    assert values == sorted(counts, key=lambda value: (-counts[value], value))
    assert shop.ask("events/properties/values", event="Search", name="query", limit="2") == values[:2]


COUNTS: dict[str, str] = {**JANUARY, "event": '["Purchase"]', "type": "general", "unit": "day"}


@pytest.mark.parametrize(
    ("path", "params", "error"),
    [
        ("events", {"type": None}, "Missing required parameter: type"),
        ("events", {"type": "median"}, "Invalid value for type"),
        ("events", {"unit": None}, "Missing required parameter: unit"),
        ("events", {"unit": "year"}, "Invalid value for unit"),
        ("events", {"event": None}, "Missing required parameter: event"),
        ("events", {"event": "Purchase"}, "Invalid JSON Format: event"),
        ("events", {"event": "[1]"}, "Invalid JSON Format: event"),
        ("events", {"from_date": None}, "Missing required parameter: from_date"),
        ("events", {"from_date": "2024-02-01"}, "from_date cannot be later than to_date"),
        ("events", {"type": "unique", "unit": "hour"}, "unique counts are not available by hour"),
        ("events", {"type": "unique", "unit": "minute"}, "unique counts are not available by minute"),
        ("events/properties", {}, "Missing required parameter: name"),
        ("events/properties", {"name": "plan", "limit": "0"}, "Invalid value for limit"),
        ("events/properties/top", {"event": None}, "Missing required parameter: event"),
        ("events/properties/values", {}, "Missing required parameter: name"),
        ("events/top", {"type": None}, "Missing required parameter: type"),
        ("events/names", {"type": "x"}, "Invalid value for type"),
        ("events/names", {"from_date": "1999-01-01"}, "Error in from_date: invalid date, bad year"),
    ],
)
def test_refusals(shop: Shop, path: str, params: dict[str, Any], error: str) -> None:
    asked = {name: value for name, value in {**COUNTS, **params}.items() if value is not None}
    assert shop.refusal(path, **asked) == (400, error)
