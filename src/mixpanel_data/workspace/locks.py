"""Locks on files and folders, which the system frees when their process ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
