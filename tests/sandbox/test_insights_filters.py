"""Filters of Insights keep the same events as the same words over the export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .conftest import Event, Shop
from .questions import between, kept, metric, question

PLAN, CITY, AMOUNT, COUPON = "plan", "$city", "amount", "coupon"


def bought(shop: Shop) -> list[Event]:
    return [event for event in shop.exported() if event.name == "Purchase"]


def counted(shop: Shop, *filters: dict[str, Any], event: str = "Purchase", **more: Any) -> int:
    """Events where all of the filters hold."""
    series = shop.insights(question(metric(event), chart="bar", filters=list(filters), **more))["series"]
    return next(iter(series.values()))["all"] if series else 0


def expect(shop: Shop, found: int, holds: Callable[[dict[str, Any]], Any]) -> None:
    expected = sum(bool(holds(event.properties)) for event in bought(shop))
    assert found == expected
    assert 0 < expected < len(bought(shop))


@pytest.mark.parametrize(
    ("name", "kind", "operator", "value", "holds"),
    [
        (PLAN, "string", "equals", ["pro", "team"], lambda p: p["plan"] in {"pro", "team"}),
        (PLAN, "string", "does not equal", ["pro", "team"], lambda p: p["plan"] == "free"),
        (COUPON, "string", "does not equal", ["WELCOME"], lambda p: "coupon" not in p),
        (CITY, "string", "contains", "an", lambda p: "an" in p["$city"]),
        (CITY, "string", "does not contain", "an", lambda p: "an" not in p["$city"]),
        (CITY, "string", "starts with", "L'", lambda p: p["$city"].startswith("L'")),
        (CITY, "string", "ends with", "京", lambda p: p["$city"].endswith("京")),
        (COUPON, "string", "is set", None, lambda p: "coupon" in p),
        (COUPON, "string", "is not set", None, lambda p: "coupon" not in p),
        ("age", "number", "equals", 22, lambda p: p["age"] == 22),
        ("age", "number", "is equal to", 22, lambda p: p["age"] == 22),
        ("age", "number", "does not equal", 22, lambda p: p["age"] != 22),
        ("age", "number", "is not equal to", 22, lambda p: p["age"] != 22),
        (AMOUNT, "number", "is greater than", 99.5, lambda p: p["amount"] > 99.5),
        (AMOUNT, "number", "is less than", 99.5, lambda p: p["amount"] < 99.5),
        ("age", "number", "is at least", 40, lambda p: p["age"] >= 40),
        ("age", "number", "is greater than or equal to", 40, lambda p: p["age"] >= 40),
        ("age", "number", "is at most", 40, lambda p: p["age"] <= 40),
        ("age", "number", "is between", [30, 40], lambda p: 30 <= p["age"] <= 40),
        ("age", "number", "between", [30, 40], lambda p: 30 <= p["age"] <= 40),
        ("age", "number", "not between", [30, 40], lambda p: not 30 <= p["age"] <= 40),
        ("$time", "datetime", "was on", "2024-01-09", lambda p: day_of(p) == "2024-01-09"),
        ("$time", "datetime", "was not on", "2024-01-09", lambda p: day_of(p) != "2024-01-09"),
        ("$time", "datetime", "was before", "2024-01-09", lambda p: day_of(p) < "2024-01-09"),
        ("$time", "datetime", "was since", "2024-01-09", lambda p: day_of(p) >= "2024-01-09"),
        (
            "$time",
            "datetime",
            "was between",
            ["2024-01-09", "2024-01-10"],
            lambda p: "2024-01-09" <= day_of(p) <= "2024-01-10",
        ),
        (
            "$time",
            "datetime",
            "was not between",
            ["2024-01-09", "2024-01-10"],
            lambda p: not "2024-01-09" <= day_of(p) <= "2024-01-10",
        ),
    ],
)
def test_operators(shop: Shop, name: str, kind: str, operator: str, value: Any, holds: Callable[[Any], Any]) -> None:
    expect(shop, counted(shop, kept(name, kind, operator, value)), holds)


def day_of(properties: dict[str, Any]) -> str:
    return datetime.fromtimestamp(properties["time"], UTC).date().isoformat()


@pytest.mark.parametrize(
    ("kind", "operator", "value", "kept_ratings"),
    [
        ("boolean", "true", None, 1),
        ("boolean", "is true", None, 1),
        ("boolean", "equals", "true", 1),
        ("boolean", "false", None, 0),
        ("number", "is set", None, 4),
        ("number", "is not set", None, 1),
        ("number", "is at least", 5, 1),
        ("number", "equals", 5, 1),
        ("string", "equals", ["5"], 2),
    ],
)
def test_values_have_types(shop: Shop, kind: str, operator: str, value: Any, kept_ratings: int) -> None:
    """The ratings are 5, "5", true, null and 2.5."""
    time = between("2024-11-01", "2024-11-01")
    assert counted(shop, kept("rating", kind, operator, value), event="Listen", time=time) == kept_ratings


@pytest.mark.parametrize(
    ("operator", "value", "lists"),
    [("contains", "jazz", 2), ("contains", ["jazz", "folk"], 3), ("does not contain", "folk", 3)],
)
def test_lists(shop: Shop, operator: str, value: Any, lists: int) -> None:
    """The genres are jazz and folk, twice jazz, none, folk, and missing."""
    time = between("2024-11-01", "2024-11-01")
    assert counted(shop, kept("genres", "list", operator, value), event="Listen", time=time) == lists


def test_days_until_now(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from mixpanel_data.sandbox import filters

    now = datetime(2024, 1, 20, 12, tzinfo=UTC)
    monkeypatch.setattr(filters, "clock", lambda: now)
    asked = {**kept("$time", "datetime", "was in the", 3), "filterDateUnit": "day"}
    since = (now - timedelta(days=3)).timestamp()
    expect(shop, counted(shop, asked), lambda p: since <= p["time"] <= now.timestamp())
    asked["filterOperator"] = "was not in the"
    expect(shop, counted(shop, asked), lambda p: not since <= p["time"] <= now.timestamp())


def test_global_filters_must_all_hold(shop: Shop) -> None:
    both = counted(shop, kept(PLAN, "string", "equals", ["pro"]), kept("age", "number", "is less than", 40))
    expect(shop, both, lambda p: p["plan"] == "pro" and p["age"] < 40)


@pytest.mark.parametrize(("determiner", "together"), [("all", all), ("any", any)])
def test_filters_of_a_metric(shop: Shop, determiner: str, together: Callable[[list[bool]], bool]) -> None:
    filters = [kept(PLAN, "string", "equals", ["pro"]), kept("age", "number", "is less than", 30)]
    asked = metric(filters=filters, determiner=determiner)
    over_50 = kept(AMOUNT, "number", "is greater than", 50)
    answer = shop.insights(question(asked, chart="bar", filters=[over_50]))
    (found,) = answer["series"].values()
    expect(shop, found["all"], lambda p: together([p["plan"] == "pro", p["age"] < 30]) and p["amount"] > 50)


def test_filters_of_people(shop: Shop) -> None:
    """A tenth of them have no profile, and so no plan there."""
    paying = counted(shop, kept(PLAN, "string", "equals", ["pro", "team"], resource="people"))
    others = counted(shop, kept(PLAN, "string", "does not equal", ["pro", "team"], resource="user"))
    assert paying + others == len(bought(shop))
    unknown = counted(shop, kept(PLAN, "string", "is not set", resource="people"))
    expect(shop, unknown, lambda p: int(p["distinct_id"][-1]) == 9)
    expect(shop, paying, lambda p: p["plan"] in {"pro", "team"} and int(p["distinct_id"][-1]) != 9)


def test_profiles_have_dates(shop: Shop) -> None:
    joined = counted(shop, kept("$created", "datetime", "was since", "2024-01-01", resource="people"))
    signed_up = {event.person for event in shop.exported() if event.name == "Sign Up"}
    expect(shop, joined, lambda p: p["distinct_id"] in signed_up and int(p["distinct_id"][-1]) != 9)


@pytest.mark.parametrize(
    ("operator", "negated"), [("contains", False), ("does not contain", False), ("contains", True)]
)
def test_cohorts(shop: Shop, operator: str, negated: bool) -> None:
    """Whoever pays has a profile that says so."""
    cohort = {"cohort": {"id": 1002, "name": "Paying people", "negated": negated}}
    found = counted(shop, kept("$cohorts", "list", operator, [cohort]))
    is_in = operator == "contains" and not negated

    def is_member(p: dict[str, Any]) -> bool:
        return p["plan"] in {"pro", "team"} and int(p["distinct_id"][-1]) != 9

    expect(shop, found, lambda p: is_member(p) == is_in)


def test_a_property_that_no_event_has_keeps_none(shop: Shop) -> None:
    assert counted(shop, kept("no such", "string", "equals", ["x"])) == 0


@pytest.mark.parametrize(("quantifier", "together"), [("any", any), ("all", all)])
def test_objects_of_lists(shop: Shop, quantifier: str, together: Callable[[list[bool]], bool]) -> None:
    """Each has items of one to three, and one of which there is one."""
    asked = {
        **kept("items", "object", "true", True),
        "filterJoinType": "list",
        "listQuantifier": quantifier,
        "listItemFilters": [kept("quantity", "number", "is at least", 2 if quantifier == "any" else 1)],
    }
    asked["listItemFilters"].append(kept("sku", "string", "does not contain", "0"))
    least = asked["listItemFilters"][0]["filterValue"]

    def holds(item: dict[str, Any]) -> bool:
        return item["quantity"] >= least and "0" not in item["sku"]

    expect(shop, counted(shop, asked), lambda p: together([holds(item) for item in p["items"]]))
    assert counted(shop, asked, event="App Open") == 0
