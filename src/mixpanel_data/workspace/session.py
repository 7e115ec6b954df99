"""What every method of a workspace stands on: its database, and the SQL that runs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..display import Watch
from ..engine.database import Database
from ..engine.rows import Rows, Values, run
from ..engine.statement import Statement, call

if TYPE_CHECKING:
    import pyarrow as pa

Day: TypeAlias = str | date
"""``2024-01-31``, ``today``, ``yesterday``, ``7d`` (seven days ago), or a date."""
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
        return self.answer(call(function, **arguments).wrap("FROM "))

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
            return self.database.with_functions(lambda: run(con, statement.text, statement.values).to_arrow_table())

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The same of a query that is not the one to be shown."""
        with self.database.attached() as con:
            return self.database.with_functions(lambda: statement.run(con))

    @contextmanager
    def run(self, query: str, values: Values) -> Iterator[Rows]:
        """The rows of a query of the user's."""
        self.last_sql = query
        self.database.all_names()
        with self.database.attached_for(*self.database.statements_of(query)) as con:
            yield run(con, query, values)
