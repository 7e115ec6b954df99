"""Folders that are gone when their work is over, however the process ends.

At exit and after an exception they are removed at once, and also when the process is told to end (SIGTERM, SIGHUP).
What a killed process left is swept by the next one: a folder is locked for as long as its process lives.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..exceptions import StorageError
from .locks import file_lock, is_free

if TYPE_CHECKING:
    from filelock import BaseFileLock

PREFIX = "mixpanel_data-"
LOCK = ".lock"
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
GRACE_SECONDS = 60.0
"""A folder may be without its lock for so long after it was made."""
_locks: dict[Path, tuple[int, BaseFileLock]] = {}
"""The folders in use, the process that made each, and its lock: a forked child must not remove its parent's."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of one's own, for as long as the block runs."""
    sweep()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise StorageError(f"nothing can be kept in {tempfile.gettempdir()}: {error.strerror}") from error
    lock = file_lock(folder / LOCK)
    _locks[folder] = os.getpid(), lock
    lock.acquire()
    _replace_handler(signal.SIG_DFL, _end)
    try:
        yield folder
    finally:
        _remove(folder)
        if not _locks:
            _replace_handler(_end, signal.SIG_DFL)


def sweep(*, dry_run: bool = False) -> list[Path]:
    """Removes what processes left that were killed, and tells what that is."""
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder not in _locks and time.time() - folder.stat().st_mtime > GRACE_SECONDS and is_free(folder / LOCK):
                found.append(folder)
                if not dry_run:
                    shutil.rmtree(folder, ignore_errors=True)
    return found


@atexit.register
def _remove_all() -> None:
    for folder in list(_locks):
        _remove(folder)


def _remove(folder: Path) -> None:
    process, lock = _locks.pop(folder, (None, None))
    if process == os.getpid() and lock is not None:
        lock.release()  # Windows removes no open file
        shutil.rmtree(folder, ignore_errors=True)


def _replace_handler(old: object, new: object) -> None:
    """Lets ``new`` answer when the process is told to end, unless somebody else than ``old`` does already."""
    if threading.current_thread() is not threading.main_thread():
        return
    for ending in SIGNALS:
        if signal.getsignal(ending) is old:
            signal.signal(ending, new)  # type: ignore[arg-type]


def _end(ending: int, _: FrameType | None) -> None:
    _remove_all()
    signal.signal(ending, signal.SIG_DFL)
    os.kill(os.getpid(), ending)
