"""Record batches as an Arrow C stream, with our own words for its errors.

DuckDB reads an Arrow source through this C structure. pyarrow could fill it in, but puts a Python traceback into the
text of every error; here ``get_last_error`` is the one line that the user should read.

Source: the Arrow C stream interface, https://arrow.apache.org/docs/format/CStreamInterface.html
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa


class Batches(Protocol):
    """What a stream is made from."""

    schema: pa.Schema

    def next(self) -> pa.RecordBatch | None:
        """The next batch, None at the end. Whatever it raises ends the stream with its text as the error."""

    def close(self) -> None:
        """Called once, when nobody will ask for more."""


class _ArrowArrayStream(ctypes.Structure):
    pass


_Pointer = ctypes.POINTER(_ArrowArrayStream)
_GetSchema = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_void_p)
_GetNext = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_void_p)
_GetLastError = ctypes.CFUNCTYPE(ctypes.c_void_p, _Pointer)
_Release = ctypes.CFUNCTYPE(None, _Pointer)
_ArrowArrayStream._fields_ = [
    ("get_schema", _GetSchema),
    ("get_next", _GetNext),
    ("get_last_error", _GetLastError),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]

ARROW_ARRAY_SIZE = 80
"""Bytes of an ``ArrowArray`` on 64-bit machines: five int64 and five pointers. All zero says: no more batches."""

NAME = b"arrow_array_stream"
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = (ctypes.c_void_p, ctypes.c_char_p)

# C code holds only numbers, so someone has to keep what they stand for alive.
_unreleased: dict[int, Stream] = {}
_in_capsules: dict[int, _ArrowArrayStream] = {}


class Stream:
    """One reading of some batches, by C code."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._error = ctypes.create_string_buffer(b"")

    def to_reader(self) -> Stream:
        """What DuckDB calls on the scanner of a data set."""
        return self

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """The stream in a capsule, as DuckDB 2 and the Arrow PyCapsule interface ask for it."""
        stream = _ArrowArrayStream()
        address = ctypes.addressof(stream)
        _in_capsules[address] = stream
        self._export_to_c(address)
        return _new_capsule(address, NAME, ctypes.cast(_destroy_capsule, ctypes.c_void_p))

    def _export_to_c(self, address: int) -> None:
        """Fills in the structure at the address, as DuckDB 1.5 asks for it."""
        stream = _ArrowArrayStream.from_address(address)
        self._callbacks = (
            _GetSchema(self._guarded(lambda out: self._batches.schema._export_to_c(out))),
            _GetNext(self._guarded(self._export_next)),
            _GetLastError(lambda _: ctypes.addressof(self._error)),
            _Release(self._release),
        )
        stream.get_schema, stream.get_next, stream.get_last_error, stream.release = self._callbacks
        _unreleased[id(self)] = self

    def _export_next(self, out: int) -> None:
        batch = self._batches.next()
        if batch is None:
            ctypes.memset(out, 0, ARROW_ARRAY_SIZE)
        else:
            batch._export_to_c(out)

    def _guarded(self, export: Callable[[int], None]) -> Callable[[Any, int], int]:
        def call(_: Any, out: int) -> int:
            try:
                export(out)
            except BaseException as error:  # noqa: BLE001 - C code cannot be raised through
                text = str(error) or type(error).__name__
                self._error = ctypes.create_string_buffer(text.encode("utf-8", "replace"))
                return errno.EIO
            return 0

        return call

    def _release(self, stream: Any) -> None:
        stream.contents.release = _Release()
        self._batches.close()
        _unreleased.pop(id(self), None)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _destroy_capsule(capsule: int) -> None:
    """Releases a stream that nobody took out of its capsule."""
    stream = _in_capsules.pop(_pointer_of(capsule, NAME))
    if stream.release:
        stream.release(ctypes.byref(stream))
