"""Credentials: where they come from, what refuses them, and that the secret stays where it is."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from pydantic import SecretStr

from mixpanel_data.credentials import Credentials, resolve_credentials
from mixpanel_data.exceptions import (
    AccountNotFoundError,
    AuthenticationError,
    ConfigError,
    MixpanelDataWarning,
)
from tests.servers import json_answer, raw_server
from tests.shell import mp

CONFIG = """
default = "production"

[accounts.production]
username = "reader"
secret = "very-secret"
project_id = "12345"
region = "EU"

[accounts.staging]
username = "reader"
secret = "very-secret"
project_id = 67890
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


def set_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"MP_{name.upper()}", value)


def test_default_account_is_used_when_none_is_named(config: Path) -> None:
    found = resolve_credentials()
    assert (found.account, found.project_id, found.region) == ("production", "12345", "eu")


def test_named_account(config: Path) -> None:
    found = resolve_credentials("staging")
    assert (found.project_id, found.region) == ("67890", "us")


def test_only_account_needs_no_default(config: Path) -> None:
    config.write_text('[accounts.one]\nusername="u"\nsecret="s"\nproject_id="7"\n')
    assert resolve_credentials().account == "one"


def test_environment_wins_over_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="env", secret="x", project_id="9", region="in")
    found = resolve_credentials()
    assert (found.username, found.project_id, found.region, found.account) == ("env", "9", "in", None)


def test_what_else_the_environment_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="env", secret="x", project_id="9", timezone="Asia/Tokyo", workspace_id="11")
    found = resolve_credentials()
    assert (found.region, found.timezone, found.workspace_id) == ("us", "Asia/Tokyo", 11)


def test_environment_over_a_named_account_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="env", secret="x", project_id="9")
    with pytest.warns(MixpanelDataWarning, match="win over account 'staging': reading project 9"):
        resolve_credentials("staging")


def test_environment_equal_to_the_named_account_is_silent(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="reader", secret="other", project_id="67890")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_credentials("staging").project_id == "67890"


def test_partial_environment_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="env")
    with pytest.raises(ConfigError, match="set MP_SECRET, MP_PROJECT_ID too"):
        resolve_credentials()


def test_no_credentials_says_what_to_do() -> None:
    with pytest.raises(AuthenticationError, match="set MP_USERNAME, MP_SECRET and MP_PROJECT_ID, or add an account"):
        resolve_credentials()


def test_unknown_account_suggests_a_near_one(config: Path) -> None:
    with pytest.raises(AccountNotFoundError, match="did you mean 'staging'"):
        resolve_credentials("stagin")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('region = "mars"', "region: must be us, eu or in"),
        ('project_id = "abc"', "project_id: must be a number"),
        ('secret = ""', "secret: must not be empty"),
    ],
)
def test_bad_values_are_named_but_not_repeated(config: Path, line: str, message: str) -> None:
    values = {"username": '"u"', "secret": '"hush-hush"', "project_id": '"1"'}
    name, value = line.split(" = ")
    text = "".join(f"{key} = {val}\n" for key, val in {**values, name: value}.items())
    config.write_text(f"[accounts.a]\n{text}")
    with pytest.raises(ConfigError, match=message) as caught:
        resolve_credentials()
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_field(config: Path) -> None:
    config.write_text('[accounts.a]\nusername="u"\n')
    with pytest.raises(ConfigError, match="secret: is missing; project_id: is missing"):
        resolve_credentials()


def test_broken_toml(config: Path) -> None:
    config.write_text("[accounts")
    with pytest.raises(ConfigError, match="not valid TOML"):
        resolve_credentials()


def test_readable_by_others_is_warned_about(config: Path) -> None:
    config.chmod(0o644)
    with pytest.warns(MixpanelDataWarning, match="chmod 600"):
        resolve_credentials()


@pytest.mark.parametrize("url", ["http://example.com", "ftp://example.com", "http://127.0.0.1.evil.example"])
def test_plain_http_is_for_loopback_only(config: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MP_API_BASE_URL", url)
    with pytest.raises(ConfigError, match="MP_API_BASE_URL: must start with https://"):
        resolve_credentials()


@pytest.mark.parametrize("user", ["robot:hush-hush@", "hush-hush@", "robot:hush/hush@", "ro\u2100bot:hush-hush@"])
def test_an_address_with_a_user_is_refused_and_not_shown(user: str, tmp_path: Path) -> None:
    with raw_server(lambda _: json_answer(["a"])) as server:
        url = server.url.replace("//", f"//{user}")
        done = mp("inspect", "events", MP_API_BASE_URL=url, MP_USERNAME="u", MP_SECRET="s", MP_PROJECT_ID="1")
        assert (done.returncode, done.stdout, server.targets) == (2, "", [])
    assert done.stderr == (
        "mp: the environment cannot be used: MP_API_BASE_URL: must be an address without user and password "
        "(set MP_USERNAME and MP_SECRET)\n"
    )
    assert not any(b"hush" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    with pytest.raises(ValueError, match="without user and password") as caught:
        Credentials(username="u", secret=SecretStr("s"), project_id="1", base_url=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://[::1", "https://host:port"])
def test_an_address_that_is_none(config: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MP_API_BASE_URL", url)
    with pytest.raises(ConfigError, match=r"MP_API_BASE_URL: must be an address such as https://example\.com"):
        resolve_credentials()


def test_secret_is_in_no_repr(config: Path) -> None:
    found = resolve_credentials()
    assert "very-secret" not in repr(found) + str(found) + str(found.model_dump())
    assert found.secret.get_secret_value() == "very-secret"
