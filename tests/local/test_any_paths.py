"""Flows, paths and attribution over any events, against the same told in Python."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .any_events import BEGINNING, DAY, EVENTS, HOUR, MINUTE, Event, ask, by_person, con
from .test_any_sessions import cut, days

__all__ = ["con"]
FIRST_DAY = BEGINNING.date() + timedelta(days=1)
Path = list[Event]
PATHS = st.fixed_dictionaries({
    "depth": st.integers(1, 4),
    "gap": st.sampled_from([None, 1, 30 * MINUTE]),
    "counting": st.sampled_from(["unique", "session", "total"]),
    "within": st.sampled_from([1, HOUR, DAY, 30 * DAY]),
    "before": st.integers(0, 2),
    "hidden": st.sampled_from([[], ["B"]]),
    "collapse": st.booleans(),
    "from_date": st.sampled_from([None, FIRST_DAY]),
    "to_date": st.sampled_from([None, FIRST_DAY]),
})  # fmt: skip
NAMES = ("depth", "gap", "counting", "within", "before", "hidden", "collapse", "from_date", "to_date")
CALL = "{}(t, 'A', ?, to_seconds(?), ?, to_seconds(?), ?, ?, ?, ?, ?)"


def paths(events: list[Event], how: dict[str, Any]) -> list[tuple[Path, Path]]:
    """What came before each beginning, and what came from there on."""
    return [
        way
        for theirs in by_person([event for event in events if event.name not in how["hidden"]]).values()
        for way in counted(theirs, how)
    ]


def counted(theirs: list[Event], how: dict[str, Any]) -> list[tuple[Path, Path]]:
    parts = [ways(part, how) for part in cut_up(theirs, how)]
    match how["counting"]:
        case "total":
            return [way for part in parts for way in part]
        case "session":
            return [way for part in parts for way in part[:1]]
        case _:
            return [way for part in parts for way in part][:1]


def cut_up(theirs: list[Event], how: dict[str, Any]) -> list[list[Event]]:
    by_session = how["counting"] == "session"
    gap = how["gap"] if how["gap"] is not None or not by_session else 30 * MINUTE
    pieces = days(theirs, 0) if by_session else [theirs]
    return [part for piece in pieces for part in (cut(piece, timedelta(seconds=gap)) if gap is not None else [piece])]


def ways(part: list[Event], how: dict[str, Any]) -> list[tuple[Path, Path]]:
    if how["collapse"]:
        sides = [list(side) for _, side in groupby(part, lambda e: how["from_date"] is None or is_later(e, how))]
        part = [next(same) for side in sides for _, same in groupby(side, lambda event: event.name)]
    starts = [n for n, event in enumerate(part) if event.name == "A"]
    found = []
    for start, end in pairwise([*starts, len(part)]):
        last = max((n for n in starts if n < start), default=-1)
        before = part[last + 1 : start][-how["before"] :] if how["before"] else []
        until = part[start].time + timedelta(seconds=how["within"])
        after = [event for event in part[start:end] if event.time <= until][: how["depth"]]
        if is_later(part[start], how) and (how["to_date"] is None or part[start].time.date() <= how["to_date"]):
            found.append((before, after))
    return found


def is_later(event: Event, how: dict[str, Any]) -> bool:
    return how["from_date"] is None or event.time.date() >= how["from_date"]


@given(EVENTS, PATHS)
def test_paths_and_flows(con: duckdb.DuckDBPyConnection, events: list[Event], how: dict[str, Any]) -> None:
    found = [([e.name for e in before], [e.name for e in after]) for before, after in paths(events, how)]
    values = [how[name] for name in NAMES]
    rows = ask(con, events, f"SELECT path, count FROM {CALL.format('paths')}", *values)
    assert {tuple(path): n for path, n in rows} == Counter((*before, *after) for before, after in found)

    edges: Counter[tuple[object, ...]] = Counter()
    for before, after in found:
        way = [*before, *[*after, "DROPOFF"][: how["depth"]]]
        edges.update((n - len(before), one, other) for n, (one, other) in enumerate(pairwise(way), 1))
    query = f"SELECT step, event_name, next_event, count FROM {CALL.format('flows')}"
    assert {(*edge,): n for *edge, n in ask(con, events, query, *values)} == edges


@given(EVENTS, st.sampled_from([0, 1, 30 * MINUTE, DAY]))
def test_paths_of_sessions(con: duckdb.DuckDBPyConnection, events: list[Event], gap: int) -> None:
    found = Counter(
        tuple(event.name for event in session[:3])
        for theirs in by_person(events).values()
        for day in days(theirs, 0)
        for session in cut(day, timedelta(seconds=gap))
    )
    query = "SELECT path, count FROM paths(t, depth := 3, gap := to_seconds(?))"
    assert {tuple(path): n for path, n in ask(con, events, query, gap)} == found


SHAPES = {"u_shaped": (40, 20, 40), "j_shaped": (20, 20, 60), "inverse_j": (60, 20, 20), "custom": (1, 2, 5)}


def shares(model: str, times: list[datetime], bought: datetime) -> list[float]:
    """What each of the touches is given, in their order."""
    match model, len(times):
        case "first_touch", n:
            weights = [1.0] + [0.0] * (n - 1)
        case "last_touch", n:
            weights = [0.0] * (n - 1) + [1.0]
        case "linear", n:
            weights = [1.0] * n
        case "time_decay", _:
            weights = [0.5 ** ((bought - time) / timedelta(days=7)) for time in times]
        case _, 1:
            weights = [1.0]
        case _, n:
            first, between, last = SHAPES[model]
            weights = [first, *[between / (n - 2 or 1)] * (n - 2), last]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("model", ["first_touch", "last_touch", "linear", "time_decay", *SHAPES, "participation"])
@given(events=EVENTS, within=st.sampled_from([0, HOUR, DAY]), counting=st.sampled_from(["total", "first", "last"]))
def test_attribution(
    con: duckdb.DuckDBPyConnection, model: str, events: list[Event], within: int, counting: str
) -> None:
    expected = Counter[object]()
    for theirs in by_person(events).values():
        bought = [event for event in theirs if event.name == "C"]
        first = sorted(bought, key=lambda e: (e.time, e.plan is None, e.plan or ""))[:1]
        last = sorted(bought, key=lambda e: (e.time, e.plan is not None, e.plan or ""))[-1:]
        for event in {"total": bought, "first": first, "last": last}[counting]:
            time, since = event.time, event.time - timedelta(seconds=within)
            touches = sorted(
                (e.time, (e.time, e.plan) == (time, event.plan), e.plan)
                for e in theirs
                if e.plan is not None and since <= e.time <= time
            )
            given = [(at, touch) for at, _, touch in touches] or [(time, None)]
            if model == "participation":
                expected.update({touch: 1 for _, touch in given})
            else:
                for (_, touch), share in zip(given, shares(model, [at for at, _ in given], time), strict=True):
                    expected[touch] += share
    query = f"SELECT touch, {model} FROM attribution(t, 'C', plan, to_seconds(?), counting := ?, weights := [1, 2, 5])"
    rows = ask(con, events, query, within, counting)
    assert dict(rows) == pytest.approx(expected, abs=2e-6)
