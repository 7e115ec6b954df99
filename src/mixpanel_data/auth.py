"""Whose Mixpanel project to read: credentials from the environment or the configuration file.

The file is ``~/.mp/config.toml``, or what ``MP_CONFIG_PATH`` names::

    default = "production"

    [accounts.production]
    username = "reader.abc123.mp-service-account"
    secret = "…"
    project_id = "12345"
    region = "us"
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from .exceptions import AccountNotFoundError, AuthenticationError, ConfigError, MixpanelDataWarning

Region = Literal["us", "eu", "in"]
SANDBOX = "sandbox"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Credentials(BaseModel):
    """A service account and the project it reads. The secret never shows in a repr or a message."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    username: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    project_id: str = Field(pattern=r"^\d+$")
    region: Region = "us"
    workspace_id: int | None = None
    timezone: str | None = None
    """The zone of a project that exports local time, as those made before 2023 do; ``project`` to ask Mixpanel."""
    requests_per_hour: int | None = Field(default=None, gt=0)
    """For projects whose limits Mixpanel has raised."""
    account: str | None = None
    """The name in the configuration file; None when the environment gave the credentials."""
    base_url: str | None = None
    """Replaces Mixpanel's scheme and host (``MP_API_BASE_URL``)."""

    @field_validator("region", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value in (None, "project"):
            return value
        try:
            ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"must be a time zone such as America/New_York, or project: {value!r} is none") from None
        return value

    @field_validator("base_url")
    @classmethod
    def _secret_stays_private(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(value)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
            raise ValueError("must start with https:// (plain http only for 127.0.0.1 and localhost)")
        return value.rstrip("/")


def resolve_credentials(account: str | None = None) -> Credentials:
    """The credentials to use: the environment's, else the named account's, else the default account's.

    Raises:
        AccountNotFoundError: no account of that name is configured.
        AuthenticationError: there are no credentials at all.
        ConfigError: the file or a variable cannot be used.
    """
    from_environment = _environment_credentials()
    if from_environment is None:
        return _account_credentials(account)
    if account is not None:
        _say_if_different(account, from_environment)
    return from_environment


def config_path() -> Path:
    """Where the configuration file is, whether or not it exists."""
    return Path(os.environ.get("MP_CONFIG_PATH") or "~/.mp/config.toml").expanduser()


def _environment_credentials() -> Credentials | None:
    names = {"username": "MP_USERNAME", "secret": "MP_SECRET", "project_id": "MP_PROJECT_ID"}
    given = {field: value for field, name in names.items() if (value := os.environ.get(name))}
    if not {"username", "secret"} & given.keys():
        return None
    missing = [name for field, name in names.items() if field not in given]
    if missing:
        raise ConfigError(f"the environment gives only part of the credentials: set {', '.join(missing)} too")
    optional = {"region": "MP_REGION", "timezone": "MP_TIMEZONE", "workspace_id": "MP_WORKSPACE_ID"}
    more = {field: value for field, name in optional.items() if (value := os.environ.get(name))}
    return _credentials({**more, **given}, "the environment", None)


def _account_credentials(account: str | None) -> Credentials:
    path = config_path()
    config = _read_config(path)
    accounts: dict[str, Any] = config.get("accounts", {})
    name = account or config.get("default") or _only(accounts)
    if name is None:
        raise AuthenticationError(
            "no Mixpanel credentials: set MP_USERNAME, MP_SECRET and MP_PROJECT_ID, or add an account to "
            f"{path} (to try without any, use the account 'sandbox')"
        )
    if not isinstance(accounts.get(name), dict):
        raise AccountNotFoundError(_no_such_account(name, list(accounts), path), account=name)
    return _credentials(accounts[name], f"account {name!r} in {path}", name)


def _credentials(values: Mapping[str, Any], where: str, account: str | None) -> Credentials:
    fields = {**values, "account": account, "base_url": os.environ.get("MP_API_BASE_URL") or None}
    try:
        return Credentials.model_validate(fields)
    except ValidationError as error:
        # Only field names and rules: a pydantic message would repeat the input, which may be the secret.
        wrong = "; ".join(f"{e['loc'][0]}: {_rule(e['type'], e['msg'])}" for e in error.errors())
    raise ConfigError(f"{where} cannot be used: {wrong}")


def _rule(kind: str, message: str) -> str:
    plain = {
        "missing": "is missing",
        "string_pattern_mismatch": "must be a number such as 12345",
        "literal_error": "must be us, eu or in",
        "too_short": "must not be empty",
        "string_too_short": "must not be empty",
    }
    return plain.get(kind, message.removeprefix("Value error, "))


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {type(error).__name__}") from None
    if os.name == "posix" and mode & 0o077:
        warnings.warn(f"{path} can be read by others: chmod 600 {path}", MixpanelDataWarning, stacklevel=2)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _only(accounts: Mapping[str, Any]) -> str | None:
    return next(iter(accounts)) if len(accounts) == 1 else None


def _no_such_account(name: str, known: list[str], path: Path) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    return f"no account {name!r} in {path}; {hint}"


def _say_if_different(account: str, chosen: Credentials) -> None:
    try:
        named = _account_credentials(account)
    except ConfigError:
        named = None
    if named is None or (named.username, named.project_id) != (chosen.username, chosen.project_id):
        warnings.warn(
            f"MP_USERNAME, MP_SECRET and MP_PROJECT_ID win over account {account!r}: reading project "
            f"{chosen.project_id} (unset them to use the account)",
            MixpanelDataWarning,
            stacklevel=3,
        )
