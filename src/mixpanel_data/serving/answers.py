"""What Quack runs when a client asks.

Quack asks a function of ours about each statement, and runs the SQL that it gives. It knows no limits, and nobody can
stop what it runs. So the statement runs as an :class:`Answer`, and Quack is given SQL that reads the rows from there,
as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from time import monotonic

import duckdb

from ..exceptions import MixpanelDataError, QueryError, StorageError
from ..quoting import literal
from .allowed import Allowed
from .answer import Answer
from .limits import Limits

PROBE = ("INSERT INTO ", " VALUES (NULL)")
"""How what Quack asks about begins and ends before it takes rows: it never runs, so no text of ours could be told."""
OUT_OF_MEMORY = "Out of Memory Error"
LONGEST_STOP = 5.0
"""Seconds: a statement that DuckDB still plans cannot be stopped."""


class Answers:
    """The answers of one server.

    Args:
        con: the connection whose DuckDB is served.
        error_behind: finds our own error behind one of DuckDB's.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        allowed: Allowed,
        limits: Limits,
        error_behind: Callable[[BaseException], BaseException | None],
    ) -> None:
        self._con = con
        self._allowed = allowed
        self._limits = limits
        self._error_behind = error_behind
        self._numbers = count(1)
        self._shown: dict[str, Answer] = {}
        self._end: str | None = None

    def answer(self, _session: str, query: str) -> str | None:
        """The SQL that gives the answer, or the refusal. None is a refusal, too, without a word."""
        if query.startswith(PROBE[0]) and query.endswith(PROBE[1]):
            return None
        try:
            return self._show(query)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            return f"SELECT error({literal(self._said(error))})"

    def end(self, reason: str) -> None:
        """Stops all of them that can be, and takes no more questions; the clients see the reason."""
        self._end = reason
        until = monotonic() + LONGEST_STOP
        for answer in list(self._shown.values()):
            answer.stop(reason, until)

    def _show(self, query: str) -> str:
        """Runs the statement, and gives the SQL that reads its rows."""
        if self._end:
            raise StorageError(self._end)
        self._forget_read()
        with self._con.cursor() as cursor:
            self._allowed.refuse_others(cursor, query)
        answer = Answer(self._con.cursor(), query, self._limits, self._said)
        name = f"__answer_{next(self._numbers)}"
        self._shown[name] = answer
        try:
            answer.begin()
            with self._con.cursor() as cursor:
                cursor.from_arrow(answer).create_view(name)
        except Exception as error:  # noqa: BLE001 - it is raised again, as one line
            why = answer.why(error)
            answer.close()
            raise QueryError(why) from None
        return f"SELECT {answer.columns} FROM memory.main.{name}"

    def _forget_read(self) -> None:
        """Drops the views of answers that were read to their end, or given up."""
        for name, answer in list(self._shown.items()):
            if answer.is_closed and self._shown.pop(name, None) is not None:
                with self._con.cursor() as cursor:
                    cursor.execute(f"DROP VIEW IF EXISTS memory.main.{name}")

    def _said(self, error: BaseException) -> str:
        """What a client is told of an error."""
        ours = self._error_behind(error) or error
        text = str(ours).strip()
        if isinstance(ours, MixpanelDataError):
            return text
        if isinstance(error, MemoryError) or text.startswith(OUT_OF_MEMORY):
            return (
                f"the answer takes more memory than the {self._limits.memory} that mp serve may use: ask for less at "
                "once, or start it with a larger --memory-limit"
            )
        return text
