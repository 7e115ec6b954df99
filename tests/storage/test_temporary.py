"""Ephemeral workspaces are gone when their work is over, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import mixpanel_data
from mixpanel_data import Workspace
from mixpanel_data.sandbox import Sandbox
from mixpanel_data.storage import temporary
from tests.shell import environment

FILL = """
import sys, mixpanel_data, os
with mixpanel_data.ephemeral() as ws:
    ws.fetch_events(from_date="2024-01-01", to_date="2024-01-02")
    print(ws.sql_scalar("SELECT count(*) FROM events"), flush=True)
    {then}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def sweep(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the next process does, a minute later."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(temporary, "GRACE_SECONDS", -1.0)
    temporary.sweep()


def filling(folder: Path, reach: dict[str, str], then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FILL.format(then=then)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(TMPDIR=str(folder), **reach),
    )  # fmt: skip


def test_gone_after_the_block(sandbox: Sandbox, folder: Path) -> None:
    with mixpanel_data.ephemeral("sandbox") as ws:
        ws.fetch_events(from_date="2024-01-01", to_date="2024-01-02")
        assert ws.sql_scalar("SELECT count(*) FROM events") > 0
        (place,) = folder.iterdir()
        assert place.stat().st_mode & 0o777 == 0o700
        assert (place / "workspace.db").exists()
        assert ws.info().path is None
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_gone_after_an_exception(sandbox: Sandbox, folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), Workspace.ephemeral("sandbox") as ws:
        ws.sql("CREATE TABLE t AS SELECT 1")
        assert list(folder.iterdir())
        1 / 0  # noqa: B018
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("then", ["sys.exit(3)", "os.kill(os.getpid(), 15)", "sys.stdin.read()"])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_gone_when_told_to_end(
    sandbox: Sandbox, folder: Path, reach: dict[str, str], then: str, ending: signal.Signals
) -> None:
    with filling(folder, reach, then) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        if then == "sys.stdin.read()":
            process.send_signal(ending)
        _, said = process.communicate(timeout=20)
    expected = {"sys.exit(3)": 3, "sys.stdin.read()": -ending}.get(then, -signal.SIGTERM)
    assert (process.returncode, said) == (expected, "")
    assert list(folder.iterdir()) == []


def test_gone_when_told_to_end_in_the_middle_of_a_query(sandbox: Sandbox, folder: Path, reach: dict[str, str]) -> None:
    long = "ws.sql_scalar('SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b')"
    with filling(folder, reach, long) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(
    sandbox: Sandbox, folder: Path, reach: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with filling(folder, reach, "sys.stdin.read()") as killed, filling(folder, reach, "sys.stdin.read()") as living:
        for process in (killed, living):
            assert process.stdout is not None
            process.stdout.readline()
        killed.kill()
        killed.wait()
        assert len(list(folder.iterdir())) == 2
        sweep(folder, monkeypatch)
        assert len(list(folder.iterdir())) == 1
        living.communicate("", timeout=20)
        assert living.returncode == 0
    assert list(folder.iterdir()) == []


def test_a_young_folder_may_still_be_without_its_lock(folder: Path) -> None:
    (folder / "mixpanel_data-new").mkdir()
    temporary.sweep()
    assert (folder / "mixpanel_data-new").exists()


def test_a_forked_child_removes_nothing(sandbox: Sandbox, folder: Path) -> None:
    with temporary.temporary_folder() as place:
        child = os.fork()
        if child == 0:
            temporary._remove_all()
            os._exit(0)
        os.waitpid(child, 0)
        assert place.exists()


def test_a_handler_of_the_users_own_is_left_alone(sandbox: Sandbox, folder: Path) -> None:
    def mine(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with temporary.temporary_folder():
            assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)
