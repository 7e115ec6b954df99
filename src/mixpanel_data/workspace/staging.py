"""Where rows wait on disk until all of them are there: only then is the database opened, while they are copied."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

import duckdb

from ..quoting import literal, quoted
from .database import Database
from .statement import Statement
from .storage.file import FOR_NEW_FILES
from .storage.temporary import temporary_folder

T = TypeVar("T")
_areas = count(1)


class Staging:
    """A database of its own, in a temporary folder."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._tables = count(1)
        self._running: set[duckdb.DuckDBPyConnection] = set()

    def keep(self, rows: Statement) -> Statement:
        """Fetches the rows; gives the SELECT that has them."""
        table = f"{quoted(self._name)}.main.{quoted(f'rows_{next(self._tables)}')}"
        with self._database.asking() as con:
            self._running.add(con)
            try:
                rows.inside(f"CREATE TABLE {table} AS ").run(con)
            finally:
                self._running.discard(con)
        return Statement(f"FROM {table}")

    def drop(self, kept: Statement) -> None:
        with self._database.asking() as con:
            con.execute(f"DROP TABLE {kept.text.removeprefix('FROM ')}")

    def keep_each(
        self, at_once: int, parts: Sequence[tuple[T, Statement]]
    ) -> Generator[tuple[T, Statement], None, None]:
        """The same for several parts at once, each given out as it is there.

        After a failure none is begun any more, and those under way are given out before it is raised, so that what
        was asked of Mixpanel need not be asked again.
        """
        stopped = threading.Event()

        def run(part: T, rows: Statement) -> tuple[T, Statement] | None:
            return None if stopped.is_set() else (part, self.keep(rows))

        with ThreadPoolExecutor(at_once, thread_name_prefix="mixpanel_data-fetch") as threads:
            running = [threads.submit(run, part, rows) for part, rows in parts]
            try:
                yield from _succeeding(running, stopped)
            except BaseException:
                stopped.set()
                self._interrupt(running)
                raise

    def _interrupt(self, running: Sequence[Future[Any]]) -> None:
        """Again and again, since a connection between two statements does not feel it."""
        while wait(running, timeout=0.05).not_done:
            for con in list(self._running):
                con.interrupt()


def _succeeding(running: Sequence[Future[T | None]], stopped: threading.Event) -> Iterator[T]:
    """What succeeds, as it does; then the first failure."""
    failure: BaseException | None = None
    for future in as_completed(running):
        if error := future.exception():
            stopped.set()
            failure = failure or error
        elif (found := future.result()) is not None:
            yield found
    if failure is not None:
        raise failure


@contextmanager
def staging(database: Database) -> Iterator[Staging]:
    """A staging area for as long as the block runs."""
    with temporary_folder() as folder:
        name = f"__mixpanel_data_staged_{next(_areas)}"
        with database.asking() as con:
            con.execute(f"ATTACH {literal(str(folder / 'staged.duckdb'))} AS {quoted(name)}{FOR_NEW_FILES}")
        try:
            yield Staging(database, name)
        finally:
            _detach(database, name)


def _detach(database: Database, name: str) -> None:
    """Drops the tables first: DuckDB would write them into the file once more, which is about to go."""
    with database.asking() as con:
        left = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [name]).fetchall()
        for (table,) in left:
            con.execute(f"DROP TABLE {quoted(name)}.main.{quoted(table)}")
        con.execute(f"DETACH {quoted(name)}")
