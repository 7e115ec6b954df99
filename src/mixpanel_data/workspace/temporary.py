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

from ..exceptions import StorageError
from .locks import is_free, locked

PREFIX = "mixpanel_data-"
ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
YOUNG = 60.0
"""Seconds in which a folder may still be without its lock."""
_ours: dict[Path, int] = {}
"""The folders in use, and the process that made each: a forked child must not remove its parent's."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of one's own, for as long as the block runs."""
    sweep()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise StorageError(f"nothing can be kept in {tempfile.gettempdir()}: {error.strerror}") from error
    with locked(folder):
        _ours[folder] = os.getpid()
        _heed(signal.SIG_DFL, _end)
        try:
            yield folder
        finally:
            _remove(folder)
            if not _ours:
                _heed(_end, signal.SIG_DFL)


def sweep(*, dry_run: bool = False) -> list[Path]:
    """Removes what processes left that were killed, and tells what that is."""
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder not in _ours and time.time() - folder.stat().st_mtime > YOUNG and is_free(folder):
                found.append(folder)
                if not dry_run:
                    shutil.rmtree(folder, ignore_errors=True)
    return found


@atexit.register
def _remove_all() -> None:
    for folder in list(_ours):
        _remove(folder)


def _remove(folder: Path) -> None:
    if _ours.pop(folder, None) == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def _heed(instead_of: object, handler: object) -> None:
    """Lets ``handler`` answer when the process is told to end, unless somebody else does already."""
    if threading.current_thread() is not threading.main_thread():
        return
    for ending in ENDINGS:
        if signal.getsignal(ending) is instead_of:
            signal.signal(ending, handler)  # type: ignore[arg-type]


def _end(ending: int, _: FrameType | None) -> None:
    _remove_all()
    signal.signal(ending, signal.SIG_DFL)
    os.kill(os.getpid(), ending)
