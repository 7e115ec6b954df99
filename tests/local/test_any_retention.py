"""Retention and frequency over any events, however they fall together, against the same told in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.local import reports

BEGINNING = datetime(2024, 3, 10, 4, 59, 0)
"""A minute before the day in New York on which clocks go forward."""
HOUR, DAY = 3600, 86400
UNITS = {"day": 1, "week": 7, "month": 30}


class Event(NamedTuple):
    name: str
    time: datetime
    person: str | None
    paid: int


# Moments that fall together, lie at the ends of what is counted, or a second beside them.
MOMENTS = st.sampled_from(
    [0, 1, 60, HOUR, DAY - HOUR, DAY - 1, DAY, DAY + 1, 2 * DAY, 3 * DAY, 7 * DAY - 1, 7 * DAY, 8 * DAY, 22 * DAY, 30 * DAY, 61 * DAY]
)  # fmt: skip
EVENTS = st.lists(
    st.builds(
        lambda name, seconds, person, paid: Event(name, BEGINNING + timedelta(seconds=seconds), person, paid),
        st.sampled_from("AB"),
        MOMENTS,
        st.sampled_from(["ann", "bob", "", None]),
        st.integers(0, 5),
    ),
    max_size=14,
)


@dataclass(frozen=True)
class Question:
    returning: str | None
    unit: str
    mode: str
    calendar: bool
    cohorts: str
    brackets: list[int] | None
    zone: str
    week_start: str

    def local(self, time: datetime) -> datetime:
        return time.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def real(self, day: date) -> datetime:
        """When the day begins there, in UTC."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone))
        return midnight.astimezone(UTC).replace(tzinfo=None)

    def start(self, day: date) -> date:
        """The first day of the calendar's day, week or month."""
        if self.unit == "month":
            return day.replace(day=1)
        back = (day.weekday() + (self.week_start == "sunday")) % 7 if self.unit == "week" else 0
        return day - timedelta(days=back)

    def later(self, start: date, units: int) -> date:
        """The first day of the calendar's unit so many units later."""
        for _ in range(units):
            start = self.start(start + timedelta(days={"day": 1, "week": 7, "month": 31}[self.unit]))
        return start

    @property
    def length(self) -> timedelta:
        return timedelta(days=UNITS[self.unit])

    def units(self, born: datetime, event: datetime) -> int:
        """Whole units from the first event to another."""
        if not self.calendar:
            return (event - born) // self.length
        start, goal = self.start(self.local(born).date()), self.start(self.local(event).date())
        return next(n for n in range(100) if self.later(start, n) == goal)

    def first_unit(self, period: int) -> int:
        return period if self.brackets is None or period == 0 else 1 + sum(self.brackets[: period - 1])

    def period(self, units: int) -> int:
        most = 100 if self.brackets is None else len(self.brackets) + 1
        return max(period for period in range(most + 1) if self.first_unit(period) <= units)

    def retained(self, periods: set[int], period: int) -> bool:
        match self.mode:
            case "on":
                return period in periods
            case "on_or_after":
                return any(period <= other for other in periods)
            case "on_or_before":
                return any(other <= period for other in periods)
        return periods.issuperset(range(period + 1))

    def returns(self, theirs: list[Event], born: datetime) -> list[Event]:
        with_birth = self.mode == "streak" and self.returning == "A"
        after = [e for e in theirs if e.time > born or (with_birth and (e.name, e.time) == ("A", born))]
        return [event for event in after if self.returning in {None, event.name}]


QUESTIONS = st.builds(
    Question,
    returning=st.sampled_from(["A", "B", None]),
    unit=st.sampled_from(["day", "week", "month"]),
    mode=st.sampled_from(["on", "on_or_after", "on_or_before", "streak"]),
    calendar=st.booleans(),
    cohorts=st.sampled_from(["birth", "every"]),
    brackets=st.sampled_from([None, [2], [1, 3], [3, 4, 1]]),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
    week_start=st.sampled_from(["monday", "sunday"]),
)
ARGUMENTS = (
    """unit := ?, mode := ?, calendar := ?, cohorts := ?, brackets := ?::INT[], timezone := ?, week_start := ?"""
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that knows nothing but the reports."""
    with duckdb.connect() as con:
        for report in reports():
            con.execute(report.sql)
        yield con


def ask(con: duckdb.DuckDBPyConnection, events: list[Event], query: str, *values: object) -> list[tuple[Any, ...]]:
    con.execute("CREATE OR REPLACE TABLE t (event_name TEXT, event_time TIMESTAMP, distinct_id TEXT, paid INT)")
    if events:
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", events)
    return con.execute(query, list(values)).fetchall()


def arguments(q: Question) -> list[object]:
    return [q.unit, q.mode, q.calendar, q.cohorts, q.brackets, q.zone, q.week_start]


def births(events: list[Event], q: Question) -> Iterator[tuple[date, datetime, list[Event]]]:
    """Each user's cohorts, with their first event in it and all that they did."""
    for person in {event.person for event in events if event.person}:
        theirs = sorted(event for event in events if event.person == person)
        first: dict[date, datetime] = {}
        for time in sorted(event.time for event in theirs if event.name == "A"):
            first.setdefault(q.start(q.local(time).date()), time)
        yield from (
            (cohort, born, theirs) for cohort, born in sorted(first.items())[: 1 if q.cohorts == "birth" else None]
        )


def whole(q: Question, events: list[Event], cohort: date, period: int) -> bool:
    """Whether the period is over for the last who could be in the cohort."""
    known = max(q.local(event.time).date() for event in events) + timedelta(days=1)
    if q.calendar:
        return q.later(cohort, q.first_unit(period + 1)) <= known
    return q.real(q.later(cohort, 1)) + q.length * q.first_unit(period + 1) <= q.real(known)


def begun(q: Question, events: list[Event], cohort: date, period: int) -> bool:
    """Whether the period has begun for the first who could be in it."""
    known = max(q.local(event.time).date() for event in events) + timedelta(days=1)
    if q.calendar:
        return q.later(cohort, q.first_unit(period)) < known
    return q.real(cohort) + q.length * q.first_unit(period) < q.real(known)


@given(EVENTS, QUESTIONS)
def test_retention(con: duckdb.DuckDBPyConnection, events: list[Event], q: Question) -> None:
    members: dict[date, list[set[int]]] = defaultdict(list)
    for cohort, born, theirs in births(events, q):
        members[cohort].append({q.period(q.units(born, event.time)) for event in q.returns(theirs, born)})
    query = f"SELECT cohort_date, cohort_size, period, retained, complete FROM retention(t, 'A', ?, {ARGUMENTS})"
    rows = ask(con, events, query, q.returning, *arguments(q))
    for cohort, size, period, retained, complete in rows:
        assert size == len(members[cohort])
        assert retained == sum(q.retained(periods, period) for periods in members[cohort])
        assert complete == whole(q, events, cohort, period)
    shown = {(cohort, period) for cohort, _, period, *_ in rows}
    most = 100 if q.brackets is None else len(q.brackets) + 1
    for cohort in members:
        assert {p for c, p in shown if c == cohort} == {p for p in range(most) if begun(q, events, cohort, p)}


@given(EVENTS, QUESTIONS)
def test_the_average_is_of_the_rows(con: duckdb.DuckDBPyConnection, events: list[Event], q: Question) -> None:
    query = f"SELECT period, cohort_size, retained FROM retention(t, 'A', ?, {ARGUMENTS}) WHERE complete"
    cohorts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for period, size, retained in ask(con, events, query, q.returning, *arguments(q)):
        cohorts[period].append((size, retained))
    expected = {}
    for period, found in cohorts.items():
        sizes = sum(size for size, _ in found)
        if sizes:
            users = sum(retained * (size / sizes) for size, retained in found)
            expected[period] = (users, users / sum(size * (size / sizes) for size, _ in found))
    query = f"SELECT period, retained, rate FROM retention_average(t, 'A', ?, {ARGUMENTS})"
    rows = {period: told for period, *told in ask(con, events, query, q.returning, *arguments(q))}
    assert rows.keys() == expected.keys()
    for period, told in expected.items():
        assert rows[period] == pytest.approx(told)


@given(EVENTS, QUESTIONS.filter(lambda q: q.mode != "streak"))
def test_value(con: duckdb.DuckDBPyConnection, events: list[Event], q: Question) -> None:
    paid: dict[date, list[tuple[int, int]]] = defaultdict(list)
    for cohort, born, theirs in births(events, q):
        paid[cohort] += [(q.period(q.units(born, event.time)), event.paid) for event in q.returns(theirs, born)]
    query = f"SELECT cohort_date, period, value FROM retention_value(t, 'A', ?, paid, {ARGUMENTS})"
    for cohort, period, value in ask(con, events, query, q.returning, *arguments(q)):
        assert value == sum(n for one, n in paid[cohort] if q.retained({one}, period))


@given(EVENTS, QUESTIONS, st.sampled_from(["hour", "day"]), st.booleans())
def test_frequency(con: duckdb.DuckDBPyConnection, events: list[Event], q: Question, part: str, exactly: bool) -> None:
    active: dict[tuple[str, date], set[tuple[date, int]]] = defaultdict(set)
    for event in events:
        time = q.local(event.time)
        if event.person:
            active[event.person, q.start(time.date())].add((time.date(), time.hour if part == "hour" else 0))
    reached = Counter(
        (start, n) for (_, start), parts in active.items() for n in range(len(parts) if exactly else 1, len(parts) + 1)
    )
    query = """
        SELECT date, intervals, users
        FROM frequency(t, unit := ?, addiction_unit := ?, timezone := ?, week_start := ?, exactly := ?) WHERE users > 0
    """
    rows = ask(con, events, query, q.unit, part, q.zone, q.week_start, exactly)
    assert {(start, n): users for start, n, users in rows} == reached
