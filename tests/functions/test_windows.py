"""Windows cover every day once, in order, and their downloads stay in hand."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.client import Spool
from mixpanel_data.functions import parallel
from mixpanel_data.functions.parallel import in_order
from mixpanel_data.functions.windows import LARGE, LONGEST, LONGEST_WHEN_POOR, PARALLEL, SMALL, Window, split

START = date(2024, 1, 1)


def days_of(window: Window) -> list[date]:
    return [window.first + timedelta(days=n) for n in range(window.days)]


@given(
    st.sets(st.integers(0, 800), max_size=400),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(0, 60),
    st.none() | st.floats(0, 1e9),
)
def test_every_day_is_in_exactly_one_window(
    offsets: set[int], parallel: int | None, left: int | None, bytes_a_day: float | None
) -> None:
    days = [START + timedelta(days=n) for n in sorted(offsets)]
    windows = split(days, parallel, left, bytes_a_day)
    asked = [day for window in windows for day in days_of(window)]
    assert asked == sorted(set(asked))
    assert set(asked) >= set(days)
    assert len(windows) <= len(days)
    assert all(window.days <= LONGEST_WHEN_POOR for window in windows)


@given(
    st.integers(1, 3000), st.none() | st.integers(1, 8), st.none() | st.integers(0, 60), st.none() | st.floats(0, 1e9)
)
def test_days_in_a_row_are_as_many_windows_as_they_may_be(
    days: int, parallel: int | None, left: int | None, bytes_a_day: float | None
) -> None:
    windows = split(run_of(days), parallel, left, bytes_a_day)
    size = days * (bytes_a_day or 0)
    must = max(days / LONGEST_WHEN_POOR, size / LARGE)
    assert sum(window.days for window in windows) == days
    assert len(windows) <= max(must + 1, parallel or PARALLEL, days / LONGEST + 1)
    assert left is None or len(windows) <= max(must + 1, left)
    assert max(window.days for window in windows) <= -(-days // min(days, max(1, int(must))))


def run_of(days: int) -> list[date]:
    return [START + timedelta(days=n) for n in range(days)]


@pytest.mark.parametrize(("days", "requests"), [(1, 1), (2, 2), (31, 3), (90, 3), (366, 12), (730, 24)])
def test_few_requests_for_long_ranges(days: int, requests: int) -> None:
    assert len(split(run_of(days))) == requests


@pytest.mark.parametrize(("left", "requests"), [(60, 12), (5, 5), (1, 1), (0, 1)])
def test_fewer_where_the_budget_is_short(left: int, requests: int) -> None:
    assert len(split(run_of(366), left=left)) == requests


@pytest.mark.parametrize("left", [0, 2, 5])
def test_years_are_no_fewer_requests_than_years(left: int) -> None:
    five_years = [START + timedelta(days=n) for n in range(5 * 365 + 2)]
    windows = split(five_years, left=left)
    assert [window.days for window in windows] == [366, 366, 366, 366, 363]
    assert [day for window in windows for day in days_of(window)] == five_years


def test_as_many_at_once_as_were_asked_for() -> None:
    assert len(split(run_of(31), parallel=8)) == 8
    assert len(split(run_of(31), parallel=8, bytes_a_day=1)) == 8
    assert len(split(run_of(31), parallel=8, left=4)) == 4
    assert len(split(run_of(366), parallel=1)) == 12


@pytest.mark.parametrize(
    ("bytes_a_day", "requests"), [(SMALL / 31, 1), (SMALL / 30, 3), (LARGE / 31 * 6.5, 7), (LARGE * 2, 31)]
)
def test_small_days_are_asked_for_together_and_large_ones_apart(bytes_a_day: float, requests: int) -> None:
    assert len(split(run_of(31), bytes_a_day=bytes_a_day)) == requests


def test_days_far_apart_do_not_cost_a_request_each() -> None:
    mondays = [START + timedelta(weeks=n) for n in range(13)]
    assert split(mondays) == [
        Window(date(2024, 1, 1), date(2024, 1, 29)),
        Window(date(2024, 1, 30), date(2024, 2, 27)),
        Window(date(2024, 2, 28), date(2024, 3, 25)),
    ]


def test_few_days_far_apart_are_asked_for_alone() -> None:
    days = [START, START + timedelta(days=10), START + timedelta(days=20), START + timedelta(days=30)]
    assert split(days) == [Window(day, day) for day in days]


@pytest.mark.parametrize(("bytes_a_day", "requests"), [(None, 5), (SMALL, 57)])
def test_mondays_of_years_with_few_requests_left(bytes_a_day: float | None, requests: int) -> None:
    mondays = [START + timedelta(weeks=n) for n in range(260)]
    windows = split(mondays, left=2, bytes_a_day=bytes_a_day)
    asked = [day for window in windows for day in days_of(window)]
    assert asked == [START + timedelta(days=n) for n in range(259 * 7 + 1)]
    assert len(windows) == requests


def test_years_in_between_are_not_asked_for_where_that_costs_more() -> None:
    leap_days = [date(year, 2, 29) for year in range(1996, 2025, 4)]
    assert split(leap_days) == [Window(day, day) for day in leap_days]


@given(st.integers(2, 100))
def test_halves_make_up_the_whole(days: int) -> None:
    window = Window(START, START + timedelta(days=days - 1))
    first, second = window.halves()
    assert days_of(first) + days_of(second) == days_of(window)
    assert abs(first.days - second.days) <= 1


WINDOWS = [Window(START + timedelta(days=n), START + timedelta(days=n)) for n in range(10)]


def test_results_come_in_order_with_a_few_under_way() -> None:
    async def run() -> tuple[list[Window], int]:
        running = most = 0

        async def fetch(window: Window) -> Window:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(2 + window.first.day % 3):
                await asyncio.sleep(0)
            running -= 1
            return window

        return [window async for window, _ in in_order(WINDOWS, fetch, PARALLEL)], most

    order, most = asyncio.run(run())
    assert order == WINDOWS
    assert most == PARALLEL


def test_nothing_further_is_begun_while_too_much_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SPOOLED", 1)
    running: list[Window] = []

    async def fetch(window: Window) -> Window:
        assert not running
        running.append(window)
        await asyncio.sleep(0)
        running.remove(window)
        return window

    async def run() -> list[Window]:
        with Spool(gzipped=False) as spooled:
            spooled.write(b"\n")
            return [window async for window, _ in in_order(WINDOWS, fetch, PARALLEL)]

    assert asyncio.run(run()) == WINDOWS


def test_an_early_end_cancels_and_discards() -> None:
    async def run() -> tuple[list[Window], list[Window]]:
        cancelled: list[Window] = []
        discarded: list[Window] = []

        async def fetch(window: Window) -> Window:
            try:
                if window is WINDOWS[2]:
                    await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(window)
                raise
            return window

        fetching = in_order(WINDOWS, fetch, PARALLEL, discarded.append)
        await anext(fetching)
        await asyncio.sleep(0)
        await fetching.aclose()  # type: ignore[attr-defined]
        return cancelled, discarded

    assert asyncio.run(run()) == ([WINDOWS[2]], WINDOWS[1:2])


def test_a_failure_is_raised_in_its_turn() -> None:
    async def run() -> list[Window]:
        async def fetch(window: Window) -> Window:
            if window is WINDOWS[2]:
                raise RuntimeError("no")
            return window

        seen: list[Window] = []
        with pytest.raises(RuntimeError, match="no"):
            async for window, _ in in_order(WINDOWS, fetch, PARALLEL):
                seen.append(window)
        return seen

    assert asyncio.run(run()) == WINDOWS[:2]
