"""Nothing is refused by a server that enforces Mixpanel's limits, whoever asks it and from how many processes."""

from __future__ import annotations

import asyncio
import heapq
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from math import inf
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mixpanel_data.client import Api, Budget, Client, Endpoint, Progress, Reporter, journal, progress
from mixpanel_data.client.entry import BudgetKey, Entry
from mixpanel_data.client.journal import Journal, machine_journal
from mixpanel_data.client.limits import HOUR, LIMITS, MARGIN, Limits, Rate
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import MixpanelDataWarning, RateLimitError, StorageError
from tests.servers import json_answer, raw_server
from tests.shell import started
from tests.strict import strict_server

NAMES = Endpoint(Api.QUERY, "/events/names")
PAGE = Endpoint(Api.QUERY, "/engage", free_with="session_id")
KEY = BudgetKey("us", "7", Budget.QUERY)
ASK = """
import asyncio
from mixpanel_data import RateLimitError, resolve_credentials
from mixpanel_data.client import Api, Client, Endpoint, Reporter

async def ask():
    client, reporter = Client(resolve_credentials()), Reporter("test", waits=False)
    asked = (client.ask(Endpoint(Api.QUERY, "/events/names"), {}, reporter) for _ in range(70))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(answer == ["Seen"] or isinstance(answer, RateLimitError) for answer in answers), answers
    await client.close()

asyncio.run(ask())
"""


def ask(
    url: str,
    *,
    endpoint: Endpoint = NAMES,
    params: dict[str, str] | None = None,
    watcher: Callable[[Progress], None] | None = None,
    waits: bool = True,
) -> object:
    async def once() -> object:
        client = Client(Credentials(username="u", secret=SecretStr("s"), project_id="7", base_url=url))
        try:
            return await client.ask(endpoint, params or {}, Reporter("test", watcher, waits=waits))
        finally:
            await client.close()

    return asyncio.run(once())


def key_of(url: str, budget: Budget = Budget.QUERY) -> BudgetKey:
    return BudgetKey(url.removeprefix("http://"), "7", budget)


@pytest.mark.parametrize(("processes", "days"), [(1, 20), (3, 5)])
def test_exports_are_never_refused(
    processes: int, days: int, tmp_path: Path, point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_TIMEZONE", "UTC")
    with strict_server() as server:
        point_at(server.url)
        running = [
            started(
                "--path", str(tmp_path / f"{number}.db"), "fetch", "events", "--from", "2024-01-01",
                "--to", f"2024-01-{days:02}", "--resume", "--parallel", "20",
            )
            for number in range(processes)
        ]  # fmt: skip
        told = [process.communicate()[1] for process in running]
        assert [process.returncode for process in running] == [0] * processes, told
        assert (server.refused, server.arrived("export")) == (0, processes * days)


@pytest.mark.parametrize("processes", [1, 3])
def test_sixty_queries_an_hour_five_at_once_and_no_more(processes: int, point_at: Callable[..., None]) -> None:
    with strict_server() as server:
        point_at(server.url)
        running = [subprocess.Popen([sys.executable, "-c", ASK], env=os.environ) for _ in range(processes)]
        assert [process.wait() for process in running] == [0] * processes
        assert (server.refused, server.arrived("query")) == (0, 60)


class Planned(NamedTuple):
    """A request as it will go: seconds until it leaves, on its way, and until its answer is there."""

    opening: float
    late: float
    lasts: float
    fails: bool


PLANNED = st.builds(
    Planned,
    opening=st.sampled_from([0.0, 0.01, 0.4, 1.3]),
    late=st.sampled_from([0.0, MARGIN * 0.99]),
    lasts=st.sampled_from([0.0, 0.5, 3.0]),
    fails=st.sampled_from([False, False, False, True]),
)


def arrivals(requests: list[Planned], limits: Limits) -> list[tuple[float, float]]:
    """When each request arrives and ends, if all are asked for at once and each is begun as soon as it may."""
    found, clock, book = list[tuple[float, float]](), [1e9], Journal(None)
    events: list[tuple[float, int, Callable[[], None]]] = []

    def at(moment: float, do: Callable[[], None]) -> None:
        heapq.heappush(events, (moment, next(numbers), do))

    def leave(entry: Entry, one: Planned) -> None:
        if one.fails:
            entry.counts = False
            book.end(entry)
            return
        book.leave(entry)
        found.append((clock[0] + one.late, clock[0] + one.late + one.lasts))
        at(found[-1][1], partial(book.end, entry))

    numbers, waiting = count(), [(Entry(KEY, "x"), one) for one in requests]
    with patch.object(time, "time", lambda: clock[0]):
        while waiting or events:
            wait = book.begin(waiting[0][0], limits) if waiting else inf
            if wait:
                clock[0] = min([clock[0] + wait, *(moment for moment, _, _ in events)])
            else:
                at(clock[0] + waiting[0][1].opening, partial(leave, *waiting.pop(0)))
            while events and events[0][0] <= clock[0]:
                heapq.heappop(events)[2]()
    return found


@given(st.lists(PLANNED, max_size=12))
def test_no_window_holds_more_than_allowed(requests: list[Planned]) -> None:
    """However long connections take to open, and though some requests are on their way for MARGIN longer than others."""
    limits = Limits((Rate(3, 1.0), Rate(8, 4.0)), at_once=4)
    found = arrivals(requests, limits)
    assert len(found) == sum(not one.fails for one in requests)
    for rate in limits.rates:
        for first, _ in found:
            assert sum(first <= arrival < first + rate.seconds for arrival, _ in found) <= rate.requests
    for moment, _ in found:
        assert sum(arrival <= moment < end for arrival, end in found) <= 4


def test_what_has_not_left_keeps_others_from_leaving_with_it() -> None:
    book, limits, entries = Journal(None), Limits((Rate(2, HOUR),)), [Entry(KEY, "x") for _ in range(3)]
    assert [book.begin(entry, limits) for entry in entries] == [0, 0, journal.POLL]
    assert book.used(KEY, HOUR) == 2
    book.leave(entries[0])
    entries[1].counts = False
    book.end(entries[1])
    assert book.begin(entries[2], limits) == 0


def test_a_clock_that_was_set_back_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda _: json_answer(["a"])) as server:
        key, book, now = key_of(server.url), machine_journal(), time.time()
        monkeypatch.setattr(time, "time", lambda: now + 24 * HOUR)
        for _ in range(60):
            entry = Entry(key, "x")
            assert book.begin(entry, LIMITS[Budget.QUERY]) == 0
            book.leave(entry)
            book.end(entry)
        for _ in range(5):
            book.begin(Entry(key, "x"), Limits())
        book.correct(key, closed_for=1800)
        assert book.frees_in(key, LIMITS[Budget.QUERY]) > 0
        monkeypatch.setattr(time, "time", lambda: now)
        assert ask(server.url, waits=False) == ["a"]
        assert book.used(key, HOUR) == 1
        book.correct(key, closed_for=60)
        assert book.frees_in(key, Limits()) == pytest.approx(60), "what was closed then does not hide what is now"


def test_a_moment_just_ahead_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    book, now = Journal(None), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1)
    entry = Entry(KEY, "x")
    book.begin(entry, Limits())
    book.leave(entry)
    monkeypatch.setattr(time, "time", lambda: now)
    assert book.used(KEY, HOUR) == 1


def test_a_call_that_waits_outlasts_any_number_of_refusals() -> None:
    tries, told = count(), list[str]()

    def watch(seen: Progress) -> None:
        if seen.waiting:
            told.append(seen.waiting)

    with raw_server(lambda _: json_answer({}, "429 Slow") if next(tries) < 7 else json_answer(["a"])) as server:
        assert ask(server.url, watcher=watch) == ["a"]
        assert len(server.targets) == 8
    assert told[-1] == "waiting 0 s, then try 8: the request budget of project 7 in region us is spent"
    tries = count()
    with raw_server(lambda _: json_answer({}, "429 Slow")) as server:
        with pytest.raises(RateLimitError):
            ask(server.url, waits=False)
        assert len(server.targets) == 5, "one that does not wait gives up"


def test_refusals_do_not_use_up_the_tries_of_what_fails() -> None:
    statuses = ["429 Slow"] * 4 + ["500 Oops"] * 4
    with raw_server(lambda _: json_answer({}, statuses.pop()) if statuses else json_answer(["a"])) as server:
        assert ask(server.url) == ["a"]


def test_who_watches_nothing_is_warned_of_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHORT", 0.0)
    tries = count()
    with (
        raw_server(lambda _: json_answer(["a"]) if next(tries) else json_answer({}, "429 Slow")) as server,
        pytest.warns(MixpanelDataWarning, match="then try 2: the request budget of project 7"),
    ):
        ask(server.url)


def test_what_is_free_waits_as_long_as_a_refusal_says() -> None:
    tries, told = count(), list[str]()

    def watch(seen: Progress) -> None:
        if seen.waiting:
            told.append(seen.waiting)

    def reply(_: str) -> bytes:
        return json_answer(["a"]) if next(tries) else json_answer({}, "429 Slow", "Retry-After: 1\r\n")

    with raw_server(reply) as server:
        assert ask(server.url, endpoint=PAGE, params={"session_id": "x"}, watcher=watch) == ["a"]
    assert told[0].startswith("waiting 1 s, then try 2: ")


def test_a_journal_that_somebody_holds_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "BUSY", 0.1)
    monkeypatch.setenv("MP_STATE_PATH", str(tmp_path / "requests.db"))
    told = r"^another process holds .*requests\.db, which counts .*: end that process, or set MP_STATE_PATH to another file$"
    with raw_server(lambda _: json_answer(["a"])) as server:
        assert ask(server.url) == ["a"]
        with sqlite3.connect(tmp_path / "requests.db", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(2):
                with pytest.raises(StorageError, match=told):
                    ask(server.url)
                journal._journal_at.cache_clear()  # as another process would meet it
            other.execute("ROLLBACK")
        assert len(server.targets) == 1, "nothing is sent that cannot be counted"
        assert ask(server.url) == ["a"]


def test_an_answer_is_not_lost_for_want_of_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "BUSY", 0.1)
    monkeypatch.setenv("MP_STATE_PATH", str(tmp_path / "requests.db"))
    other = sqlite3.connect(tmp_path / "requests.db", isolation_level=None, check_same_thread=False)

    def reply(_: str) -> bytes:
        other.execute("BEGIN EXCLUSIVE")
        return json_answer(["a"])

    with raw_server(reply) as server, pytest.warns(MixpanelDataWarning, match="another process holds"):
        assert ask(server.url) == ["a"]
    other.close()
