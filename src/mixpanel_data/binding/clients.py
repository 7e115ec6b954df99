"""Which client answers for which account name. Clients are shared by the whole process, and so are connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from pydantic import SecretStr

from ..client import Client
from ..config import SANDBOX
from ..credentials import Credentials, resolve_credentials
from ..exceptions import ConfigError
from ..forks import in_a_forked_child

Account: TypeAlias = Credentials | Callable[[], Credentials] | str | None
"""Credentials, what gives them, or the name of an account."""


def client_for(account: Account) -> Client:
    """The client of these credentials, of the named account, or of the default one.

    Raises:
        ConfigError, AuthenticationError: there are no usable credentials.
    """
    return _client(credentials_for(account))


def credentials_for(account: Account) -> Credentials:
    """The credentials of an account, the sandbox among them; of ``MP_ACCOUNT`` where none is named.

    Raises:
        ConfigError, AuthenticationError: there are no usable credentials.
    """
    if isinstance(account, Credentials):
        return account
    if callable(account):
        return account()
    if not isinstance(account, str | None):
        raise ConfigError(f"an account is a name, Credentials, or a function that gives them, not {account!r}")
    account = account or os.environ.get("MP_ACCOUNT") or None
    return _sandbox_credentials() if account == SANDBOX else resolve_credentials(account)


@cache
def _client(credentials: Credentials) -> Client:
    return Client(credentials)


in_a_forked_child(_client.cache_clear)


def _sandbox_credentials() -> Credentials:
    from ..sandbox import shared  # noqa: PLC0415 - only who asks for the sandbox pays for it

    sandbox = shared()
    return Credentials(
        username=sandbox.username,
        secret=SecretStr(sandbox.secret),
        project_id=sandbox.project_id,
        account=SANDBOX,
        base_url=sandbox.url,
        timezone="UTC",
    )
