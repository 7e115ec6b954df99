"""Tables into files of other formats, and the database file as small as it can be."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import duckdb

from ..atomic import atomic_write
from ..exceptions import ArgumentError, StorageError
from ..quoting import literal
from ..storage.vacuum import rewrite
from .session import Session
from .tables import LocalTable, find_table, table_names

Format: TypeAlias = Literal["parquet", "csv", "json", "jsonl", "ndjson"]
FORMATS: tuple[Format, ...] = get_args(Format)
OPTIONS: dict[Format, str] = {
    "parquet": "FORMAT parquet",
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY",
    "jsonl": "FORMAT json",
    "ndjson": "FORMAT json",
}
NOT_IN_NAMES = re.compile(r'^\.|[\x00-\x1f\x7f"%*/:<>?\\|]|[. ]$')
"""What some system does not allow in the name of a file, or takes for something else."""


@dataclass(frozen=True)
class Copy:
    """A table that becomes a file."""

    place: str
    """The table's whole name, as SQL."""
    file: Path
    format: Format

    def sql(self, file: Path) -> str:
        return f"COPY (FROM {self.place}) TO {literal(str(file))} ({OPTIONS[self.format]})"


def export(
    session: Session,
    target: str | Path,
    *tables: str,
    format: Format | None = None,  # noqa: A002
    replace: bool = False,
) -> list[Path]:
    """Writes tables to files: all of them, or none where one cannot be written. In the shell: ``mp db export``.

    Args:
        target: for one table a file that ends in ``.parquet``, ``.csv``, ``.json``, ``.jsonl`` or ``.ndjson``; else a
            folder, made if need be, in which each table becomes a file of its own.
        tables: their names, or those of views; all tables unless given.
        format: of the files in a folder; Parquet unless given.
        replace: whether files that exist are replaced.

    Raises:
        ArgumentError: there is no such format, or several tables are to become one file.
        StorageError: a file exists, or cannot be written.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> _ = ws.export("events.csv", "events", replace=True)
    >>> [file.name for file in ws.export("out", replace=True)]
    ['events.parquet']
    >>> ws.sql_scalar("SELECT count(*) FROM 'events.csv'")
    3885
    """
    where = Path(target).expanduser().absolute()
    with session.database.attached() as con:
        found = {table.name: table for table in (find_table(session, name) for name in tables or table_names(con))}
        copies = _plan(where, list(found.values()), format)
        if not replace:
            _refuse_existing_files(copies)
        _make_folder(where if where not in {copy.file for copy in copies} else where.parent)
        session.last_sql = ";\n".join(copy.sql(copy.file) for copy in copies)
        _write(con, copies)
    return [copy.file for copy in copies]


def vacuum(session: Session) -> int:
    """Makes the database file as small as what is in it; gives the bytes that are saved.
    In the shell: ``mp db vacuum``.

    What was dropped leaves room in the file, which DuckDB uses again, but seldom gives back. So the database is copied
    into a new file, which needs as much room as its contents for a moment, and takes the old one's place. In memory
    and in an ephemeral workspace this does nothing, and gives 0.

    Raises:
        StorageError: somebody holds the database, or there is no room for the copy; it stays as it was.
        QueryError: a transaction is open.

    >>> from mixpanel_data import Workspace
    >>> with Workspace("sandbox", path="large.duckdb") as ws:
    ...     _ = ws.sql("CREATE OR REPLACE TABLE large AS SELECT hash(i) AS h FROM range(1000000) AS r(i)")
    ...     _ = ws.sql("CREATE OR REPLACE TABLE small AS SELECT 1 AS one")
    ...     ws.drop("large")
    ...     ws.vacuum() > 1_000_000
    True
    """
    database = session.database
    path = database.path
    if path is None or database.storage.is_private or not path.exists():
        return 0
    try:
        # Nobody else can open the file, or fetch, until the new one is in its place.
        with database.fetch_lock(), database.exclusive() as con:
            return rewrite(con, database.storage.name, path.resolve())
    except OSError as error:
        raise StorageError(f"{path} stays as it is: {error.strerror}") from error


def _plan(target: Path, tables: Sequence[LocalTable], wish: str | None) -> list[Copy]:
    """Which file each table becomes: the target, or one in the folder that it is.

    Raises:
        ArgumentError: there is no such format, or it is not that of the file; or several tables are to become one file.
    """
    format = _format(wish) if wish is not None else None  # noqa: A001
    ending = next((name for name in FORMATS if target.suffix.lower() == f".{name}"), None)
    if ending is None or target.is_dir():
        chosen = format or "parquet"
        return [Copy(table.place, target / f"{_file_name(table.name)}.{chosen}", chosen) for table in tables]
    if len(tables) != 1:
        raise ArgumentError(
            f"{target} is one file, for one table, and not for {len(tables)}: name a folder, or one table"
        )
    if format not in {None, ending}:
        raise ArgumentError(f"{target} would not be {format}: write {target.with_suffix(f'.{format}')}")
    return [Copy(table.place, target, ending) for table in tables]


def _format(wish: str) -> Format:
    for name in FORMATS:
        if wish == name:
            return name
    raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, not {wish!r}")


def _file_name(table: str) -> str:
    """The table's name with %2F for / and so on: no two tables become the same file."""
    return NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", table)


def _refuse_existing_files(copies: Sequence[Copy]) -> None:
    for copy in copies:
        if os.path.lexists(copy.file):
            raise StorageError(f"{copy.file} exists: replace it, or choose another place")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {folder}: {error.strerror}") from error


def _write(con: duckdb.DuckDBPyConnection, copies: Sequence[Copy]) -> None:
    """Writes all files, then puts them where they belong; none of them if one cannot be written."""
    try:
        with ExitStack() as parts:
            for copy in copies:
                con.execute(copy.sql(parts.enter_context(atomic_write(copy.file))))
    except duckdb.IOException as error:
        raise StorageError(f"cannot write {copy.file}: {error}") from error
    except OSError as error:
        raise StorageError(f"cannot write {error.filename2 or error.filename}: {error.strerror}") from error
