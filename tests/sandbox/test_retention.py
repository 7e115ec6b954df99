"""Who comes back, and how often people are active, counted once more over the export."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest

from mixpanel_data.sandbox.dataset import Dataset
from mixpanel_data.sandbox.retention import addiction, retention

from .conftest import JANUARY, Event, Shop
from .test_events import label

WEEK = {"from_date": "2024-01-01", "to_date": "2024-01-07"}
SIGN_UPS = {**WEEK, "born_event": "Sign Up"}
DAY = 86400


def births(events: Iterable[Event], bucket: Callable[[Event], str]) -> dict[tuple[str, str], Event]:
    """First events, by bucket and person."""
    found: dict[tuple[str, str], Event] = {}
    for event in sorted(events, key=lambda event: event.time):
        found.setdefault((bucket(event), event.person), event)
    return found


def retained(
    born: dict[tuple[str, str], Event], returns: list[Event], intervals: int, whole: Callable[[Event, Event], int]
) -> dict[str, dict[str, Any]]:
    by_person: dict[str, list[Event]] = {}
    for event in returns:
        by_person.setdefault(event.person, []).append(event)
    answer: dict[str, dict[str, Any]] = {}
    for (bucket, person), birth in born.items():
        cohort = answer.setdefault(bucket, {"first": 0, "counts": [0] * (intervals + 1)})
        cohort["first"] += 1
        for n in {whole(birth, event) for event in by_person.get(person, []) if event.time > birth.time}:
            if n <= intervals:
                cohort["counts"][n] += 1
    return answer


def whole_days(start: Event, end: Event) -> int:
    return (end.time - start.time) // DAY


def first_ever(events: Iterable[Event], unit: str) -> dict[tuple[str, str], Event]:
    only = births(events, lambda _: "")
    return {(label(event, unit), person): event for (_, person), event in only.items()}


def named(events: list[Event], name: str, last: str = WEEK["to_date"]) -> list[Event]:
    return [event for event in events if event.name == name and event.day <= last]


def test_births_come_back_with_any_event(shop: Shop) -> None:
    events = shop.exported("2024-01-01", "2024-01-31")
    expected = retained(first_ever(named(events, "Sign Up"), "day"), events, 5, whole_days)
    answer = shop.ask("retention", **SIGN_UPS, interval_count="5")
    assert answer == expected
    assert list(answer) == sorted(answer)
    assert shop.ask("retention", **SIGN_UPS, retention_type="birth", unit="day", interval_count="5") == expected


@pytest.mark.parametrize(
    ("params", "unit", "whole"),
    [
        ({"unit": "week"}, "week", lambda start, end: (end.time - start.time) // (7 * DAY)),
        ({"unit": "month"}, "month", lambda start, end: (end.time - start.time) // (30 * DAY)),
        ({"interval": "7"}, "week", lambda start, end: (end.time - start.time) // (7 * DAY)),
    ],
)
def test_other_intervals(shop: Shop, params: dict[str, str], unit: str, whole: Callable[[Event, Event], int]) -> None:
    events = shop.exported("2024-01-01", "2024-04-30")
    expected = retained(first_ever(named(events, "Sign Up"), unit), events, 2, whole)
    assert shop.ask("retention", **SIGN_UPS, interval_count="2", **params) == expected


def test_conditions_of_birth_and_return(shop: Shop) -> None:
    events = shop.exported("2024-01-01", "2024-01-31")
    born = first_ever([event for event in named(events, "Search") if event.properties["query"] == "café"], "week")
    returns = [e for e in events if e.name == "Purchase" and e.properties["amount"] > 100]
    assert shop.ask(
        "retention",
        **WEEK,
        born_event="Search",
        born_where='properties["query"] == "café"',
        event="Purchase",
        where='properties["amount"] > 100',
        unit="week",
        interval_count="1",
    ) == retained(born, returns, 1, lambda start, end: whole_days(start, end) // 7)


def test_compounded_cohorts_are_born_in_every_bucket(shop: Shop) -> None:
    events = [event for event in shop.exported("2024-01-01", "2024-01-31") if event.name == "App Open"]
    born = births([event for event in events if event.day <= "2024-01-07"], lambda event: event.day)
    answer = shop.ask("retention", **WEEK, retention_type="compounded", event="App Open", interval_count="3")
    assert answer == retained(born, events, 3, whole_days)


def test_unbounded_counts_whoever_comes_then_or_later(shop: Shop, today: date) -> None:
    """Also after the last interval that is shown."""
    events = shop.exported("2024-01-01", str(today))
    born = first_ever(named(events, "Sign Up"), "day")
    last_return = {
        (bucket, person): max(
            (whole_days(birth, e) for e in events if e.person == person and e.time > birth.time), default=-1
        )
        for (bucket, person), birth in born.items()
    }
    answer = shop.ask("retention", **SIGN_UPS, interval_count="5", unbounded_retention="true")
    for day, cohort in answer.items():
        latest = [n for (bucket, _), n in last_return.items() if bucket == day]
        assert cohort["counts"] == [sum(n >= interval for n in latest) for interval in range(6)]
    assert max(last_return.values()) > 5


def test_segments_are_of_the_returning_event(shop: Shop) -> None:
    events = shop.exported("2024-01-01", "2024-01-31")
    born = first_ever(named(events, "Sign Up"), "week")
    answer = shop.ask("retention", **SIGN_UPS, event="Search", on="query", unit="week", interval_count="2")
    for query in ("red shoes", "café", "手袋"):
        returns = [event for event in events if event.name == "Search" and event.properties["query"] == query]
        expected = retained(born, returns, 2, lambda start, end: whole_days(start, end) // 7)
        assert answer["2024-01-01"][query] == expected["2024-01-01"]
    alone = shop.ask("retention", **SIGN_UPS, event="Search", unit="week", interval_count="2")
    assert {day: cohort["$overall"] for day, cohort in answer.items()} == alone
    limited = shop.ask("retention", **SIGN_UPS, event="Search", on="query", unit="week", limit="2")
    assert len(limited["2024-01-01"]) == 3


def test_intervals_that_have_not_begun_are_left_out(shop: Shop, today: date) -> None:
    answer = shop.ask(
        "retention", born_event="Sign Up", from_date="2024-01-21", to_date="2024-01-24", interval_count="2"
    )
    assert today == date(2024, 1, 24)
    assert {day: len(cohort["counts"]) for day, cohort in answer.items()} == {
        "2024-01-21": 3,
        "2024-01-22": 3,
        "2024-01-23": 2,
        "2024-01-24": 1,
    }


def test_a_cohort_of_nobody_has_zeros(shop: Shop) -> None:
    answer = shop.ask("retention", born_event="No such", from_date="2024-01-01", to_date="2024-01-01")
    assert answer == {"2024-01-01": {"first": 0, "counts": [0, 0]}}


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"born_event": None}, 400, "Missing required parameter: born_event"),
        ({"retention_type": "death"}, 400, "Invalid value for retention_type"),
        ({"unit": "hour"}, 400, "Invalid value for unit"),
        ({"interval": "91"}, 400, "Invalid value for interval"),
        ({"unit": "day", "interval": "1"}, 500, "unit and interval both specified"),
        ({"unbounded_retention": "maybe"}, 400, "Invalid value for unbounded_retention"),
        ({"born_where": "a b"}, 400, "invalid expression: 'a b'"),
    ],
)
def test_refusals(shop: Shop, params: dict[str, Any], status: int, error: str) -> None:
    asked = {name: value for name, value in {**SIGN_UPS, **params}.items() if value is not None}
    assert shop.refusal("retention", **asked) == (status, error)


def active(events: Iterable[Event], unit: str, seconds: int, length: int) -> dict[str, list[int]]:
    units: dict[str, dict[str, set[int]]] = {}
    for event in events:
        units.setdefault(label(event, unit), {}).setdefault(event.person, set()).add(event.time // seconds)
    return {
        bucket: [sum(len(found) > n for found in people.values()) for n in range(length)]
        for bucket, people in units.items()
    }


@pytest.mark.parametrize(
    ("addiction_unit", "unit", "length"),
    [
        ("hour", "day", 24),
        ("hour", "week", 168),
        ("hour", "month", 744),
        ("day", "day", 1),
        ("day", "week", 7),
        ("day", "month", 31),
    ],
)
def test_addiction(shop: Shop, addiction_unit: str, unit: str, length: int) -> None:
    answer = shop.ask("retention/addiction", **JANUARY, unit=unit, addiction_unit=addiction_unit)
    seconds = 3600 if addiction_unit == "hour" else DAY
    assert answer == {"data": active(shop.exported(), unit, seconds, length)}


def test_addiction_to_one_event_by_segment(shop: Shop) -> None:
    events = [e for e in shop.exported() if e.name == "Search" and e.properties["age"] > 30]
    params = {**JANUARY, "unit": "week", "addiction_unit": "day", "event": "Search", "where": 'properties["age"] > 30'}
    assert shop.ask("retention/addiction", **params) == {"data": active(events, "week", DAY, 7)}
    answer = shop.ask("retention/addiction", **params, on="plan")["data"]
    for plan in ("free", "pro", "team"):
        theirs = active([event for event in events if event.properties["plan"] == plan], "week", DAY, 7)
        assert {week: lists[plan] for week, lists in answer.items()} == theirs
    assert list(shop.ask("retention/addiction", **params, on="plan", limit="1")["data"]["2024-01-01"]) == ["free"]


def test_each_item_of_a_list_is_a_segment(shop: Shop) -> None:
    day = {"from_date": "2024-11-04", "to_date": "2024-11-04", "event": "Listen", "on": "genres"}
    assert shop.ask("retention", **day, born_event="Listen") == {
        "2024-11-04": {
            "$overall": {"first": 3, "counts": [1, 3]},
            "folk": {"first": 3, "counts": [0, 2]},
            "jazz": {"first": 3, "counts": [0, 2]},
            "undefined": {"first": 3, "counts": [1, 1]},
        }
    }
    answer = shop.ask("retention/addiction", **day, unit="day", addiction_unit="day")
    assert answer == {"data": {"2024-11-04": {"folk": [2], "jazz": [2], "undefined": [1]}}}


def test_nobody_is_active(shop: Shop) -> None:
    params = {**WEEK, "unit": "week", "addiction_unit": "day"}
    assert shop.ask("retention/addiction", **params, event="No such") == {"data": {"2024-01-01": [0] * 7}}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"addiction_unit": "day"}, "Missing required parameter: unit"),
        ({"unit": "day"}, "Missing required parameter: addiction_unit"),
        ({"unit": "day", "addiction_unit": "minute"}, "Invalid value for addiction_unit"),
    ],
)
def test_addiction_refusals(shop: Shop, params: dict[str, str], error: str) -> None:
    assert shop.refusal("retention/addiction", **WEEK, **params) == (400, error)


class Few(Dataset):
    """A data set of the events that are written down."""

    def __init__(self, *events: tuple[str, str, str]) -> None:
        super().__init__()
        self._rows = ", ".join(f"('{name}', epoch(TIMESTAMP '{time}')::BIGINT, '{who}')" for name, time, who in events)

    def events(self, first: date, last: date) -> str:
        days = f"make_timestamp(time * 1000000)::DATE BETWEEN '{first}' AND '{last}'"
        return f"(SELECT * FROM (VALUES {self._rows}) t(event, time, distinct_id) WHERE {days})"


def asked(report: Callable[..., Any], data: Dataset, **params: str) -> Any:
    return json.loads(report(data, params).body)


def test_a_month_is_thirty_days_from_the_birth() -> None:
    data = Few(
        ("Join", "2024-01-31 10:00:00", "ann"),
        ("Visit", "2024-03-01 10:00:00", "ann"),
        ("Join", "2024-01-31 10:00:00", "bob"),
        ("Visit", "2024-03-01 09:59:59", "bob"),
    )
    january = {"born_event": "Join", "from_date": "2024-01-01", "to_date": "2024-01-31", "unit": "month"}
    answer = asked(retention, data, **january, event="Visit", interval_count="2")
    assert answer == {"2024-01-01": {"first": 2, "counts": [1, 1, 0]}}


def test_an_empty_id_is_nobody() -> None:
    data = Few(
        ("Join", "2024-01-01 10:00:00", ""),
        ("Visit", "2024-01-01 11:00:00", ""),
        ("Join", "2024-01-01 10:00:00", "ann"),
        ("Visit", "2024-01-01 11:00:00", "ann"),
    )
    first = {"from_date": "2024-01-01", "to_date": "2024-01-01", "unit": "day"}
    assert asked(retention, data, **first, born_event="Join") == {"2024-01-01": {"first": 1, "counts": [1, 0]}}
    assert asked(addiction, data, **first, addiction_unit="day") == {"data": {"2024-01-01": [1]}}


def test_unbounded_is_on_or_after() -> None:
    data = Few(
        ("Join", "2024-05-01 09:00:00", "ann"),
        ("Visit", "2024-05-04 10:00:00", "ann"),
        ("Join", "2024-05-01 09:00:00", "bob"),
        ("Visit", "2024-05-02 10:00:00", "bob"),
    )
    first = {"born_event": "Join", "event": "Visit", "from_date": "2024-05-01", "to_date": "2024-05-01"}
    for count, expected in (("4", [2, 2, 1, 1, 0]), ("2", [2, 2, 1])):
        answer = asked(retention, data, **first, interval_count=count, unbounded_retention="true")
        assert answer == {"2024-05-01": {"first": 2, "counts": expected}}


def test_compounded_counts_from_the_first_time_in_each_period() -> None:
    data = Few(
        ("Visit", "2024-05-01 09:00:00", "ann"),
        ("Visit", "2024-05-01 20:00:00", "ann"),
        ("Visit", "2024-05-02 10:00:00", "ann"),
    )
    days = {"from_date": "2024-05-01", "to_date": "2024-05-02", "event": "Visit", "retention_type": "compounded"}
    assert asked(retention, data, **days) == {
        "2024-05-01": {"first": 1, "counts": [1, 1]},
        "2024-05-02": {"first": 1, "counts": [0, 0]},
    }
