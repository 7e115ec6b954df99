"""Bodies on disk: downloaded as they come, read back whole, gone with the process at the latest.

The files have no name: the system frees them when they are closed, or when the process ends in whatever way.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import IO, cast

from isal import igzip, isal_zlib

from ..exceptions import IncompleteExportError

PIECE = 8 << 20
GZIP_ERRORS = (EOFError, igzip.BadGzipFile, cast(type[Exception], isal_zlib.error))
_open: weakref.WeakSet[Spool] = weakref.WeakSet()


def open_spools() -> int:
    """How many bodies are on disk now."""
    return len(_open)


class Spool:
    """One body. It is read by one reader at a time."""

    def __init__(self, *, gzipped: bool) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="mixpanel_data-")  # noqa: SIM115 - closed by close()
        self._gzipped = gzipped
        _open.add(self)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the space."""
        self._file.close()
        _open.discard(self)

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def blocks(self) -> Iterator[bytes]:
        """The body, gunzipped, in blocks of whole lines of about 8 MiB.

        Raises:
            IncompleteExportError: the gzip stream is damaged or ends early, or the last line has no end.
        """
        rest = b""
        for piece in self._pieces():
            end = piece.rfind(b"\n") + 1
            if end:
                yield b"".join((rest, memoryview(piece)[:end]))
                rest = piece[end:]
            else:
                rest += piece
        if rest:
            raise IncompleteExportError("the export ends in the middle of a line")

    def _pieces(self) -> Iterator[bytes]:
        if self._gzipped and self._file.seek(0, 2) == 0:
            raise IncompleteExportError("the export's gzip stream is empty")
        self._file.seek(0)
        body = igzip.open(self._file, "rb") if self._gzipped else self._file  # type: ignore[no-untyped-call]
        while piece := _read(body):
            yield piece


def _read(body: IO[bytes]) -> bytes:
    try:
        return body.read(PIECE)
    except GZIP_ERRORS as error:
        raise IncompleteExportError(f"the export's gzip stream is damaged or cut off: {error}") from None
