"""A database without the room that was once taken in it: DuckDB uses that again, but seldom gives it back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from ..exceptions import StorageError
from ..quoting import literal, quoted
from .file import wal_of

COPY = "__mixpanel_data_vacuumed"
VERSION = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?"
HEADER = 4096


def rewrite(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> int:
    """Puts a copy of the database into the place of its file, if that is smaller; gives the bytes that are saved.

    Args:
        con: where the database is attached as ``name``, for writing; nobody else may have it.
        file: the database file, and no link to it.
    """
    with _new_folder(file) as folder:
        before = size_of(file)
        new = folder / file.name
        _copy(con, name, new)
        after = size_of(new)
        if after < before:
            _take_place(new, file, folder / "old")
        return max(0, before - after)


def size_of(file: Path) -> int:
    """Bytes on the disk, with those of the write-ahead log."""
    found = 0
    for part in (file, wal_of(file)):
        with suppress(FileNotFoundError):
            found += part.stat().st_size
    return found


def folder_beside(file: Path) -> Path:
    """Where the new file is made: on the same disk, so that it can take the old one's place in one moment."""
    return file.with_name(f"{file.name}.vacuum")


def remove_copy(file: Path) -> None:
    """Removes the copy that a killed process left, for who has the right to fetch: nobody else can be at it."""
    shutil.rmtree(folder_beside(file), ignore_errors=True)


@contextmanager
def _new_folder(file: Path) -> Iterator[Path]:
    folder = folder_beside(file)
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
