"""DuckDB's errors as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from ..exceptions import ArgumentError, MixpanelDataError, QueryError, StorageError
from .cures import with_cure

Say = Callable[[BaseException], BaseException]
DUCKDB_ERROR = re.compile(r"[A-Z][A-Za-z ]* Error: ")
"""How DuckDB's errors begin, also where Arrow was reading the rows and raised an OSError of its own."""
WRAPPER = re.compile(
    r"^Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\s+Error: "
)
"""What DuckDB 1.5 puts before an error that strikes while rows are being fetched."""
NO_ROOM = re.compile(r"Could not write|No space left|^IO Error|^Out of Memory Error")
HALF = re.compile(r"cannot encode str as UTF-8, surrogate ('.*?')|Unable to cast Python instance of type <class 'str'>")
"""What DuckDB says of half a character; 1.5 does not say of which."""
INTERRUPTED = "Query interrupted"
"""What DuckDB says, in a plain RuntimeError, where Ctrl-C strikes while it runs a statement of its own."""


@contextmanager
def translate_errors(
    error_behind: Callable[[BaseException], BaseException | None], say: Say = lambda error: error
) -> Iterator[None]:
    """Whatever fails inside leaves as one of our own errors.

    Args:
        error_behind: tells the error of ours that DuckDB has wrapped into its own.
        say: puts it into other words.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - DuckDB's, or Arrow's where rows were being read
        ours = say(error_behind(error) or _translate(error))
        raise ours from ours.__cause__  # what DuckDB makes of it on the way says nothing more


def _translate(error: Exception) -> BaseException:
    """The error of ours that says the same; the error itself if it is not DuckDB's."""
    if isinstance(error, duckdb.InterruptException) or str(error) == INTERRUPTED:
        return KeyboardInterrupt()
    if isinstance(error, MixpanelDataError):
        return error
    if isinstance(error, UnicodeEncodeError):
        return half_character(error)
    text = WRAPPER.sub("", str(error).split("\n\nLINE ")[0])
    if isinstance(error, duckdb.OutOfMemoryException):
        return _with_cause(StorageError(f"there is not enough memory, or disk to make up for it: {text}"), error)
    if isinstance(error, duckdb.IOException) or NO_ROOM.search(text):
        return _with_cause(StorageError(f"the database cannot be written: {text}"), error)
    if (found := HALF.search(text)) is not None:
        return ArgumentError(f"{found[1] or 'something'} is half a character: leave it out of the text")
    if isinstance(error, duckdb.Error) or DUCKDB_ERROR.match(text):
        return _with_cause(QueryError(with_cure(text)), error)
    return error


def half_character(error: UnicodeEncodeError) -> ArgumentError:
    """Text that is no Unicode, as nothing outside Python can have it."""
    return ArgumentError(f"{error.object[error.start : error.end]!r} is half a character: leave it out of the text")


def _with_cause(ours: MixpanelDataError, error: Exception) -> MixpanelDataError:
    ours.__cause__ = error.with_traceback(None)  # which would only say the same once more
    return ours
