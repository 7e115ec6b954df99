"""What is counted by period and segment, over any events, in any zone, against the same told in Python."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from .any_events import con

__all__ = ["con"]

WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
CLOCKS_CHANGE = [
    datetime(2024, 3, 10, 7),
    datetime(2024, 11, 3, 6),
    datetime(2024, 3, 31, 1),
    datetime(2024, 10, 27, 1),
]


class Event(NamedTuple):
    name: str
    time: datetime
    person: str | None
    tags: list[str]

    @property
    def segments(self) -> set[str]:
        return set(self.tags) or {"undefined"}


@st.composite
def _events(draw: st.DrawFn) -> list[Event]:
    change = draw(st.sampled_from(CLOCKS_CHANGE))
    time = st.integers(-60, 60).map(lambda hours: change + timedelta(hours=hours))
    people, tags = st.sampled_from(["ann", "bob", "cid", "", None]), st.lists(st.sampled_from("xyz"), max_size=3)
    return draw(st.lists(st.builds(Event, st.sampled_from("AB"), time, people, tags), min_size=1, max_size=14))


ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu"])


def ask(con: duckdb.DuckDBPyConnection, events: list[Event], query: str, *values: object) -> list[tuple[object, ...]]:
    con.execute("CREATE OR REPLACE TABLE t (event_name TEXT, event_time TIMESTAMP, distinct_id TEXT, tags TEXT[])")
    con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", events)
    return con.execute(query, list(values)).fetchall()


def day(event: Event, zone: str) -> date:
    return event.time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def week(day: date, start: str) -> date:
    return day - timedelta(days=(day.weekday() - WEEK.index(start)) % 7)


@given(_events(), ZONES, st.sampled_from(WEEK))
def test_events_and_users_of_a_week(con: duckdb.DuckDBPyConnection, events: list[Event], zone: str, start: str) -> None:
    done = [(week(day(e, zone), start), segment, e.person) for e in events if e.name == "A" for segment in e.segments]
    query = """
        SELECT date::DATE, segment, count
        FROM segmentation(t, 'A', tags, 'week', {}, timezone := ?, week_start := ?) WHERE count > 0
    """
    counts = Counter((at, segment) for at, segment, _ in done)
    assert {row[:2]: row[2] for row in ask(con, events, query.format("'general'"), zone, start)} == counts
    users = Counter((at, segment) for at, segment, person in set(done) if person)
    assert {row[:2]: row[2] for row in ask(con, events, query.format("'unique'"), zone, start)} == users


@given(_events(), ZONES, st.sampled_from([1, 2, 7, 30]))
def test_active_users(con: duckdb.DuckDBPyConnection, events: list[Event], zone: str, days: int) -> None:
    active = {(day(event, zone), event.person) for event in events if event.person}
    last = max(day(event, zone) for event in events)
    first = min(day(event, zone) for event in events)
    series = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    expected = [
        (point, len({person for at, person in active if timedelta(0) <= point - at < timedelta(days=days)}))
        for point in series
    ]
    query = f"SELECT date, users FROM active_users(t, {days}, timezone := ?) ORDER BY date"
    assert ask(con, events, query, zone) == expected


@given(_events(), st.sampled_from(["first", "last"]))
def test_users_once(con: duckdb.DuckDBPyConnection, events: list[Event], which: str) -> None:
    choose = min if which == "first" else max
    done = [(event.person, event.time, segment) for event in events if event.person for segment in event.segments]
    chosen = Counter(
        choose((time, segment) for person, time, segment in done if person == one)[1]
        for one in {person for person, _, _ in done}
    )
    query = "SELECT segment, users FROM users_once(t, NULL, tags, ?, unit := 'range')"
    assert dict(ask(con, events, query, which)) == chosen


@given(_events(), st.integers(1, 4))
def test_trend(con: duckdb.DuckDBPyConnection, events: list[Event], rolling: int) -> None:
    days = sorted(event.time.date() for event in events)
    series = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]
    first = series[len(series) // 2]
    users = [(event.time.date(), event.person) for event in events if event.person]
    expected = []
    for at in (at for at in series if at >= first):
        back = [one for one in series if timedelta(0) <= at - one < timedelta(days=rolling)]
        expected.append(
            (
                at,
                round(sum(map(days.count, back)) / len(back), 9),
                sum(first <= one <= at for one in days),
                len({person for one, person in users if first <= one <= at}),
            )
        )
    query = f"SELECT date::DATE, * EXCLUDE (date, segment, count) FROM trend(t, NULL, {rolling}, from_date := ?)"
    assert ask(con, events, query, first) == expected
