"""Accounts: which Mixpanel projects this machine may read, kept in the configuration file.

>>> from mixpanel_data import auth
>>> auth.test_account("sandbox").success
True
"""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

import duckdb

from .binding import register
from .binding.clients import credentials_for
from .config import SANDBOX, Config, ConfigManager, Secret
from .credentials import (
    KEYRING,
    SERVICE,
    Credentials,
    Region,
    account_credentials,
    keyring,
    resolve_credentials,
    validated,
)
from .exceptions import AccessDeniedError, AuthenticationError, MixpanelDataError
from .types import AccountInfo, TestResult

__all__ = [
    "AccountInfo",
    "ConfigManager",
    "Credentials",
    "TestResult",
    "add_account",
    "get_account",
    "list_accounts",
    "remove_account",
    "resolve_credentials",
    "set_default",
    "test_account",
]
REGIONS: tuple[Region, ...] = get_args(Region)
ME = "SELECT value->>'$.results.user_email', json_keys(value->'$.results.projects') FROM mixpanel_get('/api/app/me')"


def list_accounts() -> list[AccountInfo]:
    """The accounts of the configuration file, without their secrets.

    In the shell: ``mp auth list``.

    Raises:
        ConfigError: the file cannot be used.

    Example:
        >>> from mixpanel_data import auth
        >>> [account.name for account in auth.list_accounts()]
        []
    """
    config = ConfigManager().read()
    return [_info(name, config) for name in config.accounts]


def get_account(name: str) -> AccountInfo:
    """One account of the configuration file, without its secret.

    In the shell: ``mp auth show``.

    Raises:
        AccountNotFoundError: the file has none of that name.

    Example:
        >>> from mixpanel_data import auth
        >>> auth.add_account("shop", "reader", "secret", "12345", "eu")
        >>> auth.get_account("shop").region
        'eu'
        >>> auth.remove_account("shop")
    """
    return _info(name, ConfigManager().read())


def add_account(
    name: str,
    username: str,
    secret: str,
    project_id: str,
    region: str | None = None,
    *,
    workspace_id: int | None = None,
    timezone: str | None = None,
    in_keyring: bool = False,
) -> None:
    """Adds an account to the configuration file, which only its owner can read; the first one becomes the default.

    In the shell: ``mp auth add``.

    Args:
        name: what to call it.
        username: of the service account.
        secret: of the service account. Not for a command line: read it from a prompt, a file or a keyring.
        project_id: the project it is to read.
        region: ``"us"``, ``"eu"`` or ``"in"``; found by asking Mixpanel in each of them unless given.
        workspace_id: the data view to read within.
        timezone: of a project that exports local time, such as ``"US/Pacific"``; ``"project"`` to ask Mixpanel.
        in_keyring: keep the secret in the system's keyring instead of the file (the extra ``keyring``).

    Raises:
        AccountExistsError: there is an account of that name.
        AuthenticationError: no region was given, and none accepts the credentials.
        ConfigError: a value cannot be used, or the file cannot be written.
        TransportError: no region was given, and Mixpanel cannot be reached.

    Example:
        >>> from mixpanel_data import auth
        >>> auth.add_account("shop", "reader", "secret", "12345", "eu")
        >>> auth.list_accounts()
        [AccountInfo(name='shop', username='reader', project_id='12345', region='eu', is_default=True)]
        >>> auth.remove_account("shop")
    """
    secret, config = Secret(secret), ConfigManager()
    config.refuse_taken(name)  # before anything is asked or kept
    given = {"username": username, "secret": secret, "project_id": project_id, "region": region or REGIONS[0],
             "workspace_id": workspace_id, "timezone": timezone}  # fmt: skip
    credentials = validated(given, f"account {name!r}", name)
    given["region"] = credentials.region if region else _region_of(credentials)
    given["project_id"] = credentials.project_id
    if in_keyring:
        keyring().set_password(SERVICE, name, given.pop("secret"))
        given["secret_in"] = KEYRING
    config.add(name, given)


def remove_account(name: str) -> None:
    """Takes an account out of the configuration file, and its secret out of the keyring.

    In the shell: ``mp auth remove``.

    Raises:
        AccountNotFoundError: there is no account of that name.

    Example:
        >>> from mixpanel_data import auth
        >>> auth.add_account("shop", "reader", "secret", "12345", "eu")
        >>> auth.remove_account("shop")
        >>> auth.list_accounts()
        []
    """
    config = ConfigManager()
    is_in_keyring = config.read().account(name).get("secret_in") == KEYRING
    config.remove(name)
    if is_in_keyring:
        with suppress(keyring().errors.KeyringError):
            keyring().delete_password(SERVICE, name)


def set_default(name: str) -> None:
    """Makes an account the one that is used where none is named.

    In the shell: ``mp auth switch``.

    Raises:
        AccountNotFoundError: there is no account of that name.

    Example:
        >>> from mixpanel_data import auth
        >>> auth.add_account("shop", "reader", "secret", "12345", "eu")
        >>> auth.add_account("test", "reader", "secret", "67890", "eu")
        >>> auth.set_default("test")
        >>> [account.name for account in auth.list_accounts() if account.is_default]
        ['test']
        >>> auth.remove_account("shop"), auth.remove_account("test")
        (None, None)
    """
    ConfigManager().set_default(name)


def test_account(name: str | None = None) -> TestResult:  # noqa: PT028 - no test
    """Asks Mixpanel whether an account's credentials work. Takes nothing from the request budget.

    In the shell: ``mp auth test``.

    Args:
        name: the account, ``"sandbox"`` among them; the environment's or the default one unless given.

    Example:
        >>> from mixpanel_data import auth
        >>> auth.test_account("sandbox")
        TestResult(success=True, user='sandbox@example.com', error=None)
    """
    try:
        return TestResult(True, user_of(name), None)
    except MixpanelDataError as error:
        return TestResult(False, None, str(error))


test_account.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test wherever it is imported


def user_of(name: str | None = None) -> str:
    """Who Mixpanel says that an account is: the named one, or the one that is used where none is named.

    Raises:
        AuthenticationError: Mixpanel does not accept the credentials, or not for the project.
        TransportError: Mixpanel cannot be reached.
    """
    # Of an account that is named, whatever the environment says.
    return _user(credentials_for(name or None) if not name or name == SANDBOX else account_credentials(name))


def _user(credentials: Credentials) -> str:
    """Who Mixpanel says we are.

    Raises:
        AuthenticationError: it does not accept the credentials, or not for the project.
    """
    with duckdb.connect() as con:
        registration = register(con, account=credentials, wait=False)
        try:
            ((email, projects),) = con.execute(ME).fetchall()
        except duckdb.Error as error:
            ours = registration.error_behind(error)
            if isinstance(ours, AccessDeniedError) and ours.details.get("status") == 403:
                return credentials.username  # good credentials, of an account that may not be told who it is
            raise ours or error from None
    if projects is not None and credentials.project_id not in projects:
        readable = ", ".join(projects) or "none"
        raise AuthenticationError(
            f"the credentials are good, but not for project {credentials.project_id}; they read: {readable}"
        )
    return email or credentials.username


def _region_of(credentials: Credentials) -> Region:
    """The region in which Mixpanel accepts the credentials: in any other they are refused as if they were wrong."""
    for region in REGIONS:
        with suppress(AuthenticationError):
            _user(credentials.model_copy(update={"region": region}))
            return region
    raise AuthenticationError(
        f"no region ({', '.join(REGIONS)}) accepts these credentials for project {credentials.project_id}: check "
        "username, secret and project_id; or give the region to add the account unchecked"
    )


def _info(name: str, config: Config) -> AccountInfo:
    values = config.account(name)
    username, project = str(values.get("username", "")), str(values.get("project_id", ""))
    return AccountInfo(name, username, project, str(values.get("region", "us")).lower(), name == config.default)
