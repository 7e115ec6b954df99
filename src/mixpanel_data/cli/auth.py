"""``mp auth``: the accounts of the configuration file. A secret is typed unseen or piped in, and never shown."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from ..config import Secret
from ..exceptions import ArgumentError, AuthenticationError
from .command import command, group
from .settings import Settings

app = group("mp --account sandbox auth test", "Add, choose and test accounts.")
Name = Annotated[str, typer.Argument(help="The account.")]
MaybeName = Annotated[str | None, typer.Argument(help="The account; the one in use unless given.", show_default=False)]


@command(app, "list", "mp auth list", twin="auth.list_accounts")
def list_() -> Any:
    """The accounts, without their secrets."""
    from .. import auth  # noqa: PLC0415 - loads DuckDB

    return auth.list_accounts()


@command(
    app,
    "add",
    'printf %s "$SECRET" | mp auth add shop --username reader --project 12345 --region eu --secret-stdin',
    twin="auth.add_account",
)
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    username: Annotated[str | None, typer.Option(help="Of the service account.")] = None,
    project_id: Annotated[
        str | None, typer.Option("--project", "--project-id", help="The project it is to read.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="us, eu or in; found by asking Mixpanel unless given.")] = None,
    workspace_id: Annotated[int | None, typer.Option(help="The data view to read within.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of a project that exports local time, as US/Pacific; 'project' to ask Mixpanel.")
    ] = None,
    keyring: Annotated[bool, typer.Option("--keyring", help="Keep the secret in the system's keyring.")] = False,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")] = False,
) -> Any:
    """Add an account to the configuration file, which only its owner can read; the first one becomes the default.

    On a terminal it asks for what is not given, and for the secret.
    """
    from .. import auth  # noqa: PLC0415
    from ..config import ConfigManager  # noqa: PLC0415

    ConfigManager().refuse_taken(name)  # before anybody types a secret
    username = username or _asked("username", "reader")
    project_id = project_id or _asked("project", "12345")
    auth.add_account(
        name,
        username,
        _secret(secret_stdin),
        project_id,
        region,
        workspace_id=workspace_id,
        timezone=timezone,
        in_keyring=keyring,
    )
    return auth.get_account(name)


@command(app, "remove", "mp auth remove shop", twin="auth.remove_account")
def remove(name: Name) -> Any:
    """Take an account out of the configuration file, and its secret out of the keyring."""
    from .. import auth  # noqa: PLC0415

    auth.remove_account(name)
    return {"removed": name}


@command(app, "switch", "mp auth switch shop", twin="auth.set_default")
def switch(name: Name) -> Any:
    """Make an account the one that is used where none is named."""
    from .. import auth  # noqa: PLC0415

    auth.set_default(name)
    return auth.get_account(name)


@command(app, "show", "mp auth show shop", twin="auth.get_account")
def show(settings: Settings, name: MaybeName = None) -> Any:
    """One account, without its secret."""
    from .. import auth  # noqa: PLC0415
    from ..config import ConfigManager  # noqa: PLC0415

    chosen = name or settings.account or ConfigManager().read().default
    if chosen is None:
        raise AuthenticationError("no account is the default one: name one, or mp auth add NAME")
    return auth.get_account(chosen)


@command(app, "test", "mp --account sandbox auth test", twin="auth.test_account")
def try_(settings: Settings, name: MaybeName = None) -> Any:
    """Ask Mixpanel whether the credentials work; takes nothing from the request budget."""
    from .. import auth  # noqa: PLC0415

    return auth.TestResult(True, auth.user_of(name or settings.account), None)


def _asked(option: str, example: str) -> str:
    """What the person at the terminal answers.

    Raises:
        ArgumentError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise ArgumentError(f"add --{option}, as in --{option} {example}")
    return str(typer.prompt(option.capitalize(), err=True))


def _secret(from_stdin: bool) -> str:
    if from_stdin:
        return Secret(sys.stdin.read().strip())
    if not sys.stdin.isatty():
        raise ArgumentError("the secret is never an argument: pipe it in and add --secret-stdin")
    return str(typer.prompt("Secret", hide_input=True, err=True))
