"""The local reports as DuckDB keeps them: in a file of the user's cache folder, made once for each version.

DuckDB 2 takes half a millisecond to parse a kilobyte of SQL, and the reports are 170 of them. Copied from a database,
they need no parsing. Where the file can be neither made nor read, the reports are made from their text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb

from ..atomic import atomic_write
from ..local import SCHEMA, reports
from ..quoting import literal, quoted
from .macros import report_macro
from .names import add_names

PREPARED = "__mixpanel_prepared"
"""What the file is called while it is attached."""


def add_report_macros(con: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Makes the reports in a catalog."""
    try:
        _copy(con, _prepared_file(), catalog)
    except (duckdb.Error, OSError, RuntimeError):  # such as: they are there already, or there is no home
        for statement in _statements(catalog):
            con.execute(statement)


def _statements(catalog: str) -> Iterator[str]:
    yield f"CREATE SCHEMA IF NOT EXISTS {quoted(catalog)}.{SCHEMA}"
    for report in reports():
        yield report_macro(report, catalog)


def _copy(con: duckdb.DuckDBPyConnection, file: Path, catalog: str) -> None:
    con.execute(f"ATTACH {literal(str(file))} AS {PREPARED} (READ_ONLY, HIDDEN)")
    try:
        con.execute(f"COPY FROM DATABASE {PREPARED} TO {quoted(catalog)} (SCHEMA)")
    finally:
        con.execute(f"DETACH {PREPARED}")


def _prepared_file() -> Path:
    """The file for these reports and this DuckDB, made if it is not there."""
    statements = list(_statements(PREPARED))
    key = sha256("\n".join([duckdb.__version__, *statements]).encode()).hexdigest()[:16]
    file = _cache_folder() / f"reports-{key}.duckdb"
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(file) as part:
            _prepare(part, statements)
    return file


def _prepare(file: Path, statements: list[str]) -> None:
    with duckdb.connect() as con:
        add_names(con)
        # The smallest blocks there are: the reports fill few.
        con.execute(f"ATTACH {literal(str(file))} AS {PREPARED} (BLOCK_SIZE 16384)")
        for statement in statements:
            con.execute(statement)
        con.execute(f"DETACH {PREPARED}")


def _cache_folder() -> Path:
    """Where people keep what can be made anew: in ``XDG_CACHE_HOME``, or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixpanel_data"
