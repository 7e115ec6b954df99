"""What Quack runs when a client asks.

Quack calls a function of ours with each statement, and runs the SQL that it gives. Quack knows no limits, and nobody
can interrupt what it runs. So the statement runs on a connection of ours, into a table of a database in memory, and
Quack is given SQL that reads the table.

Python objects in DuckDB's catalog need Python's lock when they go, and a Python that waits for DuckDB's may hold it. So
the functions here are made once, and what is made for each answer has nothing of Python in it.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from time import monotonic
from typing import Any

import duckdb

from ..exceptions import MixpanelDataError, StorageError
from ..quoting import literal, quoted
from .allowed import Allowed
from .limits import Limits
from .watch import AGAIN, Watch

AUTHORIZATION = "__mixpanel_answer"
TAKEN = "__mixpanel_taken"
CONNECTIONS = 32
"""Statements that run at the same time; more of them wait."""
LONGEST_STOP = 5.0
PROBE = ("INSERT INTO ", " VALUES (NULL)")
"""How what Quack asks about begins and ends before it takes rows: it never runs, so no text of ours could be told."""


class Answers:
    """The answers of one server.

    Args:
        con: the connection whose DuckDB is served.
        memory: bytes that this process may come to.
        error_behind: finds our own error behind one of DuckDB's.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        allowed: Allowed,
        limits: Limits,
        memory: int,
        error_behind: Callable[[BaseException], BaseException | None],
    ) -> None:
        self._allowed = allowed
        self._limits = limits
        self._error_behind = error_behind
        self._watch = Watch(limits, memory)
        self._numbers = count(1)
        self._taken: deque[int] = deque()
        self._end: str | None = None
        self._free: queue.Queue[duckdb.DuckDBPyConnection] = queue.Queue()
        for _ in range(CONNECTIONS):
            self._free.put(con.cursor())
        volatile: dict[str, Any] = {"null_handling": "special", "side_effects": True}
        con.create_function(AUTHORIZATION, self.answer, ["VARCHAR", "VARCHAR"], "VARCHAR", **volatile)
        con.create_function(TAKEN, self.take, ["BIGINT"], "BOOLEAN")

    def answer(self, _session: str, query: str) -> str | None:
        """The SQL that gives the answer, or the refusal. None is a refusal, too, without a word."""
        if query.startswith(PROBE[0]) and query.endswith(PROBE[1]):
            return None
        try:
            with self._connection() as con:
                return self._run(con, query)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told of it
            return f"SELECT error({literal(self._said(error))})"

    def take(self, number: int) -> bool:
        """Notes that Quack reads an answer. DuckDB asks while it plans to: what is detached from then on stays there
        for whoever has begun to read it."""
        self._taken.append(number)
        return True

    def end(self, reason: str) -> None:
        """Stops all of them, and takes no more questions; the clients see the reason."""
        self._end = reason
        self._watch.stop(reason)

    def close(self) -> None:
        """Closes the connections. Those that run are waited for, if not for ever: while DuckDB plans, it hears no
        interrupt."""
        until = monotonic() + LONGEST_STOP
        with suppress(queue.Empty):
            for _ in range(CONNECTIONS):
                self._free.get(timeout=max(0, until - monotonic())).close()
        self._watch.close()

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One that is free, as soon as there is one."""
        while not self._end:
            with suppress(queue.Empty):
                con = self._free.get(timeout=AGAIN)
                break
        else:
            raise StorageError(self._end)
        try:
            yield con
        finally:
            self._free.put(con)

    def _run(self, con: duckdb.DuckDBPyConnection, query: str) -> str:
        """Runs the statement, and gives the SQL that reads its rows."""
        self._detach_taken(con)
        with self._watch.over(con):
            self._allowed.refuse_others(con, query)
            return self._keep(con, without_semicolon(query), next(self._numbers))

    def _keep(self, con: duckdb.DuckDBPyConnection, query: str, number: int) -> str:
        """Puts the rows into a database of their own. Its sequence counts them, and fails when there are too many:
        unlike LIMIT, it lets all of DuckDB's threads work."""
        database = quoted(f"__answer_{number}")
        names = columns_of(con, query)
        places = ", ".join(f"c{place}" for place in range(len(names)))
        con.execute(f"ATTACH ':memory:' AS {database} (HIDDEN)")
        try:
            con.execute(f"CREATE SEQUENCE {database}.main.counted MAXVALUE {self._limits.rows}")
            counted = literal(f"{database}.main.counted")
            con.execute(
                f"CREATE TABLE {database}.main.rows AS SELECT *, nextval({counted}) FROM ({query}\n) AS _({places})"
            )
        except Exception:
            self.take(number)
            raise
        shown = ", ".join(f"c{place} AS {quoted(name)}" for place, name in enumerate(names))
        return f"SELECT {shown} FROM {database}.main.rows WHERE {TAKEN}({number})"

    def _detach_taken(self, con: duckdb.DuckDBPyConnection) -> None:
        """Detaches what Quack has, or nobody will have."""
        while self._taken:
            with suppress(IndexError):  # another client's question takes them, too
                con.execute(f"DETACH DATABASE IF EXISTS {quoted(f'__answer_{self._taken.popleft()}')}")

    def _said(self, error: Exception) -> str:
        """What a client is told of an error, in one line."""
        ours = self._error_behind(error) or error
        if isinstance(ours, MixpanelDataError):
            return str(ours)
        if isinstance(error, duckdb.SequenceException):
            return self._limits.too_many_rows
        if isinstance(error, (MemoryError, duckdb.OutOfMemoryException)):
            return self._limits.too_much_memory
        return " ".join(str(error).partition("\n\nLINE ")[0].split())


def without_semicolon(query: str) -> str:
    """The one statement, without what ends it, so that it can stand in brackets."""
    text = query.encode()
    ends = (
        at for at, kind in duckdb.tokenize(query) if text[at : at + 1] == b";" and kind == duckdb.token_type.operator
    )
    return text[: next(ends, None)].decode()


def columns_of(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """What the columns of a query are called: two may have one name, which they would not have in a table."""
    try:
        found = con.execute(f"DESCRIBE ({query}\n)")
    except duckdb.ParserException:  # a DESCRIBE itself
        found = con.execute(f"DESCRIBE FROM ({query}\n)")
    return [name for name, *_ in found.fetchall()]
