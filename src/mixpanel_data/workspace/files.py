"""Tables into files of other formats, and the database file as small as it can be."""

from __future__ import annotations

from pathlib import Path

from ..atomic import path_of
from ..exceptions import StorageError
from ..storage.formats import Format, make_folder, plan_copies, refuse_existing, write
from ..storage.vacuum import rewrite
from .session import Session
from .tables import find_table, table_names


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
    where = path_of(target).expanduser().absolute()
    with session.database.attached() as con:
        found = [find_table(session, name) for name in tables or table_names(con)]
        copies = plan_copies(where, {table.name: table.place for table in found}, format)
        if not replace:
            refuse_existing(copies)
        make_folder(where if where not in {copy.file for copy in copies} else where.parent)
        session.last_sql = ";\n".join(copy.sql(copy.file) for copy in copies)
        write(con, copies)
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
