"""The database of a workspace: a DuckDB of its own in memory, to which its storage is attached when it is needed.

DuckDB lets one process write a file, or several read it. So a file is attached for the length of a statement: others
get their turn in between, and all the time while we wait for Mixpanel. Attaching takes less than a millisecond.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb
from duckdb import StatementType

from ..exceptions import AuthenticationError, StorageError
from ..quoting import quoted
from ..storage.file import File, Storage
from ..storage.locks import fetch_lock
from ..storage.vacuum import remove_copy
from . import transactions
from .attachment import Attachment
from .engine import Engine

if TYPE_CHECKING:
    from ..client import Watcher
    from ..credentials import Credentials


READING = frozenset(
    getattr(StatementType, kind)
    for kind in ("SELECT", "EXPLAIN", "SET", "VARIABLE_SET", "PRAGMA", "LOAD", "ATTACH", "DETACH")
)
"""Statements for which the storage need not be attached for writing."""
HIDDEN_WRITE = re.compile(r"\bnextval\s*\(|^\s*explain\s+analy[sz]e\b", re.IGNORECASE)
"""What writes although it does not look so."""
WRITING_MEMORY = 144_000_000
"""Bytes that DuckDB may use while it writes what was fetched."""
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


class Database(Engine):
    """An engine, and a storage for its tables.

    Args:
        wait: whether to wait for a request budget that is spent, and for another process that holds the storage; or how
            many seconds to wait for the latter.
        finds_frames: as for :class:`Engine`.
    """

    def __init__(
        self,
        storage: Storage,
        account: Credentials | Callable[[], Credentials],
        *,
        wait: bool | float = True,
        watch: Watcher | None = None,
        finds_frames: bool = False,
    ) -> None:
        spill_beside = storage.path or Path.cwd() / ".mixpanel_data"
        super().__init__(account, spill_beside, wait=wait, watch=watch, finds_frames=finds_frames)
        self.storage = storage
        self._attachment = Attachment(self._con, self._turn, storage, wait=wait)
        self._fetching = threading.Lock()

    @property
    def path(self) -> Path | None:
        """The database file; None in memory."""
        return self.storage.path

    @property
    def is_private(self) -> bool:
        """Whether it stays attached, so that nobody else can be kept waiting."""
        return self.storage.is_private or self._attachment.is_kept

    def qualify(self, table: str) -> str:
        """The table's whole name, as SQL: no temporary table can take its place."""
        return f"{quoted(self.storage.name)}.main.{quoted(table)}"

    @contextmanager
    def attached(self, *, write: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, with the storage attached as its default database; one thread at a time.

        Raises:
            StorageError: it cannot be opened, or is held by somebody for whom we do not wait.
        """
        with self._turn, self._translate_errors():
            self._refuse_closed()
            with self._attachment.hold(write=write):
                yield self._con

    @contextmanager
    def attached_for(self, *statements: duckdb.Statement) -> Iterator[duckdb.DuckDBPyConnection]:
        """The same, for reading only where these statements do no more."""
        kinds = {statement.type for statement in statements}
        is_transaction = StatementType.TRANSACTION in kinds
        if is_transaction:  # until it has ended, the storage stays attached
            self._attachment.expects_transaction = True
        is_writing = is_transaction or not kinds <= READING or any(HIDDEN_WRITE.search(one.query) for one in statements)
        with self.attached(write=is_writing) as con:
            yield con

    @contextmanager
    def exclusive(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The same for us only, and detached afterwards: the file may be replaced or removed.

        Raises:
            StorageError: somebody else has it, or this workspace itself keeps it open.
            QueryError: a transaction is open.
        """
        with self._turn:
            if self._attachment.is_kept:
                raise StorageError(f"{self.path} is kept open by the connection of this workspace: close it first")
            with self.attached(write=True) as con:
                transactions.refuse_open(con)
                self._attachment.refuse_other_users()
                yield con

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to write with. Where the storage stays attached it is one of its own, and others need not wait.

        Raises:
            StorageError: as for :meth:`attached`.
            QueryError: a transaction is open.
        """
        if not self.is_private:
            with self.attached(write=True) as con:
                transactions.refuse_open(con)
                yield con
            return
        with self._translate_errors():
            self.keep_attached()
            transactions.refuse_open(self._con)
            with self._cursor() as cursor:
                yield cursor

    @contextmanager
    def streaming(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection beside that of :meth:`attached`, for results that are read bit by bit."""
        with self._translate_errors():
            self._refuse_closed()
            with self._attachment.hold_for_stream(), self._cursor() as cursor:
                self._add_session(cursor)
                yield cursor

    def keep_attached(self) -> duckdb.DuckDBPyConnection:
        """The connection, with the storage attached until the end."""
        with self._turn, self._translate_errors():
            self._refuse_closed()
            self._attachment.keep()
        return self._con

    @contextmanager
    def bounded_memory(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Has DuckDB keep no more than it needs to write with: it would keep all that it has written, for whoever might
        read it."""
        if self.storage.path is None or self._attachment.is_kept:
            yield
            return
        before = memory_limit(con)
        # Temporary tables of the user's stay where they are.
        bound = memory_used(con) + min(WRITING_MEMORY, before // 3)
        con.execute(f"SET memory_limit = '{min(bound, before)}B'")
        try:
            yield
        finally:
            con.execute(f"SET memory_limit = '{before}B'")

    @contextmanager
    def fetch_lock(self) -> Iterator[None]:
        """The right to fetch into the database, which one fetch at a time has, of whichever process.

        Raises:
            StorageError: another one has it, and we do not wait; or this thread reads a stream, and could not write.
            QueryError: a transaction is open.
        """
        with self._translate_errors(), self._turn:
            self._refuse_closed()
            transactions.refuse_open(self._con)
            if not self.is_private:
                self._attachment.refuse_stream()
        with self._fetching:
            if not isinstance(self.storage, File):
                yield
                return
            self.storage.make_folder()
            with fetch_lock(self.storage.path, wait=self._wait):
                remove_copy(self.storage.path.resolve())
                yield

    def close(self) -> None:
        with self._turn:
            super().close()
            self._attachment.forget()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._con.cursor() as cursor:
            if self._attachment.is_attached:
                cursor.execute(f"USE {quoted(self.storage.name)}")
            yield cursor


def memory_limit(con: duckdb.DuckDBPyConnection) -> int:
    """How many bytes DuckDB may use."""
    ((limit,),) = con.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = limit.split()
    return int(float(number) * UNITS[unit])


def memory_used(con: duckdb.DuckDBPyConnection) -> int:
    """How many bytes it uses."""
    ((used,),) = con.execute("SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()").fetchall()
    return int(used or 0)


def no_credentials() -> NoReturn:
    """For a database that was opened without."""
    raise AuthenticationError(
        "this workspace was opened without credentials: to ask Mixpanel, use Workspace(account, path=…)"
    )
