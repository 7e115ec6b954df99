"""The rows of a query, all at once or bit by bit."""

from __future__ import annotations

import sys
from collections import ChainMap
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb

from ..storage.file import IS_1

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = duckdb.DuckDBPyRelation | duckdb.DuckDBPyConnection
Values: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
BETWEEN = {__name__.partition(".")[0], "contextlib"}
"""Whose frames stand between DuckDB and the caller's."""


def run(con: duckdb.DuckDBPyConnection, query: str, values: Values = None) -> Rows:
    """The rows of the last statement, which can be had once. It finds the caller's DataFrames by their names."""
    if values and IS_1:
        # Where there are values, its con.sql reads the rows at once, and holds Python's lock meanwhile: a source of
        # ours could not give any.
        rows = _as_caller(partial(con.execute, query, values))
    else:
        rows = _as_caller(partial(con.sql, query, params=values or None))
    return rows if rows is not None else con.sql("SELECT true AS Success LIMIT 0")


def _as_caller(ask: Callable[[], Rows | None]) -> Rows | None:
    """What is asked, where the caller's variables can be seen and none of ours: DuckDB takes a name that is no table's
    for a variable of whoever asks it."""
    rows: Rows | None = eval("__ask__()", {**_variables_of_caller(), "__ask__": ask})  # noqa: S307 - a text of ours
    return rows


def _variables_of_caller() -> Mapping[str, Any]:
    """The variables of whoever has called this package, and of their callers."""
    seen: list[dict[str, Any]] = []
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if seen or module.partition(".")[0] not in BETWEEN:
            seen += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    return ChainMap(*seen)


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
