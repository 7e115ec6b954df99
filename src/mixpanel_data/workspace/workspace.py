"""The Workspace: a project of Mixpanel's and a DuckDB database, with methods that are SQL over the table functions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType

from ..binding.clients import Account, credentials_for
from ..client import Watcher
from ..credentials import Credentials, for_project
from ..exceptions import AccountNotFoundError, AuthenticationError, ConfigError
from ..types import TableInfo, WorkspaceInfo
from .about import About
from .api import MixpanelAPI
from .database import Database, no_credentials
from .discovery import Discovery
from .fetching import Fetching
from .housekeeping import Housekeeping
from .live import Live
from .storage.databases import current_database
from .storage.file import File, Storage, TemporaryFile, storage_at
from .storage.temporary import temporary_folder
from .watch import Watch


class Workspace(About, Discovery, Fetching, Live, Housekeeping):
    """A project of Mixpanel's, and a database for what is fetched from it.

    Args:
        account: a name from the configuration file, or ``"sandbox"``; the environment's or the default account
            unless given.
        project_id: another project of the same service account.
        region: another region than the account's.
        path: the DuckDB file; unless given the project's current one in ``~/.mixpanel_data`` (``MP_DATA_DIR`` moves the
            folder), which is ``<project_id>.db`` unless ``databases.switch_database`` said otherwise.
        wait: whether to wait for a request budget that is spent, and for a database that another process holds.
        progress: what fetches tell: a line on a terminal; False for none, or a function that is called with a
            :class:`Progress` at every step.

    Raises:
        AuthenticationError: there are no credentials.
        ConfigError: there is no such account, or it cannot be used.

    Example:
        >>> from mixpanel_data import Workspace
        >>> with Workspace("sandbox") as ws:
        ...     _ = ws.fetch_events("jan", from_date="2024-01-01", to_date="2024-01-02", replace=True)
        ...     ws.sql_scalar("SELECT count(*) FROM jan")
        7873
    """

    def __init__(
        self,
        account: Account = None,
        project_id: str | None = None,
        region: str | None = None,
        path: str | Path | Storage | None = None,
        *,
        wait: bool = True,
        progress: bool | Watcher = True,
    ) -> None:
        self._account = cache(lambda: _credentials(account, project_id, region))
        if not callable(account):
            self._account()  # who names an account learns at once that it cannot be used
        if not isinstance(path, Storage):
            path = storage_at(path) if path else File(current_database(self._account().project_id))
        self._begun = datetime.now(UTC)
        self._busy = threading.Lock()
        self._watch = Watch(progress)
        self._database = Database(path, self._account, wait=wait, watch=self._watch)

    @classmethod
    @contextmanager
    def ephemeral(
        cls,
        account: str | None = None,
        project_id: str | None = None,
        region: str | None = None,
        *,
        wait: bool = True,
        progress: bool | Watcher = True,
    ) -> Iterator[Workspace]:
        """A workspace whose database is gone when the block ends, however it ends.

        It is a file in the folder for temporary files, so it may be larger than memory.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.ephemeral("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-02")
            ...     ws.sql_scalar("SELECT count(*) FROM events")
            7873
        """
        with temporary_folder() as folder:
            storage = TemporaryFile(folder / "workspace.db")
            with cls(account, project_id, region, storage, wait=wait, progress=progress) as workspace:
                yield workspace

    @classmethod
    def memory(
        cls,
        account: str | None = None,
        project_id: str | None = None,
        region: str | None = None,
        *,
        wait: bool = True,
        progress: bool | Watcher = True,
    ) -> Workspace:
        """A workspace whose tables are in memory, and end with it.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     len(ws.cohorts())
            3
        """
        return cls(account, project_id, region, Storage(), wait=wait, progress=progress)

    @classmethod
    def lazily(
        cls, account: str | None, path: str | Path | None, *, wait: bool = True, progress: bool | Watcher = True
    ) -> Workspace:
        """A workspace for a command: the functions are loaded, and where a path is given the credentials looked for,
        when Mixpanel is first to be asked. One that only looks at the local tables needs neither.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.lazily("sandbox", "shop.duckdb") as ws:
            ...     ws.sql_scalar("SELECT 40 + 2")
            42
        """
        return cls(lambda: credentials_for(account), path=path, wait=wait, progress=progress)

    @classmethod
    def open(cls, path: str | Path, *, wait: bool = True) -> Workspace:
        """A workspace for a database that is there, without credentials: Mixpanel cannot be asked.

        Raises:
            FileNotFoundError: there is no such file.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace("sandbox", path="shop.duckdb") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-02", replace=True)
            >>> with Workspace.open("shop.duckdb") as ws:
            ...     ws.sql_scalar("SELECT count(*) FROM events")
            7873
        """
        storage = storage_at(path)
        if storage.path is None or not storage.exists():
            raise FileNotFoundError(f"there is no database {path}: Workspace(path={str(path)!r}) makes one")
        return cls(no_credentials, path=storage, wait=wait)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        credentials = self._credentials()
        project = credentials.project_id if credentials else "without credentials"
        return f"<Workspace {project} in {self._database.path or 'memory'}>"

    @property
    def api(self) -> MixpanelAPI:
        """Mixpanel's endpoints as they are, for what no method covers.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     len(ws.api.get("/api/query/events/top", {"type": "general", "limit": 2})["events"])
            2
        """
        return MixpanelAPI(self._answer)

    def info(self) -> WorkspaceInfo:
        """The workspace at a glance.

        In the shell: ``mp inspect info`` and ``mp db size``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.info().account
            'sandbox'
        """
        credentials, file, tables = self._credentials(), self._database.path, self.tables()
        size, created = 0, self._begun
        if file is not None and file.exists():
            size, created = file.stat().st_size, _made_at(file, tables)
        return WorkspaceInfo(
            path=None if self._database.storage.is_private else file,
            project_id=credentials.project_id if credentials else None,
            region=credentials.region if credentials else None,
            account=credentials.account if credentials else None,
            tables=[table.name for table in tables],
            size_mb=round(size / 1e6, 3),
            created_at=created,
        )

    def _credentials(self) -> Credentials | None:
        try:
            return self._account()
        except (AuthenticationError, ConfigError):
            return None


ephemeral = Workspace.ephemeral


def _made_at(file: Path, tables: list[TableInfo]) -> datetime:
    """When the database was made, as far as can be told: not every system remembers it of a file."""
    fetched = [table.fetched_at for table in tables if table.fetched_at]
    return min([datetime.fromtimestamp(file.stat().st_ctime, UTC), *fetched])


def _credentials(account: Account, project_id: str | None, region: str | None) -> Credentials:
    try:
        return for_project(credentials_for(account), project_id, region)
    except AccountNotFoundError as error:
        if isinstance(account, str) and Path(account).suffix in {".db", ".duckdb"}:
            raise AccountNotFoundError(f"{error}; for a database file write Workspace(path={account!r})") from None
        raise
