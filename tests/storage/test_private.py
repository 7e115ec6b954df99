"""What we make is for its owner; what killed processes and full disks leave is removed."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mixpanel_data import Workspace, databases, exploring
from mixpanel_data.atomic import atomic_write
from mixpanel_data.storage.locks import fetch_lock, fetch_lock_file
from mixpanel_data.storage.vacuum import folder_beside

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}
KILLED = """
import os, signal, sys
from mixpanel_data import Workspace
from mixpanel_data.storage import vacuum
copy = vacuum._copy
def copy_and_die(*given):
    copy(*given)
    os.kill(os.getpid(), signal.SIGKILL)
vacuum._copy = copy_and_die
Workspace("sandbox", path=sys.argv[1]).vacuum()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def open_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_databases_and_notebooks_are_for_their_owner(tmp_path: Path) -> None:
    with Workspace("sandbox") as ws:
        ws.fetch_events(**DAY)
        own = ws.info().path
        notebooks = [exploring.write_notebook(ws, tmp_path / "n.ipynb"), exploring.write_marimo(ws, tmp_path / "n.py")]
    assert own is not None
    with Workspace("sandbox", path=tmp_path / "x.db") as ws:
        ws.sql("CREATE TABLE t AS SELECT 1")
    for file in (own, tmp_path / "x.db", databases.create_database("1", "test"), *notebooks):
        assert mode(file) == 0o600, file
    assert mode(own.parent) == 0o700
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    with Workspace("sandbox", path=file) as ws:
        ws.sql("CREATE TABLE t AS SELECT 1")
        file.chmod(0o644)
        ws.sql("CREATE TABLE u AS SELECT 1")
        notebook = exploring.write_notebook(ws, tmp_path / "n.ipynb")
        notebook.chmod(0o664)
        exploring.write_notebook(ws, notebook, replace=True)
    rows = tmp_path / "rows.csv"
    rows.touch(0o640)
    with atomic_write(rows) as part:
        part.write_text("a")
    assert [mode(path) for path in (file, notebook, rows)] == [0o644, 0o664, 0o640]


@pytest.mark.skipif(os.name == "nt", reason="nothing is killed like that on Windows")
@pytest.mark.parametrize("remover", ["fetch", "vacuum", "prune"])
def test_the_copy_of_a_killed_vacuum_is_removed(remover: str, tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    with Workspace("sandbox", path=file) as ws:
        ws.fetch_events(**DAY)
    assert subprocess.run([sys.executable, "-c", KILLED, str(file)], timeout=60, check=False).returncode < 0
    assert folder_beside(file).exists()
    with Workspace("sandbox", path=file) as ws:
        if remover == "fetch":
            ws.fetch_events("other", **DAY)
        elif remover == "vacuum":
            ws.vacuum()
        else:
            assert folder_beside(file) in databases.prune(path=file, dry_run=True)
            assert folder_beside(file) in databases.prune(path=file)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x.db"]
        assert ws.sql_scalar("SELECT count(*) FROM events") == 3885


def test_a_full_disk_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with fetch_lock(tmp_path / "x.db", wait=False):
            assert fetch_lock_file(tmp_path / "x.db").exists()
    assert not list(tmp_path.iterdir())
