"""``mp auth``: accounts come and go, and their secrets are never seen."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpanel_data import auth, resolve_credentials
from tests.cli.conftest import Run
from tests.cli.terminal import on_a_terminal

Ok = Callable[..., str]
ADD = ("auth", "add", "shop", "--username", "reader", "--project-id", "12345", "--region", "eu")
SECRET = "s3cr3t-välue"


def test_an_account_from_first_to_last(ok: Ok, run: Run) -> None:
    added = json.loads(ok(*ADD, "--secret-stdin", stdin=f"{SECRET}\n"))
    assert added == {"name": "shop", "username": "reader", "project_id": "12345", "region": "eu", "is_default": True}
    assert resolve_credentials().secret.get_secret_value() == SECRET
    ok("auth", "add", "test", "--username", "u", "--project-id", "6", "--region", "us", "--secret-stdin", stdin="x")
    assert [account["name"] for account in json.loads(ok("auth", "list"))] == ["shop", "test"]
    assert json.loads(ok("auth", "switch", "test"))["is_default"]
    assert json.loads(ok("auth", "show"))["name"] == "test"
    assert json.loads(ok("auth", "show", "shop"))["region"] == "eu"
    assert json.loads(ok("--account", "shop", "auth", "show"))["name"] == "shop"
    assert json.loads(ok("auth", "remove", "shop")) == {"removed": "shop"}
    assert [account.name for account in auth.list_accounts()] == ["test"]


def test_no_way_shows_a_secret(ok: Ok, run: Run) -> None:
    ok(*ADD, "--secret-stdin", stdin=SECRET)
    for command in (["list"], ["show"], ["show", "shop"], ["switch", "shop"], ["test"], ["remove", "shop"]):
        for form in ("json", "table", "csv"):
            done = run("--verbose", "auth", *command, "--format", form)
            assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (ADD, 3, "the secret is never an argument: pipe it in and add --secret-stdin"),
        (("auth", "add", "shop"), 3, "add --username"),
        (("auth", "add", "shop", "--username", "u"), 3, "add --project, as in --project 12345"),
        (("auth", "add", "sandbox"), 2, "an account cannot be called 'sandbox'"),
        (("auth", "show"), 2, "no account is the default one"),
        (("auth", "show", "nope"), 2, "no account 'nope'"),
        (("auth", "switch", "nope"), 2, "no account 'nope'"),
        (("auth", "remove", "nope"), 2, "no account 'nope'"),
        (("auth", "test"), 2, "no Mixpanel credentials"),
    ],
)
def test_what_cannot_be(arguments: tuple[str, ...], code: int, said: str, run: Run) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_an_empty_secret_is_none(run: Run) -> None:
    done = run(*ADD, "--secret-stdin", stdin="\n")
    assert done.code == 2
    assert "secret: must not be empty" in done.err


def test_the_sandbox_passes(ok: Ok) -> None:
    assert json.loads(ok("--account", "sandbox", "auth", "test"))["success"]
    assert json.loads(ok("auth", "test", "sandbox"))["success"]


def test_a_terminal_is_asked_and_does_not_show_the_secret(tmp_path: Path) -> None:
    environment = {"MP_CONFIG_PATH": str(tmp_path / "config.toml")}
    code, shown = on_a_terminal(
        ["auth", "add", "shop", "--region", "eu"], environment, typed=["reader", "12345", SECRET]
    )
    assert code == 0, shown
    assert "Username: " in shown
    assert "Secret: " in shown
    assert SECRET not in shown
    assert auth.get_account("shop").project_id == "12345"
    assert resolve_credentials("shop").secret.get_secret_value() == SECRET


@pytest.mark.parametrize("option", ["--project", "--project-id"])
def test_a_project_by_either_name(option: str, ok: Ok) -> None:
    given = ("--username", "reader", option, "12345", "--region", "eu", "--secret-stdin")
    assert json.loads(ok("auth", "add", "shop", *given, stdin=SECRET))["project_id"] == "12345"


def test_mixpanel_that_cannot_be_reached_is_no_matter_of_credentials(
    ok: Ok, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(*ADD, "--secret-stdin", stdin=SECRET)
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MP_API_BASE_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        done = run("auth", "test")
    assert (done.code, done.out) == (1, "")
    assert "127.0.0.1" in done.err
    assert done.err.count("\n") == 1
