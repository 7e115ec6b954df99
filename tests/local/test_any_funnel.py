"""Funnels over any events, however they fall together, against the same told in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.local import reports

BEGINNING = datetime(2024, 1, 30, 23, 59, 0)
MINUTE, HOUR, DAY = 60, 3600, 86400
GRACE = timedelta(seconds=2)


class Event(NamedTuple):
    name: str
    time: datetime
    person: str | None
    plan: str | None = None

    @property
    def segment(self) -> str:
        return self.plan or "undefined"


class Attempt(NamedTuple):
    entry: Event
    times: list[datetime]
    """When each step that was done was done."""
    ended: datetime


# Moments that fall together, lie at the ends of what is counted, or a second beside them.
MOMENTS = st.sampled_from([*range(6), MINUTE, MINUTE + 2, MINUTE + 3, 31 * MINUTE, HOUR, HOUR + 1, DAY, 2 * DAY])
EVENTS = st.lists(
    st.builds(
        lambda name, seconds, person, plan: Event(name, BEGINNING + timedelta(seconds=seconds), person, plan),
        st.sampled_from("ABC"),
        MOMENTS,
        st.sampled_from(["ann", "ann", "bob", "", None]),
        st.sampled_from(["free", "pro", None]),
    ),
    max_size=14,
)
STEPS = st.lists(st.sampled_from("ABC"), min_size=1, max_size=4)
WITHIN = st.sampled_from([timedelta(seconds=seconds) for seconds in (0, 1, MINUTE, HOUR, DAY)])


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that knows nothing but the reports."""
    with duckdb.connect() as con:
        for report in reports():
            if report.name.startswith("funnel"):
                con.execute(report.sql)
        yield con


def ask(con: duckdb.DuckDBPyConnection, events: list[Event], query: str, *values: object) -> Counter[tuple[str, int]]:
    """The counts by segment and step, where there are any."""
    con.execute("CREATE OR REPLACE TABLE t (event_name TEXT, event_time TIMESTAMP, distinct_id TEXT, plan TEXT)")
    if events:
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", events)
    rows = con.execute(f"SELECT segment, step, count FROM {query}", list(values)).fetchall()
    return Counter({(segment, step): count for segment, step, count in rows if count})


def users(events: list[Event]) -> list[list[Event]]:
    known = sorted(
        (event for event in events if event.person), key=lambda event: (event.person, event.time, event.segment)
    )
    return [list(theirs) for _, theirs in groupby(known, lambda event: event.person)]


def walk(
    events: list[Event],
    entry: Event,
    steps: list[str],
    within: timedelta,
    since: datetime | None,
    excluded: str | None = None,
) -> Attempt:
    """From an entry as far as it goes, over events after the end of the attempt before."""
    taken, times, last = [entry], [entry.time], entry.time
    possible = [e for e in events if e.time <= entry.time + within and (since is None or e.time > since)]
    for name in steps[1:]:
        left = [e for e in possible if not any(e is other for other in taken)]
        following = min((e for e in left if e.name == name and e.time >= last - GRACE), key=_time, default=None)
        ends = [e.time for e in left if e.name == excluded and e.time > last + GRACE]
        if ends and (following is None or following.time > min(ends) + GRACE):
            return Attempt(entry, times, min(ends))
        if following is None:
            return Attempt(entry, times, entry.time + within)
        last = following.time
        taken.append(following)
        times.append(max(times[-1], last))
    return Attempt(entry, times, times[-1])


def _time(event: Event) -> datetime:
    return event.time


def attempts(
    events: list[Event], steps: list[str], within: timedelta, excluded: str | None = None, once: bool = False
) -> list[Attempt]:
    """One after the other; or once in each segment."""
    found: list[Attempt] = []
    while True:
        since = found[-1].ended if found else None
        seen = {attempt.entry.segment for attempt in found if once}
        entries = (
            e for e in events if e.name == steps[0] and (since is None or e.time > since) and e.segment not in seen
        )
        entry = next(entries, None)
        if entry is None:
            return found
        found.append(walk(events, entry, steps, within, since, excluded))


def counted(found: list[Attempt], overall: list[Attempt]) -> Counter[tuple[str, int]]:
    by_segment = [(attempt.entry.segment, attempt) for attempt in found] + [
        ("$overall", attempt) for attempt in overall
    ]
    return Counter((segment, k + 1) for segment, attempt in by_segment for k in range(len(attempt.times)))


@given(EVENTS, STEPS, WITHIN)
def test_users(con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta) -> None:
    found = [attempts(theirs, steps, within, once=True) for theirs in users(events)]
    expected = counted([*chain(*found)], [theirs[0] for theirs in found if theirs])
    assert ask(con, events, "funnel(t, ?, ?, by := plan)", steps, within) == expected
    assert ask(con, events, "funnel_counted(t, ?, ?, by := plan)", steps, within) == expected
    alone = Counter({key: n for key, n in expected.items() if key[0] == "$overall"})
    assert ask(con, events, "funnel(t, ?, ?)", steps, within) == alone


@given(EVENTS, STEPS, WITHIN, st.sampled_from(["A", "C", "X"]))
def test_attempts_with_an_excluded_event(
    con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta, excluded: str
) -> None:
    found = [attempt for theirs in users(events) for attempt in attempts(theirs, steps, within, excluded)]
    query = "funnel_counted(t, ?, ?, by := plan, counting := 'total', exclude := [?])"
    assert ask(con, events, query, steps, within, excluded) == counted(found, found)


@given(EVENTS, STEPS, WITHIN)
def test_sessions(con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta) -> None:
    cut = [session for theirs in users(events) for session in sessions(theirs)]
    found = [attempts(session, steps, within, once=True) for session in cut]
    expected = counted([*chain(*found)], [session[0] for session in found if session])
    assert ask(con, events, "funnel_counted(t, ?, ?, by := plan, counting := 'session')", steps, within) == expected


def sessions(events: list[Event]) -> list[list[Event]]:
    found: list[list[Event]] = []
    for event in events:
        last = found[-1][-1].time if found else None
        if last is None or event.time - last > timedelta(minutes=30) or event.time.date() != last.date():
            found.append([])
        found[-1].append(event)
    return found


@given(EVENTS, STEPS, WITHIN)
def test_a_constant_property_is_a_funnel_of_the_events_that_have_it(
    con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta
) -> None:
    """With the property as segment, each has the funnel of its own events alone."""
    expected: Counter[tuple[str, int]] = Counter()
    for plan in ("free", "pro", None):
        theirs = [event for event in events if event.plan == plan]
        found = ask(con, theirs, "funnel(t, ?, ?, by := plan)", steps, within)
        expected.update({key: n for key, n in found.items() if key[0] != "$overall"})
    found = ask(con, events, "funnel_counted(t, ?, ?, by := plan, constant := plan)", steps, within)
    assert Counter({key: n for key, n in found.items() if key[0] != "$overall"}) == expected


@given(EVENTS, STEPS, WITHIN)
def test_optimized_reentry(
    con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta
) -> None:
    best = [
        max(tried, key=lambda one: len(one.times))
        for theirs in users(events)
        if (tried := every(theirs, steps, within))
    ]
    assert ask(con, events, "funnel_counted(t, ?, ?, reentry := 'optimized')", steps, within) == counted([], best)


def every(events: list[Event], steps: list[str], within: timedelta) -> list[Attempt]:
    """The attempts from all entries; the next entry takes over before the second step is done."""
    entries = [event for event in events if event.name == steps[0]]
    found = []
    for k, entry in enumerate(entries):
        until = min((other.time - entry.time - timedelta(microseconds=1) for other in entries[k + 1 :]), default=within)
        second = walk(events, entry, steps[:2], min(within, until), None)
        done = len(second.times) == len(steps[:2])
        found.append(
            walk(events, entry, steps, within, None) if done else Attempt(entry, [entry.time], entry.time + within)
        )
    return found


@given(EVENTS, st.permutations("ABC"), WITHIN)
def test_any_order_is_the_best_of_all_orders(
    con: duckdb.DuckDBPyConnection, events: list[Event], steps: list[str], within: timedelta
) -> None:
    """Who does all of three steps in some order, from the first event of theirs, is done."""
    done = 0
    for theirs in users(events):
        first = theirs[0].time
        names = {event.name for event in theirs if event.time <= first + within}
        done += names == {*steps}
    found = ask(con, events, "funnel_counted(t, ?, ?, any_order := [1, 2, 3])", steps, within)
    assert found["$overall", 3] == done
