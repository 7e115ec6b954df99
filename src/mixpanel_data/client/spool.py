"""Bodies on disk: read while they still come, read again when they are proven, gone with the process at the latest.

The files have no name: the system frees them when they are closed, or when the process ends in whatever way.
"""

from __future__ import annotations

import io
import tempfile
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import IO, Any, cast

from isal import igzip, isal_zlib

from ..exceptions import IncompleteExportError, StorageError
from ..forks import in_a_forked_child, once_a_process
from .blocks import Block, whole_lines

GZIP_ERRORS = (EOFError, igzip.BadGzipFile, cast(type[Exception], isal_zlib.error))
ENOUGH = 2 << 20
"""Bytes to wait for before memory is taken to gunzip them into."""
_open: weakref.WeakSet[Spool] = weakref.WeakSet()
in_a_forked_child(_open.clear)


@once_a_process
def _closing() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="mixpanel_data")


def temporary_file(*, buffering: int = -1) -> IO[bytes]:
    """A file without a name: the system frees it when it is closed, or when the process ends.

    Raises:
        StorageError: there is no room for it.
    """
    try:
        return tempfile.TemporaryFile(prefix="mixpanel_data-", buffering=buffering)
    except OSError as error:
        raise no_room(error) from None


def open_spools() -> int:
    """How many bodies are on disk now."""
    return len(_open)


def close_later(file: IO[bytes]) -> None:
    """Closes a file in the background: to free 100 MB that have no name takes the system a tenth of a second."""
    _closing().submit(file.close)


def spooled_bytes() -> int:
    """How much of the disk they take."""
    return sum(spool.size for spool in list(_open))


class Spool:
    """One body, written by one thread and read by others. Readers wait for what has yet to come, until ``end()``."""

    def __init__(self, *, gzipped: bool) -> None:
        self._file = temporary_file(buffering=0)
        self._gzipped = gzipped
        self._changed = threading.Condition()
        self._ended = self._closed = False
        self.size = 0
        _open.add(self)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the space; whoever still reads gets an error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        _open.discard(self)
        _closing().submit(self._close_file)

    def _close_file(self) -> None:
        with self._changed:  # nobody is reading now
            self._file.close()

    def write(self, data: bytes) -> None:
        """Adds to the body.

        Raises:
            StorageError: the disk has no room for it.
        """
        with self._changed:
            self._file.seek(self.size)
            try:
                while data:
                    written = self._file.write(data)
                    self.size += written
                    data = data[written:]
            except OSError as error:
                raise no_room(error) from None
            self._changed.notify_all()

    def end(self) -> None:
        """Says that the body is complete, as far as HTTP can tell."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def blocks(self) -> Iterator[Block]:
        """The body, gunzipped, in blocks of whole lines.

        Raises:
            IncompleteExportError: the gzip stream is damaged or ends early.
        """
        body = _Body(self)
        with self._unzip(body) as unzipped:
            yield from whole_lines(lambda piece: _read(unzipped, piece), body.wait)

    def unzipped(self) -> IO[bytes]:
        """The body as a file, to be read from its beginning."""
        return self._unzip(_Body(self))

    def _unzip(self, body: _Body) -> IO[bytes]:
        if not self._gzipped:
            return cast(IO[bytes], body)
        return cast(IO[bytes], igzip.open(cast(IO[bytes], body), "rb"))  # type: ignore[no-untyped-call]

    def wait_for(self, size: int) -> None:
        """Returns when the body has come so far, or has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._ended or self.size >= size)

    def read_into(self, memory: Any, position: int) -> int:
        """Fills the memory with what stands at the position; 0 at the end of the body."""
        with self._changed:
            self.wait_for(position + 1)
            if self._closed:
                raise IncompleteExportError("the download was given up")
            self._file.seek(position)
            return int(self._file.readinto(memory))  # type: ignore[attr-defined]


class _Body(io.RawIOBase):
    """A spool from its beginning, as a file."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._position = 0

    def readable(self) -> bool:
        return True

    def wait(self) -> None:
        self._spool.wait_for(self._position + ENOUGH)

    def readinto(self, memory: Any) -> int:
        count = self._spool.read_into(memory, self._position)
        self._position += count
        return count


def _read(unzipped: IO[bytes], piece: memoryview) -> int:
    try:
        return int(unzipped.readinto(piece))  # type: ignore[attr-defined]
    except GZIP_ERRORS as error:
        raise IncompleteExportError(f"the export's gzip stream is damaged or cut off: {error}") from None


def no_room(error: OSError) -> StorageError:
    """What to say when what Mixpanel sends finds no room on the disk."""
    return StorageError(
        f"what Mixpanel sends cannot be kept in {tempfile.gettempdir()} ({error.strerror}): make room there, or set "
        "TMPDIR to a folder that has some"
    )
