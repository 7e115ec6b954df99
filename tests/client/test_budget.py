"""No more is asked than Mixpanel allows, whoever asks, and what is known of it can be seen."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from mixpanel_data.client import Api, Budget, Endpoint, Reporter
from mixpanel_data.client.budget import Budgets
from mixpanel_data.client.entry import BudgetKey, Entry
from mixpanel_data.client.journal import Journal, machine_journal
from mixpanel_data.client.limits import HOUR, LIMITS, MARGIN, Limits, Rate
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import IncompleteExportError, MixpanelDataWarning, RateLimitError

EXPORT = Endpoint(Api.EXPORT, "/export")
ENGAGE = Endpoint(Api.QUERY, "/engage", "POST", free_with="session_id")
KEY = BudgetKey("us", "7", Budget.EXPORT)


def budgets(project: str = "7", **more: object) -> Budgets:
    return Budgets(Credentials(username="u", secret=SecretStr("s"), project_id=project, **more))  # type: ignore[arg-type]


def ask(
    of: Budgets, endpoint: Endpoint = EXPORT, params: dict[str, object] | None = None, *, status: int = 200
) -> None:
    """One request that is answered with this status."""

    async def run() -> None:
        async with of.spend(endpoint, params or {}, 1, Reporter("x", waits=False)) as entry:
            entry.status = status
            if status != 200:
                raise Refused("no", status=status)

    with suppress(Refused):
        asyncio.run(run())


def sent(journal: Journal, limits: Limits, key: BudgetKey = KEY) -> float:
    """Seconds to wait; if there are none, a request has left."""
    entry = Entry(key, "x")
    wait = journal.begin(entry, limits)
    if not wait:
        journal.leave(entry)
    return wait


class Refused(RateLimitError):
    """Stands for any error an answer may lead to."""


def test_the_sixty_first_request_of_an_hour_has_to_wait() -> None:
    mine = budgets()
    for _ in range(60):
        ask(mine)
    assert mine.left(Budget.EXPORT) == 0
    with pytest.raises(
        RateLimitError, match=r"export budget of project 7 is spent \(60 of 60 requests in the last hour\)"
    ) as caught:
        ask(mine)
    assert caught.value.retry_after == pytest.approx(HOUR, abs=60)
    ask(budgets("8"))
    assert budgets("8").left(Budget.EXPORT) == 59, "another project has a budget of its own"


def test_a_raised_limit_is_configured_or_learned() -> None:
    assert budgets(requests_per_hour=400).left(Budget.EXPORT) == 400
    mine = budgets()
    refusal = RateLimitError(
        "no", status=429, policy='"project";q=400;w=3600, "project-concurrency";q=5;qu="concurrent-requests"'
    )
    mine.correct(KEY, refusal)
    assert mine.left(Budget.EXPORT) == 400


@pytest.mark.parametrize(
    ("retry_after", "limits", "closed"),
    [
        (1800.0, None, 1800.0),
        (None, '"project";r=0;t=1200, "project-concurrency";r=3', 1200.0),
        (None, '"project";r=12, "project-concurrency";r=0;t=10', 10.0),
        (None, '"project";r=12;t=99, "project-concurrency";r=3', 0.0),
        (None, '"project";r=0;t=1200, "project-concurrency";r=0;t=10', 1200.0),
        (0.0, '"project";r=0;t=1200', 0.0),
        (None, None, 0.0),
        (9e9, None, HOUR),
    ],
)
def test_a_refusal_closes_the_budget_for_everybody(
    retry_after: float | None, limits: str | None, closed: float
) -> None:
    budgets().correct(KEY, RateLimitError("no", retry_after=retry_after, status=429, limits=limits))
    assert budgets().frees_in(Budget.EXPORT) == pytest.approx(closed, abs=5)


@given(st.text(st.sampled_from('"project;rtqw=0123456789,. '), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header_is_survived(text: str) -> None:
    mine = budgets(project="9")
    mine.correct(mine.key(Budget.EXPORT), RateLimitError("no", status=429, limits=text, policy=text))
    assert 0 <= mine.frees_in(Budget.EXPORT) <= HOUR


@pytest.mark.parametrize(("status", "charged"), [(200, 1), (400, 1), (500, 1), (401, 0), (402, 0), (429, 0)])
def test_what_mixpanel_does_not_charge_for_is_not_counted(status: int, charged: int) -> None:
    mine = budgets()
    ask(mine, status=status)
    assert mine.used(Budget.EXPORT, HOUR) == charged


def test_only_the_first_page_of_profiles_is_charged() -> None:
    mine = budgets()
    ask(mine, ENGAGE, {"page": 0})
    ask(mine, ENGAGE, {"page": 1, "session_id": "abc"})
    ask(mine, ENGAGE, {"page": 2, "session_id": "abc"}, status=500)
    assert mine.used(Budget.QUERY, HOUR) == 1


def test_no_more_at_once_than_allowed() -> None:
    limits = Limits(at_once=2)
    journal = Journal(None)
    entries = [Entry(KEY, "x") for _ in range(3)]
    assert [journal.begin(entry, limits) > 0 for entry in entries] == [False, False, True]
    journal.end(entries[0])
    assert journal.begin(entries[2], limits) == 0


def test_three_a_second() -> None:
    limits = Limits((Rate(3, 1.0),))
    journal = Journal(None)
    waits = [sent(journal, limits) for _ in range(4)]
    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 1 + MARGIN


def make_files(together: Barrier, folder: Path) -> None:
    for number in range(60):
        together.wait()
        Journal(folder / f"{number}.db")


def test_many_can_make_the_file_at_the_same_time(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(4, timeout=30)
    running = [spawn.Process(target=make_files, args=(together, tmp_path)) for _ in range(4)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * 4


def test_two_processes_together_ask_no_more_than_one(tmp_path: Path) -> None:
    """Four processes grab all they can get out of a budget of sixty."""
    code = (
        "import sys; from pathlib import Path\n"
        "from mixpanel_data.client.entry import *; from mixpanel_data.client.journal import *; from mixpanel_data.client.limits import *\n"
        "journal, got = Journal(Path(sys.argv[1])), 0\n"
        "print('ready', flush=True); input()\n"
        "while not journal.begin(entry := Entry(BudgetKey('us', '7', Budget.EXPORT), 'x'), Limits((Rate(60, HOUR),))):\n"
        "    journal.leave(entry)\n"
        "    got += 1\n"
        "print(got)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "requests.db")]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert sum(int(process.communicate()[0]) for process in running) == 60


def test_what_a_killed_process_has_sent_still_counts_but_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from mixpanel_data.client.entry import *; from mixpanel_data.client.journal import *; from mixpanel_data.client.limits import *\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "entries = [Entry(BudgetKey('us', '7', Budget.QUERY), 'x') for _ in range(5)]\n"
        "for entry in entries: journal.begin(entry, LIMITS[Budget.QUERY])\n"
        "for entry in entries[1:]: journal.leave(entry)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    key = BudgetKey("us", "7", Budget.QUERY)
    journal = Journal(path)
    assert journal.used(key, HOUR) == 4
    assert journal.begin(Entry(key, "x"), LIMITS[Budget.QUERY]) == 0


def test_a_place_that_cannot_be_written_is_told_and_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MP_STATE_PATH", str(tmp_path / "file" / "requests.db"))
    with pytest.warns(MixpanelDataWarning, match="set MP_STATE_PATH to a file that can be written"):
        ask(budgets())
    assert budgets().used(Budget.EXPORT, HOUR) == 1


def test_only_the_owner_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_STATE_PATH", str(tmp_path / "new" / "requests.db"))
    ask(budgets())
    assert (tmp_path / "new" / "requests.db").stat().st_mode & 0o077 == 0


def test_a_long_wait_is_never_silent() -> None:
    async def wait() -> None:
        await asyncio.wait_for(Reporter("x").pause(125, "the export budget is spent"), 0.01)

    with (
        pytest.warns(MixpanelDataWarning, match=r"spent: waiting 2 min 5 s, until \d\d:\d\d:\d\d"),
        pytest.raises(TimeoutError),
    ):
        asyncio.run(wait())


def test_a_wait_counts_down(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr("mixpanel_data.client.progress.SHORT", 0.1)
    asyncio.run(Reporter("x", lambda progress: seen.append(progress.waiting)).pause(0.2, "spent"))
    assert seen[0] is not None
    assert seen[0].startswith("spent: 1 s left, until ")
    assert seen[-1] is None


def test_a_day_weighs_what_it_weighed() -> None:
    mine = budgets()
    assert mine.bytes_a_day() is None

    async def fetch(params: dict[str, object], size: int) -> None:
        async with mine.spend(EXPORT, params, 1, Reporter("x")) as entry:
            entry.status, entry.bytes = 200, size

    days = {"from_date": "2024-01-01", "to_date": "2024-01-10"}
    asyncio.run(fetch(days, 5000))
    asyncio.run(fetch({**days, "event": '["Purchase"]'}, 1))
    assert mine.bytes_a_day() == 500


def test_old_requests_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "requests.db"
    Journal(path).begin(Entry(KEY, "x"), Limits())
    later = time.time() + 91 * 24 * HOUR
    monkeypatch.setattr(time, "time", lambda: later)
    assert Journal(path).rows() == []


def test_requests_of_the_last_hour_are_counted_by_who_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = tmp_path / "requests.db", time.time()
    sent(Journal(path), Limits())
    monkeypatch.setattr(time, "time", lambda: now + HOUR - 60)
    assert Journal(path).used(KEY, HOUR) == 1
    monkeypatch.setattr(time, "time", lambda: now + HOUR + 60)
    assert Journal(path).used(KEY, HOUR) == 0
    assert len(Journal(path).rows()) == 1, "it can still be looked at"


def test_the_budget_frees_when_the_first_request_is_an_hour_old(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, journal, now = Limits((Rate(2, HOUR),)), Journal(None), time.time()
    for minutes, wait in ((0, 0), (10, 0), (20, 40), (61, 0), (62, 8), (71, 0)):
        monkeypatch.setattr(time, "time", lambda minutes=minutes: now + minutes * 60)
        assert journal.frees_in(KEY, limits) == pytest.approx(wait * 60, abs=MARGIN * 1.01)
        assert sent(journal, limits) == pytest.approx(wait * 60, abs=MARGIN * 1.01)


def test_a_request_that_never_ended_does_not_hold_its_place_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, journal, now = Limits(at_once=1), Journal(None), time.time()
    assert journal.begin(Entry(KEY, "x"), limits) == 0
    assert journal.begin(Entry(KEY, "x"), limits) > 0
    monkeypatch.setattr(time, "time", lambda: now + 3 * HOUR)
    assert journal.begin(Entry(KEY, "x"), limits) == 0


def test_what_is_free_needs_room_but_no_budget() -> None:
    journal = Journal(None)
    spent = Limits((Rate(1, HOUR),))
    assert journal.begin(Entry(KEY, "x"), spent) == 0
    assert journal.begin(Entry(KEY, "x"), spent) > 0
    assert journal.begin(Entry(KEY, "x", counts=False), spent) == 0
    assert journal.begin(Entry(KEY, "x", counts=False), Limits(at_once=2)) > 0
    assert journal.frees_in(KEY, Limits(at_once=2)) > 0


def test_what_was_not_charged_for_is_not_waited_for() -> None:
    mine = budgets()
    for _ in range(61):
        ask(mine, status=401)
    ask(mine)
    assert mine.left(Budget.EXPORT) == 59


def test_each_project_host_and_budget_is_counted_alone() -> None:
    journal, others = Journal(None), [BudgetKey("eu", "7", Budget.EXPORT), BudgetKey("us", "8", Budget.EXPORT)]
    journal.begin(Entry(KEY, "x"), Limits())
    journal.correct(KEY, hourly=3)
    for key in [*others, BudgetKey("us", "7", Budget.QUERY)]:
        assert (journal.used(key, HOUR), journal.hourly(key)) == (0, None)
    assert (journal.used(KEY, HOUR), journal.hourly(KEY)) == (1, 3)


def test_a_server_of_ones_own_has_a_budget_of_its_own() -> None:
    ask(budgets(base_url="http://127.0.0.1:1"))
    assert budgets().left(Budget.EXPORT) == 60
    assert budgets(base_url="http://127.0.0.1:1").left(Budget.EXPORT) == 59


def test_a_later_refusal_takes_nothing_back() -> None:
    mine = budgets()
    mine.correct(KEY, RateLimitError("no", status=429, retry_after=1800.0, policy='"project";q=400;w=3600'))
    mine.correct(KEY, RateLimitError("no", status=429, retry_after=1.0))
    assert mine.hourly(Budget.EXPORT) == 400
    assert mine.frees_in(Budget.EXPORT) == pytest.approx(1800, abs=60)
    mine.correct(KEY, RateLimitError("no", status=429, policy='"second";q=3;w=1, "project";q=40;w=3600'))
    assert mine.hourly(Budget.EXPORT) == 40


def test_what_mixpanel_says_is_believed_before_the_configuration() -> None:
    mine = budgets(requests_per_hour=400)
    mine.correct(KEY, RateLimitError("no", status=429, policy='"project";q=40;w=3600'))
    assert mine.left(Budget.EXPORT) == 40


def test_a_budget_that_was_found_spent_here_is_not_closed_for_longer() -> None:
    mine = budgets(requests_per_hour=1)
    ask(mine)
    with pytest.raises(RateLimitError):
        ask(mine)
    assert machine_journal().rows()[0][9] == 200, "the request that had to wait was never sent"
    assert budgets(requests_per_hour=2).frees_in(Budget.EXPORT) == 0


def test_a_body_that_was_given_up_does_not_tell_what_days_weigh() -> None:
    mine = budgets()
    days = {"from_date": "2024-01-01", "to_date": "2024-01-10"}

    async def fetch(size: int, status: int, error: BaseException | None) -> None:
        async with mine.spend(EXPORT, days, 1, Reporter("x")) as entry:
            entry.status, entry.bytes = status, size
            if error is not None:
                raise error

    for status, error in ((200, asyncio.CancelledError()), (200, IncompleteExportError("cut")), (204, None)):
        with suppress(asyncio.CancelledError, IncompleteExportError):
            asyncio.run(fetch(10, status, error))
    assert mine.bytes_a_day() is None
    assert [row[10] for row in machine_journal().rows()] == [None, "incomplete_export", "cancelled"]
    asyncio.run(fetch(5000, 200, None))
    assert mine.bytes_a_day() == 500


def test_what_has_no_hourly_limit_has_no_end() -> None:
    assert budgets().left(Budget.LEXICON) is None
    assert budgets().left(Budget.APP) is None


def test_what_could_not_be_noted_leaves_nothing_open() -> None:
    journal = Journal(None)
    entry = Entry(KEY, "x")
    journal.begin(entry, Limits())
    entry.rows = 2**64  # more than SQLite can keep
    with pytest.raises(OverflowError):
        journal.end(entry)
    assert journal.begin(Entry(KEY, "x"), Limits()) == 0
    assert journal.used(KEY, HOUR) == 2


def test_the_file_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MP_STATE_PATH", "~/here/requests.db")
    ask(budgets())
    assert len(Journal(tmp_path / "here" / "requests.db").rows()) == 1
