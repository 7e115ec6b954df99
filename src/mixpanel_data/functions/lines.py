"""Export bodies, from bytes to columns: lines cut into slices, their JSON read by DuckDB.

Lines end with the byte 0x0A and with nothing else: JSON strings may hold U+2028 and other characters that text tools
take for line ends. Source: Mixpanel's raw export reference.
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
import pyarrow as pa

from ..client import Spool
from ..exceptions import IncompleteExportError
from .declaration import as_json
from .slices import cut

INSERT_ID_NAMESPACE = uuid.UUID("6f1f8a0e-3a57-5d0c-9c57-0b6a3b7f1d11")


class Proof:
    """Reads a spool through and raises unless every line is an event; remembers how to read it again."""

    def __init__(self) -> None:
        self.events = 0
        self._sliced: list[bool] = []

    def __call__(self, spool: Spool) -> None:
        self.events, self._sliced = 0, []
        with _engine().cursor() as engine:
            for block in spool.blocks():
                sliced = _can_be_sliced(engine, block)
                self.events += block.count(b"\n") if sliced else len(_readable(engine, block, self.events))
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
    """Whether properties are slices of the text. Otherwise some line is of an unusual form, and DuckDB writes the
    properties anew: equal, but not byte for byte."""

    def read(self, columns: Collection[str]) -> pa.RecordBatch:
        """The events as a batch of the named columns."""
        with _engine().cursor() as engine:
            source = self._source(engine)
            arrays = _fields(engine, source, columns)
        if "properties" in columns:
            arrays["properties"] = as_json(source.column("properties").combine_chunks())
        if "insert_id" in columns:
            arrays["insert_id"] = _fill_insert_ids(arrays["insert_id"], source)
        if not arrays:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * source.num_rows, pa.struct([])))
        return pa.RecordBatch.from_pydict(arrays)

    def _source(self, engine: duckdb.DuckDBPyConnection) -> pa.Table:
        if self.sliced and (slices := cut(self.text)) is not None:
            return slices
        return _query(engine, REWRITTEN, pa.table({"line": _readable(engine, self.text)}))


# `time` is in seconds, or in milliseconds where as seconds it would be beyond the year 2286; it is a whole number, but
# a fraction is kept where one was sent.
EXPRESSIONS = {
    "event_name": "json_extract_string(head || 'null}', '$.event')",
    "event_time": """TRY(make_timestamp(TRY_CAST(
        round(epoch * CASE WHEN abs(epoch) > 1e10 THEN 1e3 ELSE 1e6 END) AS BIGINT)))""",
    "distinct_id": "fields[2]",
    "insert_id": "fields[3]",
}
FIELDS = """
SELECT *, TRY_CAST(fields[1] AS DOUBLE) AS epoch
FROM (SELECT *, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"']) AS fields FROM lines)
"""
VALID = "SELECT bool_and(json_valid(head || 'null}') AND json_valid(properties)) AS valid FROM lines"
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


def _can_be_sliced(engine: duckdb.DuckDBPyConnection, block: bytes) -> bool:
    slices = cut(block)
    return slices is not None and bool(_query(engine, VALID, slices).column("valid")[0].as_py())


def _fields(engine: duckdb.DuckDBPyConnection, source: pa.Table, columns: Collection[str]) -> dict[str, pa.Array]:
    """Those of the wanted columns that have to be looked for inside the JSON."""
    wanted = [f"{expression} AS {name}" for name, expression in EXPRESSIONS.items() if name in columns]
    if not wanted:
        return {}
    read = _query(engine, f"SELECT {', '.join(wanted)} FROM ({FIELDS})", source)
    return {name: read.column(name).combine_chunks() for name in read.column_names}


def _readable(engine: duckdb.DuckDBPyConnection, block: bytes, before: int = 0) -> pa.Array:
    """The lines that hold an event, of whatever form; an error if one holds anything else but nothing."""
    lines = block.decode("utf-8", "replace").split("\n")[:-1]
    kinds = _query(engine, KINDS, pa.table({"line": lines})).to_pylist()
    for place, kind in enumerate(kinds):
        if not kind["event"] and not kind["blank"]:
            lines[place] = _repaired(lines[place], before + place + 1)
    return pa.array([line for line, kind in zip(lines, kinds, strict=True) if not kind["blank"]], pa.string())


def _repaired(line: str, number: int) -> str:
    """The line with its unpaired surrogates replaced, which Python's JSON takes and DuckDB's does not."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        raise _broken_line(line, number)
    return json.dumps(event, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _broken_line(line: str, number: int) -> IncompleteExportError:
    if "terminated early" in line[:100]:
        return IncompleteExportError("Mixpanel ended the export before it was complete (terminated early)")
    return IncompleteExportError(f"line {number:,} of the export is not an event: {line[:60]!r}", line=number)


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
