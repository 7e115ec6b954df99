"""SQL on the local database: what every method of the workspace stands on."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import duckdb
from duckdb import StatementType

from ..exceptions import ArgumentError
from ..quoting import CATALOG
from .database import Database
from .statement import Statement, call
from .storage.file import IS_1

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONLY_READ = frozenset(
    getattr(StatementType, kind)
    for kind in ("SELECT", "EXPLAIN", "SET", "VARIABLE_SET", "PRAGMA", "LOAD", "ATTACH", "DETACH")
)
"""Statements for which the database file need not be open for writing."""
WRITES_TOO = re.compile(r"\bnextval\s*\(|^\s*explain\s+analy[sz]e\b", re.IGNORECASE)
"""What writes although it does not look so."""
NO_ROWS = (["Count"], ["Success"])
"""What DuckDB answers to statements that have no rows of their own."""
VIEW = "__mixpanel_data_rows"
A_FEW = 2048
AT_ONCE = 122_880
"""Rows in a batch of a stream: as many as DuckDB's row groups have."""
Day: TypeAlias = str | date
"""``2024-01-31``, or a date."""
Rows: TypeAlias = duckdb.DuckDBPyRelation | duckdb.DuckDBPyConnection
Values: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
T = TypeVar("T")


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


class Told(Exception):  # noqa: N818 - nothing has failed
    """Instead of an answer: the SQL that would be asked."""

    def __init__(self, sql: str) -> None:
        self.sql = sql


IS_ONLY_TOLD: ContextVar[bool] = ContextVar("IS_ONLY_TOLD", default=False)


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
            while batch := con.fetchmany(A_FEW):
                yield from batch
            self._is_open = False

    @contextmanager
    def reader(self, chosen: str = "*") -> Iterator[pa.RecordBatchReader]:
        """The rows as Arrow batches, as they come."""
        with self._database.attached() as con:
            reader = con.sql(f"SELECT {chosen} FROM {VIEW}").to_arrow_reader(AT_ONCE)
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


class Session:
    """The SQL of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    last_sql: str | None = None
    """The SQL that the last method ran, with its values written in: paste it into any DuckDB with the functions."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection, with the functions registered; yours to use.

        From the first time it is asked for, the database file stays open, and closed to other processes, until the
        workspace is closed.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.connection.execute("SELECT 40 + 2").fetchall()
            [(42,)]
        """
        self._database.functions()
        return self._database.keep_attached()

    def sql(self, query: str, values: Values = None) -> pd.DataFrame:
        """Runs SQL; gives the rows of the last statement as a DataFrame, in which JSON is Python objects.

        In the shell: ``mp sql`` and ``mp query sql``.

        Args:
            query: SQL, in which the local tables and every ``mixpanel_…`` function can be used.
            values: for ``?`` a sequence, for ``$name`` a mapping.

        Raises:
            QueryError: DuckDB or Mixpanel refuses it. Every other error of Mixpanel's side is raised as itself.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.sql("SELECT event_name FROM mixpanel_events() WHERE event_name LIKE ?", ["Purchase"])
              event_name
            0   Purchase
        """
        with self._run(query, values) as rows:
            from ..results import parsed  # noqa: PLC0415 - only who asks for a frame pays for it

            made = rows.df()
            as_json = [place for place, column in enumerate(rows.description) if str(column[1]) == "JSON"]
        for place in as_json:
            column = made.iloc[:, place]
            made.isetitem(place, parsed(column.astype(object).where(column.notna(), None).tolist()))
        return made

    def sql_rows(self, query: str, values: Values = None) -> list[tuple[Any, ...]]:
        """Runs SQL; gives the rows as tuples. JSON is text.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.sql_rows("SELECT 1 AS one, 'two' AS two")
            [(1, 'two')]
        """
        with self._run(query, values) as rows:
            return rows.fetchall()

    def sql_scalar(self, query: str, values: Values = None) -> Any:
        """Runs SQL that gives one value.

        Raises:
            ValueError: it gives no row, or more than one row or column.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.sql_scalar("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')")
            3885
        """
        with self._run(query, values) as rows:
            found, columns = rows.fetchall(), len(rows.description)
        if len(found) == columns == 1:
            return found[0][0]
        size = f"{len(found)} row{'s' * (len(found) != 1)} of {columns} column{'s' * (columns != 1)}"
        raise ValueError(f"sql_scalar is for one value, and this query gives {size}: use sql_rows or sql")

    def arrow(self, query: str, values: Values = None) -> pa.Table:
        """Runs SQL; gives the rows as an Arrow table. Exact where a DataFrame is not: big integers, decimals, NULLs.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.arrow("FROM mixpanel_events()").num_rows > 3
            True
        """
        with self._run(query, values) as rows:
            return rows.to_arrow_table()

    def stream(
        self, query: str, values: Values = None, *, rows: int = AT_ONCE
    ) -> Generator[pa.RecordBatch, None, None]:
        """Runs a SELECT; gives the rows bit by bit, as Arrow batches, for what does not fit into memory.

        The database file stays open for reading until the last batch, or until the iterator is closed. It runs beside
        the other methods, on a connection of its own, which knows their variables, but not their temporary tables.

        Args:
            query: a SELECT.
            values: for ``?`` a sequence, for ``$name`` a mapping.
            rows: about so many in a batch.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     sum(batch.num_rows for batch in ws.stream("FROM mixpanel_export('2024-01-01', '2024-01-01')"))
            3885
        """
        if rows < 1:
            raise ArgumentError(f"rows must be at least 1, not {rows}")
        self.last_sql = query
        with self._database.streaming() as con:
            yield from batches(con, query, values, rows)

    def close(self) -> None:
        """Closes the database. Harmless if it is closed already.

        Example:
            >>> from mixpanel_data import Workspace
            >>> ws = Workspace.memory("sandbox")
            >>> ws.close()
        """
        self._database.close()

    def script(self, text: str) -> Generator[Answer, None, None]:
        """Runs SQL statement by statement; gives the answer of each that has rows, to be read before the next.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [list(answer.rows()) for answer in ws.script("CREATE TABLE t AS SELECT 1 AS one; FROM t; SELECT 2")]
            [[(1,)], [(2,)]]
        """
        statements = self._database.statements_of(text)
        for number, statement in enumerate(statements, 1):
            with self._database.attached(write=self._writes([statement])) as con:
                rows = self._result(con, statement)
                if rows is None or (statement.type != StatementType.SELECT and rows.columns in NO_ROWS):
                    continue
                # As a view: DuckDB 2.0 cannot build on a relation whose text ends in a semicolon and a comment.
                con.register(VIEW, rows)
                answer = Answer(self._database, rows, number == len(statements))
                try:
                    yield answer
                finally:
                    answer.end(con)
                    con.unregister(VIEW)

    def _result(self, con: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> duckdb.DuckDBPyRelation | None:
        """The statement's rows; the functions are loaded if it speaks of them, itself or by a view."""
        if CATALOG in statement.query.lower():
            self._database.functions()
        return self._with_functions_if_needed(lambda: con.sql(statement))

    def _with_functions_if_needed(self, ask: Callable[[], T]) -> T:
        """What is asked, once more with the functions if it fails for want of them: a view may speak of them."""
        try:
            return ask()
        except (duckdb.CatalogException, duckdb.BinderException):
            if self._database.has_functions:
                raise
        self._database.functions()
        return ask()

    @contextmanager
    def _run(self, query: str, values: Values) -> Iterator[Rows]:
        self.last_sql = query
        self._database.functions()
        with self._database.attached(write=self._writes(self._database.statements_of(query))) as con:
            yield run(con, query, values)

    def _writes(self, statements: Sequence[duckdb.Statement]) -> bool:
        """Whether the file has to be open for writing."""
        kinds = {statement.type for statement in statements}
        if StatementType.TRANSACTION in kinds:
            self._database.expect_transaction()
            return True
        return not kinds <= ONLY_READ or any(WRITES_TOO.search(statement.query) for statement in statements)

    def _ask(self, function: str, **arguments: Any) -> pa.Table:
        """The rows of a table function; the database file is not touched meanwhile."""
        return self._answer(call(function, **arguments).inside("FROM "))

    def sql_of(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        """The SQL that one of the methods which ask Mixpanel would run, with its values written in; nothing is asked.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.sql_of(ws.property_values, "Purchase", "plan", limit=3)
            "SELECT value FROM mixpanel.property_values(event := 'Purchase', property := 'plan', max_rows := 3)"
        """
        token = IS_ONLY_TOLD.set(True)
        try:
            method(*arguments, **named)
        except Told as told:
            return told.sql
        finally:
            IS_ONLY_TOLD.reset(token)
        raise ArgumentError(f"{getattr(method, '__name__', method)} asks nothing of Mixpanel")

    def _answer(self, statement: Statement) -> pa.Table:
        self.last_sql = str(statement)
        if IS_ONLY_TOLD.get():
            raise Told(self.last_sql)
        with self._database.asking() as con:
            return run(con, statement.text, statement.values).to_arrow_table()

    def _look(self, statement: Statement) -> pa.Table:
        """The rows of a query over the local tables."""
        self.last_sql = str(statement)
        with self._database.attached() as con:
            rows = self._with_functions_if_needed(lambda: run(con, statement.text, statement.values))
            return rows.to_arrow_table()

    def _each(self, kind: type[T], statement: Statement) -> list[T]:
        """The rows as objects that have a field for each column."""
        return [kind(**row) for row in self._answer(statement).to_pylist()]
