"""The database of a workspace: opened late and for as short as possible, and only for reading where that is enough.

DuckDB lets one process write a file, or several read it. So the workspace lives in a DuckDB of its own, in memory,
and its file is attached for the length of a statement: others get their turn in between, and all the time while we wait
for Mixpanel. Attaching takes less than a millisecond.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb

from ..exceptions import AuthenticationError, QueryError, StorageError
from ..quoting import literal, quoted
from .errors import as_ours, lock_holder
from .locks import Claim, Waiting
from .sharing import Sharing, sharing_of

if TYPE_CHECKING:
    from ..binding import Registration
    from ..client import Watcher
    from ..credentials import Credentials

RESERVED = {"information_schema", "main", "memory", "mixpanel", "pg_catalog", "system", "temp"}
"""Names that a database cannot have, or that are taken already."""
IS_1 = duckdb.__version__.startswith("1.")
FOR_NEW_FILES = " (STORAGE_VERSION 'v1.5.0')" if IS_1 else ""
"""DuckDB 1.5 would make files for older versions, which know no VARIANT."""
OPEN_HERE = "Unique file handle conflict"
BEING_READ = "{} is being read by this workspace: read what it gives to its end first"
_spilling = count(1)


class Database:
    """A DuckDB with the Mixpanel functions, and the file it opens when needed.

    Args:
        path: the file; None for tables in memory only.
        is_private: nobody else knows of the file, so it is kept open.
        wait: whether to wait for another process that holds the file.
    """

    def __init__(
        self,
        path: Path | None,
        account: Credentials | Callable[[], Credentials],
        *,
        is_private: bool = False,
        wait: bool = True,
        watch: Watcher | None = None,
    ) -> None:
        self.path = path
        self.is_private_file = is_private
        self.is_private = is_private or path is None
        self._account = account
        self._wait = wait
        self._watch = watch
        self._registration: Registration | None = None
        self._turn = threading.RLock()
        self._changed = threading.Condition(self._turn)
        self._users = 0
        self._streams: list[int] = []
        """The threads that read bit by bit."""
        self._kept = self._is_closed = self._may_have_transaction = False
        self._mode: str | None = None
        self._con = duckdb.connect()
        self._con.execute("SET python_scan_all_frames = true")  # SQL finds the caller's own DataFrames by their names
        self._name = _alias(path) if path else "memory"
        if path is not None:
            self._sharing: Sharing = sharing_of(path)
        self._con.execute("SET temp_directory = ?", [str(_spill_folder(path or Path.cwd() / ".mixpanel_data"))])

    @property
    def name(self) -> str:
        """What the file is called in SQL."""
        return self._name

    @property
    def has_functions(self) -> bool:
        return self._registration is not None

    def functions(self) -> Registration:
        """The functions, registered when they are first needed: who only wants SQL need not load them."""
        with self._turn:
            self._refuse_closed()
            if self._registration is None:
                from ..binding import register  # noqa: PLC0415

                self._registration = register(self._con, account=self._account, watch=self._watch, wait=self._wait)
            return self._registration

    def place(self, table: str) -> str:
        """The table's whole name, as SQL: no temporary table can take its place."""
        return f"{quoted(self._name)}.main.{quoted(table)}"

    @contextmanager
    def opened(self, *, write: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection with the file as its database; one thread at a time.

        Raises:
            StorageError: the file cannot be opened, or is held by somebody for whom we do not wait.
        """
        with self._turn, as_ours(self._error_behind):
            self._open(write)
            try:
                yield self._con
            finally:
                self._close()

    @contextmanager
    def alone(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection with the file open for us only, and let go of afterwards: it may be replaced or removed.

        Raises:
            StorageError: somebody else has it, or this workspace itself keeps it open.
            QueryError: a transaction is open.
        """
        with self._turn:
            if self._kept:
                raise StorageError(f"{self.path} is kept open by the connection of this workspace: close it first")
            with self.opened(write=True) as con:
                self.refuse_transaction()
                if self._users > 1:
                    raise StorageError(BEING_READ.format(self.path))
                yield con

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to write with. Where the file is kept open it is one of its own, and others need not wait."""
        if not self.is_private:
            with self.opened(write=True) as con:
                self.refuse_transaction()
                yield con
            return
        with as_ours(self._error_behind):
            self.keep_open()
            self.refuse_transaction()
            with self._cursor() as cursor:
                yield cursor

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection beside that of ``opened``, for results that are read bit by bit."""
        with as_ours(self._error_behind):
            with self._turn:
                self._open(write=False)
                self._streams.append(threading.get_ident())
                thread = self._streams[-1]
            try:
                with self._cursor() as cursor:
                    self._add_session(cursor)
                    yield cursor
            finally:
                with self._turn:
                    self._streams.remove(thread)
                    self._close()

    @contextmanager
    def asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the functions and without the file.

        Raises:
            QueryError: it is a progress callback that asks, and so keeps the answer from coming.
        """
        from ..binding.loop import in_loop  # noqa: PLC0415

        with as_ours(self._error_behind):
            self._refuse_closed()
            self.functions()
            if in_loop():
                raise QueryError("a progress callback cannot ask Mixpanel: it runs where the answers come in")
            with self._con.cursor() as cursor:
                yield cursor

    def statements_of(self, query: str) -> list[duckdb.Statement]:
        """Its statements.

        Raises:
            QueryError: it is no SQL.
        """
        with as_ours(self._error_behind):
            self._refuse_closed()
            with self._con.cursor() as cursor:
                return cursor.extract_statements(query)

    def keep_open(self) -> duckdb.DuckDBPyConnection:
        """The connection, with the file open until the end."""
        with self._turn, as_ours(self._error_behind):
            self._refuse_closed()
            if not self._kept:
                self._open(write=self.path is None or not self.path.exists() or os.access(self.path, os.W_OK))
                self._users -= 1
                self._keep()
        return self._con

    def expect_transaction(self) -> None:
        """A transaction may begin or end now: until it has ended, the file stays open."""
        self._may_have_transaction = True

    def refuse_transaction(self) -> None:
        """Where a transaction of the user's is open, ours cannot begin, and would break it by trying.

        Raises:
            QueryError: there is one.
        """
        if self._has_transaction():
            raise QueryError("a transaction is open: COMMIT or ROLLBACK first")

    def close(self) -> None:
        with self._turn:
            self._con.close()
            self._is_closed = True
            if self.path is not None:
                self._sharing.forget(id(self))
            self._mode = None

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The right to fetch into the file, which one fetch at a time has, of whichever process.

        Raises:
            StorageError: another one has it, and we do not wait; or this thread reads a stream, and could not write.
            QueryError: a transaction is open.
        """
        with as_ours(self._error_behind), self._turn:
            self._refuse_closed()
            self.refuse_transaction()
            if not self.is_private:
                self._refuse_own_stream()
        if self.path is None:
            yield
            return
        claim = Claim(claim_on(self.path))
        wait = Waiting(f"{self.path} is being fetched into by", self._wait)
        try:
            self._make_room()
            while not claim.take():
                wait.for_(claim.holder())
        except OSError as error:
            raise StorageError(f"cannot write beside {self.path}: {error.strerror}") from error
        try:
            yield
        finally:
            claim.release()

    def _error_behind(self, error: BaseException) -> BaseException | None:
        return self._registration.error_behind(error) if self._registration else None

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StorageError("this workspace is closed: make a new one")

    def _refuse_own_stream(self) -> None:
        if threading.get_ident() in self._streams:
            raise StorageError(f"{self.path} is being read by a stream of this thread: finish or close it first")

    def _refuse_to_wait_for_oneself(self) -> None:
        self._refuse_own_stream()
        if self._kept:
            raise StorageError(f"{self.path} is open, and may only be read")
        if self._users > len(self._streams):  # only who has the turn has it open without streaming
            raise StorageError(BEING_READ.format(self.path))

    def _has_transaction(self) -> bool:
        """Whether the user has begun one: outside, every statement has a transaction, and so a number, of its own."""
        try:
            one, two = (self._con.execute("SELECT txid_current()").fetchall() for _ in range(2))
        except duckdb.Error:
            return True  # it has failed, and waits for its ROLLBACK
        return one == two

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._con.cursor() as cursor:
            if self._mode is not None:
                cursor.execute(f"USE {quoted(self._name)}")
            yield cursor

    def _add_session(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """What the user's SQL may stand on: the short names, and variables."""
        from ..binding import add_short_names  # noqa: PLC0415

        add_short_names(cursor, self.functions())
        for (name,) in self._con.execute("SELECT name FROM duckdb_variables()").fetchall():
            ((value,),) = self._con.execute("SELECT getvariable(?)", [name]).fetchall()
            cursor.execute(f"SET VARIABLE {quoted(name)} = $value", {"value": value})

    def _open(self, write: bool) -> None:
        """Attaches the file, unless it is: for reading, only if it exists."""
        self._refuse_closed()
        while self._mode == "read" and write:
            self._refuse_to_wait_for_oneself()
            self._changed.wait()  # for a stream of another thread
        if self._mode is None and self.path is not None and (write or self.path.exists()):
            self._attach(self.path, write)
        self._users += 1

    def _attach(self, path: Path, write: bool) -> None:
        try:
            self._make_room()
        except OSError as error:
            raise StorageError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        wait = Waiting(f"{path} is in use by", self._wait)
        options = (FOR_NEW_FILES if not path.exists() else "") if write else " (READ_ONLY)"
        statement = f"ATTACH {literal(str(path))} AS {quoted(self._name)}{options}"
        while (refusal := self._sharing.attach(self._con, statement, id(self))) is not None:
            wait.for_(self._who_refuses(path, *refusal))
        self._con.execute(f"USE {quoted(self._name)}")
        self._mode = "write" if write else "read"
        if self.is_private_file:
            self._keep()

    def _who_refuses(self, path: Path, reason: str, others: list[int]) -> str:
        """Who holds the file, if it is worth waiting for them.

        Raises:
            StorageError: it is not.
        """
        if OPEN_HERE not in reason:
            if (holder := lock_holder(reason)) is None:
                raise StorageError(f"cannot open {path}: {reason}")
            return holder
        if threading.get_ident() in others:
            raise StorageError(f"{path} is being read by a stream of this thread: finish or close it first")
        if not others:
            raise StorageError(
                f"{path} is open in this process already, by duckdb.connect or by a workspace whose connection was "
                "asked for: close that one first, or call mixpanel_data.register on it"
            )
        return "another thread of this process"

    def _keep(self) -> None:
        """The file is not let go of any more."""
        self._kept = self.is_private = True
        if self.path is not None:
            self._sharing.forget(id(self))

    def _close(self) -> None:
        """Lets go of the file, unless somebody still needs it."""
        self._users -= 1
        self._changed.notify_all()
        if self._users or self._kept or self._mode is None:
            return
        if self._may_have_transaction and self._has_transaction():
            return
        self._may_have_transaction = False
        self._con.execute("USE memory")
        self._sharing.detach(self._con, f"DETACH DATABASE IF EXISTS {quoted(self._name)}", id(self))
        self._mode = None

    def _make_room(self) -> None:
        """The folder that databases are in unless told otherwise."""
        if self.path is not None and self.path.parent == data_folder():
            make_data_folder()


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """A database that nobody else has, and that nobody fetches into: for those who remove it.

    Raises:
        StorageError: somebody has it, or it cannot be opened.
    """
    with closing(Database(path, no_credentials, wait=False)) as database, database.claimed(), database.alone():
        yield


def no_credentials() -> NoReturn:
    """For a database that was opened without."""
    raise AuthenticationError(
        "this workspace was opened without credentials: to ask Mixpanel, use Workspace(account, path=…)"
    )


def _alias(path: Path) -> str:
    """What the file is called in SQL: as DuckDB would, where it can be."""
    return path.stem if path.stem.lower() not in RESERVED else f"{path.stem}_db"


def claim_on(path: Path) -> Path:
    """The lock file of those who fetch into the database."""
    return path.with_name(f"{path.name}.fetching")


def wal_of(path: Path) -> Path:
    """Where DuckDB writes first, until it is in the file itself."""
    return path.with_name(f"{path.name}.wal")


def _spill_folder(path: Path) -> Path:
    """Where this process puts what does not fit into memory: DuckDB 1.5 would read from a folder that it shares with
    another process, or with another DuckDB of this one, what that one has written."""
    return path.with_name(f"{path.name}.{os.getpid()}-{next(_spilling)}.tmp")


def file_at(path: str | Path) -> Path | None:
    """Where the file is; None for DuckDB's own name for memory."""
    return Path(path).expanduser().absolute() if str(path) != ":memory:" else None


def data_folder() -> Path:
    """Where databases are unless a path is given: ``MP_DATA_DIR``, or ``~/.mixpanel_data``."""
    return Path(os.environ.get("MP_DATA_DIR") or Path.home() / ".mixpanel_data").expanduser().absolute()


def make_data_folder() -> None:
    """Makes it, for its owner only."""
    data_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
