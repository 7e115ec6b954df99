"""Lines of an export, from bytes to columns.

Lines end with the byte 0x0A and with nothing else: JSON strings may hold U+2028 and other characters that text tools
take for line ends. Source: Mixpanel's raw export reference.
"""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pyarrow as pa

from ...client.blocks import Block
from ...exceptions import IncompleteExportError
from ..columns import whole_text
from .fields import Extraction, engine, query, read_fields
from .notes import note_of
from .slices import Slices, cut

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


def look_into(block: Block, position: int, extraction: Extraction) -> pa.RecordBatch:
    """The note of a block that begins at this position of the body.

    Raises:
        BrokenLine: a line of it holds anything else than an event.
    """
    with engine().cursor() as cursor:
        slices = cut(block)
        note = _look_into_slices(cursor, slices, position, extraction) if slices is not None else None
        return note if note is not None else _look_into_lines(cursor, block, position, extraction)


def _look_into_slices(
    cursor: duckdb.DuckDBPyConnection, slices: Slices, position: int, extraction: Extraction
) -> pa.RecordBatch | None:
    found = read_fields(cursor, slices.heads(), slices.properties(), extraction)
    if found is None:
        return None
    places = {name: pa.array(places.astype(np.int64) + position) for name, places in slices.places()}
    return note_of({**found, **places}, extraction.schema, len(slices))


def _look_into_lines(
    cursor: duckdb.DuckDBPyConnection, block: Block, position: int, extraction: Extraction
) -> pa.RecordBatch:
    """The same for lines of any form: slowly, and with the properties written anew."""
    events = query(cursor, REWRITTEN, line=_readable(cursor, block))
    heads, texts = (events.column(name).combine_chunks() for name in ("head", "properties"))
    found = read_fields(cursor, heads, texts, extraction)
    if found is None:
        raise IncompleteExportError("the export holds events that cannot be read")
    ends = position + np.linspace(0, len(block), len(texts) + 1, dtype=np.int64)  # the properties are not there
    places = {"starts": pa.array(ends[:-1]), "ends": pa.array(ends[:-1]), "texts": texts}
    return note_of({**found, **places}, extraction.schema, len(texts))


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
