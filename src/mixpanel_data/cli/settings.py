"""What holds for every command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..exceptions import ArgumentError
from .output import Format
from .progress import Form

if TYPE_CHECKING:
    from ..client import Watcher
    from ..credentials import Credentials
    from ..workspace.workspace import Workspace


class Settings(NamedTuple):
    """The options that every command has, and of those that print rows, how."""

    account: str | None = None
    path: str | None = None
    ephemeral: bool = False
    quiet: bool = False
    verbose: bool = False
    no_wait: bool = False
    wait: float | None = None
    progress: Form | None = None
    format: Format | None = None
    fields: str | None = None
    jq: str | None = None
    max_rows: int | None = None

    def with_given(self, given: Mapping[str, Any]) -> Settings:
        """These, and those that are given nearer to the command; there is one place for the tables."""
        found = {name: value for name, value in given.items() if value is not None and value is not False}
        place = {"path": None, "ephemeral": False} if found.keys() & {"path", "ephemeral"} else {}
        return self._replace(**{**place, **found})

    @property
    def picked(self) -> list[str]:
        """The fields to print; none where all are."""
        return [name.strip() for name in (self.fields or "").split(",") if name.strip()]

    def patience(self, unless_given: float | None = None) -> bool | float:
        """How many seconds to wait for a database that another process holds; True for as long as it takes.

        Raises:
            ArgumentError: it is said twice.
        """
        if self.no_wait and self.wait is not None:
            raise ArgumentError("give only one of --wait and --no-wait")
        seconds = unless_given if self.wait is None else self.wait
        return not self.no_wait and (True if seconds is None else seconds)

    @contextmanager
    def workspace(self, watch: Watcher) -> Iterator[Workspace]:
        """The workspace to work in; credentials and functions are loaded when it first asks Mixpanel."""
        from ..workspace.workspace import Workspace  # noqa: PLC0415 - takes longer to load than --help to answer

        self.refuse_unknown_account()
        if self.ephemeral:
            with Workspace.ephemeral(self.account, wait=self.patience(), progress=watch) as workspace:
                yield workspace
            return
        with Workspace(
            lambda: credentials_of(self.account), path=self.path, wait=self.patience(), progress=watch
        ) as workspace:
            yield workspace

    def database_file(self) -> Path | None:
        """The database file; none where no project is known, and so tables are in memory."""
        from ..storage.file import storage_at  # noqa: PLC0415

        self.refuse_unknown_account()
        if self.path:
            return storage_at(self.path).path
        if self.ephemeral or not (self.account or os.environ.get("MP_USERNAME") or _has_default_account()):
            return None
        from ..storage.databases import current_database  # noqa: PLC0415

        return current_database(self.project_id())

    def project_id(self) -> str:
        """The project of the account; the sandbox need not be started to know its own."""
        from ..config import SANDBOX  # noqa: PLC0415

        if self.account != SANDBOX:
            return credentials_of(self.account).project_id
        from ..sandbox import PROJECT  # noqa: PLC0415

        return PROJECT

    def refuse_unknown_account(self) -> None:
        """Says early that there is no such account.

        Raises:
            AccountNotFoundError: the configuration has none of that name.
            ArgumentError: two places for the database are given.
        """
        if self.path == "":
            raise ArgumentError("--path is empty: name a database file, or leave it out")
        if self.path and self.ephemeral:
            raise ArgumentError("give only one of --path and --ephemeral")
        if self.account is None:
            return
        from ..config import SANDBOX, ConfigManager  # noqa: PLC0415 - who names no account need not wait for it

        if self.account != SANDBOX:
            ConfigManager().read().account(self.account)


def _has_default_account() -> bool:
    from ..config import ConfigManager, config_path  # noqa: PLC0415 - who gives a path need not wait for it

    return config_path().exists() and ConfigManager().read().default is not None


def credentials_of(account: str | None) -> Credentials:
    """The account's credentials, when they are needed."""
    from ..binding.clients import credentials_for  # noqa: PLC0415 - takes longer to load than --help to answer

    return credentials_for(account)
