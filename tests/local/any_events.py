"""Any events, however they fall together, and how to ask a report about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb
import pytest
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
