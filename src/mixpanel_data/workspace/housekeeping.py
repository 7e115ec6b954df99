"""The database as a file: its tables as files of other formats, and no larger than it need be."""

from __future__ import annotations

from pathlib import Path

from ..exceptions import StorageError
from .local import TABLES, Local
from .storage.export import Format, planned, refuse_existing_files, write
from .storage.vacuum import vacuum


class Housekeeping(Local):
    """What is done with the database as a whole. Nothing here asks Mixpanel."""

    def export(
        self,
        target: str | Path,
        *tables: str,
        format: Format | None = None,  # noqa: A002
        replace: bool = False,
    ) -> list[Path]:
        """Writes tables to files: all of them, or none where one cannot be written.

        In the shell: ``mp db export``.

        Args:
            target: for one table a file that ends in ``.parquet``, ``.csv``, ``.json``, ``.jsonl`` or ``.ndjson``;
                else a folder, made if need be, in which each table becomes a file of its own.
            tables: their names, or those of views; all tables unless given.
            format: of the files in a folder; Parquet unless given.
            replace: whether files that exist are replaced.

        Raises:
            TableNotFoundError: there is no such table.
            ArgumentError: there is no such format, or several tables are to become one file.
            StorageError: a file exists, or cannot be written.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     _ = ws.export("events.csv", "events", replace=True)
            ...     [file.name for file in ws.export("out", replace=True)]
            ...     ws.sql_scalar("SELECT count(*) FROM 'events.csv'")
            ['events.parquet']
            3885
        """
        where = Path(target).expanduser().absolute()
        with self._database.attached() as con:
            names = tables or tuple(name for (name,) in con.execute(TABLES).fetchall())
            known = [self._known(name) for name in names]
            exports = planned(where, {table.name: table.place for table in known}, format)
            if not replace:
                refuse_existing_files(exports)
            _make_folder(where if where not in {export.file for export in exports} else where.parent)
            self.last_sql = ";\n".join(map(str, exports))
            write(con, exports)
        return [export.file for export in exports]

    def vacuum(self) -> int:
        """Makes the database file as small as what is in it; gives the bytes that are saved.

        In the shell: ``mp db vacuum``.

        What was dropped leaves room in the file, which DuckDB uses again, but seldom gives back. So the database is
        copied into a new file, which needs as much room as its contents for a moment, and takes the old one's place.
        In memory and in an ephemeral workspace this does nothing, and gives 0.

        Raises:
            StorageError: somebody holds the database, or there is no room for the copy; it stays as it was.
            QueryError: a transaction is open.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace("sandbox", path="large.duckdb") as ws:
            ...     _ = ws.sql("CREATE OR REPLACE TABLE large AS SELECT hash(i) AS h FROM range(1000000) AS r(i)")
            ...     _ = ws.sql("CREATE OR REPLACE TABLE small AS SELECT 1 AS one")
            ...     ws.drop("large")
            ...     ws.vacuum() > 1_000_000
            True
        """
        return vacuum(self._database)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {folder}: {error.strerror}") from error
