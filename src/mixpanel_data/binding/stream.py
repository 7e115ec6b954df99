"""Record batches as the Arrow C stream that DuckDB reads, with our own words for its errors.

pyarrow makes the stream, but puts a Python traceback into the text of every error. So one of the structure's functions
is replaced, the one that tells the last error: it gives the one line that the user should read.

Source: the Arrow C stream interface, https://arrow.apache.org/docs/format/CStreamInterface.html
"""

from __future__ import annotations

import _thread
import ctypes
import operator
import signal
from collections.abc import Callable, Generator
from functools import partial
from itertools import repeat, starmap
from typing import Any, Protocol

import pyarrow as pa

LONGEST_LINE = 4096
INTERRUPTED = "interrupted"
STRIKE: tuple[Any, ...] = (_thread.interrupt_main, signal.SIGINT)
NO_STRIKE: tuple[Any, ...] = (int,)


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
        self._batches = [batches]

    def to_reader(self) -> Stream:
        return self

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The stream in a capsule, as DuckDB 2 asks for it."""
        reading = _Reading(self._batches.pop())
        capsule = reading.reader().__arrow_c_stream__(requested_schema)
        reading.put_in_words(_pointer_in_capsule(capsule, b"arrow_array_stream"))
        return capsule

    def _export_to_c(self, address: int) -> None:
        """The stream in the structure at this address, as DuckDB 1.5 asks for it."""
        reading = _Reading(self._batches.pop())
        reading.reader()._export_to_c(address)
        reading.put_in_words(address)


def as_line(error: BaseException) -> str:
    """What is told of it."""
    return str(error).rstrip() or type(error).__name__


class _Closing:
    """Closes the batches when it is dropped."""

    def __init__(self, batches: Batches) -> None:
        self.next = batches.next
        self._close = batches.close

    def __del__(self) -> None:
        self._close()


class _Reading:
    """What is behind one stream. pyarrow drops it when the stream is released.

    Ctrl-C mostly strikes here, since DuckDB mostly waits for us. As an error of ours it would become one of DuckDB's,
    which a loop with ``except duckdb.Error`` takes for an answer. So it strikes once more when DuckDB has the error.
    """

    def __init__(self, batches: Batches) -> None:
        self._schema, self._batches = batches.schema, [_Closing(batches)]
        # Until there is another error, so that an interrupt may strike anywhere.
        self._line = ctypes.create_string_buffer(INTERRUPTED.encode(), LONGEST_LINE)
        self._strike = {"again": STRIKE}
        self._get_last_error = _GetLastError(self._address_and_strike())

    def reader(self) -> pa.RecordBatchReader:
        # This object is kept beside the generator, which is gone after an error: the line has to be there still.
        batches = map(operator.itemgetter(0), zip(self._each(self._batches.pop()), repeat(self)))
        return pa.RecordBatchReader.from_batches(self._schema, batches)

    def put_in_words(self, address: int) -> None:
        stream = _ArrowArrayStream.from_address(address)
        stream.get_last_error = ctypes.cast(self._get_last_error, ctypes.c_void_p)

    def _each(self, batches: _Closing) -> Generator[pa.RecordBatch, None, None]:
        """The batches. A generator, since it goes on within its try, where Ctrl-C may strike at once."""
        try:
            while (batch := batches.next()) is not None:
                yield batch
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):
                self._line.value = as_line(error).encode("utf-8", "replace")[: LONGEST_LINE - 1]
                self._strike.clear()
            # Nothing of ours may be left that runs code when it goes, or Ctrl-C would strike there, to no effect.
            error.__traceback__ = error.__context__ = None
            del batches
            raise

    def _address_and_strike(self) -> Callable[[int], int]:
        """Gives the address of the line, and strikes if Ctrl-C has struck.

        Python looks for interrupts wherever it runs code of ours. So none of this is: it is all built in, and the next
        code that is run is the user's.
        """
        address = ctypes.addressof(self._line)
        strikes = starmap(operator.call, iter(partial(self._strike.pop, "again", NO_STRIKE), None))
        return partial(next, map(operator.itemgetter(0), zip(repeat(address), strikes)))
