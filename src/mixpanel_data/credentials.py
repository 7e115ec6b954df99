"""Whose Mixpanel project to read: credentials from the environment or the configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from .config import ConfigManager, Secret
from .exceptions import AuthenticationError, ConfigError, warn

Region = Literal["us", "eu", "in"]
SERVICE = "mixpanel_data"
"""What secrets are filed under in a keyring."""
KEYRING = "keyring"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Credentials(BaseModel):
    """A service account and the project it reads. The secret never shows in a repr or a message."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True, hide_input_in_errors=True)

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
        if "@" in value:
            raise ValueError("must be an address without user and password (set MP_USERNAME and MP_SECRET)")
        try:
            url = urlsplit(value)
            _ = url.port
        except ValueError:
            raise ValueError("must be an address such as https://example.com") from None
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
            raise ValueError("must start with https:// (plain http only for 127.0.0.1 and localhost)")
        return value.rstrip("/")


def resolve_credentials(account: str | None = None) -> Credentials:
    """The credentials to use: the environment's, else the named account's, else the default account's.

    Example:
        >>> from mixpanel_data import auth, resolve_credentials
        >>> auth.add_account("shop", "reader", "secret", "12345", "eu")
        >>> resolve_credentials("shop").secret
        SecretStr('**********')
        >>> auth.remove_account("shop")

    Raises:
        AccountNotFoundError: no account of that name is configured.
        AuthenticationError: there are no credentials at all.
        ConfigError: the file or a variable cannot be used.
    """
    from_environment = _environment_credentials()
    if from_environment is None:
        return account_credentials(account)
    if account is not None:
        _say_if_different(account, from_environment)
    return from_environment


def _environment_credentials() -> Credentials | None:
    names = {"username": "MP_USERNAME", "secret": "MP_SECRET", "project_id": "MP_PROJECT_ID"}
    given = {field: Secret(value) for field, name in names.items() if (value := os.environ.get(name))}
    if not {"username", "secret"} & given.keys():
        return None
    missing = [name for field, name in names.items() if field not in given]
    if missing:
        raise ConfigError(f"the environment gives only part of the credentials: set {', '.join(missing)} too")
    optional = {"region": "MP_REGION", "timezone": "MP_TIMEZONE", "workspace_id": "MP_WORKSPACE_ID"}
    more = {field: value for field, name in optional.items() if (value := os.environ.get(name))}
    return validated({**more, **given}, "the environment", None)


def account_credentials(name: str | None = None) -> Credentials:
    """The credentials of an account in the configuration file, whatever the environment says; of the default one
    unless named.

    Raises:
        AccountNotFoundError: no account of that name is configured.
        AuthenticationError: no account is named, and none is the default one.
        ConfigError: the file cannot be used.
    """
    config = ConfigManager().read()
    name = name or config.default
    if name is None:
        raise AuthenticationError(
            "no Mixpanel credentials: set MP_USERNAME, MP_SECRET and MP_PROJECT_ID, or add an account to "
            f"{config.path} (to try without any, use the account 'sandbox')"
        )
    values = config.account(name)
    if values.get("secret_in") == KEYRING:
        values = {**values, "secret": secret_in_keyring(name)}
    return validated(values, f"account {name!r} in {config.path}", name)


def for_project(credentials: Credentials, project_id: str | None, region: str | None) -> Credentials:
    """The same service account for another project, or in another region.

    What the account says of its own project, its data view and its time zone, does not hold for another one.

    Raises:
        ConfigError: there is no such region, or the project is no number.
    """
    given = {name: value for name, value in (("project_id", project_id), ("region", region)) if value is not None}
    moved = project_id is not None and str(project_id) != credentials.project_id
    values = {**credentials.model_dump(), **given, **({"workspace_id": None, "timezone": None} if moved else {})}
    return validated(values, "the workspace", credentials.account, base_url=credentials.base_url)


def secret_in_keyring(name: str) -> str:
    """The account's secret, from the system's keyring.

    Raises:
        ConfigError: there is no keyring, or no such secret in it.
    """
    secret = keyring().get_password(SERVICE, name)
    if secret is None:
        raise ConfigError(f"the keyring has no secret for account {name!r}: remove the account and add it again")
    return Secret(secret)


def keyring() -> Any:
    """The keyring library, which is an extra of this package."""
    try:
        import keyring  # noqa: PLC0415 - only who uses it pays for it
    except ImportError:
        raise ConfigError("secrets in a keyring need one more package: pip install 'mixpanel_data[keyring]'") from None
    return keyring


def validated(values: Mapping[str, Any], where: str, account: str | None, base_url: str | None = None) -> Credentials:
    """These values as credentials.

    Raises:
        ConfigError: they are not complete, or wrong.
    """
    fields = {**values, "account": account, "base_url": base_url or os.environ.get("MP_API_BASE_URL") or None}
    try:
        return Credentials.model_validate(fields)
    except ValidationError as error:
        # Only field names and rules: a pydantic message would repeat the input, which may be the secret.
        wrong = "; ".join(f"{_name(e['loc'][0])}: {_rule(e['type'], e['msg'])}" for e in error.errors())
    raise ConfigError(f"{where} cannot be used: {wrong}")


def _name(field: int | str) -> int | str:
    return "MP_API_BASE_URL" if field == "base_url" else field


def _rule(kind: str, message: str) -> str:
    plain = {
        "missing": "is missing",
        "string_pattern_mismatch": "must be a number such as 12345",
        "literal_error": "must be us, eu or in",
        "too_short": "must not be empty",
        "string_too_short": "must not be empty",
    }
    return plain.get(kind, message.removeprefix("Value error, "))


def _say_if_different(account: str, chosen: Credentials) -> None:
    try:
        named = account_credentials(account)
    except ConfigError:
        named = None
    if named is None or (named.username, named.project_id) != (chosen.username, chosen.project_id):
        warn(
            f"MP_USERNAME, MP_SECRET and MP_PROJECT_ID win over account {account!r}: reading project "
            f"{chosen.project_id} (unset them to use the account)",
            stacklevel=3,
        )
