"""The kinds of storage: memory, a file that others may open too, and a temporary file of our own.

They differ in how they are attached to a DuckDB, and in who may lock us out; in nothing else.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ..atomic import path_of
from ..exceptions import StorageError
from ..quoting import literal, quoted
from .locks import Patience

RESERVED = {"information_schema", "main", "memory", "mixpanel", "pg_catalog", "system", "temp"}
"""Names that a database cannot have, or that are taken already."""
IS_1 = duckdb.__version__.startswith("1.")
FOR_NEW_FILES = ", STORAGE_VERSION 'v1.5.0'" if IS_1 else ""
"""DuckDB 1.5 would make files for older versions, which know no VARIANT."""
PROJECT_FILE = re.compile(r"(?P<project>[0-9]+)(\.[A-Za-z0-9_-]+)?\.db")
"""A database in the data folder, where each belongs to a project."""
NEW = "__mixpanel_data_new"
OPEN_HERE = "Unique file handle conflict"
HOLDER = re.compile(r"Conflicting lock is held in (?P<program>\S+).*?\(PID (?P<process>\d+)\)")
STREAMED = "{} is being read by a stream of this thread: finish or close it first"
_guard = threading.Lock()
_threads: dict[Path, dict[int, int]] = {}
"""Which workspaces of this process have a file open and will let go of it, and the thread of each: DuckDB lets one at a
time have it, and does not say which."""


class Storage:
    """What is common to all kinds."""

    path: Path | None = None
    """The database file; None in memory."""
    name = "memory"
    """What it is called in SQL."""
    is_private = True
    """Whether nobody else knows of it: it may stay attached."""
    row_group = 122_880
    """Rows that DuckDB writes at once: its default."""
    project: str | None = None
    """Whose data it is for, where that is told by its place."""

    def exists(self) -> bool:
        return True

    def is_writable(self) -> bool:
        return True

    def attach(self, con: duckdb.DuckDBPyConnection, *, write: bool, wait: bool | float) -> None:
        """Makes it the connection's default database.

        Raises:
            StorageError: it cannot be opened; or somebody holds it, and we do not wait.
        """

    def detach(self, con: duckdb.DuckDBPyConnection) -> None:
        """Lets go of it, so that others can have it."""

    def keep(self) -> None:
        """It will not be let go of: nobody need wait for that."""


class Memory(Storage):
    """Tables that end with their workspace. Nothing need be attached."""


class File(Storage):
    """A DuckDB file. One process may write it, or several may read it."""

    is_private = False
    # Half of DuckDB's default: what is being written takes half the memory, and is spread over threads more evenly.
    row_group = 30_720

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        # As DuckDB would call it, where it can be.
        self.name = path.stem if path.stem.lower() not in RESERVED else f"{path.stem}_db"
        self._threads = _threads.setdefault(path.resolve(), {})  # by whichever name it is called
        if path.parent == data_folder() and (found := PROJECT_FILE.fullmatch(path.name)):
            self.project = found["project"]

    def exists(self) -> bool:
        return self.path.exists()

    def is_writable(self) -> bool:
        return not self.exists() or os.access(self.path, os.W_OK)

    def attach(self, con: duckdb.DuckDBPyConnection, *, write: bool, wait: bool | float) -> None:
        self.make_folder()
        if write and not self.exists():
            self._make_file(con)
        patience = Patience(f"{self.path} is in use by", wait)
        statement = f"ATTACH {literal(str(self.path))} AS {quoted(self.name)} ({self._options(write=write)})"
        while (refusal := self._try(con, statement)) is not None:
            patience.wait_for(self._holder(*refusal))
        con.execute(f"USE {quoted(self.name)}")

    def _options(self, *, write: bool) -> str:
        if not write:
            return "READ_ONLY"
        return f"ROW_GROUP_SIZE {self.row_group}" + (FOR_NEW_FILES if not self.exists() else "")

    def detach(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute("USE memory")
        with _guard:
            con.execute(f"DETACH DATABASE IF EXISTS {quoted(self.name)}")
            self._threads.pop(id(self), None)

    def keep(self) -> None:
        with _guard:
            self._threads.pop(id(self), None)

    def _make_file(self, con: duckdb.DuckDBPyConnection) -> None:
        """Makes the file for its owner only: DuckDB would let everybody read it. Where that fails, DuckDB says why."""
        with (
            suppress(OSError, duckdb.Error),
            TemporaryDirectory(prefix=f".{self.path.name}-", dir=self.path.parent) as new,
        ):
            file = Path(new) / self.path.name
            con.execute(f"ATTACH {literal(str(file))} AS {NEW} ({self._options(write=True)})")
            con.execute(f"DETACH {NEW}")
            file.chmod(0o600)
            os.link(file, self.path)  # somebody else may have made it by now

    def make_folder(self) -> None:
        """Makes the folder that databases are in unless told otherwise.

        Raises:
            StorageError: it cannot be made.
        """
        try:
            if self.path.parent == data_folder():
                make_data_folder()
        except OSError as error:
            raise StorageError(f"cannot make the folder {self.path.parent}: {error.strerror}") from error

    def _try(self, con: duckdb.DuckDBPyConnection, statement: str) -> tuple[str, list[int]] | None:
        """Opens the file; else, DuckDB's reason, and the threads of those who have it and will let go of it."""
        with _guard:  # or somebody could let go between the refusal and the look at who was in the way
            try:
                con.execute(statement)
            except duckdb.Error as error:
                return str(error).split(". See also ", 1)[0], list(self._threads.values())
            self._threads[id(self)] = threading.get_ident()
            return None

    def _holder(self, reason: str, threads: list[int]) -> str:
        """Who holds the file, if it is worth waiting for them.

        Raises:
            StorageError: it is not.
        """
        if OPEN_HERE not in reason:
            if (found := HOLDER.search(reason)) is None:
                raise StorageError(f"cannot open {self.path}: {reason}")
            return f"process {found['process']} ({found['program'].rsplit('/', 1)[-1]})"
        if threading.get_ident() in threads:
            raise StorageError(STREAMED.format(self.path))
        if not threads:
            raise StorageError(
                f"{self.path} is open in this process already, by duckdb.connect or by a workspace whose connection "
                "was asked for: close that one first, or call mixpanel_data.register on it"
            )
        return "another thread of this process"


class TemporaryFile(File):
    """A file that nobody else knows of."""

    is_private = True


def storage_at(path: str | Path) -> Storage:
    """The file; or memory, by DuckDB's own name for it."""
    return File(path_of(path).expanduser().absolute()) if str(path) != ":memory:" else Memory()


def wal_of(path: Path) -> Path:
    """Where DuckDB writes first, until it is in the file itself."""
    return path.with_name(f"{path.name}.wal")


def data_folder() -> Path:
    """Where databases are unless a path is given: ``MP_DATA_DIR``, or ``~/.mixpanel_data``."""
    return Path(os.environ.get("MP_DATA_DIR") or Path.home() / ".mixpanel_data").expanduser().absolute()


def make_data_folder() -> None:
    """Makes it, for its owner only."""
    data_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
