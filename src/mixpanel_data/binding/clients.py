"""Which client answers for which account name. Clients are shared by the whole process, and so are connections."""

from __future__ import annotations

from functools import cache

from pydantic import SecretStr

from ..auth import SANDBOX, Credentials, resolve_credentials
from ..client import Client


def client_for(account: str | None) -> Client:
    """The client of the named account, or of the default one.

    Raises:
        ConfigError, AuthenticationError: there are no usable credentials.
    """
    return _client(_sandbox_credentials() if account == SANDBOX else resolve_credentials(account))


@cache
def _client(credentials: Credentials) -> Client:
    return Client(credentials)


def _sandbox_credentials() -> Credentials:
    from ..sandbox import shared  # noqa: PLC0415 - only who asks for the sandbox pays for it

    sandbox = shared()
    return Credentials(
        username=sandbox.username,
        secret=SecretStr(sandbox.secret),
        project_id=sandbox.project_id,
        account=SANDBOX,
        base_url=sandbox.url,
    )
