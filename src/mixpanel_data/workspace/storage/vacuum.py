"""A database without the room that was once taken in it: DuckDB uses that again, but seldom gives it back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from ...exceptions import StorageError
from ...quoting import literal, quoted
from ..session import Session
from .file import wal_of

COPY = "__mixpanel_data_vacuumed"
VERSION = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?"
HEADER = 4096


def vacuum(session: Session) -> int:
    """Makes the database file as small as what is in it; gives the bytes that are saved.
    In the shell: ``mp db vacuum``.

    What was dropped leaves room in the file, which DuckDB uses again, but seldom gives back. So the database is copied
    into a new file, which needs as much room as its contents for a moment, and takes the old one's place. In memory
    and in an ephemeral workspace this does nothing, and gives 0.

    Raises:
        StorageError: somebody holds the database, or there is no room for the copy; it stays as it was.
        QueryError: a transaction is open.

    >>> from mixpanel_data import Workspace
    >>> with Workspace("sandbox", path="large.duckdb") as ws:
    ...     _ = ws.sql("CREATE OR REPLACE TABLE large AS SELECT hash(i) AS h FROM range(1000000) AS r(i)")
    ...     _ = ws.sql("CREATE OR REPLACE TABLE small AS SELECT 1 AS one")
    ...     ws.drop("large")
    ...     ws.vacuum() > 1_000_000
    True
    """
    database = session.database
    path = database.path
    if path is None or database.storage.is_private or not path.exists():
        return 0
    file = path.resolve()
    try:
        # Nobody else can open the file, or fetch, until the new one is in its place.
        with database.fetch_lock(), database.exclusive() as con, _new_folder(file) as folder:
            before = size_of(file)
            new = folder / file.name
            _copy(con, database.storage.name, new)
            after = size_of(new)
            if after < before:
                _take_place(new, file, folder / "old")
            return max(0, before - after)
    except OSError as error:
        raise StorageError(f"{path} stays as it is: {error.strerror}") from error


def size_of(file: Path) -> int:
    """Bytes on the disk, with what is still in the file that DuckDB writes first."""
    found = 0
    for part in (file, wal_of(file)):
        with suppress(FileNotFoundError):
            found += part.stat().st_size
    return found


def folder_beside(file: Path) -> Path:
    """Where the new file is made: on the same disk, so that it can take the old one's place in one moment."""
    return file.with_name(f"{file.name}.vacuum")


@contextmanager
def _new_folder(file: Path) -> Iterator[Path]:
    folder = folder_beside(file)
    shutil.rmtree(folder, ignore_errors=True)  # of a killed process: nobody else can be at it
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(con: duckdb.DuckDBPyConnection, name: str, new: Path) -> None:
    """All that is in the database, in a new file of the same storage version."""
    con.execute(f"CHECKPOINT {quoted(name)}")
    ((version,),) = con.execute(VERSION, [name]).fetchall()
    con.execute(f"ATTACH {literal(str(new))} AS {COPY} (STORAGE_VERSION {literal(version.removesuffix('+'))})")
    try:
        con.execute(f"COPY FROM DATABASE {quoted(name)} TO {COPY}")
        con.execute(f"CHECKPOINT {COPY}")  # DETACH would do it too, but says nothing where it fails
    except duckdb.ConstraintException as error:
        # DuckDB 1.5 copies tables in the order of their names, also where one refers to another.
        raise StorageError(f"the database stays as it is, since DuckDB cannot copy it: {error}") from error
    finally:
        con.execute(f"DETACH {COPY}")


def _take_place(new: Path, file: Path, old: Path) -> None:
    """Puts the new file in the place of the old one, with the same owner and rights."""
    known = file.stat()
    new.chmod(known.st_mode & 0o7777)
    with suppress(OSError, AttributeError):
        os.chown(new, known.st_uid, known.st_gid)
    with suppress(OSError):  # not every disk knows two names of one file
        os.link(file, old)
    new.replace(file)
    _spoil(old)


def _spoil(old: Path) -> None:
    """Whoever has just opened the old file, and waits for its lock, would write where nobody reads: no header, no
    database. A file that has other names still is left alone."""
    with suppress(OSError), old.open("r+b") as file:
        if os.fstat(file.fileno()).st_nlink == 1:
            file.write(bytes(HEADER))
