"""Accounts: added, listed, chosen, tried and removed, in a file that nothing else is lost from."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from mixpanel_data import AccountInfo, auth
from mixpanel_data.credentials import account_credentials, resolve_credentials
from mixpanel_data.exceptions import (
    AccountExistsError,
    AccountNotFoundError,
    AuthenticationError,
    ConfigError,
    MixpanelDataWarning,
    TransportError,
)
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import json_answer, raw_server

SECRET = "v3ry-secret"
WRITTEN = """\
# written by hand
default = "staging"   # for now

[accounts.staging]
username = "reader"   # the old one
secret = "s"
project_id = "2"
color = "blue"

[tools.other]
key = [1, 2]
"""


@pytest.fixture
def path() -> Path:
    return Path(os.environ["MP_CONFIG_PATH"])


@pytest.fixture
def written(path: Path) -> Path:
    path.write_text(WRITTEN)
    path.chmod(0o600)
    return path


def add(name: str = "production", **more: object) -> None:
    auth.add_account(name, "reader", SECRET, "12345", **{"region": "eu", **more})


def test_an_account_that_was_added_is_used(path: Path) -> None:
    add(timezone="Asia/Tokyo", workspace_id=7)
    found = resolve_credentials("production")
    assert (found.username, found.secret.get_secret_value(), found.project_id) == ("reader", SECRET, "12345")
    assert (found.region, found.timezone, found.workspace_id) == ("eu", "Asia/Tokyo", 7)
    assert auth.get_account("production") == AccountInfo("production", "reader", "12345", "eu", is_default=True)


def test_the_first_one_is_the_default_until_another_is_chosen(path: Path) -> None:
    add("one")
    add("two")
    assert [(account.name, account.is_default) for account in auth.list_accounts()] == [("one", True), ("two", False)]
    auth.set_default("two")
    assert resolve_credentials().account == "two"
    auth.remove_account("two")
    assert [account.name for account in auth.list_accounts()] == ["one"]
    assert resolve_credentials().account == "one"  # the only one there is


def test_a_default_that_was_removed_is_none(path: Path) -> None:
    for name in ("one", "two", "three"):
        add(name)
    auth.remove_account("one")
    assert not any(account.is_default for account in auth.list_accounts())
    with pytest.raises(AuthenticationError, match="no Mixpanel credentials"):
        resolve_credentials()


def test_comments_and_other_keys_stay(written: Path) -> None:
    add()
    auth.set_default("production")
    auth.set_default("staging")
    auth.remove_account("production")
    assert written.read_text() == WRITTEN


def test_what_is_there_stays_when_another_comes(written: Path) -> None:
    add()
    text = written.read_text()
    for line in WRITTEN.splitlines():
        assert line in text
    assert [account.name for account in auth.list_accounts()] == ["staging", "production"]
    assert auth.get_account("staging").is_default


def test_only_the_owner_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "home" / ".mp" / "config.toml"
    monkeypatch.setenv("MP_CONFIG_PATH", str(path))
    add()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_a_file_that_others_can_read_is_told_and_closed_to_them(written: Path) -> None:
    written.chmod(0o644)
    with pytest.warns(MixpanelDataWarning, match="can be read by others: chmod 600"):
        add()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_symbolic_link_is_refused(tmp_path: Path, written: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    written.rename(target)
    written.symlink_to(target)
    for work in (add, auth.list_accounts, lambda: resolve_credentials("staging")):
        with pytest.raises(ConfigError, match="is a symbolic link: let MP_CONFIG_PATH name the file itself"):
            work()
    assert target.read_text() == WRITTEN


def test_a_file_that_cannot_be_written_stays_as_it_was(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(ConfigError, match=r"cannot write .*config.toml: No space left on device"):
        add()
    assert written.read_text() == WRITTEN
    assert [entry.name for entry in written.parent.iterdir()] == ["config.toml"]


def test_names_that_are_taken_or_unknown(path: Path) -> None:
    add()
    with pytest.raises(AccountExistsError, match=r"account 'production' is in .* already: remove it first"):
        add()
    for work in (auth.remove_account, auth.set_default, auth.get_account):
        with pytest.raises(AccountNotFoundError, match=r"no account 'prodution' in .*; did you mean 'production'"):
            work("prodution")


@pytest.mark.parametrize("name", ["sandbox", ""])
def test_names_that_no_account_can_have(path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        add(name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"project_id": "abc"}, "account 'x' cannot be used: project_id: must be a number such as 12345"),
        ({"region": "mars"}, "region: must be us, eu or in"),
        ({"secret": ""}, "secret: must not be empty"),
        ({"timezone": "Mars/North"}, "timezone: must be a time zone such as America/New_York"),
    ],
)
def test_values_that_cannot_be_used_are_not_written(path: Path, values: dict[str, str], message: str) -> None:
    good = {"name": "x", "username": "u", "secret": SECRET, "project_id": "1", "region": "us"}
    with pytest.raises(ConfigError) as caught:
        auth.add_account(**{**good, **values})
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)
    assert not path.exists()


@given(
    name=st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(lambda name: name != "sandbox"),
    secret=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
)
def test_any_name_and_any_secret(name: str, secret: str) -> None:
    path = Path(os.environ["MP_CONFIG_PATH"])
    path.unlink(missing_ok=True)
    auth.add_account(name, "u", secret, "1", "us")
    assert account_credentials(name).secret.get_secret_value() == secret
    assert [account.name for account in auth.list_accounts()] == [name]
    auth.remove_account(name)
    assert auth.list_accounts() == []


def test_the_secret_is_in_no_repr(path: Path) -> None:
    add()
    shown = repr(auth.list_accounts()) + repr(auth.get_account("production").to_dict()) + repr(resolve_credentials())
    assert SECRET not in shown


class Drawer(KeyringBackend):
    """A keyring of this test's own."""

    priority = 1  # type: ignore[assignment]
    secrets: dict[tuple[str, str], str]

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.secrets[service, username]


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before, drawer = keyring.get_keyring(), Drawer()
    drawer.secrets = {}
    keyring.set_keyring(drawer)
    yield drawer
    keyring.set_keyring(before)


def test_a_secret_in_the_keyring_is_not_in_the_file(path: Path, drawer: Drawer) -> None:
    add(in_keyring=True)
    assert SECRET not in path.read_text()
    assert drawer.secrets == {("mixpanel_data", "production"): SECRET}
    assert resolve_credentials("production").secret.get_secret_value() == SECRET
    auth.remove_account("production")
    assert drawer.secrets == {}


def test_a_name_that_is_taken_keeps_its_secret(path: Path, drawer: Drawer) -> None:
    add(in_keyring=True)
    with pytest.raises(AccountExistsError):
        auth.add_account("production", "other", "another secret", "1", "us", in_keyring=True)
    assert drawer.secrets == {("mixpanel_data", "production"): SECRET}


def test_a_keyring_without_the_secret(path: Path, drawer: Drawer) -> None:
    add(in_keyring=True)
    drawer.secrets.clear()
    with pytest.raises(ConfigError, match="the keyring has no secret for account 'production'"):
        resolve_credentials("production")


def test_without_the_keyring_library_its_name_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install 'mixpanel_data\[keyring\]'"):
        add(in_keyring=True)
    assert not path.exists()


@pytest.fixture
def own(sandbox: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An account of the file that reads the sandbox."""
    monkeypatch.setenv("MP_API_BASE_URL", sandbox.url)
    auth.add_account("own", sandbox.username, sandbox.secret, sandbox.project_id, "us")
    return sandbox


@pytest.mark.parametrize("name", ["own", None, "sandbox"])
def test_an_account_that_works(own: Sandbox, name: str | None) -> None:
    result = auth.test_account(name)
    assert (result.success, result.user, result.error) == (True, "sandbox@example.com", None)
    assert [request.path for request in own.requests] == ["/api/app/me"]


def test_a_named_account_is_tried_whatever_the_environment_says(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MP_USERNAME": "other", "MP_SECRET": "wrong", "MP_PROJECT_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    assert auth.test_account("own").success
    assert not auth.test_account().success


def test_an_account_that_does_not_work(own: Sandbox) -> None:
    auth.add_account("wrong", "reader", SECRET, "1", "us")
    result = auth.test_account("wrong")
    assert (result.success, result.user) == (False, None)
    assert "Mixpanel refused the credentials for project 1 in region us" in str(result.error)
    assert SECRET not in repr(result)


def test_an_account_that_does_not_exist(path: Path) -> None:
    result = auth.test_account("nobody")
    assert not result.success
    assert "no account 'nobody'" in str(result.error)


def test_credentials_for_another_project(own: Sandbox) -> None:
    auth.add_account("other", own.username, own.secret, "77", "us")
    result = auth.test_account("other")
    assert result.error == "the credentials are good, but not for project 77; they read: 1"


def test_an_account_that_may_not_be_told_who_it_is(own: Sandbox) -> None:
    own.faults.add(Fault(match="/me", status=403, body='{"status": "error", "error": "scope"}'))
    assert auth.test_account("own").user == "sandbox"


def test_the_region_is_found_by_trying(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three regions are the same address here; the third request is the third region's."""
    replies = [json_answer({"error": "no"}, "401 Unauthorized")] * 2
    me = json_answer({"status": "ok", "results": {"user_email": "a@b.c", "projects": {"12345": {}}}})
    with raw_server(lambda _: replies.pop() if replies else me) as server:
        monkeypatch.setenv("MP_API_BASE_URL", server.url)
        add(region=None)
    assert auth.get_account("production").region == "in"


def test_no_region_accepts_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda _: json_answer({"error": "no"}, "401 Unauthorized")) as server:
        monkeypatch.setenv("MP_API_BASE_URL", server.url)
        with pytest.raises(AuthenticationError, match=r"no region \(us, eu, in\) accepts these credentials"):
            add(region=None)
    assert not path.exists()


def test_mixpanel_cannot_be_reached(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(TransportError):
        add(region=None)
    assert not path.exists()


def test_a_command_line_never_needs_the_secret(path: Path) -> None:
    """From standard input, as the documentation shows."""
    script = "import sys; from mixpanel_data import auth; auth.add_account('a', 'u', sys.stdin.readline().strip(), '1', 'us')"
    subprocess.run([sys.executable, "-c", script], input=SECRET, text=True, check=True, env=os.environ)
    assert account_credentials("a").secret.get_secret_value() == SECRET


def test_no_frame_of_an_error_shows_a_secret(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tools print the variables of each frame of a traceback."""
    path.write_text(f'[accounts.a]\nusername="u"\nsecret="{SECRET}"\nproject_id="x"\n')
    path.chmod(0o600)
    failing: list[Callable[[], object]] = [
        lambda: resolve_credentials("a"),
        lambda: auth.add_account("b", "u", SECRET, "none", "us"),
        lambda: auth.add_account("sandbox", "u", SECRET, "1", "us"),
        lambda: resolve_from_environment(monkeypatch, MP_USERNAME="u", MP_SECRET=SECRET),
        lambda: resolve_from_environment(monkeypatch, MP_USERNAME="u", MP_SECRET=SECRET, MP_PROJECT_ID="none"),
        lambda: (path.write_text(path.read_text() + "x = [broken"), resolve_credentials("a")),
    ]
    for fail in failing:
        with pytest.raises(ConfigError) as failed:
            fail()
        assert SECRET not in "".join(variables_of(failed.value))


def resolve_from_environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    del variables["MP_SECRET"]
    monkeypatch.setenv("MP_SECRET", SECRET)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    resolve_credentials()


def variables_of(error: BaseException | None) -> Iterator[str]:
    """The variables of all frames of ours and below, behind the error and what it comes from."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield from map(repr, frame.f_locals.values())
        error = error.__cause__ or error.__context__
