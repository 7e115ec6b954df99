"""Insights without a saved report: the same numbers as over the export, and as of the older endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from statistics import mean, median, quantiles
from typing import Any

import pytest

from .conftest import JANUARY, Event, Shop
from .questions import between, formula, group, kept, metric, question

DAYS = [f"2024-01-{day:02}" for day in range(1, 32)]
ODD_DAYS = ("2024-11-01", "2024-11-02")
NUMBER = "number"


def label(day: str) -> str:
    return f"{day}T00:00:00+00:00"


def labels(days: Iterable[str] = DAYS) -> list[str]:
    return [label(day) for day in days]


def only(answer: dict[str, Any]) -> Any:
    """The answer's only series."""
    (series,) = answer["series"].values()
    return series


def chart(shop: Shop, *show: dict[str, Any], **more: Any) -> Any:
    return only(shop.insights(question(*show, **more)))


def total(shop: Shop, *show: dict[str, Any], **more: Any) -> Any:
    return chart(shop, *show, chart="bar", **more)["all"]


def happened(shop: Shop, event: str = "Purchase") -> list[Event]:
    return [one for one in shop.exported() if one.name == event]


def amounts(events: Iterable[Event]) -> list[float]:
    return [event.properties["amount"] for event in events]


def people(events: Iterable[Event]) -> set[str]:
    return {event.person for event in events if event.person}


def by_day(events: list[Event], measure: Callable[[list[Event]], Any], nothing: Any = 0) -> dict[str, Any]:
    found = {day: [event for event in events if event.day == day] for day in DAYS}
    return {label(day): measure(events) if events else nothing for day, events in found.items()}


def percentile(values: list[float], part: int) -> float:
    return quantiles(values, n=100, method="inclusive")[part - 1]


def profiles(shop: Shop) -> dict[str, dict[str, Any]]:
    page = shop.post("engage")
    found = page["results"]
    while len(page["results"]) == page["page_size"]:
        page = shop.post("engage", session_id=page["session_id"], page=str(page["page"] + 1))
        found += page["results"]
    return {str(one["$distinct_id"]): one["$properties"] for one in found}


# What an answer looks like.


def test_events_by_day_are_those_of_segmentation(shop: Shop) -> None:
    answer = shop.insights(question(metric()))
    values = shop.ask("segmentation", **JANUARY, event="Purchase")["data"]["values"]["Purchase"]
    key = "Purchase [Total Events]"
    assert answer["series"] == {key: {label(day): values.get(day, 0) for day in DAYS}}
    assert answer["headers"] == ["$metric"]
    assert answer["date_range"] == {"from_date": label("2024-01-01"), "to_date": "2024-01-31T23:59:59.999000+00:00"}
    assert answer["computed_at"].endswith("+00:00")
    assert answer["meta"] == {
        "is_segmentation_limit_hit": False,
        "min_sampling_factor": 1.0,
        "report_sections": {"show": [{"metric_key": key}], "group": []},
        "sub_query_count": 1,
    }


@pytest.mark.parametrize("kind", ["line", "column"])
def test_charts_over_time_have_dates(shop: Shop, kind: str) -> None:
    assert list(chart(shop, metric(), chart=kind)) == labels()


@pytest.mark.parametrize("kind", ["bar", "table", "pie", "insights-metric"])
def test_other_charts_have_one_number_for_all_the_time(shop: Shop, kind: str) -> None:
    bought = happened(shop)
    assert chart(shop, metric(), chart=kind) == {"all": len(bought)}
    assert chart(shop, metric(math="unique"), chart=kind) == {"all": len(people(bought))}


@pytest.mark.parametrize(
    ("math", "key"),
    [
        ({"math": "total"}, "Purchase [Total Events]"),
        ({"math": "unique"}, "Purchase [Unique Users]"),
        ({"math": "sessions"}, "Purchase [Total Sessions]"),
        ({"math": "total", "of": "amount"}, "Purchase [Sum of amount]"),
        ({"math": "min", "of": "time"}, "Purchase [Minimum Time]"),
        ({"math": "total", "name": "Sales"}, "Sales"),
    ],
)
def test_names_of_series(shop: Shop, math: dict[str, Any], key: str) -> None:
    assert list(shop.insights(question(metric(**math), chart="bar"))["series"]) == [key]


def test_several_metrics_have_letters(shop: Shop) -> None:
    answer = shop.insights(question(metric(name="Sales"), metric(math="unique"), chart="bar"))
    bought = happened(shop)
    assert answer["series"] == {
        "A. Sales": {"all": len(bought)},
        "B. Purchase [Unique Users]": {"all": len(people(bought))},
    }
    shown = answer["meta"]["report_sections"]["show"]
    assert shown == [{"metric_key": "A. Sales"}, {"metric_key": "B. Purchase [Unique Users]"}]


def test_letters_go_on_after_z(shop: Shop) -> None:
    answer = shop.insights(question(*[metric(name="x")] * 28, chart="bar", time=between("2024-01-01", "2024-01-01")))
    keys = [one["metric_key"] for one in answer["meta"]["report_sections"]["show"]]
    assert keys[0] == "A. x"
    assert keys[25:] == ["Z. x", "BA. x", "BB. x"]


def test_what_never_happened_is_left_out(shop: Shop) -> None:
    answer = shop.insights(question(metric("No such event")))
    assert answer["series"] == {}
    assert answer["meta"]["report_sections"]["show"] == [{"metric_key": None}]
    both = shop.insights(question(metric("No such event"), metric(name="Sales"), chart="bar"))
    assert list(both["series"]) == ["B. Sales"]


def test_the_project_may_be_told_in_the_url(shop: Shop) -> None:
    asked = question(metric(), chart="bar")
    del asked["project_id"]
    told = shop.http.post("/api/query/insights", params={"project_id": "1"}, json=asked)
    assert only(told.json()) == {"all": len(happened(shop))}


def test_the_body_is_known_by_its_looks(shop: Shop) -> None:
    text, kind = json.dumps(question(metric(), chart="bar")), "application/x-www-form-urlencoded"
    told = shop.http.post("/api/query/insights", content=text, headers={"Content-Type": kind})
    assert only(told.json()) == {"all": len(happened(shop))}


def test_the_sandbox_remembers_the_question(shop: Shop) -> None:
    asked = question(metric())
    shop.insights(asked)
    assert json.loads(shop.sandbox.requests[-1].params["bookmark"]) == asked["bookmark"]


# What is counted.


@pytest.mark.parametrize(
    ("math", "measure", "nothing"),
    [
        ({"math": "total"}, len, 0),
        ({"math": "unique"}, lambda events: len(people(events)), 0),
        ({"math": "dau"}, lambda events: len(people(events)), 0),
        ({"math": "total", "of": "amount"}, lambda events: sum(amounts(events)), 0),
        ({"math": "average", "of": "amount"}, lambda events: mean(amounts(events)), None),
        ({"math": "median", "of": "amount"}, lambda events: median(amounts(events)), None),
        ({"math": "min", "of": "amount"}, lambda events: min(amounts(events)), None),
        ({"math": "max", "of": "amount"}, lambda events: max(amounts(events)), None),
        ({"math": "min", "of": "time"}, lambda events: min(event.time for event in events), None),
        ({"math": "unique_values", "of": "$city"}, lambda events: len({e.properties["$city"] for e in events}), 0),
    ],
)
def test_maths_by_day(shop: Shop, math: dict[str, Any], measure: Callable[[list[Event]], Any], nothing: Any) -> None:
    expected = by_day(happened(shop), measure, nothing)
    assert chart(shop, metric(**math)) == {day: value and pytest.approx(value) for day, value in expected.items()}


@pytest.mark.parametrize(("math", "measure", "nothing"), [("total", sum, 0), ("average", mean, None)])
def test_days_without_any(shop: Shop, math: str, measure: Callable[[list[float]], float], nothing: Any) -> None:
    """They sum up to 0, and have no average."""
    by_teams = [event for event in happened(shop) if event.properties["plan"] == "team"]
    expected = by_day(by_teams, lambda events: measure(amounts(events)), nothing)
    assert nothing in expected.values()
    asked = metric(math=math, of="amount", filters=[kept("plan", "string", "equals", ["team"])])
    assert chart(shop, asked) == {day: value and pytest.approx(value) for day, value in expected.items()}


@pytest.mark.parametrize(
    ("math", "part"),
    [
        ({"math": "p25"}, 25),
        ({"math": "p75"}, 75),
        ({"math": "p90"}, 90),
        ({"math": "p99"}, 99),
        ({"math": "custom_percentile", "percentile": 37}, 37),
    ],
)
def test_percentiles(shop: Shop, math: dict[str, Any], part: int) -> None:
    expected = percentile(amounts(happened(shop)), part)
    assert total(shop, metric(of="amount", **math)) == pytest.approx(expected)


@pytest.mark.parametrize(("math", "days"), [("wau", 7), ("mau", 30)])
def test_active_users_of_the_days_that_end_with_a_point(shop: Shop, math: str, days: int) -> None:
    events = shop.exported()

    def active(last: str) -> int:
        first = (date.fromisoformat(last) - timedelta(days=days - 1)).isoformat()
        return len(people(event for event in events if first <= event.day <= last))

    time = between("2024-01-10", "2024-01-31")
    assert chart(shop, metric("$all_events", math), time=time) == {label(day): active(day) for day in DAYS[9:]}
    assert total(shop, metric("$all_events", math)) == active("2024-01-31")
    weeks = chart(shop, metric("$all_events", math), time=between("2024-01-15", "2024-01-31", "week"))
    assert list(weeks.values()) == [active("2024-01-21"), active("2024-01-28"), active("2024-01-31")]


def test_users_so_far(shop: Shop) -> None:
    bought = happened(shop)
    expected = {label(day): len(people(event for event in bought if event.day <= day)) for day in DAYS}
    assert chart(shop, metric(math="cumulative_unique")) == expected


def test_users_since_noon(shop: Shop) -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    found = chart(
        shop, metric("App Open", "cumulative_unique"), time=between("2024-01-01T12:00:00", "2024-01-02", "hour")
    )
    assert next(iter(found)) == noon.isoformat()
    opened = [event for event in happened(shop, "App Open") if noon <= event.moment < noon + timedelta(hours=36)]
    assert list(found.values())[-1] == len(people(opened))


def test_sessions_end_after_half_an_hour(shop: Shop) -> None:
    ends: dict[tuple[str, str], int] = {}
    buying = set()
    number: dict[tuple[str, str], int] = {}
    for event in sorted(shop.exported(), key=lambda event: event.time):
        day = (event.person, event.day)
        if event.time - ends.get(day, 0) > 1800:
            number[day] = number.get(day, 0) + 1
        ends[day] = event.time
        if event.name == "Page View":
            buying.add((*day, number[day]))
    assert total(shop, metric("Page View", "sessions")) == len(buying)
    assert len(buying) < len(happened(shop, "Page View"))


@pytest.mark.parametrize(("event", "sessions"), [("$all_events", 10), ("App Open", 2), ("Page View", 4), ("Listen", 3)])
def test_what_mixpanel_sends_itself_is_in_no_session(shop: Shop, event: str, sessions: int) -> None:
    """Of the odd people of November; with $campaign_delivery one of them had a session less."""
    odd = metric(event, "sessions", filters=[kept("distinct_id", "string", "does not contain", "user-")])
    day = between("2024-11-01", "2024-11-01")
    assert total(shop, odd, time=day) == sessions
    assert shop.insights(question(metric("$identify", "sessions"), time=day))["series"] == {}


def test_nobody_is_no_user(shop: Shop) -> None:
    day = between("2024-11-01", "2024-11-01")
    assert total(shop, metric("Listen"), time=day) == 5
    assert total(shop, metric("Listen", "unique"), time=day) == 3
    assert chart(shop, metric("$hotshard_events", "unique"), time=day) == {label("2024-11-01"): 0}


def test_only_numbers_are_numbers(shop: Shop) -> None:
    """The ratings are 5, "5", true, null and 2.5."""
    day = between("2024-11-01", "2024-11-01")
    assert total(shop, metric("Listen", of="rating"), time=day) == 7.5
    assert total(shop, metric("Listen", "average", of="rating"), time=day) == 3.75
    assert total(shop, metric("Listen", "average", of="no such"), time=day) is None


@pytest.mark.parametrize(
    ("math", "measure"),
    [
        ({"math": "average", "perUserAggregation": "total"}, lambda users: mean(map(sum, users))),
        ({"math": "median", "perUserAggregation": "average"}, lambda users: median(map(mean, users))),
        ({"math": "max", "perUserAggregation": "min"}, lambda users: max(map(min, users))),
        ({"math": "min", "perUserAggregation": "max"}, lambda users: min(map(max, users))),
        ({"math": "max", "perUserAggregation": "unique_values"}, lambda users: max(len(set(one)) for one in users)),
        ({"math": "p90", "perUserAggregation": "total"}, lambda users: percentile([sum(one) for one in users], 90)),
    ],
)
def test_first_by_user(shop: Shop, math: dict[str, Any], measure: Callable[[list[list[float]]], float]) -> None:
    bought = happened(shop)
    users = [amounts(event for event in bought if event.person == person) for person in people(bought)]
    assert total(shop, metric(of="amount", **math)) == pytest.approx(measure(users))


def test_events_a_user(shop: Shop) -> None:
    bought = happened(shop)
    assert total(shop, metric(math="average", perUserAggregation="total")) == pytest.approx(
        len(bought) / len(people(bought))
    )


def test_nobody_has_no_value_of_a_user(shop: Shop) -> None:
    """Listens a user: one, two and one, besides that of nobody."""
    day = between("2024-11-01", "2024-11-01")
    assert total(shop, metric("Listen", "average", perUserAggregation="total"), time=day) == pytest.approx(4 / 3)


def test_any_event(shop: Shop) -> None:
    assert total(shop, metric("$all_events")) == len(shop.exported())


def test_several_events_counted_as_one(shop: Shop) -> None:
    several = metric(math="unique", name="Either")
    events = [{"type": "event", "name": name, "filters": []} for name in ("Purchase", "Invite Friend")]
    events[0]["filters"] = [kept("plan", "string", "equals", ["pro"])]
    several["behavior"] = {"type": "simple", "behaviors": events, "resourceType": "events", "filters": []}
    buyers = {event.person for event in happened(shop) if event.properties["plan"] == "pro"}
    assert total(shop, several) == len(buyers | people(happened(shop, "Invite Friend")))


# Which time.


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_units(shop: Shop, unit: str) -> None:
    asked = {"from_date": "2024-01-01", "to_date": "2024-01-31", "event": "Purchase", "type": "unique", "unit": unit}
    expected = shop.ask("segmentation", **asked)["data"]["values"]["Purchase"]
    found = chart(shop, metric(math="unique"), time=between("2024-01-01", "2024-01-31", unit))
    assert {day: value for day, value in found.items() if value} == {label(day): n for day, n in expected.items()}


@pytest.mark.parametrize(
    ("unit", "first", "found"),
    [
        ("week", "2024-01-18", ["2024-01-15", "2024-01-22"]),
        ("month", "2024-01-18", ["2024-01-01"]),
        ("quarter", "2024-01-18", ["2024-01-01"]),
        ("year", "2024-01-18", ["2024-01-01"]),
    ],
)
def test_the_first_period_is_whole(shop: Shop, unit: str, first: str, found: list[str]) -> None:
    answer = shop.insights(question(metric(), time=between(first, "2024-01-28", unit)))
    assert list(only(answer)) == labels(found)
    assert answer["date_range"]["from_date"] == label(found[0])
    expected = sum(found[0] <= event.day <= "2024-01-28" for event in happened(shop))
    assert sum(only(answer).values()) == expected
    assert total(shop, metric(), time=between(first, "2024-01-28", unit)) < expected


def test_quarters_and_years_go_on(shop: Shop) -> None:
    assert list(chart(shop, metric(), time=between("2024-02-01", "2024-05-01", "quarter"))) == labels(
        ["2024-01-01", "2024-04-01"]
    )
    assert list(chart(shop, metric(), time=between("2024-12-31", "2025-01-01", "year"))) == labels(
        ["2024-01-01", "2025-01-01"]
    )


def test_hours_and_minutes(shop: Shop) -> None:
    hours = chart(shop, metric("$all_events"), time=between("2024-01-01", "2024-01-02", "hour"))
    assert len(hours) == 48
    noon = [event for event in shop.exported() if event.day == "2024-01-01" and event.moment.hour == 12]
    assert hours["2024-01-01T12:00:00+00:00"] == len(noon)
    minutes = chart(shop, metric("$all_events"), time=between("2024-01-01T12:00:00", "2024-01-01T13:00:00", "minute"))
    assert list(minutes)[:2] == ["2024-01-01T12:00:00+00:00", "2024-01-01T12:01:00+00:00"]
    assert (len(minutes), sum(minutes.values())) == (60, len(noon))


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The moment at which the shop believes to be."""
    from mixpanel_data.sandbox import filters, spans

    moment = datetime(2024, 1, 24, 12, tzinfo=UTC)
    for module in (spans, filters):
        monkeypatch.setattr(module, "clock", lambda: moment)
    return moment


@pytest.mark.parametrize(
    ("window", "first"),
    [
        ({"unit": "day", "value": 7}, "2024-01-17"),
        ({"unit": "week", "value": 2}, "2024-01-10"),
        ({"unit": "hour", "value": 30}, "2024-01-23"),
    ],
)
def test_the_last_days_and_today_so_far(shop: Shop, at_noon: datetime, window: dict[str, Any], first: str) -> None:
    asked = question(metric("$all_events"), time={"dateRangeType": "in the last", "unit": "day", "window": window})
    answer = shop.insights(asked)
    assert list(only(answer)) == labels(day for day in DAYS if first <= day <= "2024-01-24")
    assert answer["date_range"] == {"from_date": label(first), "to_date": "2024-01-24T12:00:00.000000+00:00"}
    today = [event for event in shop.exported() if event.day == "2024-01-24" and event.moment < at_noon]
    assert only(answer)[label("2024-01-24")] == len(today)


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    "time",
    [
        {"unit": "day", "value": 3},
        {"dateRangeType": "since", "unit": "day", "value": ["2024-01-21T00:00:00"]},
        between("2024-01-21", "2024-06-30"),
    ],
)
def test_other_ways_to_say_until_now(shop: Shop, time: dict[str, Any]) -> None:
    assert list(chart(shop, metric(), time=time)) == labels(DAYS[20:24])


@pytest.mark.usefixtures("at_noon")
def test_the_future_has_nothing(shop: Shop) -> None:
    answer = shop.insights(question(metric(), time=between("2024-02-01", "2024-02-29")))
    assert answer["series"] == {}
    now = "2024-01-24T12:00:00"
    assert answer["date_range"] == {"from_date": f"{now}+00:00", "to_date": f"{now}.000000+00:00"}


def test_compared_with_an_earlier_time(shop: Shop) -> None:
    asked = question(
        metric(), time=between("2024-02-02", "2024-02-05"), timeComparison={"offset": {"unit": "month", "value": 1}}
    )
    answer = shop.insights(asked)
    then = answer["time_comparison"]
    assert then["date_range"] == {"from_date": label("2024-01-02"), "to_date": "2024-01-05T23:59:59.999000+00:00"}
    assert then["series"] == shop.insights(question(metric(), time=between("2024-01-02", "2024-01-05")))["series"]
    assert list(only(answer)) == labels(f"2024-02-0{day}" for day in range(2, 6))
    assert "time_comparison" not in shop.insights(question(metric(), chart="bar"))


# Segments.


def test_a_breakdown(shop: Shop) -> None:
    answer = shop.insights(question(metric(), groups=[group("plan")]))
    values = shop.ask("segmentation", **JANUARY, event="Purchase", on="plan")["data"]["values"]
    found = only(answer)
    assert list(found) == ["$overall", *values]
    assert {name: {day: n for day, n in days.items() if n} for name, days in list(found.items())[1:]} == {
        name: {label(day): n for day, n in days.items()} for name, days in values.items()
    }
    assert found["$overall"] == chart(shop, metric())
    assert answer["headers"] == ["$metric", "plan"]
    assert answer["meta"]["report_sections"]["group"] == [{"bookmark": group("plan")}]


def test_users_are_in_all_their_segments_and_once_in_all_together(shop: Shop) -> None:
    found = chart(shop, metric("View Item", "unique"), chart="bar", groups=[group("category")])
    viewed = happened(shop, "View Item")
    expected = {
        name: {"all": len(people(event for event in viewed if event.properties["category"] == name))}
        for name in ("shoes", "kitchen", "books")
    }
    assert found == {"$overall": {"all": len(people(viewed))}, **expected}
    assert sum(one["all"] for one in expected.values()) > found["$overall"]["all"]


def test_users_may_be_counted_in_the_first_segment_alone(shop: Shop) -> None:
    asked = metric("View Item", "unique", segmentMethod="first")
    found = chart(shop, asked, chart="bar", groups=[group("category")])
    first: dict[str, tuple[int, str]] = {}
    for event in happened(shop, "View Item"):
        here = (event.time, event.properties["category"])
        first[event.person] = min(first.get(event.person, here), here)
    assert {name: one["all"] for name, one in found.items() if name != "$overall"} == {
        name: sum(one[1] == name for one in first.values()) for name in ("shoes", "kitchen", "books")
    }


def test_nested_breakdowns_of_events_and_people(shop: Shop) -> None:
    groups = [group("$browser"), group("plan", resource="people"), group("coupon")]
    answer = shop.insights(question(metric(math="unique"), chart="bar", groups=groups))
    known = profiles(shop)
    expected: dict[tuple[str, ...], set[str]] = {}
    for event in happened(shop):
        plan = known.get(event.person, {}).get("plan", "undefined")
        path = (event.properties["$browser"], plan, event.properties.get("coupon", "undefined"))
        for level in [path, *[(*path[:n], "$overall") for n in range(3)]]:
            expected.setdefault(level, set()).add(event.person)
    found = {}
    for one, inner in only(answer).items():
        for two, innermost in {"": inner}.items() if "all" in inner else inner.items():
            for three, leaf in {"": innermost}.items() if "all" in innermost else innermost.items():
                found[tuple(filter(None, (one, two, three)))] = leaf["all"]
    assert found == {path: len(users) for path, users in expected.items()}
    assert any(path[1] == "undefined" for path in found if len(path) == 3)
    assert answer["headers"] == ["$metric", "$browser", "plan", "coupon"]


def test_the_largest_segments_come_first_and_others_may_be_cut(shop: Shop) -> None:
    whole = shop.insights(question(metric(), chart="bar", groups=[group("age")]))
    sizes = [leaf["all"] for name, leaf in only(whole).items() if name != "$overall"]
    assert sizes == sorted(sizes, reverse=True)
    assert not whole["meta"]["is_segmentation_limit_hit"]
    cut = shop.insights(question(metric(), chart="bar", groups=[group("age")], limit=3))
    assert list(only(cut)) == list(only(whole))[:4]
    assert only(cut)["$overall"] == {"all": len(happened(shop))}
    assert cut["meta"]["is_segmentation_limit_hit"]


def test_items_of_lists_are_segments(shop: Shop) -> None:
    """The genres are jazz and folk, twice jazz, none, folk, and missing."""
    asked = {"chart": "bar", "time": between("2024-11-01", "2024-11-01"), "groups": [group("genres", "list")]}
    found = {name: leaf["all"] for name, leaf in chart(shop, metric("Listen"), **asked).items()}
    assert found == {"$overall": 6, "folk": 2, "jazz": 2, "undefined": 2}
    users = {name: leaf["all"] for name, leaf in chart(shop, metric("Listen", "unique"), **asked).items()}
    assert users == {"$overall": 3, "folk": 2, "jazz": 2, "undefined": 1}


def ranged(shop: Shop, **bucket: Any) -> dict[str, int]:
    found = chart(shop, metric(), chart="bar", groups=[group("amount", NUMBER, customBucket=bucket)])
    return {name: leaf["all"] for name, leaf in found.items() if name != "$overall"}


def test_even_ranges_of_numbers(shop: Shop) -> None:
    bought = amounts(happened(shop))
    assert ranged(shop, bucketSize=50, min=50, max=175) == {
        "< 50": sum(amount < 50 for amount in bought),
        "50 - 100": sum(50 <= amount < 100 for amount in bought),
        "100 - 150": sum(100 <= amount < 150 for amount in bought),
        "150 - 175": sum(150 <= amount < 175 for amount in bought),
        "≥ 175": sum(amount >= 175 for amount in bought),
    }
    assert ranged(shop, bucketSize=100)["0 - 100"] == sum(amount < 100 for amount in bought)
    assert "2.5 - 5" not in ranged(shop, bucketSize=2.5)
    assert "5 - 7.5" in ranged(shop, bucketSize=2.5)


def test_the_lower_end_is_in_a_range_and_the_upper_is_not(shop: Shop) -> None:
    ages = [event.properties["age"] for event in happened(shop)]
    by_age = group("age", NUMBER, customBucket={"bucketSize": 10, "min": 30, "max": 40})
    found = chart(shop, metric(), chart="bar", groups=[by_age])
    assert {30, 40} <= set(ages)
    assert found["30 - 40"] == {"all": sum(30 <= age < 40 for age in ages)}
    assert found["≥ 40"] == {"all": sum(age >= 40 for age in ages)}


def test_other_ranges_of_numbers(shop: Shop) -> None:
    bought = amounts(happened(shop))
    assert ranged(shop, groups=[20, 100, 1000]) == {
        "< 20": sum(amount < 20 for amount in bought),
        "20 - 100": sum(20 <= amount < 100 for amount in bought),
        "100 - 1,000": sum(amount >= 100 for amount in bought),
    }
    assert set(ranged(shop, disabled=True)) == {str(amount) for amount in bought}
    automatic = chart(shop, metric(), chart="bar", groups=[group("amount", NUMBER)])
    assert automatic["20 - 30"]["all"] == sum(20 <= amount < 30 for amount in bought)


def test_what_is_no_number_is_in_no_range(shop: Shop) -> None:
    time = between("2024-11-01", "2024-11-01")
    found = chart(shop, metric("Listen"), chart="bar", time=time, groups=[group("rating", NUMBER)])
    assert {name: leaf["all"] for name, leaf in found.items()} == {
        "$overall": 5,
        "undefined": 3,
        "2 - 3": 1,
        "5 - 6": 1,
    }


def test_own_groups_of_texts(shop: Shop) -> None:
    own = [{"filterOperator": "equals", "filterValue": ["pro", "team"], "segmentLabel": "Paying"}]
    found = chart(shop, metric(), chart="bar", groups=[group("plan", customGroups=own)])
    paying = sum(event.properties["plan"] != "free" for event in happened(shop))
    assert found["Paying"] == {"all": paying}
    assert found["$remaining_values"] == {"all": len(happened(shop)) - paying}


def test_times_and_truths_as_segments(shop: Shop) -> None:
    bought = happened(shop)
    times = chart(shop, metric(), chart="bar", groups=[group("$time", "datetime")])
    assert set(times) == {"$overall", *(event.moment.strftime("%Y-%m-%dT%H:%M:%S") for event in bought)}
    day = between("2024-11-01", "2024-11-01")
    assert chart(shop, metric("Listen"), chart="bar", time=day, groups=[group("rating", "boolean")])["true"] == {
        "all": 1
    }


def test_a_day_without_any_is_0_within_a_segment(shop: Shop) -> None:
    found = chart(shop, metric(), groups=[group("coupon")])
    assert list(found["WELCOME"]) == labels()
    assert 0 in found["WELCOME"].values()


# Formulas.


def test_a_formula_over_hidden_metrics(shop: Shop) -> None:
    shown = [metric(isHidden=True), metric(math="unique", isHidden=True), formula("(A / B) ^ 2 - 1", name="Often")]
    answer = shop.insights(question(*shown, chart="bar"))
    bought = happened(shop)
    expected = (len(bought) / len(people(bought))) ** 2 - 1
    assert answer["series"] == {"Often": {"all": pytest.approx(expected)}}
    assert answer["meta"]["report_sections"]["show"] == [{"metric_key": "Often"}]


def test_a_formula_by_day_and_segment(shop: Shop) -> None:
    groups = [group("plan")]
    answer = shop.insights(question(metric(of="amount"), metric("App Open"), formula("A/B * 1e2"), groups=groups))
    a, b, c = answer["series"].values()
    assert list(answer["series"])[2] == "C. Formula"
    assert list(c) == ["$overall", *sorted(c.keys() - {"$overall"}, key=lambda name: -sum(c[name].values()))]
    for segment in ("$overall", "free", "pro", "team"):
        expected = {day: a[segment][day] / b[segment][day] * 100 for day in labels()}
        assert c[segment] == pytest.approx(expected)


def test_nothing_divided_by_nothing_has_no_value(shop: Shop) -> None:
    answer = shop.insights(question(metric(), metric("No such event"), formula("A / B"), formula("A - B")))
    assert set(answer["series"]["C. Formula"].values()) == {None}
    assert answer["series"]["D. Formula"] == answer["series"]["A. Purchase [Total Events]"]


def test_a_formula_counts_on_days_without_any(shop: Shop) -> None:
    teams = metric(filters=[kept("plan", "string", "equals", ["team"])])
    counts = chart(shop, teams)
    assert 0 in counts.values()
    assert chart(shop, {**teams, "isHidden": True}, formula("A * 2")) == {day: 2 * n for day, n in counts.items()}


def test_a_formula_with_operands_of_its_own(shop: Shop) -> None:
    own = formula("B - A", referencedMetrics=[metric(), metric("App Open")])
    assert total(shop, own) == len(happened(shop, "App Open")) - len(happened(shop))


# Analysis.


def test_running_sums(shop: Shop) -> None:
    found = chart(shop, metric(), display={"analysis": "cumulative"})
    assert found == dict(zip(labels(), accumulate(chart(shop, metric()).values()), strict=True))


def test_rolling_averages_drop_the_first_points(shop: Shop) -> None:
    found = chart(shop, metric(), display={"analysis": "rolling", "rollingWindowSize": 7})
    values = list(chart(shop, metric()).values())
    assert list(found) == labels(DAYS[6:])
    assert list(found.values()) == pytest.approx([mean(values[end - 7 : end]) for end in range(7, 32)])


def test_the_change_since_an_earlier_time(shop: Shop) -> None:
    lift = {"type": "timeComparison"}
    asked = question(
        metric(),
        time=between("2024-01-15", "2024-01-21"),
        groups=[group("plan")],
        timeComparison={"offset": {"unit": "week", "value": 1}},
        liftComparison=lift,
    )
    answer = shop.insights(asked)
    assert answer["meta"]["liftComparison"] == lift
    (lifted,) = answer["lift_comparison"]["series"].values()
    then = only(answer["time_comparison"])
    for segment, now in only(answer).items():
        pairs = zip(now.values(), then[segment].values(), strict=True)
        assert list(lifted[segment]) == list(now)
        for change, (count, was) in zip(lifted[segment].values(), pairs, strict=True):
            assert change == (pytest.approx(count / was - 1) if was else None)


def test_several_events_without_a_name_are_apart(shop: Shop) -> None:
    several = metric()
    events = [{"type": "event", "name": name, "filters": []} for name in ("Purchase", "App Open")]
    several["behavior"] = {"type": "simple", "behaviors": events, "resourceType": "events", "filters": []}
    series = shop.insights(question(several, chart="bar"))["series"]
    assert [key[3:] for key in series] == ["Purchase [Total Events]", "App Open [Total Events]"]
    assert [leaf["all"] for leaf in series.values()] == [len(happened(shop)), len(happened(shop, "App Open"))]


def test_objects_of_lists_are_counted_one_by_one(shop: Shop) -> None:
    item = {"propertyName": "sku", "propertyType": "string", "resourceType": "event"}
    asked = group("items", "object", joinPropertyType="list", listItemGroup=item)
    found = chart(shop, metric(), chart="bar", groups=[asked])
    items = [item for event in happened(shop) for item in event.properties["items"]]
    assert found["$overall"] == {"all": len(items)}
    assert found["B-7"] == {"all": sum(item["sku"] == "B-7" for item in items)}
    missing = chart(shop, metric("App Open"), chart="bar", groups=[asked])
    assert missing["undefined"] == missing["$overall"] == {"all": len(happened(shop, "App Open"))}
