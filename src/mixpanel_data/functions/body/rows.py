"""Proven events as Arrow batches: the notes, and the properties from the body, which is unzipped once more.

DuckDB writes a batch of exactly one row group straight to its file, on as many threads as it has; smaller ones it
copies once more, to keep them in order. So batches have as many rows as a row group, unless that were too many bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...client.blocks import PIECE
from ..columns import as_text
from .buffers import Buffers
from .slices import POOL, sliced_json, whole_json

LARGEST = 96 << 20
"""Bytes of properties in one batch."""


def batch_of(group: pa.Table, names: list[str], properties: pa.DictionaryArray | None = None) -> pa.RecordBatch:
    """The events of a group, with these columns, and with properties where they are given."""
    arrays = [group.column(name).combine_chunks(POOL) for name in names]
    if properties is not None:
        return pa.RecordBatch.from_arrays([*arrays, properties], names=[*names, "properties"])
    if not names:
        return pa.RecordBatch.from_struct_array(pa.StructArray.from_buffers(pa.struct([]), group.num_rows, [None]))
    return pa.RecordBatch.from_arrays(arrays, names=names)


def row_groups(notes: Iterator[pa.RecordBatch], rows: int, first: int = 0) -> Iterator[pa.Table]:
    """The notes in groups of exactly so many rows, but for the last one, and the ``first`` where a number is given.

    A group has fewer rows where they would have too many bytes.
    """
    waiting: list[pa.RecordBatch] = []
    wanted = first or rows
    for note in notes:
        while note.num_rows:
            taken = _room(waiting, note, wanted)
            if taken:
                waiting.append(note.slice(0, taken))
                note = note.slice(taken)  # noqa: PLW2901
            if not taken or sum(part.num_rows for part in waiting) == wanted:
                yield pa.Table.from_batches(waiting)
                waiting, wanted = [], rows
    if waiting:
        yield pa.Table.from_batches(waiting)


def _room(waiting: list[pa.RecordBatch], note: pa.RecordBatch, rows: int) -> int:
    """How many rows of the note the group still takes."""
    left: int = min(note.num_rows, rows - sum(part.num_rows for part in waiting))
    if "ends" not in note.schema.names:
        return left
    first = (waiting[0] if waiting else note).column("starts")[0].as_py()
    fitting = int(np.searchsorted(note.column("ends").to_numpy(), first + LARGEST, side="right"))
    return min(left, fitting if waiting else max(1, fitting))


class PropertiesReader:
    """Reads the properties of one group of events after another out of an unzipped body."""

    def __init__(self, body: IO[bytes], buffers: Buffers) -> None:
        self._body = body
        self._position = 0
        self._buffers = buffers

    def read(self, group: pa.Table) -> pa.DictionaryArray:
        """The properties of these events."""
        starts, ends = (group.column(name).to_numpy() - self._position for name in ("starts", "ends"))
        buffer = self._buffers.lend(int(ends[-1]))
        self._fill(buffer)
        slices = sliced_json(buffer, starts.astype(np.int32), ends.astype(np.int32))
        texts = group.column("texts").combine_chunks(POOL)
        if texts.null_count == len(texts):
            return slices
        return whole_json(pc.coalesce(texts, as_text(slices)))

    def _fill(self, buffer: npt.NDArray[np.uint8]) -> None:
        filled = 0
        with memoryview(buffer) as memory:  # type: ignore[arg-type]
            while filled < len(buffer):
                filled += self._body.readinto(memory[filled : filled + PIECE])  # type: ignore[attr-defined]
        self._position += len(buffer)
