"""What killed processes left in the data folder, and databases that nobody needs any more."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ..exceptions import StorageError
from .database import Database, alone_with, claim_on, no_credentials, wal_of
from .locks import Claim, is_alive, is_free
from .vacuuming import folder_of

SPILLED = re.compile(r"\.(?P<process>\d+)-\d+\.tmp$")
"""A folder of ours for what does not fit into memory; DuckDB's own, of whoever has the database open, has no number."""


def remove(path: Path) -> None:
    """Removes a database, with all that belongs to it.

    Raises:
        StorageError: somebody has it, or it cannot be opened.
    """
    with alone_with(path):
        try:
            wal_of(path).unlink(missing_ok=True)
            path.unlink()
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror}") from error
    sweep(path.parent, path.name)


def look_whether_free(path: Path) -> None:
    """Whether it could be removed. Leaves no trace: when a file was read is what tells whether anybody needs it.

    Raises:
        StorageError: somebody has it, or it cannot be opened.
    """
    if not _is_unlocked(claim_on(path)):
        raise StorageError(f"{path} is being fetched into: wait until it ends")
    known = {part: part.stat() for part in _parts(path)}
    # What a killed process left for DuckDB to finish would be written now: such a database is only read.
    is_whole = len(known) == 1
    with closing(Database(path, no_credentials, wait=False)) as database, database.opened(write=is_whole):
        for part, before in known.items():
            os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))


def last_used(path: Path) -> datetime:
    """When it was last read or written, as far as the disk remembers when it was read."""
    known = [part.stat() for part in _parts(path)]
    return datetime.fromtimestamp(max(max(one.st_atime, one.st_mtime) for one in known), UTC)


def _parts(path: Path) -> list[Path]:
    return [path, *(part for part in [wal_of(path)] if part.exists())]


def sweep(folder: Path, name: str = "*.db", *, dry_run: bool = False) -> list[Path]:
    """Removes what killed processes left beside databases, and tells what that is."""
    locks = [path for path in sorted(folder.glob(claim_on(Path(name)).name)) if _is_unlocked(path)]
    folders = [
        *(path for path in sorted(folder.glob(f"{name}.*tmp")) if _is_spilled(path)),
        *(path for path in sorted(folder.glob(folder_of(Path(name)).name)) if _is_forsaken(path)),
    ]
    if not dry_run:
        locks = [path for path in locks if _unlinked(Claim(path))]
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
    return [*locks, *folders]


def _unlinked(claim: Claim) -> bool:
    """A lock file goes only while it is ours: somebody may want it just now."""
    is_ours = claim.take()
    claim.release()
    return is_ours


def _is_unlocked(path: Path) -> bool:
    try:
        return is_free(path)
    except FileNotFoundError:
        return True


def _is_spilled(path: Path) -> bool:
    if found := SPILLED.search(path.name):
        return not is_alive(int(found["process"]))
    return path.name.endswith(".db.tmp") and _is_forsaken(path)


def _is_forsaken(path: Path) -> bool:
    """Whether nobody has the database that it is named after."""
    database = path.with_suffix("")
    try:
        look_whether_free(database)
    except StorageError:
        return False
    except FileNotFoundError:
        return True
    return True
