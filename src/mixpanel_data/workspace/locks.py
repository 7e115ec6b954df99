"""Locks on files and folders, which the system frees when their process ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..exceptions import StorageError

try:
    import fcntl
except ImportError:  # Windows has no such locks: there nobody waits, and nothing is swept
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of something that is there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        _take(handle)
        yield
    finally:
        os.close(handle)


def is_free(path: Path) -> bool:
    """Whether no living process holds the lock."""
    if fcntl is None:
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        return _take(handle)
    finally:
        os.close(handle)


def is_alive(process: int) -> bool:
    """Whether there is such a process."""
    if fcntl is None:
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


MOMENT = 0.1


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


class Claim:
    """The right to do something alone: a lock file, removed afterwards, in which stands who has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            if not _take(handle):
                os.close(handle)
                return False
            if self._is_there(handle):
                os.truncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
                self._handle = handle
                return True
            os.close(handle)  # who had it has removed the file meanwhile

    def holder(self) -> str:
        """Who has it, for people."""
        with suppress(OSError):
            if process := self._path.read_text().strip():
                return f"process {process}"
        return "another process"

    def release(self) -> None:
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def _is_there(self, handle: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(handle), self._path.stat())
        return False


def _take(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
