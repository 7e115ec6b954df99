"""Record batches as the Arrow C stream that DuckDB reads, with our own words for its errors.

pyarrow makes the stream, but puts a Python traceback into the text of every error. So one of the structure's functions
is replaced, the one that tells the last error: it gives the one line that the user should read.

Source: the Arrow C stream interface, https://arrow.apache.org/docs/format/CStreamInterface.html
"""

from __future__ import annotations

import ctypes
from typing import Protocol

import pyarrow as pa

LONGEST_LINE = 4096
INTERRUPTED = "interrupted"


class Batches(Protocol):
    """What a stream is made from."""

    schema: pa.Schema

    def next(self) -> pa.RecordBatch | None:
        """The next batch, None at the end. Whatever it raises ends the stream with its text as the error."""

    def close(self) -> None:
        """Called when nobody will ask for more."""


class _ArrowArrayStream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_GetLastError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
_pointer_in_capsule = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_in_capsule.restype = ctypes.c_void_p
_pointer_in_capsule.argtypes = (ctypes.py_object, ctypes.c_char_p)


class Stream:
    """What DuckDB takes for the scanner of a data set: it can be exported as a C stream, once."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def to_reader(self) -> Stream:
        return self

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The stream in a capsule, as DuckDB 2 asks for it."""
        reading = _Reading(self._batches)
        capsule = reading.reader().__arrow_c_stream__(requested_schema)
        reading.put_in_words(_pointer_in_capsule(capsule, b"arrow_array_stream"))
        return capsule

    def _export_to_c(self, address: int) -> None:
        """The stream in the structure at this address, as DuckDB 1.5 asks for it."""
        reading = _Reading(self._batches)
        reading.reader()._export_to_c(address)
        reading.put_in_words(address)


def as_line(error: BaseException) -> str:
    """What is told of it."""
    return str(error).rstrip() or type(error).__name__


class _Reading:
    """The iterator behind one stream. pyarrow drops it when the stream is released."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        # What is told if an interrupt strikes before any line of __next__ has run.
        self._line = ctypes.create_string_buffer(INTERRUPTED.encode(), LONGEST_LINE)
        address = ctypes.addressof(self._line)
        self._get_last_error = _GetLastError(lambda _: address)

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._batches.schema, self)

    def put_in_words(self, address: int) -> None:
        stream = _ArrowArrayStream.from_address(address)
        stream.get_last_error = ctypes.cast(self._get_last_error, ctypes.c_void_p)

    def __iter__(self) -> _Reading:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            batch = self._batches.next()
        except BaseException as error:
            self._line.value = as_line(error).encode("utf-8", "replace")[: LONGEST_LINE - 1]
            raise
        if batch is None:
            raise StopIteration
        return batch

    def __del__(self) -> None:
        self._batches.close()
