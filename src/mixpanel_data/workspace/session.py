"""What every method of a workspace stands on: its database, and the SQL that runs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import duckdb
from duckdb import StatementType

from ..display import Watch
from ..engine.database import Database
from ..engine.statement import Statement, call
from ..storage.file import IS_1

if TYPE_CHECKING:
    import pyarrow as pa

READING = frozenset(
    getattr(StatementType, kind)
    for kind in ("SELECT", "EXPLAIN", "SET", "VARIABLE_SET", "PRAGMA", "LOAD", "ATTACH", "DETACH")
)
"""Statements for which the storage need not be attached for writing."""
HIDDEN_WRITE = re.compile(r"\bnextval\s*\(|^\s*explain\s+analy[sz]e\b", re.IGNORECASE)
"""What writes although it does not look so."""
Day: TypeAlias = str | date
"""``2024-01-31``, or a date."""
Rows: TypeAlias = duckdb.DuckDBPyRelation | duckdb.DuckDBPyConnection
Values: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
T = TypeVar("T")


class Preview(Exception):  # noqa: N818 - nothing has failed
    """Instead of an answer: the SQL that would be asked."""

    def __init__(self, sql: str) -> None:
        self.sql = sql


IS_PREVIEW: ContextVar[bool] = ContextVar("IS_PREVIEW", default=False)


class Session:
    """The database of a workspace, and the SQL that its last method ran.

    Args:
        watch: what fetches tell their progress to.
    """

    def __init__(self, database: Database, watch: Watch | None = None) -> None:
        self.database = database
        self.watch = watch or Watch(False)
        self.last_sql: str | None = None

    def answer(self, statement: Statement) -> pa.Table:
        """What Mixpanel answers; the storage is not touched meanwhile."""
        self.last_sql = str(statement)
        if IS_PREVIEW.get():
            raise Preview(self.last_sql)
        with self.database.asking() as con:
            return run(con, statement.text, statement.values).to_arrow_table()

    def ask(self, function: str, **arguments: Any) -> pa.Table:
        """The rows of a table function."""
        return self.answer(call(function, **arguments).inside("FROM "))

    def each(self, kind: type[T], statement: Statement) -> list[T]:
        """The answer as objects that have a field for each column."""
        return [kind(**row) for row in self.answer(statement).to_pylist()]

    def names(self, statement: Statement) -> list[str]:
        """The one column of the answer."""
        return list(self.answer(statement).column(0).to_pylist())

    def look(self, statement: Statement) -> pa.Table:
        """The rows of a query over the local tables."""
        self.last_sql = str(statement)
        with self.database.attached() as con:
            return self.with_functions(lambda: run(con, statement.text, statement.values).to_arrow_table())

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The same of a query that is not the one to be shown."""
        with self.database.attached() as con:
            return self.with_functions(lambda: statement.run(con))

    @contextmanager
    def run(self, query: str, values: Values) -> Iterator[Rows]:
        """The rows of a query of the user's."""
        self.last_sql = query
        self.database.all_names()
        with self.database.attached(write=self.writes(self.database.statements_of(query))) as con:
            yield run(con, query, values)

    def with_functions(self, ask: Callable[[], T]) -> T:
        """What is asked, once more with the functions if it fails for want of them: a view may speak of them."""
        try:
            return ask()
        except (duckdb.CatalogException, duckdb.BinderException):
            if self.database.has_all_names:
                raise
        self.database.all_names()
        return ask()

    def writes(self, statements: Sequence[duckdb.Statement]) -> bool:
        """Whether the storage has to be attached for writing."""
        kinds = {statement.type for statement in statements}
        if StatementType.TRANSACTION in kinds:
            self.database.expect_transaction()
            return True
        return not kinds <= READING or any(HIDDEN_WRITE.search(statement.query) for statement in statements)


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
