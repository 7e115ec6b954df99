"""The rows of a query, all at once or bit by bit."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb

from ..storage.file import IS_1

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = duckdb.DuckDBPyRelation | duckdb.DuckDBPyConnection
Values: TypeAlias = Sequence[Any] | Mapping[str, Any] | None


def run(con: duckdb.DuckDBPyConnection, query: str, values: Values = None) -> Rows:
    """The rows of the last statement, which can be had once."""
    if values and IS_1:
        # Where there are values, its con.sql reads the rows at once, and holds Python's lock meanwhile: a source of
        # ours could not give any.
        return con.execute(query, values)
    rows = con.sql(query, params=values or None)
    return rows if rows is not None else con.sql("SELECT true AS Success LIMIT 0")


def batches(
    con: duckdb.DuckDBPyConnection, query: str, values: Values, rows: int
) -> Generator[pa.RecordBatch, None, None]:
    """The rows of a query, bit by bit."""
    reader: pa.RecordBatchReader = run(con, query, values).to_arrow_reader(rows)
    try:
        yield from reader
    finally:
        # Here, and not when it is collected: DuckDB 1.5 would then hold Python's lock while it waits for its threads,
        # which may be waiting for ours.
        reader.close()


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, name: str, rows: Any) -> Iterator[str]:
    """The name by which SQL knows these rows meanwhile."""
    con.register(name, rows)
    try:
        yield name
    finally:
        con.unregister(name)
