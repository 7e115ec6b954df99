"""The Workspace: a project of Mixpanel's and a DuckDB database, with methods that are SQL over the table functions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType

import duckdb

from ..binding.clients import Account, credentials_for
from ..client import Watcher
from ..credentials import Credentials, for_project
from ..display import Watch
from ..engine.database import Database, no_credentials
from ..exceptions import AccountNotFoundError, AuthenticationError, ConfigError
from ..questions import counts, insights, reports
from ..storage.databases import current_database
from ..storage.file import File, Memory, Storage, TemporaryFile, storage_at
from ..storage.temporary import temporary_folder
from ..types import TableInfo, WorkspaceInfo
from . import about, contents, discovery, fetch, files, queries
from . import stream as streams
from . import tables as local
from .api import MixpanelAPI
from .forward import forward
from .session import Session


class Workspace:
    """A project of Mixpanel's, and a database for what is fetched from it.

    Days are inclusive, in the project's time zone: ``2024-01-31``, ``today``, ``yesterday``, ``7d`` (seven days ago) or
    a date. ``where`` is a filter expression of Mixpanel's; ``on`` a property's name or an expression. Of a local table
    that is not there every method raises TableNotFoundError, of what Mixpanel does not have NotFoundError.

    In the examples of the methods ``ws`` is ``Workspace.memory("sandbox")``.

    Args:
        account: a name from the configuration file, or ``"sandbox"``; or credentials, or a function that gives them
            when Mixpanel is first to be asked. The environment's or the default account unless given.
        project_id: another project of the same service account.
        region: another region than the account's.
        path: the DuckDB file, or ``":memory:"``; unless given the project's current one in ``~/.mixpanel_data``
            (``MP_DATA_DIR`` moves the folder), which is ``<project_id>.db`` unless ``databases.switch_database`` said
            otherwise.
        wait: whether to wait for a request budget that is spent, and for a database that another process holds; or how
            many seconds to wait for the database.
        progress: what fetches tell: a line; False for none, or a function called with a :class:`Progress` each time.

    Raises:
        AuthenticationError: there are no credentials.
        ConfigError: there is no such account, or it cannot be used.

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
        wait: bool | float = True,
        progress: bool | Watcher = True,
    ) -> None:
        self._credentials = cache(lambda: _resolve(account, project_id, region))
        if not callable(account):
            self._credentials()  # who names an account learns at once that it cannot be used
        if not isinstance(path, Storage):
            path = storage_at(path) if path else File(current_database(self._credentials().project_id))
        watch = Watch(progress)
        self._session = Session(Database(path, self._credentials, wait=wait, watch=watch, finds_frames=True), watch)
        self._begun = datetime.now(UTC)

    @classmethod
    @contextmanager
    def ephemeral(
        cls,
        account: Account = None,
        project_id: str | None = None,
        region: str | None = None,
        *,
        wait: bool | float = True,
        progress: bool | Watcher = True,
    ) -> Iterator[Workspace]:
        """A workspace whose database is gone when the block ends, however it ends.

        It is a file in the folder for temporary files, so it may be larger than memory.

        >>> with Workspace.ephemeral("sandbox") as ws:
        ...     ws.fetch_events(from_date="2024-01-01", to_date="2024-01-02").rows
        7873
        """
        with temporary_folder() as folder:
            storage = TemporaryFile(folder / "workspace.db")
            with cls(account, project_id, region, storage, wait=wait, progress=progress) as workspace:
                yield workspace

    @classmethod
    def memory(
        cls,
        account: Account = None,
        project_id: str | None = None,
        region: str | None = None,
        *,
        wait: bool | float = True,
        progress: bool | Watcher = True,
    ) -> Workspace:
        """A workspace whose tables are in memory, and end with it.

        >>> with Workspace.memory("sandbox") as ws:
        ...     len(ws.cohorts())
        3
        """
        return cls(account, project_id, region, Memory(), wait=wait, progress=progress)

    @classmethod
    def open(cls, path: str | Path, *, wait: bool | float = True) -> Workspace:
        """A workspace for a database that is there, without credentials: Mixpanel cannot be asked.

        Raises:
            FileNotFoundError: there is no such file.

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
        credentials = self._known_credentials()
        project = credentials.project_id if credentials else "without credentials"
        return f"<Workspace {project} in {self._session.database.path or 'memory'}>"

    def close(self) -> None:
        """Closes the database. Harmless if it is closed already.

        >>> ws.close()
        """
        self._session.database.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection, with the functions registered; yours to use.

        From the first time it is asked for, the database file stays open, and closed to other processes, until the
        workspace is closed.

        >>> ws.connection.execute("SELECT 40 + 2").fetchall()
        [(42,)]
        """
        self._session.database.all_names()
        return self._session.database.keep_attached()

    @property
    def last_sql(self) -> str | None:
        """The SQL that the last method ran, with its values written in: paste it into any DuckDB with the functions.

        >>> _ = ws.properties("Purchase")
        >>> print(ws.last_sql)
        SELECT property_name FROM mixpanel.properties(event := 'Purchase') ORDER BY property_name
        """
        return self._session.last_sql

    @property
    def api(self) -> MixpanelAPI:
        """Mixpanel's endpoints as they are, for what no method covers.

        >>> len(ws.api.get("/api/query/events/top", {"type": "general", "limit": 2})["events"])
        2
        """
        return MixpanelAPI(self._session)

    def info(self) -> WorkspaceInfo:
        """The workspace at a glance. In the shell: ``mp inspect info`` and ``mp db size``.

        >>> ws.info().account
        'sandbox'
        """
        credentials, storage, known = self._known_credentials(), self._session.database.storage, self.tables()
        size, created = 0, self._begun
        if storage.path is not None and storage.exists():
            size, created = storage.path.stat().st_size, _created_at(storage.path, known)
        return WorkspaceInfo(
            path=None if storage.is_private else storage.path,
            project_id=credentials.project_id if credentials else None,
            region=credentials.region if credentials else None,
            account=credentials.account if credentials else None,
            tables=[table.name for table in known],
            size_mb=round(size / 1e6, 3),
            created_at=created,
        )

    def _known_credentials(self) -> Credentials | None:
        try:
            return self._credentials()
        except (AuthenticationError, ConfigError):
            return None

    sql = forward(queries.sql)
    sql_rows = forward(queries.sql_rows)
    sql_scalar = forward(queries.sql_scalar)
    arrow = forward(queries.arrow)
    stream = forward(queries.stream)
    sql_of = forward(queries.sql_of)

    events = list_events = forward(discovery.events)
    properties = list_properties = forward(discovery.properties)
    property_values = forward(discovery.property_values)
    funnels = list_funnels = forward(discovery.funnels)
    cohorts = list_cohorts = forward(discovery.cohorts)
    bookmarks = list_bookmarks = forward(discovery.bookmarks)
    schemas = forward(discovery.schemas)
    top_events = forward(discovery.top_events)
    annotations = forward(discovery.annotations)
    projects = forward(discovery.projects)
    clear_discovery_cache = forward(discovery.clear_discovery_cache)

    insights = forward(insights.insights)
    segmentation = forward(counts.segmentation)
    event_counts = forward(counts.event_counts)
    property_counts = forward(counts.property_counts)
    segmentation_numeric = forward(counts.segmentation_numeric)
    segmentation_sum = forward(counts.segmentation_sum)
    segmentation_average = forward(counts.segmentation_average)
    funnel = forward(reports.funnel)
    retention = forward(reports.retention)
    frequency = forward(reports.frequency)
    saved_report = forward(reports.saved_report)
    flows = forward(reports.flows)
    activity_feed = forward(reports.activity_feed)
    jql = forward(reports.jql)

    fetch_events = forward(fetch.fetch_events)
    plan_events = forward(fetch.plan_events)
    fetch_profiles = forward(fetch.fetch_profiles)
    plan_profiles = forward(fetch.plan_profiles)
    adopt = forward(fetch.adopt)
    stream_events = forward(streams.stream_events)
    stream_profiles = forward(streams.stream_profiles)
    event_lines = forward(streams.event_lines)
    profile_lines = forward(streams.profile_lines)

    tables = forward(local.tables)
    schema = forward(local.schema)
    sample = forward(local.sample)
    keep = forward(local.keep)
    drop = forward(local.drop)
    drop_all = forward(local.drop_all)
    summarize = forward(contents.summarize)
    event_breakdown = forward(contents.event_breakdown)
    property_keys = forward(contents.property_keys)
    column_stats = forward(contents.column_stats)
    export = forward(files.export)
    vacuum = forward(files.vacuum)

    functions = forward(about.functions)
    requests = forward(about.requests)
    budget = forward(about.budget)


ephemeral = Workspace.ephemeral


def _created_at(file: Path, known: list[TableInfo]) -> datetime:
    """When the database was made, as far as can be told: not every system remembers it of a file."""
    fetched = [table.fetched_at for table in known if table.fetched_at]
    return min([datetime.fromtimestamp(file.stat().st_ctime, UTC), *fetched])


def _resolve(account: Account, project_id: str | None, region: str | None) -> Credentials:
    try:
        return for_project(credentials_for(account), project_id, region)
    except AccountNotFoundError as error:
        if isinstance(account, str) and Path(account).suffix in {".db", ".duckdb"}:
            raise AccountNotFoundError(f"{error}; for a database file write Workspace(path={account!r})") from None
        raise
