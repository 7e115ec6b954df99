"""Lifecycle, stickiness and first times of any events, against the same told in Python."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import duckdb
from hypothesis import given

from .any_events import EVENTS, Event, ask, by_person, con

__all__ = ["con"]
ONE = timedelta(days=1)


def active(events: list[Event]) -> list[set[date]]:
    return [{event.time.date() for event in theirs} for theirs in by_person(events).values()]


@given(EVENTS)
def test_lifecycle(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    days = {event.time.date() for event in events}
    states: Counter[tuple[object, ...]] = Counter()
    for theirs in active(events):
        for day in theirs:
            kind = "new" if day == min(theirs) else "retained" if day - ONE in theirs else "resurrected"
            states[day, kind] += 1
            if day + ONE not in theirs and day < max(days):
                states[day + ONE, "dormant"] += 1
    rows = ask(con, events, "SELECT date::DATE, state, users FROM lifecycle(t, unit := 'day')")
    assert {(day, state): users for day, state, users in rows if users} == states
    assert len(rows) == (4 * ((max(days) - min(days)).days + 1) if days else 0)


@given(EVENTS)
def test_stickiness(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    rows = ask(con, events, "SELECT date::DATE, dau, wau, mau FROM stickiness(t, to_date := '2024-03-05')")
    for day, *users in rows:
        assert isinstance(day, date)
        for length, n in zip((1, 7, 30), users, strict=True):
            last = [day - back * ONE for back in range(length)]
            assert n == sum(not theirs.isdisjoint(last) for theirs in active(events))


@given(EVENTS)
def test_first_time(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    mine = [event for event in events if event.person]
    expected = Counter(
        event
        for event in mine
        if event.time == min(e.time for e in mine if (e.name, e.person) == (event.name, event.person))
    )
    assert Counter(Event(*row) for row in ask(con, events, "FROM first_time(t)")) == expected
