"""Lines of an export, from bytes to columns.

Lines end with the byte 0x0A and with nothing else: JSON strings may hold U+2028 and other characters that text tools
take for line ends. Source: Mixpanel's raw export reference.
"""

from __future__ import annotations

import atexit
import json
import uuid
from collections.abc import Collection
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..exceptions import IncompleteExportError
from .declaration import ARROW_TYPES
from .slices import cut, sliced_json, whole_json

INSERT_ID_NAMESPACE = uuid.UUID("6f1f8a0e-3a57-5d0c-9c57-0b6a3b7f1d11")

# `time` is in seconds, or in milliseconds where as seconds it would be beyond the year 2286; it is a whole number, but
# a fraction is kept where one was sent.
EXPRESSIONS = {
    "event_name": "json_extract_string(head || 'null}', '$.event')",
    "event_time": """TRY(make_timestamp(TRY_CAST(
        round(epoch * CASE WHEN abs(epoch) > 1e10 THEN 1e3 ELSE 1e6 END) AS BIGINT)))""",
    "distinct_id": "fields[2]",
    "insert_id": "fields[3]",
}
KIND_OF = {"event_name": "VARCHAR", "event_time": "TIMESTAMP", "distinct_id": "VARCHAR", "insert_id": "VARCHAR"}
PLACES = (pa.field("starts", pa.int32()), pa.field("ends", pa.int32()), pa.field("texts", pa.string()))
FIELDS = """
SELECT *, TRY_CAST(fields[1] AS DOUBLE) AS epoch
FROM (SELECT *, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"']) AS fields FROM lines)
"""
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
    found = [pa.field(name, ARROW_TYPES[kind]) for name, kind in KIND_OF.items() if name in columns]
    return pa.schema([*found, *(PLACES if "properties" in columns else ())])


def look_into(block: bytes, columns: Collection[str]) -> pa.RecordBatch:
    """What is to be noted of a block.

    Raises:
        BrokenLine: a line of it holds anything else than an event.
    """
    schema = note_schema(columns)
    with _engine().cursor() as engine:
        slices = cut(block)
        found = _fields(engine, slices.table(), columns) if slices is not None else None
        if slices is not None and found is not None:
            places = {"starts": pa.array(slices.starts), "ends": pa.array(slices.ends)}
            count = len(slices.starts)
            return _batch({**found, **places, "texts": pa.nulls(count, pa.string())}, schema, count)
        source = _query(engine, REWRITTEN, pa.table({"line": _readable(engine, block)}))
        found = _fields(engine, source, columns)
        count = source.num_rows
        nowhere = pa.nulls(count, pa.int32())
        texts = source.column("properties").combine_chunks()
        return _batch({**(found or {}), "starts": nowhere, "ends": nowhere, "texts": texts}, schema, count)


def _fields(
    engine: duckdb.DuckDBPyConnection, source: pa.Table, columns: Collection[str]
) -> dict[str, pa.Array] | None:
    """Those of the wanted columns that stand inside the JSON; None where some of it is not JSON."""
    wanted = {name: expression for name, expression in EXPRESSIONS.items() if name in columns}
    looked_at = "true" if wanted.keys() - {"event_name"} else "json_valid(properties)"
    select = [f"{expression} AS {name}" for name, expression in wanted.items()]
    valid = f"json_valid(head || 'null}}') AND {looked_at} AS valid"
    try:
        read = _query(engine, f"SELECT {', '.join([*select, valid])} FROM ({FIELDS})", source)
    except duckdb.InvalidInputException:  # malformed JSON
        return None
    if not pc.all(read.column("valid"), min_count=0).as_py():
        return None
    found = {name: read.column(name).combine_chunks() for name in wanted}
    if "insert_id" in found:
        found["insert_id"] = _fill_insert_ids(found["insert_id"], source)
    return found


def _batch(arrays: dict[str, pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    if not schema.names:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
    return pa.RecordBatch.from_arrays(
        [arrays[name].cast(schema.field(name).type) for name in schema.names], schema=schema
    )


def with_properties(note: pa.RecordBatch, block: bytes) -> pa.RecordBatch:
    """The noted events, with the properties in place of where they stand in the block."""
    starts, ends, texts = (note.column(field.name) for field in PLACES)
    properties = whole_json(texts) if starts.null_count else sliced_json(block, starts.to_numpy(), ends.to_numpy())
    return note.drop_columns([field.name for field in PLACES]).append_column("properties", properties)


def _readable(engine: duckdb.DuckDBPyConnection, block: bytes) -> pa.Array:
    """The lines that hold an event, of whatever form; an error if one holds anything else but nothing."""
    lines = block.decode("utf-8", "replace").split("\n")[:-1]
    kinds = _query(engine, KINDS, pa.table({"line": lines})).to_pylist()
    for place, kind in enumerate(kinds):
        if not kind["event"] and not kind["blank"]:
            lines[place] = _repaired(lines[place], place)
    return pa.array([line for line, kind in zip(lines, kinds, strict=True) if not kind["blank"]], pa.string())


def _repaired(line: str, place: int) -> str:
    """The line with its unpaired surrogates replaced, which Python's JSON takes and DuckDB's does not."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        raise BrokenLine(line, place)
    return json.dumps(event, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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
    """A DuckDB of our own to read JSON with, so that no user's connection is touched. Each worker is its thread."""
    engine = duckdb.connect(config={"threads": 1})
    atexit.register(engine.close)
    return engine
