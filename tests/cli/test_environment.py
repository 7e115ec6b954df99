"""Options of every command that a variable gives, and variables that Python reads too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpanel_data import Workspace, auth
from tests.cli.conftest import Run

Ok = Callable[..., str]
FETCH = ("fetch", "events", "january", "--from", "2024-01-01", "--to", "2024-01-01")


def test_an_ephemeral_database_by_a_variable(ok: Ok, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MP_EPHEMERAL", "1")
    ok("--account", "sandbox", *FETCH)
    assert not list(tmp_path.rglob("*.db"))
    monkeypatch.setenv("MP_EPHEMERAL", "no")
    ok("--account", "sandbox", *FETCH)
    assert list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize("behind", [True, False])
def test_what_is_written_wins_over_a_variable(behind: bool, ok: Ok, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_EPHEMERAL", "1")
    place = ("--path", "/somewhere/x.db")
    assert ok("db", "path", *place) == ok(*place, "db", "path") == "/somewhere/x.db\n"
    monkeypatch.setenv("MP_PATH", "/elsewhere/x.db")
    monkeypatch.delenv("MP_EPHEMERAL")
    assert ok("db", "path") == "/elsewhere/x.db\n"
    assert ok("db", "path", *place) == "/somewhere/x.db\n"


def test_an_account_by_a_variable_holds_everywhere(ok: Ok, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_ACCOUNT", "sandbox")
    assert json.loads(ok("inspect", "cohorts", "--fields", "id"))[0] == {"id": 1001}
    assert json.loads(ok("auth", "test"))["user"] == "sandbox@example.com"
    assert auth.test_account().success
    with Workspace(path=":memory:") as ws:
        assert ws.info().account == "sandbox"


def test_a_variable_that_makes_no_sense(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MP_EPHEMERAL", "perhaps"), ("MP_PROGRESS", "loud"), ("MP_WAIT", "long")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            done = run("db", "path", "--path", "x.db")
        assert (done.code, done.out) == (3, "")
        assert name in done.err
        assert done.err.count("\n") == 1


def test_every_variable_is_in_the_help(ok: Ok) -> None:
    told = ok("--help")
    for name in ("ACCOUNT", "PATH", "EPHEMERAL", "QUIET", "VERBOSE", "NO_WAIT", "WAIT", "PROGRESS"):
        assert f"MP_{name}" in told


def test_quiet_behind_the_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[accounts.a]\nusername="u"\nsecret="s"\nproject_id="5"\n')
    assert "can be read by others" in run("auth", "list").err
    assert run("auth", "list", "--quiet").err == ""
