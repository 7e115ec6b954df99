"""A SQL script, run statement by statement; the rows of each are printed as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb
from duckdb import StatementType

from ..quoting import CATALOG

if TYPE_CHECKING:
    import pyarrow as pa

    from ..engine.database import Database

VIEW = "__mixpanel_data_rows"
FETCH_ROWS = 2048
ROW_GROUP = 122_880
STATUS_COLUMNS = (["Count"], ["Success"])
"""What DuckDB answers to statements that have no rows of their own."""


class Answer:
    """What one statement of a script gives."""

    def __init__(self, database: Database, rows: duckdb.DuckDBPyRelation, is_last: bool) -> None:
        self.is_last = is_last
        """Whether it is that of the last statement."""
        self.columns: list[str] = rows.columns
        self.types = [str(kind) for kind in rows.types]
        self._database = database
        self._is_open = False

    def rows(self, select: str = "*", chosen: str = "*") -> Iterator[tuple[Any, ...]]:
        """The rows, as they come; what ``select`` makes of each, of those columns that are ``chosen``."""
        source = VIEW if chosen == "*" else f"(SELECT {chosen} FROM {VIEW})"
        with self._database.attached() as con:
            con.execute(f"SELECT {select} FROM {source} AS _rows")
            self._is_open = True
            while batch := con.fetchmany(FETCH_ROWS):
                yield from batch
            self._is_open = False

    @contextmanager
    def reader(self, chosen: str = "*") -> Iterator[pa.RecordBatchReader]:
        """The rows as Arrow batches, as they come."""
        with self._database.attached() as con:
            reader = con.sql(f"SELECT {chosen} FROM {VIEW}").to_arrow_reader(ROW_GROUP)
            try:
                yield reader
            finally:
                reader.close()

    def end(self, con: duckdb.DuckDBPyConnection) -> None:
        """Lets go of rows that nobody has read: DuckDB 2.0 would begin nothing else before."""
        if self._is_open:
            con.interrupt()
            with suppress(duckdb.Error):
                con.fetchall()

    def write_parquet(self, file: str, chosen: str = "*") -> None:
        """Writes the rows to a Parquet file."""
        with self._database.attached() as con:
            con.view(VIEW).project(chosen).write_parquet(file)


def run_script(database: Database, text: str) -> Generator[Answer, None, None]:
    """Runs SQL statement by statement; gives the answer of each that has rows, to be read before the next."""
    statements = database.statements_of(text)
    for number, statement in enumerate(statements, 1):
        with database.attached_for(statement) as con:
            rows = _run(database, con, statement)
            if rows is None or (statement.type != StatementType.SELECT and rows.columns in STATUS_COLUMNS):
                continue
            # As a view: DuckDB 2.0 cannot build on a relation whose text ends in a semicolon and a comment.
            con.register(VIEW, rows)
            answer = Answer(database, rows, number == len(statements))
            try:
                yield answer
            finally:
                answer.end(con)
                con.unregister(VIEW)


def _run(
    database: Database, con: duckdb.DuckDBPyConnection, statement: duckdb.Statement
) -> duckdb.DuckDBPyRelation | None:
    """The statement's rows; the functions are loaded if it speaks of them, itself or by a view."""
    if CATALOG in statement.query.lower():
        database.all_names()
    return database.with_functions(lambda: con.sql(statement))
