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

from ...client.blocks import PIECE, Block
from ..columns import JSON, as_json

Offsets = npt.NDArray[np.int32]

NEWLINE, SPACE, OPENING, CLOSING = b"\n {}"
PROPERTIES = b'"properties":'
SLICED_JSON = pa.dictionary(pa.int32(), JSON)
"""A dictionary may hold texts that no row refers to: here, all that stands between one line's properties and the
next. So the block itself is the column's buffer."""
POOL = pa.system_memory_pool()
"""Arrow's own allocator keeps tens of megabytes for each of our threads."""
INLINE = 12
"""String views of up to this many bytes hold their text themselves."""


@dataclass(frozen=True)
class Slices:
    """The lines of a block, each cut in two: head, ``{"event": <name>, "properties":``, and properties."""

    block: Block
    line_starts: Offsets
    starts: Offsets
    """Where each line's properties begin."""
    ends: Offsets
    """Where they end; the line goes on with one brace and a newline."""

    def __len__(self) -> int:
        return len(self.starts)

    def places(self) -> tuple[tuple[str, Offsets], ...]:
        """Where the properties stand in the block, by the names that notes have for it."""
        return (("starts", self.starts), ("ends", self.ends))

    def heads(self) -> pa.Array:
        """The first parts, as strings."""
        places = np.empty(2 * len(self), np.int32)
        places[0::2], places[1::2] = self.line_starts, self.starts
        halves = _strings(self.block, places)
        return pc.take(halves, pa.array(np.arange(0, len(halves), 2, dtype=np.int32)), memory_pool=POOL)

    def properties(self) -> pa.Array:
        """The second parts, as string views: nothing is copied."""
        return _views(self.block, self.starts, self.ends - self.starts)


def cut(block: Block) -> Slices | None:
    """The block's slices, or None where some line has another form. Whether it is JSON is not looked at, nor is what
    the heads hold."""
    if block[-1] != NEWLINE:  # the last line of all, without an end
        return None
    ends = _newlines(block)
    line_starts = np.concatenate([np.zeros(1, np.int32), ends[:-1] + 1])
    found = _find_properties(block, line_starts)
    if found is None or (ends - found < 3).any():
        return None
    starts = found + (block[found] == SPACE)
    braces = (block[starts] == OPENING) & (block[ends - 1] == CLOSING) & (block[ends - 2] == CLOSING)
    if not braces.all():
        return None
    return Slices(block, line_starts, starts, ends - 1)


def sliced_json(block: Block, starts: Offsets, ends: Offsets) -> pa.DictionaryArray:
    """The properties that stand between these offsets of a block, as JSON, not copied."""
    places = np.empty(2 * len(starts), np.int32)
    places[0::2], places[1::2] = starts, ends
    texts = pa.StringArray.from_buffers(len(places) - 1, pa.py_buffer(places), pa.py_buffer(block))
    return _dictionary(np.arange(0, len(places), 2, dtype=np.int32), texts)


def whole_json(texts: pa.Array) -> pa.DictionaryArray:
    """Texts of JSON as a column of the same type as slices."""
    return _dictionary(np.arange(len(texts), dtype=np.int32), texts)


def _dictionary(places: Offsets, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(places), as_json(texts))


def _newlines(block: Block) -> Offsets:
    """Where the lines end; looked for in pieces that stay in a core's cache."""
    found = [_places_of(NEWLINE, block[at : at + PIECE]) + at for at in range(0, len(block), PIECE)]
    return np.concatenate(found).astype(np.int32)


def _places_of(letter: int, text: Block) -> npt.NDArray[np.intp]:
    """Where a rare letter stands: among eight at a time first, then among those eight that have it."""
    hits = text == letter
    eights = hits[: len(text) // 8 * 8].reshape(-1, 8)
    rows = np.flatnonzero(eights.view(np.uint64)[:, 0] != 0)
    which, place = np.nonzero(eights[rows])
    last = np.flatnonzero(hits[len(eights) * 8 :]) + len(eights) * 8
    return np.concatenate([rows[which] * 8 + place, last])


def _find_properties(block: Block, starts: Offsets) -> Offsets | None:
    """Where each line's first ``"properties":`` ends; None if a line has none, or holds bytes that are no text."""
    lines = _strings(block, starts)
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:  # not UTF-8, which would break DuckDB
        return None
    found = pc.find_substring(lines, PROPERTIES.decode(), memory_pool=POOL).to_numpy(zero_copy_only=False)
    if (found < 0).any():
        return None
    ends: Offsets = (starts + found + len(PROPERTIES)).astype(np.int32)
    return ends


def _strings(block: Block, starts: Offsets) -> pa.StringArray:
    """The block as strings that begin at these places."""
    offsets = np.append(starts, np.int32(len(block)))
    return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(block))


def _views(block: Block, starts: Offsets, lengths: Offsets) -> pa.Array:
    """Slices of the block, each at least two bytes long and none at its end, as an Arrow string-view array.

    A view is 16 bytes: length, then either the text (up to 12 bytes) or its first four bytes, the number of the
    buffer it stands in and its offset there. Source: the Arrow columnar format, variable-size binary view layout.
    """
    views = np.zeros((len(starts), 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = block[starts[:, None] + np.arange(4, dtype=np.int32)].view(np.int32)[:, 0]
    views[:, 3] = starts
    inline = views.view(np.uint8)
    for place in np.flatnonzero(lengths <= INLINE):
        start, length = starts[place], lengths[place]
        inline[place, 4:] = 0
        inline[place, 4 : 4 + length] = block[start : start + length]
    return pa.Array.from_buffers(pa.string_view(), len(starts), [None, pa.py_buffer(views), pa.py_buffer(block)])
