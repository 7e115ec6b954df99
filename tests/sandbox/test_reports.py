"""Saved reports: the list, and results that agree with the endpoints they could be asked for by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from .conftest import JANUARY, Event, Shop
from .test_events import by_time

FIRST = "2024-01-01T00:00:00+00:00"


def report(shop: Shop, number: int) -> dict[str, Any]:
    return shop.ask("insights", bookmark_id=str(number))


def iso(values: dict[str, float]) -> dict[str, float]:
    return {f"{day}T00:00:00+00:00": value for day, value in values.items()}


def of(shop: Shop, name: str) -> list[Event]:
    return [event for event in shop.exported() if event.name == name]


def test_bookmarks(shop: Shop) -> None:
    listed = shop.app("bookmarks", v="2")
    assert listed["status"] == "ok"
    bookmarks = listed["results"]["results"]
    assert [(one["id"], one["type"]) for one in bookmarks] == [
        (2001, "insights"),
        (2002, "insights"),
        (2003, "insights"),
        (7509, "funnels"),
        (9070, "funnels"),
        (9071, "funnels"),
        (3001, "retention"),
        (4001, "flows"),
    ]
    funnels = {one["funnel_id"]: one["name"] for one in shop.ask("funnels/list")}
    assert {one["id"]: one["name"] for one in bookmarks if one["type"] == "funnels"} == funnels
    chosen = shop.app("bookmarks", v="2", type="insights", ids="2002,7509")["results"]["results"]
    assert [one["name"] for one in chosen] == ["Purchases by plan"]
    assert shop.refusal("/api/app/projects/1/bookmarks", type="dashboards") == (400, "Invalid value for type")


def test_two_events_over_time(shop: Shop) -> None:
    answer = report(shop, 2001)
    assert answer["headers"] == ["$event"]
    assert answer["date_range"] == {"from_date": FIRST, "to_date": "2024-01-31T23:59:59.999000+00:00"}
    assert answer["series"] == {name: iso(by_time(of(shop, name), "day")) for name in ("App Open", "Purchase")}


def test_a_breakdown_is_one_level_deeper(shop: Shop) -> None:
    answer = report(shop, 2002)
    assert answer["headers"] == ["$event", "plan"]
    purchases = of(shop, "Purchase")
    by_plan = {
        plan: iso(by_time([event for event in purchases if event.properties["plan"] == plan], "day"))
        for plan in ("free", "pro", "team")
    }
    assert answer["series"] == {"Purchase": {"$overall": iso(by_time(purchases, "day")), **by_plan}}


def test_metrics_without_time(shop: Shop) -> None:
    purchases = of(shop, "Purchase")
    assert report(shop, 2003)["series"] == {
        "Purchase - Total": {"all": len(purchases)},
        "Purchase - Unique": {"all": len({event.person for event in purchases})},
        "Purchase - Sum of amount": {"all": pytest.approx(sum(event.properties["amount"] for event in purchases))},
    }


def test_a_funnel(shop: Shop) -> None:
    answer = report(shop, 9070)
    steps = shop.ask("funnels", **JANUARY, funnel_id="9070", unit="month")["data"]["2024-01-01"]["steps"]
    labels = ["1. Sign Up", "2. Any search", "3. Purchase"]
    assert answer["headers"] == ["$funnel"]
    assert answer["series"] == {
        measure: {name: {"all": step[measure]} for name, step in zip(labels, steps, strict=True)}
        for measure in ("count", "overall_conv_ratio", "step_conv_ratio", "avg_time", "avg_time_from_start")
    }


def test_retention(shop: Shop) -> None:
    answer = report(shop, 3001)
    assert answer["headers"] == ["$retention", "segment"]
    ((metric, cohorts),) = answer["series"].items()
    assert metric == "Sign Up and then Any event"
    plain = shop.ask("retention", **JANUARY, born_event="Sign Up", unit="week", interval_count="4")
    assert list(cohorts) == [f"{day}T00:00:00+00:00" for day in plain]
    for day, expected in plain.items():
        segments = cohorts[f"{day}T00:00:00+00:00"]
        overall = segments["$overall"]
        assert {name: overall[name] for name in ("first", "counts")} == expected
        assert overall["rates"] == [count / expected["first"] for count in expected["counts"]]
        plans = Counter(event.properties["plan"] for event in of(shop, "Sign Up") if by_time([event], "week").get(day))
        assert {plan: segments[plan]["first"] for plan in ("free", "pro", "team")} == {
            plan: plans[plan] for plan in ("free", "pro", "team")
        }


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"bookmark_id": "5"}, "Invalid insights_id: 5"),
        ({"bookmark_id": "x"}, "Invalid insights_id: x"),
        ({"bookmark_id": "4001"}, "Invalid insights_id: 4001"),
        ({}, "Missing required parameter: bookmark_id"),
    ],
)
def test_refusals(shop: Shop, params: dict[str, str], error: str) -> None:
    assert shop.refusal("insights", **params) == (400, error)
