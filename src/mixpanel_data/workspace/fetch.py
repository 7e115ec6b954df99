"""Events into a table: whole or not at all, or day by day with a ledger of what is there.

Rows are fetched into a staging area first, so that the database is closed while Mixpanel is waited for, and copied from
there in one transaction. A database that nobody else knows of takes them as they come.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from ..exceptions import ArgumentError, MixpanelDataWarning, TableExistsError, TableNotFoundError
from ..types import FetchPlan, PlannedRequest
from .database import Database
from .records import OURS, Records, now
from .selection import STANDARD, Selection
from .staging import Staging, staging
from .statement import Statement, call
from .transactions import transaction

AT_ONCE = 3


@dataclass(frozen=True)
class Loaded:
    """What a fetch has done."""

    rows: int
    days: int = 0
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Fetch:
    """One table of events to be filled."""

    database: Database
    table: str
    selection: Selection
    parallel: int | None = None
    limit: int | None = None
    """Rows of a sample."""

    @property
    def place(self) -> str:
        return self.database.qualify(self.table)

    def create(self, first: date, last: date) -> Loaded:
        """A new table, which appears whole, with all that is written down of it, or not at all."""
        begun = now()
        with created(self.database, self.table, self.rows(first, last)) as records:
            return self._note(records, first, last, begun)

    def replace(self, first: date, last: date) -> Loaded:
        """The new table takes the place of the old one in one moment, when all of it is there."""
        begun = now()
        with replaced(self.database, self.table, self.rows(first, last), self.selection.TYPE) as records:
            return self._note(records, first, last, begun)

    def append(self, first: date, last: date) -> Loaded:
        """More events for a table; those it has already are not added again."""
        selection, begun = self._appended(), now()
        rows_of_days = selection.rows(first, last, self.parallel)
        with fetched(self.database, rows_of_days) as rows, writing(self.database) as records:
            start, end = records.bounds(first, last)
            same = " AND ".join(f"old.{name} IS NOT DISTINCT FROM new.{name}" for name in STANDARD)
            query = rows.inside(
                f"INSERT INTO {self.place} BY NAME SELECT * FROM (",
                f") AS new WHERE NOT EXISTS (SELECT 1 FROM {self.place} AS old WHERE {same} "
                "AND old.event_time >= $start AND old.event_time < $end)",
                start=start,
                end=end,
            )
            ((added,),) = query.run(records.con)
            records.create()
            self._note_appended(records, selection, first, last, begun)
        return Loaded(added, (last - first).days + 1, first, last)

    def _appended(self) -> Selection:
        """What is to be added, in the form that the table has.

        Raises:
            TableNotFoundError: there is no such table.
            ArgumentError: it would not fit.
        """
        refuse_missing(self.database, self.table)
        refuse_other_kind(self.database, self.table, self.selection.TYPE)
        with self.database.attached() as con:
            before = Records(con, self.database.qualify).selection_of(self.table)
            there = {column[0] for column in con.execute(f"DESCRIBE {self.place}").fetchall()}
        if before is not None:
            return self.selection.in_the_form_of(before)
        if missing := [name for name in (*STANDARD, *self.selection.columns, "properties") if name not in there]:
            raise ArgumentError(f"table {self.table} has no column {', '.join(missing)}: choose another name")
        return self.selection

    def _note_appended(self, records: Records, added: Selection, first: date, last: date, begun: datetime) -> None:
        """Of which days the table now has all that it is to hold."""
        before = records.selection_of(self.table)
        whole = before.joined(added) if before else added
        old, new = records.loaded_days(self.table), set(days_between(first, last))
        complete = old & new
        complete |= old if before and before.has_same_events(whole) else set()
        complete |= new if added.has_same_events(whole) else set()
        records.note_days(self.table, first, last, begun)
        records.keep_days(self.table, complete)
        known = records.noted_range(self.table) or (first, last)
        records.note_table(self.table, whole, min(first, known[0]), max(last, known[1]))

    def backfill(self, first: date, days: Sequence[date]) -> Loaded:
        """These days, each window committed as it is proven, into a table that begins with the first."""
        rows = 0
        self._prepare(first)
        try:
            for window, begun, kept, area in self._windows_as_they_come(days):
                rows += self._load(window, begun, kept)
                area.drop(kept)
        finally:
            known = self._note_known(first)
        return Loaded(rows, len(days), first, known)

    def missing(self, first: date, last: date | None, look_back: int | None = None) -> list[date]:
        """The days that a backfill has to fetch; ``look_back`` is how many of the last ones are fetched anew."""
        with self.database.attached() as con:
            records = Records(con, self.database.qualify)
            if not records.exists(self.table):
                return records.days(first, last)
            records.same_selection(self.table, self.selection)
            known = records.range_of(self.table)
            stale = date.fromordinal(known[1].toordinal() - look_back) if known and look_back is not None else None
            robbed = records.robbed_days(self.table)
            emptied = {day for day, (_, left) in robbed.items() if not left}
            missing = records.missing_days(self.table, first, last, stale, emptied)
        self._tell_of_lost_rows(
            {day: had - left for day, (had, left) in robbed.items() if day not in {*missing, *emptied}}
        )
        return missing

    def _tell_of_lost_rows(self, lost: dict[date, int]) -> None:
        """Of days that somebody has taken rows from: they are as somebody wished, or the table is another one."""
        if lost:
            warnings.warn(
                f"table {self.table} has lost {sum(lost.values()):,} rows of {len(lost):,} days since they were fetched"
                f", the first of {min(lost)}; these days are not fetched again: replace the table to have them whole",
                MixpanelDataWarning,
                stacklevel=2,
            )

    def windows(self, days: Sequence[date]) -> list[PlannedRequest]:
        """The requests for these days."""
        from ..functions.windows import runs  # noqa: PLC0415 - who only looks at tables loads no functions

        found = []
        together = list(runs(days, len(days)))
        share = self.parallel or (max(1, AT_ONCE // len(together)) if len(together) > 1 else None)
        for run in together:
            plan = call("export_plan", from_date=run.first, to_date=run.last, parallel=share)
            query = plan.inside("SELECT from_date, to_date, days, expected_bytes FROM ")
            with self.database.asking() as con:
                found += [PlannedRequest(*row) for row in query.run(con)]
        return found

    def plan(self, days: Sequence[date]) -> FetchPlan:
        """What fetching these days would ask, and what it would leave of the budget."""
        return FetchPlan(self.table, tuple(self.windows(days)), budget_left(self.database, "export"))

    def rows(self, first: date, last: date) -> Statement:
        """The events of these days, as the table has them."""
        return self.selection.rows(first, last, self.parallel, self.limit)

    def _windows_as_they_come(
        self, days: Sequence[date]
    ) -> Iterator[tuple[PlannedRequest, datetime, Statement, Staging]]:
        """Each window, with the time before which its events were asked for."""
        begun = now()
        parts = [(window, self.selection.rows(window.from_date, window.to_date, 1)) for window in self.windows(days)]
        with (
            staging(self.database) as area,
            closing(area.keep_each(self.parallel or AT_ONCE, parts)) as kept,
        ):
            for window, rows in kept:
                yield window, begun, rows, area

    def _note(self, records: Records, first: date, last: date, begun: datetime) -> Loaded:
        """Writes down what the new table has."""
        if self.limit is None:
            records.note_days(self.table, first, last, begun)
        rows = records.note_table(self.table, self.selection, first, last)
        return Loaded(rows, (last - first).days + 1, first, last)

    def _note_known(self, first: date) -> date:
        """Writes down what the table has by now, and says what its last day is."""
        with writing(self.database) as records:
            known = records.range_of(self.table) or (first, first)
            records.note_table(self.table, self.selection, *known)
        return known[1]

    def _prepare(self, first: date) -> None:
        """The table, empty, if it is not there yet."""
        with self.database.attached() as con:
            if Records(con).exists(self.table):
                return
        refuse_existing(self.database, self.table)  # a view, that is
        with writing(self.database) as records:
            empty = self.rows(first, first).inside(f"CREATE TABLE {self.place} AS SELECT * FROM (", ") WHERE false")
            empty.run(records.con)
            records.begin(self.table)
            records.note_table(self.table, self.selection, first, first)

    def _load(self, window: PlannedRequest, begun: datetime, rows: Statement) -> int:
        """Puts the days of the window in the place of what the table has of them, and writes them down."""
        assert window.from_date is not None  # noqa: S101 - a window of events has days
        assert window.to_date is not None  # noqa: S101
        with writing(self.database) as records:
            start, end = records.bounds(window.from_date, window.to_date)
            old = f"DELETE FROM {self.place} WHERE event_time >= ? AND event_time < ?"
            records.con.execute(old, [start, end])
            ((added,),) = records.con.execute(f"INSERT INTO {self.place} BY NAME {rows.text}").fetchall()
            records.note_days(self.table, window.from_date, window.to_date, begun)
        return int(added)


@contextmanager
def fetched(database: Database, rows: Statement) -> Iterator[Statement]:
    """The rows at hand: fetched already, unless the database is ours alone and may take them as they come."""
    if database.is_private:
        yield rows
        return
    with staging(database) as area:
        yield area.keep(rows)


@contextmanager
def writing(database: Database) -> Iterator[Records]:
    """The records of the database, in a transaction: all of it or nothing."""
    with database.writing() as con, transaction(con):
        yield Records(con, database.qualify)


@contextmanager
def created(database: Database, table: str, rows: Statement) -> Iterator[Records]:
    """A new table of these rows, of which nothing is written down yet."""
    refuse_existing(database, table)
    with fetched(database, rows) as at_hand, writing(database) as records:
        refuse_existing(database, table)  # somebody may have made it meanwhile
        at_hand.inside(f"CREATE TABLE {database.qualify(table)} AS ").run(records.con)
        records.begin(table)
        yield records


@contextmanager
def replaced(database: Database, table: str, rows: Statement, kind: str) -> Iterator[Records]:
    """The same in the place of a table of this kind, if there is one."""
    refuse_other_kind(database, table, kind)
    with fetched(database, rows) as at_hand, writing(database) as records:
        at_hand.inside(f"CREATE OR REPLACE TABLE {database.qualify(table)} AS ").run(records.con)
        records.begin(table)
        yield records


def named(database: Database, table: str) -> str:
    """The name as it is written, if there is such a table: names do not differ by capitals alone.

    Raises:
        ArgumentError: it is no name, or that of a table of ours.
    """
    if not isinstance(table, str) or not table:
        raise ArgumentError(f"the table's name must be a string, not {table!r}")
    if table.lower() in OURS:
        raise ArgumentError(f"{table} is a table of ours: choose another name")
    with database.attached() as con:
        found = Records(con).find(table)
    return found[0] if found else table


def refuse_existing(database: Database, table: str) -> None:
    with database.attached() as con:
        found = Records(con).find(table)
    if found is not None:
        name, kind = found
        ways = ": drop it first, choose another name, or append, replace, resume or sync" if kind == "table" else ""
        raise TableExistsError(f"{kind} {name} exists{ways or ': choose another name'}", table=name)


def refuse_missing(database: Database, table: str) -> None:
    with database.attached() as con:
        is_there = Records(con).exists(table)
    if not is_there:
        raise TableNotFoundError(f"there is no table {table} to append to: leave append out to create it", table=table)


def refuse_other_kind(database: Database, table: str, kind: str) -> None:
    """Events stay among events, and profiles among profiles."""
    with database.attached() as con:
        found, type_ = Records(con).find(table), Records(con).type_of(table)
    if found is not None and found[1] == "view":
        raise TableExistsError(f"view {found[0]} exists: choose another name", table=found[0])
    if type_ not in {None, kind}:
        raise ArgumentError(f"table {table} holds {type_}: choose another name")


def days_between(first: date, last: date) -> list[date]:
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]


def budget_left(database: Database, budget: str) -> int | None:
    """Requests left for this hour."""
    query = call("budget").inside("SELECT remaining FROM ", " WHERE budget = $budget", budget=budget)
    with database.asking() as con:
        left = query.run(con)
    return left[0][0] if left else None
