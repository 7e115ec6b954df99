"""Reports over any events, however they fall together, against the same told in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.local import reports

BEGINNING = datetime(2024, 1, 30, 23, 59, 0)
MINUTE, HOUR, DAY = 60, 3600, 86400


class Event(NamedTuple):
    name: str
    time: datetime
    person: str | None
    plan: str | None = None


# Moments that fall together, lie at the ends of what is counted, or a second beside them.
MOMENTS = st.sampled_from([0, 1, 2, 30 * MINUTE, 30 * MINUTE + 1, HOUR, DAY - 1, DAY, DAY + 1, 2 * DAY, 2 * DAY + HOUR])
EVENTS = st.lists(
    st.builds(
        lambda name, seconds, person, plan: Event(name, BEGINNING + timedelta(seconds=seconds), person, plan),
        st.sampled_from("ABC"),
        MOMENTS,
        st.sampled_from(["ann", "bob", "", None]),
        st.sampled_from(["free", "pro", None]),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that knows nothing but the reports."""
    with duckdb.connect() as con:
        for report in reports():
            con.execute(report.sql)
        yield con


def ask(con: duckdb.DuckDBPyConnection, events: list[Event], query: str, *values: object) -> list[tuple[object, ...]]:
    con.execute("CREATE OR REPLACE TABLE t (event_name TEXT, event_time TIMESTAMP, distinct_id TEXT, plan TEXT)")
    if events:
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", events)
    return con.execute(query, list(values)).fetchall()


def by_person(events: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.time, event.name)):
        if event.person is not None:
            found[event.person].append(event)
    return found


@given(EVENTS, st.sampled_from([0, 1, 30 * MINUTE, DAY]))
def test_sessions_and_paths(con: duckdb.DuckDBPyConnection, events: list[Event], gap: int) -> None:
    found = [session for theirs in by_person(events).values() for session in cut(theirs, timedelta(seconds=gap))]
    expected = Counter((s[0].person, s[0].time, s[-1].time, len(s), s[0].name, s[-1].name) for s in found)
    query = "SELECT distinct_id, started_at, ended_at, events, first_event, last_event FROM sessions(t, to_seconds(?))"
    assert Counter(ask(con, events, query, gap)) == expected

    ways = Counter(tuple(event.name for event in session[:3]) for session in found)
    query = "SELECT path, count FROM paths(t, depth := 3, gap := to_seconds(?))"
    assert {tuple(path): n for path, n in ask(con, events, query, gap)} == ways


def cut(events: list[Event], gap: timedelta) -> list[list[Event]]:
    sessions: list[list[Event]] = []
    for event in events:
        if not sessions or event.time - sessions[-1][-1].time > gap:
            sessions.append([])
        sessions[-1].append(event)
    return sessions


@given(EVENTS)
def test_flows_add_up_to_paths(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    edges: Counter[tuple[object, ...]] = Counter()
    for path, n in ask(con, events, "SELECT path, count FROM paths(t, 'A', depth := 3)"):
        way = [*path, "DROPOFF"][:3]
        for step, (one, other) in enumerate(pairwise(way), 1):
            edges[step, one, other] += n
    query = "SELECT step, event_name, next_event, count FROM flows(t, 'A', depth := 3)"
    assert {(*edge,): n for *edge, n in ask(con, events, query)} == edges


@given(EVENTS)
def test_segmentation_and_daily_active_users(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    counts = Counter((event.time.date(), event.plan or "undefined") for event in events if event.name == "A")
    query = "SELECT date::DATE, segment, count FROM segmentation(t, 'A', by := plan) WHERE count > 0"
    assert {(day, plan): n for day, plan, n in ask(con, events, query)} == counts

    people = Counter(day for day, _ in {(event.time.date(), event.person) for event in events if event.person})
    query = "SELECT date, users FROM daily_active_users(t) WHERE users > 0"
    assert dict(ask(con, events, query)) == people


@given(EVENTS, st.sampled_from([0, HOUR, DAY]))
def test_attribution(con: duckdb.DuckDBPyConnection, events: list[Event], within: int) -> None:
    first, last, linear = Counter[object](), Counter[object](), Counter[object]()
    for theirs in by_person(events).values():
        for bought in (event for event in theirs if event.name == "C"):
            since = bought.time - timedelta(seconds=within)
            touches = [(e.time, e.plan) for e in theirs if e.plan is not None and since <= e.time <= bought.time]
            first[min(touches)[1] if touches else None] += 1
            last[max(touches)[1] if touches else None] += 1
            plans = {plan for _, plan in touches} or {None}
            linear.update({plan: 1 / len(plans) for plan in plans})
    rows = ask(con, events, "FROM attribution(t, 'C', plan, to_seconds(?))", within)
    assert {touch: n for touch, n, _, _ in rows if n} == first
    assert {touch: n for touch, _, n, _ in rows if n} == last
    assert {touch: part for touch, _, _, part in rows} == pytest.approx(linear)
