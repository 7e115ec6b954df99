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
from mixpanel_data.client.journal import Entry, Journal, Purse
from mixpanel_data.client.limits import HOUR, LIMITS, Limits, Rate
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import MixpanelDataWarning, RateLimitError

EXPORT = Endpoint(Api.EXPORT, "/export")
ENGAGE = Endpoint(Api.QUERY, "/engage", "POST", free_with="session_id")
PURSE = Purse("us", "7", Budget.EXPORT)


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
    mine.correct(PURSE, refusal)
    assert mine.left(Budget.EXPORT) == 400


@pytest.mark.parametrize(
    ("retry_after", "limits", "closed"),
    [
        (1800.0, None, 1800.0),
        (None, '"project";r=0;t=1200, "project-concurrency";r=3', 1200.0),
        (None, '"project";r=12, "project-concurrency";r=0;t=10', 10.0),
        (None, '"project";r=12;t=99, "project-concurrency";r=3', 0.0),
        (None, None, 0.0),
        (9e9, None, HOUR),
    ],
)
def test_a_refusal_closes_the_budget_for_everybody(
    retry_after: float | None, limits: str | None, closed: float
) -> None:
    budgets().correct(PURSE, RateLimitError("no", retry_after=retry_after, status=429, limits=limits))
    assert budgets().frees_in(Budget.EXPORT) == pytest.approx(closed, abs=5)


@given(st.text(st.sampled_from('"project;rtqw=0123456789,. '), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header_is_survived(text: str) -> None:
    mine = budgets(project="9")
    mine.correct(mine.purse(Budget.EXPORT), RateLimitError("no", status=429, limits=text, policy=text))
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
    assert mine.used(Budget.QUERY, HOUR) == 1


def test_no_more_at_once_than_allowed() -> None:
    limits = Limits(at_once=2)
    journal = Journal(None)
    entries = [Entry(PURSE, "x") for _ in range(3)]
    assert [journal.begin(entry, limits) > 0 for entry in entries] == [False, False, True]
    journal.end(entries[0])
    assert journal.begin(entries[2], limits) == 0


def test_three_a_second() -> None:
    limits = Limits((Rate(3, 1.0),))
    journal = Journal(None)
    waits = [journal.begin(Entry(PURSE, "x"), limits) for _ in range(4)]
    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 1


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
        "from mixpanel_data.client.journal import *; from mixpanel_data.client.limits import *\n"
        "journal, got = Journal(Path(sys.argv[1])), 0\n"
        "while not journal.begin(Entry(Purse('us', '7', Budget.EXPORT), 'x'), Limits((Rate(60, HOUR),))): got += 1\n"
        "print(got)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "requests.db")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert sum(int(process.communicate()[0]) for process in running) == 60


def test_what_a_killed_process_asked_still_counts_but_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from mixpanel_data.client.journal import *; from mixpanel_data.client.limits import *\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for _ in range(5): journal.begin(Entry(Purse('us', '7', Budget.QUERY), 'x'), LIMITS[Budget.QUERY])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    purse = Purse("us", "7", Budget.QUERY)
    journal = Journal(path)
    assert journal.used(purse, HOUR) == 5
    assert journal.begin(Entry(purse, "x"), LIMITS[Budget.QUERY]) == 0


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
    Journal(path).begin(Entry(PURSE, "x"), Limits())
    later = time.time() + 91 * 24 * HOUR
    monkeypatch.setattr(time, "time", lambda: later)
    assert Journal(path).rows() == []
