"""Profiles and cohorts: the people of January's export."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from mixpanel_data.sandbox import engage

from .conftest import Event, Shop

IMPORTED = 7000001
DAY = 86400
AFTERNOON = 1706713200
"""Of January 31."""
UNCACHED = (400, "request for page in uncached query for params")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(engage, "PAGE_SIZE", 100)
    return 100


def everything(shop: Shop, **params: str) -> dict[Any, dict[str, Any]]:
    """All pages' profiles, by id."""
    page = shop.post("engage", **params)
    results, n = list(page["results"]), 0
    while len(page["results"]) == page["page_size"]:
        n += 1
        page = shop.post("engage", **params, session_id=page["session_id"], page=str(n))
        results += page["results"]
    found = {one["$distinct_id"]: one["$properties"] for one in results}
    assert len(found) == len(results)
    return found


def has_profile(person: str) -> bool:
    return not person.endswith("9")


def by_person(shop: Shop) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in shop.exported():
        found.setdefault(event.person, []).append(event)
    return found


def test_profiles_are_of_those_who_were_seen(shop: Shop) -> None:
    people, profiles = by_person(shop), everything(shop)
    assert profiles.pop(IMPORTED)["$name"] == "Imported Customer"
    assert set(profiles) == {person for person in people if has_profile(person)}
    for person, profile in profiles.items():
        events = people[person]
        amounts = [event.properties["amount"] for event in events if event.name == "Purchase"]
        last = max(event.moment for event in events)
        signed_up = [event.moment for event in events if event.name == "Sign Up"]
        assert profile["$last_seen"] == last.strftime("%Y-%m-%dT%H:%M:%S")
        assert profile["$created"] <= min(event.moment for event in events).strftime("%Y-%m-%dT23:59:59")
        assert not signed_up or profile["$created"] == signed_up[0].strftime("%Y-%m-%dT%H:%M:%S")
        assert (profile["purchases"], profile["revenue"]) == (len(amounts), pytest.approx(sum(amounts)))
        said = events[0].properties
        assert [profile[name] for name in ("plan", "age", "$city", "$country_code")] == [
            said[name] for name in ("plan", "age", "$city", "mp_country_code")
        ]


def test_pages_belong_to_a_session(shop: Shop) -> None:
    first = shop.post("engage")
    assert list(first) == ["page", "page_size", "results", "session_id", "status", "total"]
    assert (first["page"], first["page_size"], len(first["results"]), first["status"]) == (0, 100, 100, "ok")
    assert first["total"] == len(everything(shop))
    last = shop.post("engage", page=str(first["total"] // 100), session_id=first["session_id"])
    assert len(last["results"]) == first["total"] % 100
    assert "total" not in last
    assert last["session_id"] == first["session_id"]
    beyond = shop.post("engage", page="99", session_id=first["session_id"])
    assert beyond["results"] == []


def test_a_page_without_its_session_is_refused(shop: Shop) -> None:
    session = shop.post("engage")["session_id"]
    assert shop.refusal("engage", "POST", page="1") == (400, "Missing required parameter: session_id")
    assert shop.refusal("engage", "POST", page="1", session_id="x") == UNCACHED
    assert shop.refusal("engage", "POST", page="1", session_id=session, where="true") == UNCACHED
    for _ in range(engage.KEPT_SESSIONS):
        shop.post("engage", distinct_id="x")
    assert shop.refusal("engage", "POST", page="1", session_id=session) == UNCACHED


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ('properties["plan"] == "pro"', lambda profile: profile["plan"] == "pro"),
        ('properties["revenue"] > 100', lambda profile: profile.get("revenue", 0) > 100),
        ('properties["age"] in [20, 30, 40]', lambda profile: profile.get("age") in {20, 30, 40}),
        ('not defined(properties["age"])', lambda profile: "age" not in profile),
        (
            'datetime(properties["$last_seen"]) >= datetime("2024-01-20T00:00:00")',
            lambda profile: profile.get("$last_seen", "") >= "2024-01-20",
        ),
        ('properties["$last_seen"] < "2024-01-09"', lambda profile: "" < profile.get("$last_seen", "") < "2024-01-09"),
        ('datetime(properties["$last_seen"]) > datetime(NOW - 604800)', lambda _: False),
        ('datetime(properties["$created"]) < NOW', lambda _: True),
    ],
)
def test_where(shop: Shop, where: str, holds: Any) -> None:
    expected = {person for person, profile in everything(shop).items() if holds(profile)}
    assert set(everything(shop, where=where)) == expected
    assert set(everything(shop, selector=where)) == expected


def test_profiles_by_id(shop: Shop) -> None:
    person, other = (person for person in list(everything(shop))[1:3])
    assert list(everything(shop, distinct_id=person)) == [person]
    assert list(everything(shop, distinct_ids=json.dumps([other, person, "nobody"]))) == sorted([person, other])
    assert list(everything(shop, distinct_ids=f"[{IMPORTED}]")) == [IMPORTED]
    assert everything(shop, distinct_ids="[]") == {}


def test_only_some_properties(shop: Shop) -> None:
    profiles = everything(shop, output_properties='["plan", "no such"]')
    assert profiles == {person: {"plan": profile["plan"]} for person, profile in everything(shop).items()}


def test_cohorts_are_as_large_as_engage_finds_them(shop: Shop) -> None:
    cohorts = shop.post("cohorts/list")
    assert [(one["id"], one["is_visible"]) for one in cohorts] == [(1001, 1), (1002, 1), (1003, 0)]
    for cohort in cohorts:
        assert cohort["count"] == shop.post("engage", filter_by_cohort=json.dumps({"id": cohort["id"]}))["total"] > 0
        assert cohort["created"] == "2024-02-01 09:30:00"


def test_buyers_include_who_has_no_profile(shop: Shop) -> None:
    buyers = {event.person for event in shop.exported() if event.name == "Purchase"}
    found = everything(shop, filter_by_cohort='{"id":1001}')
    assert set(found) == buyers
    assert {person for person, profile in found.items() if not profile} == {p for p in buyers if not has_profile(p)}
    known = everything(shop, filter_by_cohort='{"id":1001}', include_all_users="false")
    assert set(known) == {person for person in buyers if has_profile(person)}


def test_the_other_cohorts(shop: Shop) -> None:
    paying = {person for person, profile in everything(shop).items() if profile["plan"] in {"pro", "team"}}
    assert set(everything(shop, filter_by_cohort='{"id":1002}')) == paying
    spent = Counter[str]()
    for event in shop.exported():
        spent[event.person] += event.properties.get("amount", 0)
    assert set(everything(shop, filter_by_cohort='{"id":1003}')) == {person for person in spent if spent[person] > 300}


def behavior(name: str, window: str, **selector: str) -> dict[str, Any]:
    return {"name": name, "window": window, "event_selectors": [selector]}


def test_behaviors_count_events_in_a_window_up_to_a_moment(shop: Shop) -> None:
    params = {
        "behaviors": json.dumps(
            [
                behavior("large", "10d", event="Purchase", selector='properties["amount"] > 100'),
                behavior("searches", "1w", event="Search"),
            ]
        ),
        "where": '(behaviors["large"] >= 1 and behaviors["searches"] > 1)',
        "as_of_timestamp": str(AFTERNOON),
    }
    large, searches = Counter[str](), Counter[str]()
    for event in shop.exported():
        age = AFTERNOON - event.time
        large[event.person] += event.name == "Purchase" and event.properties["amount"] > 100 and 0 <= age < 10 * DAY
        searches[event.person] += event.name == "Search" and 0 <= age < 7 * DAY
    expected = {p for p in large if large[p] >= 1 and searches[p] > 1 and has_profile(p)}
    assert set(everything(shop, **params)) == expected
    assert expected


def test_behaviors_are_paged_only_as_of_a_moment(shop: Shop) -> None:
    behaviors = json.dumps([behavior("b", "30d", event="Purchase")])
    page = shop.post("engage", behaviors=behaviors)
    params = {"behaviors": behaviors, "session_id": page["session_id"], "page": "1"}
    assert shop.refusal("engage", "POST", **params) == UNCACHED
    assert len(everything(shop, behaviors=behaviors, as_of_timestamp=str(AFTERNOON))) == page["total"] > 100


def test_there_are_no_groups(shop: Shop) -> None:
    page = shop.post("engage", data_group_id="-1405123841946871899")
    assert (page["results"], page["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"where": "a b"}, "invalid expression: 'a b'"),
        ({"page": "-1"}, "Invalid value for page"),
        ({"distinct_ids": "x"}, "Invalid JSON Format: distinct_ids"),
        ({"output_properties": "plan"}, "Invalid JSON Format: output_properties"),
        ({"filter_by_cohort": "1001"}, "Invalid JSON Format: filter_by_cohort"),
        ({"filter_by_cohort": '{"id":1}'}, "Invalid value for filter_by_cohort"),
        ({"filter_by_cohort": '{"id":1001}', "include_all_users": "maybe"}, "Invalid value for include_all_users"),
        (
            {"filter_by_cohort": '{"id":1001}', "behaviors": "[]"},
            "behaviors and filter_by_cohort are mutually exclusive",
        ),
        ({"behaviors": "{}"}, "Invalid JSON Format: behaviors"),
        ({"behaviors": "[{}]"}, "Invalid value for behaviors"),
        ({"behaviors": json.dumps([behavior("b", "soon", event="Purchase")])}, "Invalid value for behaviors"),
        ({"behaviors": json.dumps([behavior("b", "1d")])}, "Invalid value for event_selectors"),
        ({"as_of_timestamp": "tomorrow", "behaviors": "[]"}, "Invalid value for as_of_timestamp"),
    ],
)
def test_refusals(shop: Shop, params: dict[str, str], error: str) -> None:
    assert shop.refusal("engage", "POST", **params) == (400, error)


@pytest.mark.parametrize("path", ["engage", "cohorts/list"])
def test_they_are_posted(shop: Shop, path: str) -> None:
    assert shop.refusal(path)[0] == 404
