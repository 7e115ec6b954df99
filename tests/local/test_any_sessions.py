"""Sessions of any events, against the same told in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from .any_events import DAY, EVENTS, MINUTE, Event, ask, by_person, con

__all__ = ["con"]
ZONES = st.sampled_from([(None, 0), ("Asia/Tokyo", 9), ("Pacific/Honolulu", -10)])
HIDDEN = st.sampled_from([[], ["B"]])
TOLD = "distinct_id, started_at, ended_at, events, first_event, last_event"


def told(session: list[Event]) -> tuple[object, ...]:
    first, last = session[0], session[-1]
    return first.person, first.time, last.time, len(session), first.name, last.name


def people(events: list[Event], hidden: list[str]) -> list[list[Event]]:
    return list(by_person([event for event in events if event.name not in hidden]).values())


def days(events: list[Event], hours: int) -> list[list[Event]]:
    found: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        found[(event.time + timedelta(hours=hours)).date()].append(event)
    return list(found.values())


@given(EVENTS, st.sampled_from([0, 1, 30 * MINUTE, DAY]), ZONES, HIDDEN)
def test_sessions(
    con: duckdb.DuckDBPyConnection, events: list[Event], gap: int, zone: tuple[str | None, int], hidden: list[str]
) -> None:
    found = [
        [session for day in days(theirs, zone[1]) for session in cut(day, timedelta(seconds=gap))]
        for theirs in people(events, hidden)
    ]
    query = f"SELECT {TOLD}, session FROM sessions(t, to_seconds(?), ?, ?)"
    assert Counter(ask(con, events, query, gap, zone[0], hidden)) == Counter(
        (*told(session), n) for sessions in found for n, session in enumerate(sessions, 1)
    )
    query = """
        WITH whole AS (SELECT *, '{}' AS properties FROM t)
        SELECT session, min(event_time), count(*) FROM user_timeline(whole, 'ann', to_seconds(?), ?, ?) GROUP BY ALL
    """
    timeline = {row for row in ask(con, events, query, gap, zone[0], hidden) if row[0] is not None}
    query = "SELECT session, started_at, events FROM sessions(t, to_seconds(?), ?, ?) WHERE distinct_id = 'ann'"
    assert timeline == {*ask(con, events, query, gap, zone[0], hidden)}


def cut(events: list[Event], gap: timedelta) -> list[list[Event]]:
    sessions: list[list[Event]] = []
    for event in events:
        if not sessions or event.time - sessions[-1][-1].time > gap:
            sessions.append([])
        sessions[-1].append(event)
    return sessions


@given(EVENTS, ZONES, HIDDEN)
def test_sessions_by_events(
    con: duckdb.DuckDBPyConnection, events: list[Event], zone: tuple[str | None, int], hidden: list[str]
) -> None:
    found = [session for theirs in people(events, hidden) for day in days(theirs, zone[1]) for session in begun(day)]
    query = f"SELECT {TOLD}, seconds IS NULL FROM sessions_by_events(t, 'C', 'A', ?, ?)"
    expected = Counter((*told(session), session[-1].name != "A") for session in found)
    assert Counter(ask(con, events, query, zone[0], hidden)) == expected


def begun(events: list[Event]) -> list[list[Event]]:
    """From each C to the next A; in the same second C comes first and A last."""
    sessions: list[list[Event]] = []
    is_open = False
    for event in sorted(events, key=lambda event: (event.time, "CBA".index(event.name))):
        if event.name == "C" and not is_open:
            sessions.append([])
            is_open = True
        if is_open:
            sessions[-1].append(event)
            is_open = event.name != "A"
    return sessions


@given(EVENTS, ZONES, HIDDEN)
def test_sessions_by_property(
    con: duckdb.DuckDBPyConnection, events: list[Event], zone: tuple[str | None, int], hidden: list[str]
) -> None:
    found = [
        [event for event in day if event.plan == plan]
        for theirs in people(events, hidden)
        for day in days(theirs, zone[1])
        for plan in {event.plan for event in day if event.plan is not None}
    ]
    query = f"SELECT {TOLD}, value FROM sessions_by_property(t, plan, ?, ?)"
    expected = Counter((*told(session), session[0].plan) for session in found)
    assert Counter(ask(con, events, query, zone[0], hidden)) == expected
