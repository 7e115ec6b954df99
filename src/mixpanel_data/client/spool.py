"""Bodies on disk: downloaded as they come, read back whole, removed in any case."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from isal import igzip, isal_zlib

from ..exceptions import IncompleteExportError

PIECE = 8 << 20
GZIP_ERRORS = (EOFError, igzip.BadGzipFile, cast(type[Exception], isal_zlib.error))


class Spool:
    """One body in a file of its own, which is gone when the ``with`` block ends."""

    def __init__(self, *, gzipped: bool) -> None:
        with tempfile.NamedTemporaryFile(dir=_spool_folder(), delete=False) as file:
            self._path = Path(file.name)
        self._gzipped = gzipped

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def writer(self) -> BinaryIO:
        return self._path.open("wb")

    def blocks(self) -> Iterator[bytes]:
        """The body, gunzipped, in blocks of whole lines of about 8 MiB.

        Raises:
            IncompleteExportError: the gzip stream is damaged or ends early, or the last line has no end.
        """
        rest = b""
        for piece in self._pieces():
            end = piece.rfind(b"\n") + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
        if rest:
            raise IncompleteExportError("the export ends in the middle of a line")

    def _pieces(self) -> Iterator[bytes]:
        if self._gzipped and self._path.stat().st_size == 0:
            raise IncompleteExportError("the export's gzip stream is empty")
        with self._open() as body:
            while piece := _read(body):
                yield piece

    def _open(self) -> BinaryIO:
        if self._gzipped:
            return cast(BinaryIO, igzip.open(self._path, "rb"))  # type: ignore[no-untyped-call]
        return self._path.open("rb")


def _read(body: BinaryIO) -> bytes:
    try:
        return body.read(PIECE)
    except GZIP_ERRORS as error:
        raise IncompleteExportError(f"the export's gzip stream is damaged or cut off: {error}") from None


@cache
def _spool_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mixpanel_data-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
