"""Reports over any events, however they fall together, against the same told in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
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
        if event.person:
            found[event.person].append(event)
    return found


@given(EVENTS, st.sampled_from(["B", "A", None]))
def test_retention(con: duckdb.DuckDBPyConnection, events: list[Event], returning: str | None) -> None:
    born: Counter[object] = Counter()
    returned: Counter[tuple[object, int]] = Counter()
    for theirs in by_person(events).values():
        first = next((event.time for event in theirs if event.name == "A"), None)
        if first is not None:
            born[first.date()] += 1
            later = [e for e in theirs if e.time > first and returning in {None, e.name}]
            returned.update({(first.date(), (event.time - first) // timedelta(days=1)) for event in later})
    query = "SELECT cohort_date, cohort_size, period, retained FROM retention(t, 'A', ?)"
    rows = ask(con, events, query, returning)
    assert {(day, period): n for day, _, period, n in rows if n} == returned
    assert {day: size for day, size, *_ in rows if size} == born
    days = [event.time.date() for event in events]
    assert len(rows) == sum(n + 1 for n in range((max(days) - min(days)).days + 1)) if days else not rows


@given(EVENTS)
def test_segmentation_and_frequency(con: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    counts = Counter((event.time.date(), event.plan or "undefined") for event in events if event.name == "A")
    query = "SELECT date::DATE, segment, count FROM segmentation(t, 'A', by := plan) WHERE count > 0"
    assert {(day, plan): n for day, plan, n in ask(con, events, query)} == counts

    hours = {(event.person, event.time.replace(minute=0, second=0)) for event in events if event.person is not None}
    active = Counter((person, hour.date()) for person, hour in hours)
    reached = Counter((day, n) for (_, day), most in active.items() for n in range(1, most + 1))
    query = "SELECT date, intervals, users FROM frequency(t) WHERE users > 0"
    assert {(day, n): users for day, n, users in ask(con, events, query)} == reached

    people = Counter(day for day, _ in {(event.time.date(), event.person) for event in events if event.person})
    query = "SELECT date, users FROM daily_active_users(t) WHERE users > 0"
    assert dict(ask(con, events, query)) == people
