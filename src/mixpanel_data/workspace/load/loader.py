"""Mixpanel's data into a table: first all that is wanted is downloaded and proven, then it is written.

So the database is open only while rows are written that are all on this machine. A new table, an append and a
replacement are one transaction each; what is missing is loaded window by window, each in a transaction of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from ...client import Watcher
from ...engine.database import Database
from ...engine.statement import call
from ...engine.transactions import transaction
from ...exceptions import warn
from ...quoting import quoted
from ...types import FetchPlan, PlannedRequest
from .admission import Policy, admit, resolve_table_name
from .columns import count_failures
from .ledger import Entry, Ledger, Project
from .parts import Profiles, Window
from .selection import EventSelection, OnBadLine, ProfileSelection
from .strays import Strays, adopt

MAX_EVENTS_AT_ONCE = 1_000_000
"""Events that are committed at once, though more are there."""


@dataclass
class Loaded:
    """What was put into a table."""

    rows: int = 0
    rows_in_table: int = 0
    duplicates: int = 0
    skipped_lines: int = 0
    days: int = 0
    date_range: tuple[date, date] | None = None
    """The first day that was asked for, and the last one that is there."""
    not_cast: Counter[str] = field(default_factory=Counter)
    """For each column the values that are not of its type."""


@dataclass(frozen=True)
class Target:
    """The table to be filled, and whose data it is for."""

    database: Database
    table: str
    policy: Policy
    project: Project

    @staticmethod
    def of(database: Database, name: str, policy: Policy, project: Project) -> Target:
        """The table of this name, whatever its capitals."""
        with database.attached() as con:
            return Target(database, resolve_table_name(Ledger(con), name), policy, project)

    @property
    def place(self) -> str:
        """The table's whole name, as SQL."""
        return self.database.qualify(self.table)

    def admit(self, kind: str) -> Entry | None:
        """What the ledger has of the table, if it may be loaded."""
        with self.database.attached() as con:
            return self._admit(Ledger(con, self.database.qualify), kind)

    @contextmanager
    def writing(self, kind: str) -> Iterator[Ledger]:
        """The ledger, in a transaction in which the table may be written too."""
        with self.database.writing() as con, self.database.bounded_memory(con), transaction(con):
            ledger = Ledger(con, self.database.qualify)
            self._admit(ledger, kind)  # somebody may have made or dropped the table while Mixpanel was asked
            ledger.create()
            yield ledger

    def create_table(self, ledger: Ledger, columns: str, values: dict[str, Any] | None = None) -> bool:
        """Makes the table, empty, where the policy or its absence asks for it; says whether it did."""
        if self.policy == "append" or (self.policy == "missing" and ledger.exists(self.table)):
            return False
        ledger.con.execute(f"CREATE OR REPLACE TABLE {self.place} AS FROM ({columns}) WHERE false", values)
        ledger.forget(self.table)
        return True

    def compress_properties(self, ledger: Ledger) -> None:
        """Makes the table once more, still empty: DuckDB takes a column's compression only when a table is made."""
        columns = [f"{quoted(name)} {kind}" for name, kind, *_ in ledger.con.execute(f"FROM {self.place}").description]
        columns[-1] += " USING COMPRESSION zstd"
        ledger.con.execute(f"CREATE OR REPLACE TABLE {self.place} ({', '.join(columns)})")

    def _admit(self, ledger: Ledger, kind: str) -> Entry | None:
        return admit(ledger, self.table, self.policy, kind, self.project, self.database.storage.project)


@dataclass(frozen=True)
class EventLoader:
    """Events of a range of days."""

    target: Target
    selection: EventSelection
    days: Sequence[date]
    """The days that are asked for, in order; none of them is to come."""
    look_back: int | None = None
    """How many of the last days that the table has are fetched once more; None for none."""
    parallel: int | None = None
    limit: int | None = None
    """Events of a sample."""
    on_bad_line: OnBadLine = "error"

    def resolve_form(self) -> EventLoader:
        """The same, in the form that the table has."""
        entry = self.target.admit(EventSelection.KIND)
        if entry is None or self.target.policy in {"new", "replace"}:
            return self
        assert isinstance(entry.selection, EventSelection)  # noqa: S101 - it was admitted
        return replace(self, selection=self.selection.adapt_to(self.target.table, entry.selection))

    def plan(self) -> FetchPlan:
        """What loading would ask, and what it would leave of the budget."""
        days, left = self._wanted_days(), self.target.database.budget_left("export")
        if not days:
            return FetchPlan(self.target.table, (), left)
        plan = call("export_plan", **self._arguments(days))
        with self.target.database.asking() as con:
            rows = plan.wrap("SELECT from_date, to_date, days, expected_bytes FROM ").run(con)
        return FetchPlan(self.target.table, tuple(PlannedRequest(*row) for row in rows), left)

    def load(self, watch: Watcher) -> Loaded:
        """Loads the days."""
        days = self._wanted_days()
        loaded = Loaded(days=len(days))
        if days:
            with self._downloading(days, watch) as windows:
                # What is missing is committed as it comes: a failure later leaves it there.
                for group in _groups(windows) if self.target.policy == "missing" else [[one for one in windows if one]]:
                    self._store(group, loaded)
            _warn_of_failed_casts(loaded.not_cast, self.selection)
        else:
            with self.target.database.attached() as con:
                self._look(Ledger(con, self.target.database.qualify), loaded)
        return loaded

    def _wanted_days(self) -> Sequence[date]:
        """The days that are fetched: all, or those that the table does not have yet."""
        if self.target.policy != "missing":
            return self.days
        table, first, last = self.target.table, self.days[0], self.days[-1]
        with self.target.database.attached() as con:
            ledger = Ledger(con, self.target.database.qualify)
            known = ledger.loaded_range(table) if ledger.exists(table) else None
            if known is None:
                return self.days
            lost = ledger.lost_rows(table)
            empty = [day for day, (_, left) in lost.items() if not left]
            stale_after = known[1] - timedelta(days=self.look_back) if self.look_back is not None else None
            missing = ledger.missing_days(table, first, last, stale_after, empty)
        _warn_of_lost_rows(table, {day: had - left for day, (had, left) in lost.items() if day not in missing})
        return missing

    def _look(self, ledger: Ledger, loaded: Loaded) -> tuple[date, date]:
        """Looks how many rows the table has now; gives its first and its last day."""
        known = ledger.loaded_range(self.target.table) or (self.days[0], self.days[-1])
        loaded.rows_in_table = ledger.count_rows(self.target.table)
        loaded.date_range = self.days[0], (known if self.target.policy == "missing" else self.days)[-1]
        return known

    @contextmanager
    def _downloading(self, days: Sequence[date], watch: Watcher) -> Iterator[Iterator[Window | None]]:
        """The windows, each as soon as it is proven and held on this machine; None while nothing has come for a moment.
        In the end nothing is held any more."""
        registration = self.target.database.functions()
        handles: list[str] = []

        def windows() -> Iterator[Window | None]:
            for batch in batches:
                if batch is None:
                    yield None
                    continue
                (row,) = batch.to_pylist()
                handles.append(row["handle"])
                yield Window(**row)

        with closing(registration.batches("download", watch, **self._arguments(days))) as batches:
            try:
                yield windows()
            finally:
                registration.release_downloads(handles)

    def _arguments(self, days: Sequence[date]) -> dict[str, Any]:
        return {
            **self.selection.arguments(),
            "from_date": str(days[0]),
            "to_date": str(days[-1]),
            "days": [str(day) for day in days] if len(days) <= (days[-1] - days[0]).days else None,
            "parallel": self.parallel,
            "max_rows": self.limit,
            "on_bad_line": self.on_bad_line,
        }

    def _store(self, windows: Sequence[Window], loaded: Loaded) -> None:
        """Writes windows, and what is to be known of them, in one transaction."""
        target = self.target
        with target.writing(EventSelection.KIND) as ledger:
            columns = self.selection.select(call("export", from_date=str(self.days[0]), to_date=str(self.days[0])))
            is_new = target.create_table(ledger, columns.text, dict(columns.values))
            if is_new and self.selection.compression == "zstd":
                target.compress_properties(ledger)
            entry = ledger.entry(target.table)
            if entry is not None:
                adopt(ledger.con, target.table, target.place, entry.from_date, entry.to_date)
            for window in windows:
                self._make_room(ledger, window, is_new=is_new)
                loaded.duplicates += window.duplicates
                loaded.skipped_lines += len(window.skipped_lines)
                loaded.not_cast += count_failures(ledger.con, self.selection.columns, window.read_rows())
            loaded.rows += self._insert(ledger, windows)
            ledger.note_table(target.table, self.selection, target.project, self._look(ledger, loaded))

    def _make_room(self, ledger: Ledger, window: Window, *, is_new: bool) -> None:
        """Takes out what earlier requests for the window's days brought, and writes down what this one brings."""
        strays = Strays(ledger.con, self.target.table, self.target.place, window)
        if not is_new:
            strays.delete_earlier_rows()
        if self.limit is None:
            if window.has_strays:
                strays.note()
            ledger.note_days(self.target.table, window)
            ledger.note_skipped_lines(self.target.table, window)

    def _insert(self, ledger: Ledger, windows: Sequence[Window]) -> int:
        """Writes all rows in one statement: DuckDB writes each row group but the last one once."""
        handles = [window.handle for window in windows]
        source = call("downloaded", handles=handles, batch_rows=self.target.database.storage.row_group)
        insert = self.selection.select(source).wrap(f"INSERT INTO {self.target.place} BY NAME ")
        ((added,),) = insert.run(ledger.con)
        return int(added)


@dataclass(frozen=True)
class ProfileLoader:
    """Profiles as they are now."""

    target: Target
    selection: ProfileSelection

    def plan(self) -> FetchPlan:
        """One request, however many profiles there are (one for every 2,000 where users are named)."""
        portions = -(-len(self.selection.distinct_ids or ()) // 2000)
        requests = (PlannedRequest(None, None, 0, None),) * max(1, portions)
        return FetchPlan(self.target.table, requests, self.target.database.budget_left("query"))

    def load(self, watch: Watcher) -> Loaded:
        """Loads the profiles: all of them, or none."""
        self.target.admit(ProfileSelection.KIND)
        batches = self.target.database.functions().batches("profiles", watch, **self.selection.arguments())
        with closing(batches), closing(Profiles()) as profiles:
            profiles.write(batch for batch in batches if batch is not None)
            with self.target.writing(ProfileSelection.KIND) as ledger:
                self._store(ledger, profiles)
                return Loaded(profiles.rows, ledger.count_rows(self.target.table))

    def _store(self, ledger: Ledger, profiles: Profiles) -> None:
        entry, place = ledger.entry(self.target.table), self.target.place
        with profiles.view(ledger.con) as view:
            is_new = self.target.create_table(ledger, f"FROM {view}")
        if not is_new:
            with profiles.view(ledger.con) as view:
                # Who has no id is told by what is known of them: another one without an id is somebody else.
                same = (
                    f"old.distinct_id = {view}.distinct_id OR coalesce(old.distinct_id, {view}.distinct_id) IS NULL "
                    f"AND old.properties IS NOT DISTINCT FROM {view}.properties"
                )
                ledger.con.execute(f"DELETE FROM {place} AS old WHERE EXISTS (FROM {view} WHERE {same})")
        with profiles.view(ledger.con) as view:
            ledger.con.execute(f"INSERT INTO {place} BY NAME FROM {view}")
        before = entry.selection if entry is not None and not is_new else None
        selection = before.merge(self.selection) if isinstance(before, ProfileSelection) else self.selection
        ledger.note_table(self.target.table, selection, self.target.project)


def _groups(windows: Iterator[Window | None]) -> Iterator[list[Window]]:
    """Windows that come at once are written at once, but not too many; what came before a failure is written, too."""
    group: list[Window] = []
    try:
        for window in windows:
            if window is not None:
                group.append(window)
            if group and (window is None or sum(one.events for one in group) >= MAX_EVENTS_AT_ONCE):
                yield group
                group = []
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


def _warn_of_failed_casts(failed: Mapping[str, int], selection: EventSelection) -> None:
    for name, count in failed.items():
        path, kind = selection.columns[name]
        warn(f"column {name}: {count:,} of the values at {path} cannot be {kind} and are NULL; properties has them")


def _warn_of_lost_rows(table: str, lost: dict[date, int]) -> None:
    if lost:
        warn(
            f"table {table} has lost {sum(lost.values()):,} rows of {len(lost):,} days since they were fetched, the "
            f"first of {min(lost)}; these days are not fetched again: replace=True has them whole"
        )
