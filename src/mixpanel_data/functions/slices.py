"""Export lines cut with numpy: head and properties as slices of the block's own bytes.

A line is ``{"event": <name>, "properties": {…}}``, in this order, so the properties object ends one byte before the
line does, and its bytes can go to DuckDB as they are, every digit and space of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]

NEWLINE, SPACE, OPENING, CLOSING = b"\n {}"
HEAD = b'{"event":'
PROPERTIES = b'"properties":'
INLINE = 12
"""String views of up to this many bytes hold their text themselves."""


def cut(block: bytes) -> pa.Table | None:
    """``head`` and ``properties`` of each line, or None where some line has another form.

    The head ends before the opening brace of the properties. Whether either is JSON is not looked at.
    """
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == NEWLINE).astype(np.int32)
    starts = np.concatenate([np.zeros(1, np.int32), ends[:-1] + 1])
    found = _find_properties(block, starts)
    if found is None or (ends - found < 3).any():
        return None
    opening = found + (text[found] == SPACE)
    braces = (text[opening] == OPENING) & (text[ends - 1] == CLOSING) & (text[ends - 2] == CLOSING)
    if not (braces & _begin_with(text, starts, HEAD)).all():
        return None
    head, properties = _views(block, starts, opening - starts), _views(block, opening, ends - 1 - opening)
    return pa.table({"head": head, "properties": properties})


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
