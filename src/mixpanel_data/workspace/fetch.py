"""Events into a table: whole or not at all, or day by day with a ledger of what is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from ..exceptions import TableExistsError, TableNotFoundError
from ..functions.windows import runs
from ..quoting import quoted
from ..types import FetchPlan, PlannedRequest
from .records import Records, now
from .selection import STANDARD, Selection

AT_ONCE = 3
NEW = "__mixpanel_data_new"


@dataclass(frozen=True)
class Loaded:
    """What a fetch has done."""

    rows: int
    days: int
    first: date
    last: date


@dataclass(frozen=True)
class Fetch:
    """One table to be filled."""

    con: duckdb.DuckDBPyConnection
    catalog: str
    table: str
    selection: Selection
    parallel: int | None = None

    @property
    def records(self) -> Records:
        return Records(self.con, self.catalog)

    def create(self, first: date, last: date) -> Loaded:
        """A new table, which appears whole, with all that is written down of it, or not at all."""
        if self.records.exists(self.table):
            raise TableExistsError(
                f"table {self.table} exists: choose another name, or append, replace, resume or sync"
            )
        begun = now()
        with transaction(self.con):
            self._create_as(self.table, first, last)
            return self._note(first, last, begun)

    def replace(self, first: date, last: date) -> Loaded:
        """The new table is made beside the old one and takes its place in one moment."""
        begun = now()
        with transaction(self.con):
            self._create_as(NEW, first, last)
            self.con.execute(f"DROP TABLE IF EXISTS {quoted(self.table)}")
            self.con.execute(f"ALTER TABLE {quoted(NEW)} RENAME TO {quoted(self.table)}")
            self.records.create()
            self.records.forget_days(self.table)
            return self._note(first, last, begun)

    def append(self, first: date, last: date) -> Loaded:
        """More events for a table; those it has already are not added again."""
        if not self.records.exists(self.table):
            raise TableNotFoundError(f"there is no table {self.table} to append to: leave append out to create it")
        begun = now()
        with transaction(self.con):
            start, end = self.records.bounds(first, last)
            same = " AND ".join(f"old.{name} IS NOT DISTINCT FROM fetched.{name}" for name in STANDARD)
            table, fetched = quoted(self.table), self.selection.query(self.catalog)
            query = (
                f"INSERT INTO {table} BY NAME SELECT * FROM ({fetched}) AS fetched WHERE NOT EXISTS (SELECT 1 FROM "
                f"{table} AS old WHERE {same} AND old.event_time >= $start AND old.event_time < $end)"
            )
            values = {**self.selection.parameters(first, last, self.parallel), "start": start, "end": end}
            ((rows,),) = self.con.execute(query, values).fetchall()
            before = self.records.selection_of(self.table)
            self.records.create()
            self.records.note_days(self.table, first, last, begun)
            whole = self.records.range_of(self.table) or (first, last)
            self.records.note_table(self.table, before.joined(self.selection) if before else self.selection, *whole)
        return Loaded(rows, (last - first).days + 1, first, last)

    def backfill(self, first: date, days: Sequence[date]) -> Loaded:
        """These days, each window committed as it is proven, into a table that begins with the first."""
        self._prepare(first)
        try:
            rows = sum(_on_threads(self.parallel or AT_ONCE, self._load_window, self.windows(days), self.con))
        finally:
            known = self._note_known(first)
        return Loaded(rows, len(days), first, known)

    def missing(self, first: date, last: date | None, look_back: int | None = None) -> list[date]:
        """The days that a backfill has to fetch; ``look_back`` is how many of the last ones are fetched anew."""
        if not self.records.exists(self.table):
            return self.records.days(first, last)
        self.records.same_selection(self.table, self.selection)
        known = self.records.range_of(self.table)
        stale = date.fromordinal(known[1].toordinal() - look_back) if known and look_back is not None else None
        return self.records.missing_days(self.table, first, last, stale)

    def windows(self, days: Sequence[date]) -> list[PlannedRequest]:
        """The requests for these days."""
        plan = f"{quoted(self.catalog)}.export_plan(?, ?, parallel := ?)"
        query = f"SELECT from_date, to_date, days, expected_bytes FROM {plan}"
        found = []
        together = list(runs(days, len(days)))
        share = self.parallel or (max(1, AT_ONCE // len(together)) if len(together) > 1 else None)
        for run in together:
            rows = self.con.execute(query, [str(run.first), str(run.last), share]).fetchall()
            found += [PlannedRequest(*row) for row in rows]
        return found

    def plan(self, days: Sequence[date]) -> FetchPlan:
        """What fetching these days would ask, and what it would leave of the budget."""
        query = f"SELECT remaining FROM {quoted(self.catalog)}.budget() WHERE budget = 'export'"
        left = self.con.execute(query).fetchall()
        return FetchPlan(self.table, tuple(self.windows(days)), left[0][0] if left else None)

    def _create_as(self, table: str, first: date, last: date) -> None:
        query = f"CREATE TABLE {quoted(table)} AS {self.selection.query(self.catalog)}"
        self.con.execute(query, self.selection.parameters(first, last, self.parallel))

    def _note(self, first: date, last: date, begun: datetime) -> Loaded:
        self.records.create()
        self.records.note_days(self.table, first, last, begun)
        rows = self.records.note_table(self.table, self.selection, first, last)
        return Loaded(rows, (last - first).days + 1, first, last)

    def _note_known(self, first: date) -> date:
        """Writes down what the table has by now, and says what its last day is."""
        with transaction(self.con):
            known = self.records.range_of(self.table) or (first, first)
            self.records.note_table(self.table, self.selection, *known)
        return known[1]

    def _prepare(self, first: date) -> None:
        """The table, empty, if it is not there yet."""
        if self.records.exists(self.table):
            return
        with transaction(self.con):
            query = (
                f"CREATE TABLE {quoted(self.table)} AS SELECT * FROM ({self.selection.query(self.catalog)}) WHERE false"
            )
            self.con.execute(query, self.selection.parameters(first, first, 1))
            self.records.create()
            self.records.note_table(self.table, self.selection, first, first)

    def _load_window(self, con: duckdb.DuckDBPyConnection, window: PlannedRequest) -> int:
        """Puts the days of the window in the place of what the table has of them, and writes them down."""
        records = Records(con, self.catalog)
        begun = now()
        with transaction(con):
            start, end = records.bounds(window.from_date, window.to_date)
            con.execute(f"DELETE FROM {quoted(self.table)} WHERE event_time >= ? AND event_time < ?", [start, end])
            query = f"INSERT INTO {quoted(self.table)} {self.selection.query(self.catalog)}"
            ((rows,),) = con.execute(query, self.selection.parameters(window.from_date, window.to_date, 1)).fetchall()
            records.note_days(self.table, window.from_date, window.to_date, begun)
        return int(rows)


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing. After an error DuckDB would take a COMMIT for a rollback, so it is never given one."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def _on_threads(
    count: int,
    load: Callable[[duckdb.DuckDBPyConnection, PlannedRequest], int],
    windows: Sequence[PlannedRequest],
    con: duckdb.DuckDBPyConnection,
) -> list[int]:
    """What ``load`` gives for each window, several at once; after a failure none is begun, and those running end."""
    stopped = threading.Event()
    cursors: set[duckdb.DuckDBPyConnection] = set()

    def run(window: PlannedRequest) -> int:
        if stopped.is_set():
            return 0
        with con.cursor() as cursor:
            cursors.add(cursor)
            try:
                return load(cursor, window)
            finally:
                cursors.discard(cursor)

    with ThreadPoolExecutor(count, thread_name_prefix="mixpanel_data-load") as threads:
        running: list[Future[int]] = [threads.submit(run, window) for window in windows]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        except BaseException:
            stopped.set()
            _interrupt(cursors, running)
            raise
        # Where one has failed, those under way are finished and committed, so that no later run asks for them again.
        stopped.set()
    return [future.result() for future in running]


def _interrupt(cursors: set[duckdb.DuckDBPyConnection], running: Sequence[Future[int]]) -> None:
    """Again and again, since a cursor between two statements does not feel it."""
    while wait(running, timeout=0.05).not_done:
        for cursor in list(cursors):
            cursor.interrupt()
