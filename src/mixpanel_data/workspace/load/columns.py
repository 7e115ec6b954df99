"""Properties as columns of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import duckdb

from ...engine.statement import Statement
from ...exceptions import ArgumentError
from ...quoting import pointer, quoted

STANDARD = ("event_name", "event_time", "distinct_id", "insert_id")
TYPE = re.compile(r"[A-Z]+(\(\d+(, ?\d+)?\))?(\[\])?")
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
Columns = Mapping[str, str | tuple[str, str]]
"""For each name of a column a property, a JSON path, or a pair of path and type."""
Paths = Mapping[str, tuple[str, str]]
"""For each name of a column a JSON path and a type."""


def read_columns(given: Columns | None) -> Paths:
    """The columns that a caller asks for.

    Raises:
        ArgumentError: a column's name, path or type cannot be used.
    """
    taken = {name: name for name in (*STANDARD, "properties")}
    for name in given or {}:
        if other := taken.get(name.lower()):
            raise ArgumentError(f"a column named {other} is there already: choose another name than {name}")
        taken[name.lower()] = name
    return {name: _column(name, column) for name, column in (given or {}).items()}


def extract(columns: Paths) -> tuple[list[str], dict[str, str]]:
    """SQL for each column, and the paths that it speaks of; what cannot be cast is NULL."""
    casts = [f"{_cast(n, kind)} AS {quoted(name)}" for n, (name, (_, kind)) in enumerate(columns.items())]
    return casts, _paths(columns)


def count_failures(con: duckdb.DuckDBPyConnection, columns: Paths, events: Statement) -> Counter[str]:
    """For each column, how many of the events have a value that cannot be cast."""
    if all(kind == "VARCHAR" for _, kind in columns.values()):  # any value is a text
        return Counter()
    kinds = enumerate(kind for _, kind in columns.values())
    counts = [f"count(*) FILTER ({_text(n)} IS NOT NULL AND {_cast(n, kind)} IS NULL)" for n, kind in kinds]
    (found,) = events.wrap(f"SELECT {', '.join(counts)} FROM ", **_paths(columns)).run(con)
    return Counter(dict(zip(columns, found, strict=True)))


def _paths(columns: Paths) -> dict[str, Any]:
    return {f"path_{n}": path for n, (path, _) in enumerate(columns.values())}


def _text(n: int) -> str:
    return f"json_extract_string(properties, $path_{n})"


def _cast(n: int, kind: str) -> str:
    """The value in its type, or NULL. DuckDB would round 3.7 to an integer: that is another value."""
    cast = f"TRY_CAST({_text(n)} AS {kind})"
    if kind not in INTEGERS:
        return cast
    number = f"TRY_CAST({_text(n)} AS DOUBLE)"
    return f"CASE WHEN {number} = trunc({number}) THEN {cast} END"


def _column(name: str, column: str | tuple[str, str]) -> tuple[str, str]:
    match column:
        case str() as path:
            kind = "VARCHAR"
        case [str() as path, str() as kind]:
            pass
        case _:
            raise ArgumentError(
                f"column {name}: give a property, a JSON path, or a pair of path and type, not {column!r}"
            )
    if not TYPE.fullmatch(kind.upper()):
        raise ArgumentError(f"column {name}: {kind!r} is no type such as VARCHAR, DOUBLE, BIGINT or DECIMAL(10,2)")
    return (path if path.startswith("$.") else pointer(path)), kind.upper()
