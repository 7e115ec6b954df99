"""Makes the functions known to a DuckDB connection, and unknown again.

The macros and the views of the sources live in an in-memory catalog attached to the DuckDB instance: every
connection of the instance sees them, and the user's database file never does. The short names are TEMP macros of
one connection.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, cast

import duckdb
import pyarrow as pa

from ..client import Client, Reporter, Watcher
from ..client.errors import redact
from ..config import SANDBOX
from ..credentials import resolve_credentials
from ..exceptions import ArgumentError, ConfigError, ServerError, StorageError, bare_copy, warn
from ..functions import EVERYTHING, FUNCTIONS, Call, Downloads, Function, Kept, Predicate, read_arguments, resolve_days
from ..local import reports
from ..quoting import CATALOG, quoted
from . import loop
from .clients import Account, client_for
from .macros import (
    macro,
    short_macro,
    short_name,
    short_report_macro,
    source_views,
)
from .names import add_names, remove_names
from .prepared import add_report_macros
from .scan import BEAT, Scan
from .source import Source
from .stream import INTERRUPTED, as_line

OURS = "__is_mixpanel_data"
"""The function by which a catalog is known to be ours: nothing lists it, since it is hidden."""


class Registration:
    """What :func:`register` set up on a connection."""

    def __init__(self, account: Account, watch: Watcher | None, waits: bool) -> None:
        self.account = account
        self._waits = waits
        self.catalog = CATALOG
        self._watch = watch
        self._kept = Kept()
        self._downloads: Downloads[Any] = Downloads()
        self._errors: deque[BaseException] = deque(maxlen=16)
        self._own: str | None = None
        self._refuses_others = False
        self._end: str | None = None
        self._under_way: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._sources = 0
        self._gone = threading.Event()

    def refresh(self) -> None:
        """Lets go of the answers that were kept (names of events, lists of funnels and so on), as ``refresh := true``
        does for a single call.

        Example:
            >>> import duckdb, mixpanel_data
            >>> registration = mixpanel_data.register(duckdb.connect(), account="sandbox")
            >>> registration.refresh()
        """
        self._kept.clear()

    def release_downloads(self, handles: Iterable[str] | None = None) -> None:
        """Frees what ``mixpanel_download`` holds under these handles, or all of it, unless it was read already.

        Example:
            >>> import duckdb, mixpanel_data
            >>> registration = mixpanel_data.register(duckdb.connect(), account="sandbox")
            >>> registration.release_downloads()
        """
        self._downloads.release(handles)

    def keep_to(self, account: str | None) -> None:
        """From now on no call may name another account than this one, which is ours."""
        self._own, self._refuses_others = account, True

    def end(self, reason: str) -> None:
        """Refuses every further call, and stops those under way; their statements fail with the reason."""
        self._end = reason
        loop.call(self._cancel, reason)

    def wait_until_gone(self, seconds: float) -> bool:
        """Waits until DuckDB has let go of the sources, which it does when its last connection is closed."""
        return self._gone.wait(seconds)

    def add(self, function: Function, is_usable: Callable[[], bool]) -> Source:
        """The source of a function."""
        source = Source(function, self.rows, is_usable, self.remember)
        self._sources += 1
        weakref.finalize(source, self._let_go).atexit = False  # the process's end frees all
        return source

    def error_behind(self, error: BaseException) -> BaseException | None:
        """The exception of ours that DuckDB or Arrow wrapped into its own; None if the failure was not ours."""
        text = str(error).rstrip()
        if text.endswith(f": {INTERRUPTED}"):
            return KeyboardInterrupt(INTERRUPTED)
        return next((bare_copy(ours) for ours in reversed(self._errors) if text.endswith(f": {as_line(ours)}")), None)

    def remember(self, error: BaseException) -> None:
        """Keeps a copy: the error itself would keep alive all that its traceback has seen."""
        self._errors.append(bare_copy(error))

    def batches(
        self, name: str, watch: Watcher | None = None, **given: Any
    ) -> Generator[pa.RecordBatch | None, None, None]:
        """The rows of a function, each as soon as it is there: DuckDB would hand them on many at a time.

        While nothing has come for a tenth of a second, None is given.

        Args:
            name: the function, without ``mixpanel_``.
            watch: called with a :class:`Progress` at every step, instead of what was registered.
            given: its arguments, of types that JSON has.
        """
        function = next(one for one in FUNCTIONS if one.name == name)
        schema = pa.schema([*function.schema, pa.field(BEAT, pa.bool_())])
        scan = Scan(schema, lambda: self._rows_between_beats(function, given, watch), lambda _: None)
        try:
            while (batch := scan.next()) is not None:
                yield None if any(batch.column(BEAT)[:1].to_pylist()) else batch.drop_columns(BEAT)
        finally:
            scan.close()

    async def _rows_between_beats(
        self, function: Function, given: dict[str, Any], watch: Watcher | None
    ) -> AsyncGenerator[pa.RecordBatch]:
        names = function.schema.names
        async with aclosing(self.rows(function, given, frozenset(names), EVERYTHING, watch)) as batches:
            async for batch in batches:
                yield batch.select(names).append_column(BEAT, pa.repeat(False, batch.num_rows))

    async def rows(
        self,
        function: Function,
        given: dict[str, Any],
        columns: frozenset[str],
        where: Predicate,
        watch: Watcher | None = None,
    ) -> AsyncGenerator[pa.RecordBatch]:
        """The rows of one call, as Arrow batches."""
        if self._end is not None:
            raise StorageError(self._end)
        self._under_way.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        arguments = read_arguments(function, given)
        reporter = Reporter(function.name, watch or self._watch, waits=self._waits)
        # What is not about an account works without credentials.
        client = self._client(function, arguments["account"]) if function.reads_account else cast(Client, None)
        arguments = await resolve_days(function.name, arguments, client, reporter)
        call = Call(function.name, arguments, columns, where, client, reporter, self._kept, self._downloads)
        try:
            async with aclosing(function.rows(call)) as batches:
                async for rows in batches:
                    yield function.batch(rows)
        except ServerError as error:  # it may quote what a server has sent
            text = redact(error.message, client.credentials) if client else error.message
            raise ServerError(text, **error.details) from None

    def _let_go(self) -> None:
        self._sources -= 1
        if not self._sources:
            self._downloads.release()
            self._gone.set()

    def _client(self, function: Function, account: str | None) -> Client:
        if account is None or account == self._own:
            return client_for(self.account)
        if self._refuses_others:
            raise ArgumentError(
                f"mixpanel_{function.name}: account {account!r} cannot be read here: leave account out",
                parameter="account",
            )
        return client_for(account)

    def _cancel(self, reason: str) -> None:
        for task in list(self._under_way):
            task.cancel(reason)


def register(
    con: duckdb.DuckDBPyConnection | None = None,
    *,
    account: Account = None,
    watch: Watcher | None = None,
    wait: bool = True,
) -> Registration:
    """Makes every Mixpanel function callable in SQL on this connection.

    Short names such as ``mixpanel_export('2024-01-01', '2024-01-31')`` work on ``con`` itself;
    ``mixpanel.export(…)`` on every connection and cursor of the same DuckDB instance. Registering again is
    harmless; the account given last is the default one. Nothing is written to the database file.

    Args:
        con: the connection; DuckDB's default connection unless given.
        account: a name from the configuration file, ``"sandbox"``, credentials, or a function that gives them; unless
            given, they come from the environment or the default account when a function is called.
        watch: called with a :class:`Progress` at every step of a running call.
        wait: whether a call waits, for up to an hour, when the project's request budget is spent; otherwise it
            fails at once with a :class:`RateLimitError` that says for how long.

    Raises:
        AccountNotFoundError: no account of that name is configured.
        ConfigError: the connection is in a transaction, or the configuration cannot be used.

    Example:
        >>> import duckdb, mixpanel_data
        >>> con = duckdb.connect()
        >>> _ = mixpanel_data.register(con, account="sandbox")
        >>> con.sql("SELECT count(*) AS events FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()
        [(3885,)]
    """
    registration = register_functions(con, account=account, watch=watch, wait=wait)
    con = con or duckdb.default_connection()
    add_reports(con, registration)
    add_short_names(con, registration)
    return registration


def register_functions(
    con: duckdb.DuckDBPyConnection | None, *, account: Account, watch: Watcher | None, wait: bool
) -> Registration:
    """The same without reports and short names: what our own SQL needs, in a third of the time."""
    if isinstance(account, str) and account != SANDBOX:
        resolve_credentials(account)
    registered = _reference(con)
    con = con or duckdb.default_connection()
    if _in_transaction(con):
        raise ConfigError("the connection is inside a transaction: COMMIT or ROLLBACK first, then register")
    registration = Registration(account, watch, wait)
    registration.catalog = _attach(con)
    _create(con, registration, lambda: _is_open(registered()))
    return registration


def unregister(con: duckdb.DuckDBPyConnection | None = None) -> None:
    """Takes the functions away again, from all connections of the DuckDB instance; harmless where there are none.

    Example:
        >>> import duckdb, mixpanel_data
        >>> con = duckdb.connect()
        >>> _ = mixpanel_data.register(con, account="sandbox")
        >>> mixpanel_data.unregister(con)
        >>> con.sql("FROM duckdb_functions() WHERE function_name = 'mixpanel_events'").fetchall()
        []
    """
    con = con or duckdb.default_connection()
    for name in (*map(short_name, FUNCTIONS), *(quoted(report.short_name) for report in reports())):
        con.execute(f"DROP MACRO TABLE IF EXISTS temp.{name}")
    remove_names(con)
    catalog, is_there = _our_catalog(con)
    if is_there:
        con.execute(f"DETACH {quoted(catalog)}")


def _in_transaction(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the user has begun one: outside, every statement is a transaction of its own, with its own number."""
    one, two = (con.execute("SELECT txid_current()").fetchall() for _ in range(2))
    return one == two


def _attach(con: duckdb.DuckDBPyConnection) -> str:
    """The name of our catalog, attached if it was not."""
    catalog, is_there = _our_catalog(con)
    if is_there:
        return catalog
    # Hidden: what is in there is no table of the user's. READ_WRITE, since a connection that was opened only for
    # reading would have it so of everything.
    con.execute(f"ATTACH ':memory:' AS {quoted(catalog)} (READ_WRITE, HIDDEN)")
    con.execute(f"CREATE MACRO {quoted(catalog)}.main.{OURS}() AS true")
    if catalog != CATALOG:
        warn(
            f"this DuckDB has a database or schema named {CATALOG} already, so the functions are "
            f"{catalog}.export(…) and so on; the short names, mixpanel_export(…), are as ever",
            stacklevel=3,
        )
    return catalog


def _our_catalog(con: duckdb.DuckDBPyConnection) -> tuple[str, bool]:
    """The name of our catalog, and whether it is there; else the name that it is to have."""
    taken = {name for (name,) in con.execute(
        "SELECT database_name FROM duckdb_databases() UNION SELECT schema_name FROM duckdb_schemas()"
    ).fetchall()}  # fmt: skip
    for name in _names():
        try:
            con.execute(f"SELECT {quoted(name)}.main.{OURS}()")
        except duckdb.Error:
            if name not in taken:
                return name, False
        else:
            return name, True
    raise AssertionError  # there are always more names


def _names() -> Iterator[str]:
    yield CATALOG
    yield f"{CATALOG}_data"
    number = 2
    while True:
        yield f"{CATALOG}_data_{number}"
        number += 1


def _create(con: duckdb.DuckDBPyConnection, registration: Registration, is_usable: Callable[[], bool]) -> None:
    with _inside(con, registration.catalog):
        for function in FUNCTIONS:
            for name, given in source_views(function):
                con.from_arrow(registration.add(given, is_usable)).create_view(name, replace=True)
    for function in FUNCTIONS:
        con.execute(macro(function, registration.catalog))


def add_reports(con: duckdb.DuckDBPyConnection, registration: Registration) -> None:
    """Makes ``mixpanel.local.funnel(…)`` and so on known to every connection of a registered DuckDB."""
    add_names(con)
    add_report_macros(con, registration.catalog)


def add_short_names(con: duckdb.DuckDBPyConnection, registration: Registration, place: str = "temp") -> None:
    """Makes ``mixpanel_export(…)``, ``local_funnel(…)`` and so on known to a connection, or a cursor, of a registered
    DuckDB; or to all of its connections, in a schema that all of them look into."""
    for function in FUNCTIONS:
        for statement in short_macro(function, registration.catalog, place):
            con.execute(statement)
    for report in reports():
        for statement in short_report_macro(report, registration.catalog, place):
            con.execute(statement)


@contextmanager
def _inside(con: duckdb.DuckDBPyConnection, catalog: str) -> Iterator[None]:
    """Makes the catalog the default one meanwhile: views over Python objects can be created nowhere else."""
    query = "SELECT current_database(), current_setting('search_path')"
    ((database, search_path),) = con.execute(query).fetchall()
    con.execute(f"USE {quoted(catalog)}.main")
    try:
        yield
    finally:
        # The path may name schemas of the database that was the default one, so that has to come back first.
        con.execute(f"USE {quoted(database)}.main")
        con.execute("SET search_path = ?", [search_path])


def _reference(con: duckdb.DuckDBPyConnection | None) -> Callable[[], duckdb.DuckDBPyConnection | None]:
    """A reference to the connection that does not keep its database open; the default one lives as long as we do."""
    return duckdb.default_connection if con is None else weakref.ref(con)


def _is_open(con: duckdb.DuckDBPyConnection | None) -> bool:
    try:
        return con is not None and con.query_progress() is not None
    except duckdb.Error:
        return False
