"""Export bodies, from bytes to columns: lines cut with numpy, JSON read by DuckDB, properties kept as they came.

A line is ``{"event": <name>, "properties": {…}}``. Mixpanel writes the keys in this order, so the properties object
is a slice of the line: its bytes go to DuckDB as they are, every digit and space of them. A block with any line of
another form is read in full instead, and its properties are written anew by DuckDB, equal but not byte for byte.

Source: Mixpanel's raw export reference; lines end with the byte 0x0A and with nothing else, since JSON strings may
hold U+2028 and other characters that text tools take for line ends.
"""

from __future__ import annotations

import atexit
import json
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..client import Spool
from ..exceptions import IncompleteExportError
from .declaration import as_json

Offsets = npt.NDArray[np.int32]
NEWLINE, SPACE, OPENING, CLOSING = b"\n {}"
HEAD = b'{"event":'
PROPERTIES = b'"properties":'
INSERT_ID_NAMESPACE = uuid.UUID("6f1f8a0e-3a57-5d0c-9c57-0b6a3b7f1d11")
INLINE = 12
"""String views of up to this many bytes hold their text themselves."""


class Proof:
    """Reads a spool through and raises unless every line is an event; remembers how to read it again."""

    def __init__(self) -> None:
        self.events = 0
        self._sliced: list[bool] = []

    def __call__(self, spool: Spool) -> None:
        self.events, self._sliced = 0, []
        with _engine().cursor() as engine:
            for block in spool.blocks():
                lines = _lines(block)
                slices = _slices(block, lines)
                sliced = slices is not None and _all_valid(engine, slices)
                if not sliced:
                    lines = _refuse_broken(engine, lines, self.events)
                self.events += len(lines)
                self._sliced.append(sliced)

    def blocks(self, spool: Spool) -> Iterator[Block]:
        """The proven spool's blocks, ready to be read into columns."""
        for block, sliced in zip(spool.blocks(), self._sliced, strict=True):
            yield Block(block, sliced)


@dataclass(frozen=True)
class Block:
    """Some proven lines of an export."""

    text: bytes
    sliced: bool

    def read(self, columns: Collection[str]) -> pa.RecordBatch:
        """The events as a batch of the named columns."""
        with _engine().cursor() as engine:
            source = self._source(engine)
            wanted = [f"{EXPRESSIONS[name]} AS {name}" for name in EXPRESSIONS if name in columns]
            read = _query(engine, f"SELECT {', '.join(wanted)} FROM ({FIELDS})", source) if wanted else None
        arrays = {name: read.column(name).combine_chunks() for name in read.column_names} if read else {}
        if "properties" in columns:
            arrays["properties"] = as_json(source.column("properties").combine_chunks())
        if "insert_id" in arrays:
            arrays["insert_id"] = _fill_insert_ids(arrays["insert_id"], source)
        if not arrays:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * source.num_rows, pa.struct([])))
        return pa.RecordBatch.from_pydict(arrays)

    def _source(self, engine: duckdb.DuckDBPyConnection) -> pa.Table:
        lines = _lines(self.text)
        if self.sliced:
            return _slices(self.text, lines)
        return _query(engine, REWRITTEN, pa.table({"line": lines}))


# The fields Mixpanel's documentation names. `time` is in seconds, or in milliseconds when it is beyond the year
# 2286 in seconds; it is a whole number, but a fraction is kept where one was sent.
FIELDS = """
SELECT *, TRY_CAST(fields[1] AS DOUBLE) AS epoch
FROM (SELECT *, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"']) AS fields FROM lines)
"""
EXPRESSIONS = {
    "event_name": "json_extract_string(head || 'null}', '$.event')",
    "event_time": "TRY(make_timestamp(TRY_CAST(round(epoch * CASE WHEN abs(epoch) > 1e10 THEN 1e3 ELSE 1e6 END) AS BIGINT)))",
    "distinct_id": "fields[2]",
    "insert_id": "fields[3]",
}
REWRITTEN = """
SELECT '{"event":' || coalesce(json_extract(line, '$.event')::VARCHAR, 'null') || ',"properties":' AS head,
       json_extract(line, '$.properties')::VARCHAR AS properties
FROM lines WHERE trim(line, E' \\t\\r') <> ''
"""


def _lines(block: bytes) -> pa.StringArray:
    """The block's lines, without their newlines, as views of its bytes."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == NEWLINE).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), ends + 1])
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block))


def _slices(block: bytes, lines: pa.StringArray) -> pa.Table | None:
    """Head and properties of each line as slices of the block, or None where some line has another form."""
    text = np.frombuffer(block, np.uint8)
    starts = np.frombuffer(lines.buffers()[1], np.int32)[: len(lines)]
    ends = np.flatnonzero(text == NEWLINE).astype(np.int32)
    found = pc.find_substring(lines, PROPERTIES.decode()).to_numpy(zero_copy_only=False).astype(np.int32)
    opening = starts + found + len(PROPERTIES)
    if not len(lines) or (found < 0).any() or (ends - opening < 3).any():
        return None
    opening += text[opening] == SPACE
    well_formed = (text[opening] == OPENING) & (text[ends - 1] == CLOSING) & (text[ends - 2] == CLOSING)
    if not (well_formed & _begin_with(text, starts, HEAD)).all():
        return None
    return pa.table(
        {
            "head": _views(block, starts, opening - starts),
            "properties": _views(block, opening, ends - 1 - opening),
        }
    )


def _begin_with(text: npt.NDArray[np.uint8], starts: Offsets, prefix: bytes) -> npt.NDArray[np.bool_]:
    letters = text[starts[:, None] + np.arange(len(prefix), dtype=np.int32)]
    return (letters == np.frombuffer(prefix, np.uint8)).all(axis=1)


def _views(block: bytes, starts: Offsets, lengths: Offsets) -> pa.Array:
    """Slices of the block as an Arrow string-view array.

    A view is 16 bytes: length, then either the text (up to 12 bytes) or its first four bytes, the number of the
    buffer it stands in and its offset there. Source: the Arrow columnar format, variable-size binary view layout.
    """
    text = np.frombuffer(block, np.uint8)
    views = np.zeros((len(starts), 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = text[starts[:, None] + np.arange(4, dtype=np.int32).clip(max=len(block) - 1)].view(np.int32)[:, 0]
    views[:, 3] = starts
    inline = views.view(np.uint8)
    for place in np.flatnonzero(lengths <= INLINE):
        start, length = starts[place], lengths[place]
        inline[place, 4:] = 0
        inline[place, 4 : 4 + length] = text[start : start + length]
    return pa.Array.from_buffers(
        pa.string_view(), len(starts), [None, pa.py_buffer(views), pa.py_buffer(block)]
    )


def _all_valid(engine: duckdb.DuckDBPyConnection, slices: pa.Table) -> bool:
    valid = "SELECT bool_and(json_valid(head || 'null}') AND json_valid(properties)) AS valid FROM lines"
    return bool(_query(engine, valid, slices).column("valid")[0].as_py())


def _refuse_broken(engine: duckdb.DuckDBPyConnection, lines: pa.StringArray, before: int) -> pa.Array:
    """The lines that hold an event, or an error if one holds anything else but nothing."""
    kinds = """
    SELECT trim(line, E' \\t\\r') = '' AS blank,
           CASE WHEN json_valid(line) THEN coalesce(json_type(line, '$.properties') = 'OBJECT', false) ELSE false END AS event
    FROM lines
    """
    read = _query(engine, kinds, pa.table({"line": lines}))
    broken = pc.invert(pc.or_(read.column("blank"), read.column("event")))
    if (place := pc.index(broken, True).as_py()) >= 0:
        raise _broken_line(before + place + 1, lines[place].as_buffer().to_pybytes())
    return lines.filter(read.column("event").combine_chunks())


def _broken_line(number: int, line: bytes) -> IncompleteExportError:
    if b"terminated early" in line[:100]:
        return IncompleteExportError("Mixpanel ended the export before it was complete (terminated early)")
    shown = line[:60].decode("utf-8", "replace")
    return IncompleteExportError(f"line {number:,} of the export is not an event: {shown!r}", line=number)


def _fill_insert_ids(ids: pa.Array, source: pa.Table) -> pa.Array:
    """The ids with the missing ones made from the event's own content, the same at every fetch."""
    if not ids.null_count:
        return ids
    filled = ids.to_pylist()
    for place in np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False)):
        head, properties = (source.column(name)[int(place)].as_py() for name in ("head", "properties"))
        content = [json.loads(head + "null}")["event"], json.loads(properties)]
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
        filled[place] = str(uuid.uuid5(INSERT_ID_NAMESPACE, canonical))
    return pa.array(filled, pa.string())


def _query(engine: duckdb.DuckDBPyConnection, sql: str, lines: pa.Table) -> pa.Table:
    engine.register("lines", lines)
    try:
        return engine.sql(sql).to_arrow_table()
    finally:
        engine.unregister("lines")


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own to read JSON with, so that no user's connection is touched."""
    engine = duckdb.connect()
    atexit.register(engine.close)
    return engine
