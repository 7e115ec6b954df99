"""The database of a workspace: opened late and for as short as possible, and only for reading where that is enough.

DuckDB lets one process write a file, or several read it. So the workspace lives in a DuckDB of its own, in memory,
and its file is attached for the length of a statement: others get their turn in between, and all the time while we wait
for Mixpanel. Attaching takes less than a millisecond.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from ..exceptions import StorageError
from ..quoting import literal, quoted
from .errors import as_ours, lock_holder
from .locks import Claim

if TYPE_CHECKING:
    from ..binding import Registration
    from ..client import Watcher
    from ..credentials import Credentials

RESERVED = {"memory", "mixpanel", "system", "temp"}
"""Names of databases that are there already."""
IS_1 = duckdb.__version__.startswith("1.")
FOR_NEW_FILES = " (STORAGE_VERSION 'v1.5.0')" if IS_1 else ""
"""DuckDB 1.5 would make files for older versions, which know no VARIANT."""
MOMENT = 0.1
OPEN_HERE = "Unique file handle conflict"
_briefly_open: Counter[Path] = Counter()
"""How many workspaces of this process have a file open that they will let go of."""


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
        self._kept = is_private
        self._wait = wait
        self._turn = threading.RLock()
        self._users = 0
        self._mode: str | None = None
        self._con = duckdb.connect()
        self._account = account
        self._watch = watch
        self._registration: Registration | None = None
        if path is not None:
            self._name = path.stem if path.stem not in RESERVED else f"{path.stem}_db"
            self._con.execute("SET temp_directory = ?", [f"{path}.tmp"])

    @property
    def has_functions(self) -> bool:
        return self._registration is not None

    def functions(self) -> Registration:
        """The functions, registered when they are first needed: who only wants SQL need not load them."""
        with self._turn:
            if self._registration is None:
                from ..binding import register  # noqa: PLC0415

                self._registration = register(self._con, account=self._account, watch=self._watch, wait=self._wait)
            return self._registration

    def _error_behind(self, error: BaseException) -> BaseException | None:
        return self._registration.error_behind(error) if self._registration else None

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
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection beside that of ``opened``, for results that are read bit by bit."""
        with as_ours(self._error_behind):
            with self._turn:
                self._open(write=False)
            try:
                with self._con.cursor() as cursor:
                    if self._mode:
                        cursor.execute(f"USE {quoted(self._name)}")
                    self._add_short_names(cursor)
                    yield cursor
            finally:
                with self._turn:
                    self._close()

    @contextmanager
    def asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the functions and without the file."""
        with as_ours(self._error_behind):
            self.functions()
            with self._con.cursor() as cursor:
                yield cursor

    def statements_of(self, query: str) -> list[duckdb.Statement]:
        """Its statements.

        Raises:
            QueryError: it is no SQL.
        """
        with as_ours(self._error_behind), self._con.cursor() as cursor:
            return cursor.extract_statements(query)

    def keep_open(self) -> duckdb.DuckDBPyConnection:
        """The connection, with the file open until the end."""
        if not self._kept:
            with self._turn, as_ours(self._error_behind):
                self._open(write=self.path is None or not self.path.exists() or os.access(self.path, os.W_OK))
                self._users -= 1
                self._kept = self.is_private = True
                if self.path is not None:
                    _briefly_open[self.path] -= 1
        return self._con

    def close(self) -> None:
        with self._turn:
            self._con.close()
            if self._mode and not self._kept and self.path is not None:
                _briefly_open[self.path] -= 1
            self._mode = None

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The right to fetch into the file, which one fetch at a time has, of whichever process.

        Raises:
            StorageError: another one has it, and we do not wait.
        """
        if self.path is None:
            yield
            return
        claim = Claim(self.path.with_name(f"{self.path.name}.fetching"))
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

    def _add_short_names(self, cursor: duckdb.DuckDBPyConnection) -> None:
        from ..binding import add_short_names  # noqa: PLC0415

        add_short_names(cursor, self.functions())

    def _open(self, write: bool) -> None:
        """Attaches the file, unless it is: for reading, only if it exists."""
        if self._mode == "read" and write:
            raise StorageError(f"{self.path} is being read: finish or close the stream first, then write")
        if self._mode is None and self.path is not None and (write or self.path.exists()):
            self._attach(self.path, write)
        self._users += 1

    def _attach(self, path: Path, write: bool) -> None:
        self._make_room()
        wait = Waiting(f"{path} is in use by", self._wait)
        options = (FOR_NEW_FILES if not path.exists() else "") if write else " (READ_ONLY)"
        statement = f"ATTACH {literal(str(path))} AS {quoted(self._name)}{options}"
        while True:
            try:
                self._con.execute(statement)
                break
            except duckdb.Error as error:
                holder, reason = lock_holder(error), str(error).split(". See also ", 1)[0]
            if OPEN_HERE in reason and not _briefly_open[path]:
                raise StorageError(
                    f"{path} is open in this process already, by duckdb.connect or by a workspace whose connection was "
                    "asked for: close that one first, or call mixpanel_data.register on it"
                )
            if holder is None and OPEN_HERE not in reason:
                raise StorageError(f"cannot open {path}: {reason}")
            wait.for_(holder or "another thread of this process")
        self._con.execute(f"USE {quoted(self._name)}")
        self._mode = "write" if write else "read"
        if not self._kept:
            _briefly_open[path] += 1

    def _close(self) -> None:
        """Lets go of the file, unless somebody still needs it."""
        self._users -= 1
        if self._users or self._kept or self._mode is None or self.path is None:
            return
        self._con.execute("USE memory")
        self._con.execute(f"DETACH {quoted(self._name)}")
        self._mode = None
        _briefly_open[self.path] -= 1

    def _make_room(self) -> None:
        """The folder that databases are in unless told otherwise."""
        if self.path is not None and self.path.parent == data_folder():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


class Waiting:
    """Waits for somebody, and says so once."""

    def __init__(self, what: str, allowed: bool) -> None:
        self._what = what
        self._allowed = allowed
        self._since = time.monotonic()
        self._told = False

    def for_(self, holder: str) -> None:
        """Waits for a moment.

        Raises:
            StorageError: there is to be no waiting.
        """
        if not self._allowed:
            raise StorageError(f"{self._what} {holder}: wait until it ends", holder=holder)
        if not self._told and time.monotonic() - self._since > MOMENT:
            print(f"{self._what} {holder}: waiting until it ends", file=sys.stderr, flush=True)
            self._told = True
        time.sleep(MOMENT / 4)


def data_folder() -> Path:
    """Where databases are unless a path is given: ``MP_DATA_DIR``, or ``~/.mixpanel_data``."""
    return Path(os.environ.get("MP_DATA_DIR") or Path.home() / ".mixpanel_data").expanduser().absolute()
