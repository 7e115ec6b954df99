"""DuckDB in memory, with the Mixpanel functions once they are needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from ..exceptions import QueryError, StorageError
from ..quoting import quoted
from .errors import Say, translate_errors
from .statement import call
from .words import say_in_python

if TYPE_CHECKING:
    from ..binding import Registration
    from ..client import Watcher
    from ..credentials import Credentials

T = TypeVar("T")
_spills = count(1)


class Engine:
    """A DuckDB of our own.

    Args:
        account: whose project the functions read.
        spill_beside: the file beside which it puts what does not fit into memory.
        wait: whether to wait for a request budget that is spent.
        watch: called with a :class:`Progress` at every step of a call.
        finds_frames: whether SQL finds the caller's own DataFrames by their names. Where it need not, no name in SQL is
            taken for a variable of ours.
    """

    def __init__(
        self,
        account: Credentials | Callable[[], Credentials],
        spill_beside: Path,
        *,
        wait: bool | float = True,
        watch: Watcher | None = None,
        finds_frames: bool = False,
    ) -> None:
        self._account = account
        self._wait = wait
        self._watch = watch
        self._turn = threading.RLock()
        self._registration: Registration | None = None
        self._is_closed = False
        self.has_all_names = False
        """Whether SQL of the user's can be understood."""
        self._con = duckdb.connect(config={"python_enable_replacements": finds_frames})
        # DuckDB 1.5 would read from a folder that it shares with another process, or with another DuckDB of this one,
        # what that one has written.
        folder = spill_beside.with_name(f"{spill_beside.name}.{os.getpid()}-{next(_spills)}.tmp")
        self._con.execute("SET temp_directory = ?", [str(folder)])

    def functions(self) -> Registration:
        """The functions, registered when they are first needed: who only wants SQL need not load them."""
        with self._turn:
            self._refuse_closed()
            if self._registration is None:
                from ..binding import register_functions  # noqa: PLC0415

                self._registration = register_functions(
                    self._con, account=self._account, watch=self._watch, wait=bool(self._wait)
                )
            return self._registration

    def all_names(self) -> Registration:
        """The functions, the reports, and the short names of both: what SQL of the user's may speak of."""
        from ..binding import add_reports, add_short_names  # noqa: PLC0415

        with self._turn:
            registration = self.functions()
            if not self.has_all_names:
                add_reports(self._con, registration)
                add_short_names(self._con, registration)
                self.has_all_names = True
            return registration

    def with_functions(self, ask: Callable[[], T]) -> T:
        """What is asked, once more with the functions if it fails for want of them: a view may speak of them."""
        try:
            return ask()
        except (duckdb.CatalogException, duckdb.BinderException):
            if self.has_all_names:
                raise
        self.all_names()
        return ask()

    def credentials(self) -> Credentials:
        """Whose project the functions read.

        Raises:
            AuthenticationError, ConfigError: there are no usable credentials.
        """
        return self._account() if callable(self._account) else self._account

    @contextmanager
    def asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the functions and without the tables.

        Raises:
            QueryError: it is a progress callback that asks, and so keeps the answer from coming.
        """
        from ..binding.loop import in_loop  # noqa: PLC0415

        with self._translate_errors(say_in_python):
            self.functions()
            if in_loop():
                raise QueryError("a progress callback cannot ask Mixpanel: it runs where the answers come in")
            with self._con.cursor() as cursor:
                yield cursor

    def budget_left(self, budget: str) -> int | None:
        """Requests left for this hour; None where there is no limit."""
        query = call("budget").wrap("SELECT remaining FROM ", " WHERE budget = $budget", budget=budget)
        with self.asking() as con:
            return next((left for (left,) in query.run(con)), None)

    def statements_of(self, query: str) -> list[duckdb.Statement]:
        """Its statements.

        Raises:
            QueryError: it is no SQL.
        """
        with self._translate_errors():
            self._refuse_closed()
            if not isinstance(query, str):
                raise QueryError(f"SQL is text, not {query!r}")
            query.encode()  # DuckDB would take half a character for another type
            with self._con.cursor() as cursor:
                return cursor.extract_statements(query)

    def close(self) -> None:
        with self._turn:
            self._con.close()
            self._is_closed = True

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StorageError("this workspace is closed: make a new one")

    def _translate_errors(self, say: Say = lambda error: error) -> AbstractContextManager[None]:
        """DuckDB's errors leave as ours, and those of the functions as themselves, in the words that ``say`` has."""
        return translate_errors(
            lambda error: self._registration.error_behind(error) if self._registration else None, say
        )

    def _add_session(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """What the user's SQL may stand on: the short names, and variables."""
        from ..binding import add_short_names  # noqa: PLC0415

        add_short_names(cursor, self.all_names())
        for (name,) in self._con.execute("SELECT name FROM duckdb_variables()").fetchall():
            ((value,),) = self._con.execute("SELECT getvariable(?)", [name]).fetchall()
            cursor.execute(f"SET VARIABLE {quoted(name)} = $value", {"value": value})
