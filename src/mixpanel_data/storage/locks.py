"""Locks between processes. The system frees them when a process ends, in whatever way."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import StorageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.025
SILENT_SECONDS = 0.1
"""Who waits no longer than this says nothing of it."""


class Patience:
    """Waits for whoever is in the way, and says so once.

    Args:
        wait: whether to wait, or how many seconds at most.
    """

    def __init__(self, what: str, wait: bool | float) -> None:
        self._what = what
        self._longest = math.inf if wait is True else float(wait)
        self._since = time.monotonic()
        self._is_silent = True

    def wait_for(self, holder: str) -> None:
        """Waits for a moment.

        Raises:
            StorageError: there is to be no waiting, or no more.
        """
        waited = time.monotonic() - self._since
        if waited >= self._longest:
            since = f", for {self._longest:g} s and more" if self._longest else ""
            raise StorageError(f"{self._what} {holder}{since}: wait until it ends", holder=holder)
        if self._is_silent and waited > SILENT_SECONDS:
            until = "" if self._longest == math.inf else f", {self._longest:g} s at most"
            print(f"{self._what} {holder}: waiting until it ends{until}", file=sys.stderr, flush=True)
            self._is_silent = False
        time.sleep(POLL_SECONDS)


@contextmanager
def fetch_lock(database: Path, *, wait: bool | float) -> Iterator[None]:
    """The right to fetch into a database, which one process at a time has.

    Raises:
        StorageError: another one has it, and we do not wait; or no lock can be made.
    """
    path = fetch_lock_file(database)
    lock = file_lock(path, _write_process)
    patience = Patience(f"{database} is being fetched into by", wait)
    try:
        path.parent.stat()  # filelock would make the folder
        while not try_lock(lock):
            patience.wait_for(_holder(path))
    except OSError as error:
        raise StorageError(f"cannot write beside {database}: {error.strerror}") from error
    try:
        yield
    finally:
        # Removed while it is held: who waits for it finds that its file has no name any more, and makes a new one.
        with suppress(OSError):  # Windows removes no open file; there filelock does it afterwards
            path.unlink()
        lock.release()


def fetch_lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.fetching")


def file_lock(path: Path, on_acquired: Callable[[int], None] | None = None) -> BaseFileLock:
    """A lock on a file that is made for it, and handed to ``on_acquired``."""
    from filelock import FileLock  # noqa: PLC0415 - who only looks at tables locks nothing

    return FileLock(path, timeout=0, thread_local=False, on_acquired=on_acquired)  # any thread may end the process


def try_lock(lock: BaseFileLock) -> bool:
    """Whether it could be acquired at once."""
    from filelock import Timeout  # noqa: PLC0415

    try:
        lock.acquire()
    except Timeout:
        return False
    return True


def is_free(path: Path) -> bool:
    """Whether no living process has this lock file."""
    if not path.exists():
        return True
    lock = file_lock(path)
    is_ours = try_lock(lock)
    lock.release()
    return is_ours


def _write_process(handle: int) -> None:
    """Writes who has the lock, from the second byte on: Windows lets nobody else read the first, which it locks."""
    with suppress(OSError):  # a full disk takes no number, and whoever waits does without
        os.ftruncate(handle, 0)
        os.write(handle, f" {os.getpid()}".encode())


def _holder(path: Path) -> str:
    """Who has the lock, for people."""
    with suppress(OSError), path.open("rb", buffering=0) as file:
        file.seek(1)
        if process := file.read().decode(errors="replace"):
            return f"process {process}"
    return "another process"
