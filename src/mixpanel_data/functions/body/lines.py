"""Lines of an export, from bytes to columns.

Lines end with the byte 0x0A and with nothing else: JSON strings may hold U+2028 and other characters that text tools
take for line ends. Source: Mixpanel's raw export reference.
"""

from __future__ import annotations

import json
from collections.abc import Collection

import duckdb
import pyarrow as pa

from ...client.blocks import Block
from ...exceptions import IncompleteExportError
from ..columns import whole_text
from .fields import HASH, INGESTED, Wish, engine, query, read_fields
from .slices import Slices, cut, sliced_json, whole_json

FOUND = (
    pa.field("event_name", pa.string()),
    pa.field("event_time", pa.timestamp("us")),
    pa.field("distinct_id", pa.string()),
    pa.field("insert_id", pa.string()),
    pa.field(INGESTED, pa.float64()),
    pa.field(HASH, pa.uint64()),
)
PLACES = (pa.field("starts", pa.int32()), pa.field("ends", pa.int32()), pa.field("texts", pa.string()))
REWRITTEN = """
SELECT '{"event":' || coalesce(json_extract(line, '$.event')::VARCHAR, 'null') || ',"properties":' AS head,
       json_extract(line, '$.properties')::VARCHAR AS properties
FROM lines
"""
KINDS = r"""
SELECT trim(line, E' \t\r') = '' AS blank,
       json_valid(line) AND coalesce(json_type(TRY_CAST(line AS JSON), '$.properties') = 'OBJECT', false) AS event
FROM lines
"""


def note_schema(columns: Collection[str]) -> pa.Schema:
    """What is noted of a block: the wanted columns, and in place of the properties where they stand in it (or, where
    they had to be written anew, the properties themselves)."""
    found = [field for field in FOUND if field.name in columns]
    return pa.schema([*found, *(PLACES if "properties" in columns else ())])


def look_into(block: Block, wish: Wish) -> pa.RecordBatch:
    """What is to be noted of a block.

    Raises:
        BrokenLine: a line of it holds anything else than an event.
    """
    with engine().cursor() as cursor:
        slices = cut(block)
        note = _look_into_slices(cursor, slices, wish) if slices is not None else None
        return note if note is not None else _look_into_lines(cursor, block, wish)


def _look_into_slices(cursor: duckdb.DuckDBPyConnection, slices: Slices, wish: Wish) -> pa.RecordBatch | None:
    found = read_fields(cursor, slices.heads(), slices.properties(), wish)
    if found is None:
        return None
    places = {"starts": pa.array(slices.starts), "ends": pa.array(slices.ends)}
    return _note({**found, **places}, wish.columns, len(slices))


def _look_into_lines(cursor: duckdb.DuckDBPyConnection, block: Block, wish: Wish) -> pa.RecordBatch:
    """The same for lines of any form: slowly, and with the properties written anew."""
    events = query(cursor, REWRITTEN, line=_readable(cursor, block))
    heads, texts = (events.column(name).combine_chunks() for name in ("head", "properties"))
    found = read_fields(cursor, heads, texts, wish)
    if found is None:
        raise IncompleteExportError("the export holds events that cannot be read")
    return _note({**found, "texts": texts}, wish.columns, len(texts))


def _note(arrays: dict[str, pa.Array], columns: Collection[str], count: int) -> pa.RecordBatch:
    schema = note_schema(columns)
    if not schema.names:
        return pa.RecordBatch.from_struct_array(pa.StructArray.from_buffers(pa.struct([]), count, [None]))
    of_no_use = pa.nulls(count)
    return pa.RecordBatch.from_arrays(
        [arrays.get(field.name, of_no_use).cast(field.type) for field in schema], schema=schema
    )


def properties_of(note: pa.RecordBatch, block: Block) -> pa.DictionaryArray:
    """The properties of the noted events, from where they stand in the block."""
    starts, ends, texts = (note.column(field.name) for field in PLACES)
    return whole_json(texts) if starts.null_count else sliced_json(block, starts.to_numpy(), ends.to_numpy())


def _readable(cursor: duckdb.DuckDBPyConnection, block: Block) -> pa.Array:
    """The lines that hold an event, of whatever form; an error if one holds anything else but nothing."""
    lines = bytes(block).decode("utf-8", "replace").split("\n")[:-1]
    kinds = query(cursor, KINDS, line=pa.array(lines)).to_pylist()
    for place, kind in enumerate(kinds):
        if not kind["event"] and not kind["blank"]:
            lines[place] = _repaired(lines[place], place)
    return pa.array([line for line, kind in zip(lines, kinds, strict=True) if not kind["blank"]], pa.string())


def _repaired(line: str, place: int) -> str:
    """The line in a form that DuckDB can read, if it holds an event."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        raise BrokenLine(line, place)
    return whole_text(json.dumps(event, ensure_ascii=False))


class BrokenLine(Exception):  # noqa: N818 - becomes an IncompleteExportError where its number is known
    """A line that is no event, and its place in its block."""

    def __init__(self, line: str, place: int) -> None:
        super().__init__(line, place)
        self.line = line
        self.place = place

    def error(self, before: int) -> IncompleteExportError:
        if "terminated early" in self.line[:100]:
            return IncompleteExportError("Mixpanel ended the export before it was complete (terminated early)")
        number = before + self.place + 1
        return IncompleteExportError(f"line {number:,} of the export is not an event: {self.line[:60]!r}", line=number)
