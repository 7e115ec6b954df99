"""The columns that stand inside an event's JSON, read out of many events at once."""

from __future__ import annotations

import atexit
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...forks import once_a_process
from ...lenient import read_json, write_json
from ...quoting import literal
from ..columns import whole_text
from .slices import POOL

INSERT_ID_NAMESPACE = uuid.UUID("6f1f8a0e-3a57-5d0c-9c57-0b6a3b7f1d11")
KEY = ("event_name", "event_time", "distinct_id", "insert_id")
"""What makes two events the same one."""
INGESTED, HASH = "ingested", "key"
"""Of use only where duplicates are looked for: when an event was ingested, as text, and a hash of its ids."""
PATHS: Mapping[str, str] = {
    "event_time": "$.time",
    "distinct_id": "$.distinct_id",
    "insert_id": '$."$insert_id"',
    INGESTED: "$.mp_processing_time_ms",
}
HEAD = '{"event":'
MILLISECONDS_FROM, MICROSECONDS_FROM, NANOSECONDS_FROM = 10**10, 10**13, 10**16
"""A ``time`` from here on is in milliseconds, or in smaller parts: as seconds it would be beyond the year 2286."""
TIMES = f"""
SELECT TRY(make_timestamp(TRY_CAST(
    round(epoch * CASE WHEN abs(epoch) > {NANOSECONDS_FROM} THEN 1e-3 WHEN abs(epoch) > {MICROSECONDS_FROM} THEN 1
                       WHEN abs(epoch) > {MILLISECONDS_FROM} THEN 1e3 ELSE 1e6 END) AS BIGINT))) AS event_time
FROM (SELECT TRY_CAST(text AS DOUBLE) AS epoch FROM lines)
"""
# The same event has the same ids; where an id is yet to be made of the event's content, its time stands for it.
HASHES = "hash(found[2], coalesce(found[3], found[1]))"


@dataclass(frozen=True)
class Extraction:
    """What is to be read out of the events."""

    schema: pa.Schema
    """What is noted of each event."""
    zone: str | None = None
    """Time zone of the times; None for UTC."""

    @property
    def paths(self) -> dict[str, str]:
        """Where those of the noted columns stand that are in the properties."""
        return {name: path for name, path in PATHS.items() if name in self.schema.names}

    @property
    def hashes(self) -> bool:
        return HASH in self.schema.names


def read_fields(
    engine: duckdb.DuckDBPyConnection, heads: pa.Array, properties: pa.Array, extraction: Extraction
) -> dict[str, pa.Array] | None:
    """Those of the wanted columns that stand inside the JSON; None where some of it is not JSON."""
    names = _event_names(heads)
    found = _extract(engine, properties, extraction)
    if names is None or found is None:
        return None
    found["event_name"] = names
    if "event_time" in found:
        found["event_time"] = _in_utc(engine, _times(engine, found["event_time"]), extraction.zone)
    if "insert_id" in found:
        found["insert_id"] = _fill_insert_ids(found["insert_id"], heads, properties)
    return found


def query(engine: duckdb.DuckDBPyConnection, sql: str, **columns: pa.Array) -> pa.Table:
    """The answer to a query over columns of a table ``lines``."""
    lines = pa.table(columns)  # noqa: F841 - DuckDB finds it by its name, sooner than it would be registered
    return engine.sql(sql).to_arrow_table()


def _column(engine: duckdb.DuckDBPyConnection, sql: str, **columns: pa.Array) -> pa.Array:
    """The one column of the answer."""
    return query(engine, sql, **columns).column(0).combine_chunks(POOL)


def _in_utc(engine: duckdb.DuckDBPyConnection, times: pa.Array, zone: str | None) -> pa.Array:
    """The times of a project that exports local time."""
    if zone is None:
        return times
    sql = f"SELECT timezone('UTC', timezone({literal(zone)}, time)) AS time FROM lines"
    return _column(engine, sql, time=times)


@once_a_process
def engine() -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own to read JSON with, so that no user's connection is touched. Each worker is its thread."""
    return duckdb.connect(config={"threads": 1})


atexit.register(engine.forget)


def _event_names(heads: pa.Array) -> pa.Array | None:
    """The names; of the many heads only a few differ."""
    encoded = pc.dictionary_encode(heads, memory_pool=POOL)
    try:
        names = [_event_name(head) for head in encoded.dictionary.to_pylist()]
    except (ValueError, RecursionError):
        return None
    return pc.take(pa.array(names, pa.string()), encoded.indices, memory_pool=POOL)


def _event_name(head: str) -> str | None:
    if not head.startswith(HEAD):
        raise ValueError(head)
    name = read_json(head + "null}")["event"]
    if name is None:
        return None
    return whole_text(name if isinstance(name, str) else write_json(name))


def _extract(
    engine: duckdb.DuckDBPyConnection, properties: pa.Array, extraction: Extraction
) -> dict[str, pa.Array] | None:
    """The texts of the noted fields, from one reading of the JSON; None where some of it is not JSON."""
    paths = extraction.paths
    read = f"json_extract_string(properties, {list(paths.values())!r})" if paths else "json_valid(properties)"
    hashes = f", {HASHES} AS {HASH}" if extraction.hashes else ""
    try:
        table = query(engine, f"SELECT {read} AS found{hashes} FROM lines", properties=properties)
    except duckdb.InvalidInputException:  # malformed JSON
        return None
    column = table.column("found").combine_chunks(POOL)
    if not paths:
        return {} if pc.all(column, min_count=0).as_py() else None
    texts = {name: _nth(column, number, len(paths)) for number, name in enumerate(paths)}
    return {**texts, HASH: table.column(HASH).combine_chunks(POOL)} if hashes else texts


def _nth(lists: pa.Array, number: int, length: int) -> pa.Array:
    """One item of each of these lists, which all have this length."""
    places = np.arange(number, len(lists.values), length, dtype=np.int32)
    return pc.take(lists.values, pa.array(places), memory_pool=POOL)


def _times(engine: duckdb.DuckDBPyConnection, texts: pa.Array) -> pa.Array:
    """UTC times of seconds, which is what Mixpanel sends, or of whatever else a time may be."""
    try:
        seconds = pc.cast(texts, pa.int64(), memory_pool=POOL)
        ends = pc.min_max(seconds, memory_pool=POOL)
        is_large = max(-(ends["min"].as_py() or 0), ends["max"].as_py() or 0) > MILLISECONDS_FROM
    except pa.ArrowInvalid:
        is_large = True
    if is_large:
        return _column(engine, TIMES, text=texts)
    return pc.multiply(seconds, 1_000_000, memory_pool=POOL).cast(pa.timestamp("us"))


def _fill_insert_ids(ids: pa.Array, heads: pa.Array, properties: pa.Array) -> pa.Array:
    """The ids with the missing ones made from the event's own content, the same at every fetch."""
    if not ids.null_count:
        return ids
    is_missing = ids.is_null()
    rows = np.flatnonzero(is_missing.to_numpy(zero_copy_only=False)).tolist()
    made = [_insert_id(heads[row].as_py(), properties[row].as_py()) for row in rows]
    return pc.replace_with_mask(ids, is_missing, pa.array(made, pa.string()))


def _insert_id(head: str, properties: str) -> str:
    name = read_json(head + "null}")["event"]
    try:
        canonical = json.dumps([name, json.loads(properties)], sort_keys=True, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):  # an integer of thousands of digits, or nesting without end
        canonical = write_json([name, read_json(properties)], sort_keys=True)
    return str(uuid.uuid5(INSERT_ID_NAMESPACE, canonical))
