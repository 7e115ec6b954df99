"""Lines of an export, from bytes to columns.

Lines end with the byte 0x0A and with nothing else: JSON strings may hold U+2028 and other characters that text tools
take for line ends. Source: Mixpanel's raw export reference.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from ...client.blocks import Block
from ...exceptions import IncompleteExportError
from ...lenient import read_json, strict_json
from .bad import BadLine, Skipped, is_cut
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


def look_into(block: Block, position: int, extraction: Extraction, skipped: Skipped | None) -> pa.RecordBatch:
    """The note of a block that begins at this position of the body.

    Args:
        skipped: where lines go that hold no event; None where they are an error.

    Raises:
        BadLine: a line holds no event, and may not be left out.
    """
    with engine().cursor() as cursor:
        slices = cut(block)
        note = _look_into_slices(cursor, slices, position, extraction) if slices is not None else None
        return note if note is not None else _look_into_lines(cursor, block, position, extraction, skipped)


def _look_into_slices(
    cursor: duckdb.DuckDBPyConnection, slices: Slices, position: int, extraction: Extraction
) -> pa.RecordBatch | None:
    found = read_fields(cursor, slices.heads(), slices.properties(), extraction)
    if found is None:
        return None
    places = {name: pa.array(places.astype(np.int64) + position) for name, places in slices.places()}
    return note_of({**found, **places}, extraction.schema, len(slices))


def _look_into_lines(
    cursor: duckdb.DuckDBPyConnection, block: Block, position: int, extraction: Extraction, skipped: Skipped | None
) -> pa.RecordBatch:
    """The same for lines of any form: slowly, and with the properties written anew."""
    events = query(cursor, REWRITTEN, line=_readable(cursor, block, position, skipped))
    heads, texts = (events.column(name).combine_chunks() for name in ("head", "properties"))
    found = read_fields(cursor, heads, texts, extraction) if len(texts) else {}
    if found is None:
        raise IncompleteExportError("the export holds events that cannot be read")
    ends = position + np.linspace(0, len(block), len(texts) + 1, dtype=np.int64)  # the properties are not there
    places = {"starts": pa.array(ends[:-1]), "ends": pa.array(ends[:-1]), "texts": texts}
    return note_of({**found, **places}, extraction.schema, len(texts))


def _readable(cursor: duckdb.DuckDBPyConnection, block: Block, position: int, skipped: Skipped | None) -> pa.Array:
    """The lines that hold an event, of whatever form."""
    *lines, last = bytes(block).decode("utf-8", "replace").split("\n")
    lines += [last] * bool(last)
    kinds = query(cursor, KINDS, line=pa.array(lines, pa.string())).to_pylist()
    found = []
    for place, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        event = line if kind["event"] else None if kind["blank"] else _repaired(line)
        if event is not None:
            found.append(event)
        elif not kind["blank"]:
            is_last = place + 1 == len(lines)
            bad = BadLine(line, place, is_last, is_last and bool(last) and is_cut(line), lines)
            if skipped is None or not bad.is_skippable:
                raise bad
            skipped.add(position, bad)
    return pa.array(found, pa.string())


def _repaired(line: str) -> str | None:
    """The line in a form that DuckDB can read; None where it holds no event."""
    try:
        text = strict_json(line)
        event = read_json(text)
    except ValueError:
        return None
    return text if isinstance(event, dict) and isinstance(event.get("properties"), dict) else None
