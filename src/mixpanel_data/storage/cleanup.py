"""What killed processes left beside databases, and databases that nobody needs any more."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ..exceptions import StorageError
from .file import File, wal_of
from .locks import fetch_lock, fetch_lock_file, is_free
from .vacuum import folder_beside

SPILL_FOLDER = re.compile(r"\.(?P<process>\d+)-\d+\.tmp$")
"""A folder of ours for what does not fit into memory; DuckDB's own, of whoever has the database open, has no number."""


def create(path: Path) -> None:
    """Makes an empty database."""
    with _open(path, wait=True):
        pass


def remove(path: Path) -> None:
    """Removes a database, with all that belongs to it.

    Raises:
        StorageError: somebody has it or fetches into it, or it cannot be opened.
    """
    with fetch_lock(path, wait=False), _open(path):
        try:
            wal_of(path).unlink(missing_ok=True)
            path.unlink()
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror}") from error
    sweep(path.parent, path.name)


def refuse_used(path: Path) -> None:
    """Says who keeps the database from being removed. Leaves no trace: when a file was read is what tells whether
    anybody needs it.

    Raises:
        StorageError: somebody has it, or it cannot be opened.
    """
    if not is_free(fetch_lock_file(path)):
        raise StorageError(f"{path} is being fetched into: wait until it ends")
    known = {part: part.stat() for part in _parts(path)}
    # What a killed process left for DuckDB to finish would be written now: such a database is only read.
    has_no_wal = len(known) == 1
    with _open(path, write=has_no_wal):
        for part, before in known.items():
            os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))


def last_used(path: Path) -> datetime:
    """When it was last read or written, as far as the disk remembers when it was read."""
    known = [part.stat() for part in _parts(path)]
    return datetime.fromtimestamp(max(max(one.st_atime, one.st_mtime) for one in known), UTC)


def sweep(folder: Path, name: str = "*.db", *, dry_run: bool = False) -> list[Path]:
    """Removes what killed processes left beside databases, and tells what that is."""
    locks = [path for path in sorted(folder.glob(fetch_lock_file(Path(name)).name)) if is_free(path)]
    folders = [
        *(path for path in sorted(folder.glob(f"{name}.*tmp")) if _is_spill_of_the_dead(path)),
        *(path for path in sorted(folder.glob(folder_beside(Path(name)).name)) if _is_forsaken(path)),
    ]
    if not dry_run:
        locks = [path for path in locks if _remove_lock(path)]
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
    return [*locks, *folders]


def _remove_lock(path: Path) -> bool:
    """The file of a lock goes only while it is ours: somebody may want it just now."""
    with suppress(StorageError), fetch_lock(path.with_suffix(""), wait=False):
        return True
    return False


@contextmanager
def _open(path: Path, *, write: bool = True, wait: bool = False) -> Iterator[None]:
    """Holds the database, as whoever reads or writes it does."""
    file = File(path)
    with duckdb.connect() as con:
        file.attach(con, write=write, wait=wait)
        try:
            yield
        finally:
            file.detach(con)


def _parts(path: Path) -> list[Path]:
    return [path, *(part for part in [wal_of(path)] if part.exists())]


def _is_spill_of_the_dead(path: Path) -> bool:
    if found := SPILL_FOLDER.search(path.name):
        return not _is_alive(int(found["process"]))
    return path.name.endswith(".db.tmp") and _is_forsaken(path)


def _is_forsaken(path: Path) -> bool:
    """Whether nobody has the database that it is named after."""
    try:
        refuse_used(path.with_suffix(""))
    except StorageError:
        return False
    except FileNotFoundError:
        return True
    return True


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
