"""Locks between processes. The system frees them when a process ends, in whatever way."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...exceptions import StorageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.025
SILENT_SECONDS = 0.1
"""Who waits no longer than this says nothing of it."""


class Patience:
    """Waits for whoever is in the way, and says so once."""

    def __init__(self, what: str, is_allowed: bool) -> None:
        self._what = what
        self._is_allowed = is_allowed
        self._since = time.monotonic()
        self._is_silent = True

    def wait_for(self, holder: str) -> None:
        """Waits for a moment.

        Raises:
            StorageError: there is to be no waiting.
        """
        if not self._is_allowed:
            raise StorageError(f"{self._what} {holder}: wait until it ends", holder=holder)
        if self._is_silent and time.monotonic() - self._since > SILENT_SECONDS:
            print(f"{self._what} {holder}: waiting until it ends", file=sys.stderr, flush=True)
            self._is_silent = False
        time.sleep(POLL_SECONDS)


class FetchLock:
    """The right to fetch into a database: a lock file beside it, in which its holder writes its process id."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.fetching")
        self._lock = file_lock(self.path, _write_process)

    def acquire(self) -> bool:
        """Whether it is ours now.

        Raises:
            OSError: no file can be made there.
        """
        self.path.parent.stat()  # filelock would make the folder
        return try_lock(self._lock)

    def holder(self) -> str:
        """Who has it, for people."""
        with suppress(OSError), self.path.open("rb", buffering=0) as file:
            file.seek(1)
            if process := file.read().decode(errors="replace"):
                return f"process {process}"
        return "another process"

    def release(self) -> None:
        if self._lock.is_locked:
            # Removed while it is held: who waits for it finds that its file has no name any more, and makes a new one.
            with suppress(OSError):
                self.path.unlink()
            self._lock.release()
            if os.name == "nt":  # which removes no open file
                with suppress(OSError):
                    self.path.unlink()


def file_lock(path: Path, on_acquired: Callable[[int], None] | None = None) -> BaseFileLock:
    """A lock on a file that is made for it.

    Args:
        on_acquired: called with the open file.
    """
    from filelock import FileLock  # noqa: PLC0415 - who only looks at tables locks nothing

    # Not bound to a thread: a signal, or the end of the process, may come in another one.
    return FileLock(path, timeout=0, thread_local=False, preserve_lock_file=True, on_acquired=on_acquired)


def try_lock(lock: BaseFileLock) -> bool:
    """Whether it could be acquired at once."""
    from filelock import Timeout  # noqa: PLC0415

    try:
        lock.acquire()
    except Timeout:
        return False
    return True


def is_free(path: Path) -> bool:
    """Whether no living process has the lock; its file stays as it is."""
    if not path.exists():
        return True
    lock = file_lock(path)
    is_ours = try_lock(lock)
    lock.release()
    return is_ours


def is_alive(process: int) -> bool:
    """Whether there is such a process."""
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _write_process(handle: int) -> None:
    """Writes who has the lock, from the second byte on: Windows lets nobody else read the first, which it locks."""
    os.ftruncate(handle, 0)
    os.write(handle, f" {os.getpid()}".encode())
