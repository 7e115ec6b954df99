"""Funnels, walked once more over the export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from statistics import mean
from typing import Any

import pytest

from .conftest import Event, Shop
from .test_events import label

DAY = 86400
RANGE = {"from_date": "2024-01-01", "to_date": "2024-01-14"}
STEPS = {
    "7509": ["App Open", "Add To Cart", "Begin Checkout", "Purchase"],
    "9070": ["Sign Up", "Search", "Purchase"],
    "9071": ["Purchase", "Invite Friend"],
}


def walk(events: list[Event], steps: list[str], start: Event, seconds: int) -> list[int]:
    """The times at which somebody came through the steps, as far as they came."""
    times, before, left = [start.time], start.time, [event for event in events if event is not start]
    for step in steps[1:]:
        later = [e for e in left if e.name == step and before - 2 <= e.time <= start.time + seconds]
        if not later:
            break
        following = min(later, key=lambda event: event.time)
        left.remove(following)
        before = following.time
        times.append(max(times[-1], before))
    return times


def by_person(events: list[Event]) -> list[list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.time):
        if event.person:
            found.setdefault(event.person, []).append(event)
    return [*found.values()]


def walks(
    events: list[Event], steps: list[str], bucket: Callable[[Event], str], seconds: int, last: str = RANGE["to_date"]
) -> dict[str, list[tuple[Event, list[int]]]]:
    """The entry and times of everybody, by bucket."""
    found: dict[str, list[tuple[Event, list[int]]]] = {}
    for theirs in by_person(events):
        entries: dict[str, Event] = {}
        for event in theirs:
            if event.name == steps[0] and event.day <= last:
                entries.setdefault(bucket(event), event)
        for name, entry in entries.items():
            found.setdefault(name, []).append((entry, walk(theirs, steps, entry, seconds)))
    return found


def told(found: list[list[int]], steps: list[str]) -> list[dict[str, Any]]:
    passed = [[times for times in found if len(times) > k] for k in range(len(steps))]
    counts = [len(times) for times in passed]
    return [
        {
            "count": counts[k],
            "avg_time": pytest.approx(mean(t[k] - t[k - 1] for t in passed[k])) if k and counts[k] else None,
            "avg_time_from_start": pytest.approx(mean(t[k] - t[0] for t in passed[k])) if k and counts[k] else None,
            "step_conv_ratio": pytest.approx(counts[k] / counts[k - 1] if counts[k - 1] else 0) if k else 1,
            "overall_conv_ratio": pytest.approx(counts[k] / counts[0] if counts[0] else 0) if k else 1,
        }
        for k in range(len(steps))
    ]


def figures(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what names the step."""
    named = {"goal", "event", "step_label", "custom_event", "custom_event_id"}
    return [{name: step[name] for name in step if name not in named} for step in steps]


@pytest.mark.parametrize("funnel_id", STEPS)
@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        ({"length": "2"}, 2 * DAY),
        ({"length": "90", "length_unit": "minute"}, 90 * 60),
        ({}, None),
    ],
)
def test_funnels_are_those_of_the_export(
    shop: Shop, funnel_id: str, length: dict[str, str], seconds: int | None
) -> None:
    days = 30 if funnel_id == "9071" else 14
    events = shop.exported("2024-01-01", "2024-02-15")
    found = walks(events, STEPS[funnel_id], lambda event: label(event, "week"), seconds or days * DAY)
    answer = shop.ask("funnels", **RANGE, funnel_id=funnel_id, unit="week", **length)
    assert answer["meta"]["dates"] == list(answer["data"]) == ["2024-01-01", "2024-01-08"]
    for bucket, data in answer["data"].items():
        assert figures(data["steps"]) == told([times for _, times in found[bucket]], STEPS[funnel_id])


def test_people_may_enter_in_each_bucket_and_convert_after_the_last_day(shop: Shop) -> None:
    events = shop.exported("2024-01-01", "2024-01-16")
    found = walks(events, STEPS["7509"], lambda event: event.day, 2 * DAY)
    answer = shop.ask("funnels", **RANGE, funnel_id="7509", length="2")
    assert {day: data["steps"][0]["count"] for day, data in answer["data"].items()} == {
        day: len(walked) for day, walked in found.items()
    }
    last = [times for _, times in found["2024-01-14"]]
    assert answer["data"]["2024-01-14"]["analysis"]["completion"] == sum(len(times) == 4 for times in last)
    assert any(times[-1] >= last[0][0] // DAY * DAY + DAY for times in last if len(times) == 4)


def test_no_conversion_counts_that_is_not_of_today_yet(shop: Shop, today: date) -> None:
    events = shop.exported("2024-01-01", today.isoformat())
    first = (today - timedelta(days=2)).isoformat()
    found = walks(
        [event for event in events if event.day >= first], STEPS["7509"], lambda _: "", 14 * DAY, today.isoformat()
    )
    answer = shop.ask("funnels", funnel_id="7509", from_date=first, to_date=today.isoformat(), interval="3")
    assert figures(answer["data"][first]["steps"]) == told([times for _, times in found[""]], STEPS["7509"])


def test_an_interval_of_days(shop: Shop) -> None:
    answer = shop.ask("funnels", **RANGE, funnel_id="7509", interval="10")
    opened = [event for event in shop.exported() if event.name == "App Open"]
    assert {day: data["analysis"]["starting_amount"] for day, data in answer["data"].items()} == {
        "2024-01-01": len({event.person for event in opened if event.day <= "2024-01-10"}),
        "2024-01-11": len({event.person for event in opened if "2024-01-11" <= event.day <= "2024-01-14"}),
    }


def test_the_analysis_names_the_step_that_loses_most(shop: Shop) -> None:
    data = shop.ask("funnels", **RANGE, funnel_id="7509", unit="month")["data"]["2024-01-01"]
    ratios = [step["step_conv_ratio"] for step in data["steps"]]
    assert data["analysis"] == {
        "completion": data["steps"][3]["count"],
        "starting_amount": data["steps"][0]["count"],
        "steps": 4,
        "worst": ratios.index(min(ratios)),
    }


def test_segments_are_the_entry_s(shop: Shop) -> None:
    events = shop.exported("2024-01-01", "2024-01-28")
    found = walks(events, STEPS["7509"], lambda event: label(event, "month"), 14 * DAY)["2024-01-01"]
    answer = shop.ask("funnels", **RANGE, funnel_id="7509", unit="month", on="plan")["data"]["2024-01-01"]
    assert list(answer) == ["$overall", "free", "pro", "team"]
    assert figures(answer["$overall"]) == told([times for _, times in found], STEPS["7509"])
    for plan in ("free", "pro", "team"):
        theirs = [times for entry, times in found if entry.properties["plan"] == plan]
        assert figures(answer[plan]) == told(theirs, STEPS["7509"])
    limited = shop.ask("funnels", **RANGE, funnel_id="7509", unit="month", on="plan", limit="1")["data"]["2024-01-01"]
    assert list(limited) == ["$overall", "free"]


def test_a_person_counts_in_each_segment_they_enter(shop: Shop) -> None:
    """One after the other: on the way from one purchase no other segment is entered."""
    answer = shop.ask("funnels", **RANGE, funnel_id="9071", unit="month", length="2", on="coupon")["data"]["2024-01-01"]
    entered = by_coupon(shop.exported("2024-01-01", "2024-01-17"), 2 * DAY)
    assert {name: figures(data) for name, data in answer.items() if name != "$overall"} == {
        name: told(found, STEPS["9071"]) for name, found in entered.items()
    }
    assert answer["$overall"][0]["count"] < sum(map(len, entered.values()))


def by_coupon(events: list[Event], seconds: int) -> dict[str, list[list[int]]]:
    found: dict[str, list[list[int]]] = {}
    for theirs in by_person(events):
        ended, seen = 0, set[str]()
        for event in (event for event in theirs if event.name == "Purchase" and event.day <= RANGE["to_date"]):
            coupon = event.properties.get("coupon", "undefined")
            if event.time > ended and coupon not in seen:
                times = walk([e for e in theirs if e.time > ended], STEPS["9071"], event, seconds)
                found.setdefault(coupon, []).append(times)
                seen.add(coupon)
                ended = times[-1] if len(times) == 2 else event.time + seconds
    return found


def test_steps_within_two_seconds_count_in_either_order(shop: Shop) -> None:
    """On each day of November somebody begins the checkout a second before adding to the cart; nobody is no user."""
    day = {"from_date": "2024-11-05", "to_date": "2024-11-05"}
    events = shop.exported("2024-11-05", "2024-11-06")
    found = walks(events, STEPS["7509"], lambda event: event.day, 3600, last="2024-11-05")["2024-11-05"]
    answer = shop.ask("funnels", **day, funnel_id="7509", length="1", length_unit="hour")["data"]["2024-11-05"]
    assert figures(answer["steps"]) == told([times for _, times in found], STEPS["7509"])
    (odd,) = [times for entry, times in found if entry.person == "odd-2"]
    assert len(odd) == 4
    assert odd[1] == odd[2] == odd[3]


def test_where(shop: Shop) -> None:
    events = [event for event in shop.exported("2024-01-01", "2024-01-28") if event.properties["plan"] == "pro"]
    found = walks(events, STEPS["7509"], lambda event: label(event, "month"), 14 * DAY)["2024-01-01"]
    where = 'properties["plan"] == "pro"'
    answer = shop.ask("funnels", **RANGE, funnel_id="7509", unit="month", where=where)["data"]["2024-01-01"]
    assert figures(answer["steps"]) == told([times for _, times in found], STEPS["7509"])


def test_custom_events_are_named_by_number_and_label(shop: Shop) -> None:
    steps = shop.ask("funnels", **RANGE, funnel_id="9070", unit="month")["data"]["2024-01-01"]["steps"]
    assert [step["event"] for step in steps] == ["Sign Up", "$custom_event:12345", "Purchase"]
    assert (
        steps[1].items()
        >= {
            "goal": "$custom_event:12345",
            "step_label": "Any search",
            "custom_event": True,
            "custom_event_id": 12345,
        }.items()
    )
    assert "step_label" not in steps[0]


def test_before_the_data_begins_nobody_enters(shop: Shop) -> None:
    answer = shop.ask("funnels", funnel_id="7509", from_date="2023-05-01", to_date="2023-05-01")
    assert figures(answer["data"]["2023-05-01"]["steps"]) == told([], STEPS["7509"])


def test_saved_funnels(shop: Shop) -> None:
    assert shop.ask("funnels/list") == [
        {"funnel_id": 7509, "name": "Purchase funnel"},
        {"funnel_id": 9070, "name": "Sign-up to purchase"},
        {"funnel_id": 9071, "name": "Buyers who invite"},
    ]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"funnel_id": "1"}, "Invalid funnel_id: 1"),
        ({"funnel_id": "x"}, "Invalid funnel_id: x"),
        ({}, "Missing required parameter: funnel_id"),
        ({"funnel_id": "7509", "length": "91"}, "length may not be greater than 90 days"),
        ({"funnel_id": "7509", "length": "2161", "length_unit": "hour"}, "length may not be greater than 90 days"),
        ({"funnel_id": "7509", "length_unit": "week"}, "Invalid value for length_unit"),
        ({"funnel_id": "7509", "unit": "hour"}, "Invalid value for unit"),
    ],
)
def test_refusals(shop: Shop, params: dict[str, str], error: str) -> None:
    assert shop.refusal("funnels", **RANGE, **params) == (400, error)
