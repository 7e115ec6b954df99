"""Proven events as Arrow batches: the notes, and the properties from the body, which is unzipped once more.

DuckDB writes a batch of exactly one row group straight to its file, on as many threads as it has. Smaller ones it
copies once more, to keep their order; and what follows a small one it writes twice, so that only the last row group is
not full. So the events of one body after another are put into batches of just so many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...client.blocks import PIECE
from ..columns import as_text
from .buffers import Buffers
from .slices import POOL, sliced_json, whole_json

ROW_GROUP = 122_880
"""Rows that DuckDB writes at once unless told otherwise."""
LARGEST = 128 << 20
"""Bytes of properties in one batch: with larger events it has fewer rows."""


class Reader:
    """Reads the properties of events, in their order, out of an unzipped body.

    Args:
        body: from its beginning; None where no properties are wanted.
        done: called when all that is wanted of it was read.
    """

    def __init__(self, body: IO[bytes] | None, done: Callable[[], None] = lambda: None) -> None:
        self.body = body
        self.position = 0
        self.is_at_end = False
        self.done = done

    def fill(self, buffer: npt.NDArray[np.uint8]) -> None:
        """Fills the buffer with what stands at the position."""
        assert self.body is not None  # noqa: S101 - else nothing is read
        filled = 0
        with memoryview(buffer) as memory:  # type: ignore[arg-type]
            while filled < len(buffer):
                filled += self.body.readinto(memory[filled : filled + PIECE])  # type: ignore[attr-defined]
        self.position += filled


@dataclass(frozen=True)
class Piece:
    """Notes of one body that go into one batch."""

    notes: pa.RecordBatch
    reader: Reader

    @property
    def end(self) -> int:
        """Where the last of the properties ends."""
        end: int = self.notes.column("ends")[-1].as_py()
        return end

    def rows_within(self, size: int) -> int:
        """How many rows have no more bytes than these."""
        ends = self.notes.column("ends").to_numpy()
        first: int = self.notes.column("starts")[0].as_py()
        return int(np.searchsorted(ends, first + size, side="right"))

    def slice(self, start: int, count: int | None = None) -> Piece:
        return Piece(self.notes.slice(start, count), self.reader)


class RowGroups:
    """Puts the events of one body after another into batches of so many rows.

    Args:
        columns: those that the batches have.
        rows: how many rows.
        buffers: the memory that properties are read into.
    """

    def __init__(self, columns: Collection[str], rows: int, buffers: Buffers) -> None:
        self._columns = [name for name in columns if name != "properties"]
        self._has_properties = "properties" in columns
        self._rows = rows
        self._buffers = buffers
        self._pieces: list[Piece] = []
        self._count = 0
        self._bytes = 0
        self._given = 0

    @property
    def has_rest(self) -> bool:
        """Whether there are events that no batch has given out yet."""
        return self._count > 0

    @property
    def is_in_first(self) -> bool:
        """Whether the first row group is not given out yet, or not all of it."""
        return self._given < self._rows

    def add(self, notes: Iterator[pa.RecordBatch], reader: Reader) -> Iterator[pa.RecordBatch]:
        """The batches that are full with the events of one more body."""
        for note in notes:
            piece = Piece(note, reader)
            while piece.notes.num_rows:
                taken = self._room_for(piece)
                self._take(piece.slice(0, taken))
                piece = piece.slice(taken)
                if not taken or self._count == self._missing:
                    yield self.rest()
        reader.is_at_end = True
        if not self._pieces or self._pieces[-1].reader is not reader:
            reader.done()

    def rest(self) -> pa.RecordBatch:
        """The events at hand as a batch, though it is not full."""
        pieces, self._pieces, count, self._count, self._bytes = self._pieces, [], self._count, 0, 0
        self._given += count
        table = pa.Table.from_batches([piece.notes for piece in pieces])
        arrays = [table.column(name).combine_chunks(POOL) for name in self._columns]
        if self._has_properties:
            arrays.append(self._properties(pieces, table))
        for reader in _readers(pieces):
            if reader.is_at_end:
                reader.done()
        return _batch(arrays, [*self._columns, *(["properties"] if self._has_properties else [])], count)

    @property
    def _missing(self) -> int:
        """The rows that a row group still has to get after the last batch."""
        return self._rows - self._given % self._rows

    def _room_for(self, piece: Piece) -> int:
        """How many rows of the piece the batch still takes."""
        left: int = min(piece.notes.num_rows, self._missing - self._count)
        if not self._has_properties:
            return left
        fitting = piece.rows_within(LARGEST - self._bytes)
        return min(left, fitting if self._count else max(1, fitting))

    def _take(self, piece: Piece) -> None:
        if piece.notes.num_rows:
            self._pieces.append(piece)
            self._count += piece.notes.num_rows
            if self._has_properties:
                self._bytes += piece.end - piece.notes.column("starts")[0].as_py()

    def _properties(self, pieces: Sequence[Piece], table: pa.Table) -> pa.DictionaryArray:
        """The properties of these events, read from their bodies into one buffer."""
        starts, ends, size = self._places(pieces)
        buffer = self._buffers.lend(size)
        filled = 0
        for reader, end in _ends(pieces).items():
            part = buffer[filled : filled + end - reader.position]
            filled += len(part)
            reader.fill(part)
        slices = sliced_json(buffer, starts, ends)
        texts = table.column("texts").combine_chunks(POOL)
        if texts.null_count == len(texts):
            return slices
        return whole_json(pc.coalesce(texts, as_text(slices)))

    def _places(self, pieces: Sequence[Piece]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]:
        """Where the properties will stand in the buffer, and how large it has to be."""
        positions = {reader: reader.position for reader in _readers(pieces)}
        offset, starts, ends = 0, [], []
        for piece in pieces:
            shift = offset - positions[piece.reader]
            starts.append(piece.notes.column("starts").to_numpy() + shift)
            ends.append(piece.notes.column("ends").to_numpy() + shift)
            offset, positions[piece.reader] = piece.end + shift, piece.end
        return np.concatenate(starts).astype(np.int32), np.concatenate(ends).astype(np.int32), offset


def _readers(pieces: Sequence[Piece]) -> list[Reader]:
    """Each body once, in order."""
    return list(dict.fromkeys(piece.reader for piece in pieces))


def _ends(pieces: Sequence[Piece]) -> dict[Reader, int]:
    """How far each body is wanted."""
    return {piece.reader: piece.end for piece in pieces}


def _batch(arrays: list[pa.Array], names: list[str], count: int) -> pa.RecordBatch:
    if not names:
        return pa.RecordBatch.from_struct_array(pa.StructArray.from_buffers(pa.struct([]), count, [None]))
    return pa.RecordBatch.from_arrays(arrays, names=names)
