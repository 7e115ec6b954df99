"""Export lines cut with numpy: where in a block each line's properties stand.

A line is ``{"event": <name>, "properties": {…}}``, in this order, so the properties object ends one byte before the
line does, and its bytes can go to DuckDB as they are, every digit and space of them, without being copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .declaration import JSON, as_json

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]

NEWLINE, SPACE, OPENING, CLOSING = b"\n {}"
HEAD = b'{"event":'
PROPERTIES = b'"properties":'
SLICED_JSON = pa.dictionary(pa.int32(), JSON)
"""A dictionary may hold texts that no row refers to: here, all that stands between one line's properties and the
next. So the block itself is the column's buffer."""
AFTER_PROPERTIES = len(b"}\n")
INLINE = 12
"""String views of up to this many bytes hold their text themselves."""


@dataclass(frozen=True)
class Slices:
    """The lines of a block, each cut in two: head, ``{"event": <name>, "properties":``, and properties."""

    block: bytes
    line_starts: Offsets
    starts: Offsets
    """Where each line's properties begin."""
    ends: Offsets
    """Where they end; the line goes on with one brace and a newline."""

    def table(self) -> pa.Table:
        """``head`` and ``properties`` as strings to be looked into."""
        head = _views(self.block, self.line_starts, self.starts - self.line_starts)
        return pa.table({"head": head, "properties": _views(self.block, self.starts, self.ends - self.starts)})


def cut(block: bytes) -> Slices | None:
    """The block's slices, or None where some line has another form. Whether it is JSON is not looked at."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == NEWLINE).astype(np.int32)
    line_starts = np.concatenate([np.zeros(1, np.int32), ends[:-1] + 1])
    found = _find_properties(block, line_starts)
    if found is None or (ends - found < 3).any():
        return None
    starts = found + (text[found] == SPACE)
    braces = (text[starts] == OPENING) & (text[ends - 1] == CLOSING) & (text[ends - 2] == CLOSING)
    if not (braces & _begin_with(text, line_starts, HEAD)).all():
        return None
    return Slices(block, line_starts, starts, ends - 1)


def sliced_json(block: bytes, starts: Offsets, ends: Offsets) -> pa.DictionaryArray:
    """The properties that stand between these offsets of a block, as JSON, not copied."""
    count = len(starts)
    offsets = np.zeros(3 * count + 1, np.int32)
    offsets[1::3], offsets[2::3], offsets[3::3] = starts, ends, ends + AFTER_PROPERTIES
    texts = pa.StringArray.from_buffers(3 * count, pa.py_buffer(offsets), pa.py_buffer(block))
    return _dictionary(np.arange(1, 3 * count, 3, dtype=np.int32), texts)


def whole_json(texts: pa.Array) -> pa.DictionaryArray:
    """Texts of JSON as a column of the same type as slices."""
    return _dictionary(np.arange(len(texts), dtype=np.int32), texts)


def _dictionary(places: Offsets, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(places), as_json(texts))


def _find_properties(block: bytes, starts: Offsets) -> Offsets | None:
    """Where each line's first ``"properties":`` ends; None if a line has none, or holds bytes that are no text."""
    offsets = np.append(starts, np.int32(len(block)))
    lines = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(block))
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:  # not UTF-8, which would break DuckDB
        return None
    found = pc.find_substring(lines, PROPERTIES.decode()).to_numpy(zero_copy_only=False)
    if (found < 0).any():
        return None
    ends: Offsets = (starts + found + len(PROPERTIES)).astype(np.int32)
    return ends


def _begin_with(text: Bytes, starts: Offsets, prefix: bytes) -> npt.NDArray[np.bool_]:
    letters = text[starts[:, None] + np.arange(len(prefix), dtype=np.int32)]
    same: npt.NDArray[np.bool_] = (letters == np.frombuffer(prefix, np.uint8)).all(axis=1)
    return same


def _views(block: bytes, starts: Offsets, lengths: Offsets) -> pa.Array:
    """Slices of the block, each at least two bytes long and none at its end, as an Arrow string-view array.

    A view is 16 bytes: length, then either the text (up to 12 bytes) or its first four bytes, the number of the
    buffer it stands in and its offset there. Source: the Arrow columnar format, variable-size binary view layout.
    """
    text = np.frombuffer(block, np.uint8)
    views = np.zeros((len(starts), 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = text[starts[:, None] + np.arange(4, dtype=np.int32)].view(np.int32)[:, 0]
    views[:, 3] = starts
    inline = views.view(np.uint8)
    for place in np.flatnonzero(lengths <= INLINE):
        start, length = starts[place], lengths[place]
        inline[place, 4:] = 0
        inline[place, 4 : 4 + length] = text[start : start + length]
    return pa.Array.from_buffers(pa.string_view(), len(starts), [None, pa.py_buffer(views), pa.py_buffer(block)])
