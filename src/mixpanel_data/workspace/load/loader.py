"""Mixpanel's data into a table: first all that is wanted is downloaded and proven, then it is written.

So the database is open only while rows are written that are all on this machine. A new table, an append and a
replacement are one transaction each; what is missing is loaded window by window, each in a transaction of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from ...client import Watcher
from ...exceptions import MixpanelDataWarning
from ...types import FetchPlan, PlannedRequest
from ..database import Database
from ..statement import call
from ..transactions import transaction
from .admission import admit, resolve_table_name
from .ledger import Entry, Ledger, Project
from .parts import Profiles, Window
from .selection import EventSelection, ProfileSelection
from .strays import Strays, adopt

Policy = Literal["new", "append", "replace", "missing"]
"""``new`` makes a table; ``append`` adds days, and brings those that are there up to date; ``replace`` puts a new table
in the place of an old one; ``missing`` loads the days that are not there yet."""

ENOUGH_EVENTS = 1_000_000
"""Events that are committed at once, though more are there."""


@dataclass
class Loaded:
    """What was put into a table."""

    rows: int = 0
    duplicates: int = 0
    days: int = 0
    date_range: tuple[date, date] | None = None
    """The first day that was asked for, and the last one that is there."""


@dataclass(frozen=True)
class Loader:
    """One table to be filled with data of one project."""

    database: Database
    table: str
    policy: Policy
    project: Project

    @staticmethod
    def of(database: Database, name: str, policy: Policy, project: Project) -> Loader:
        """The loader of a table, whatever its name's capitals.

        Raises:
            ArgumentError: it is no name, or that of a table of the ledger.
        """
        with database.attached() as con:
            return Loader(database, resolve_table_name(Ledger(con), name), policy, project)

    def admit(self, kind: str) -> Entry | None:
        """What the ledger has of the table, if it may be loaded.

        Raises:
            TableExistsError, TableNotFoundError, ArgumentError: it may not.
        """
        with self.database.attached() as con:
            return admit(Ledger(con), self.table, self.policy, kind, self.project, self.database.storage.project)

    @contextmanager
    def writing(self, kind: str) -> Iterator[Ledger]:
        """The ledger, in a transaction in which the table may be written too."""
        with self.database.writing() as con, self.database.bounded_memory(con), transaction(con):
            ledger = Ledger(con, self.database.qualify)
            # Somebody may have made or dropped the table while Mixpanel was asked.
            admit(ledger, self.table, self.policy, kind, self.project, self.database.storage.project)
            ledger.create()
            yield ledger

    def create_table(self, ledger: Ledger, columns: str, values: dict[str, Any] | None = None) -> bool:
        """Makes the table, empty, where the policy or its absence asks for it; says whether it did."""
        if self.policy == "append" or (self.policy == "missing" and ledger.exists(self.table)):
            return False
        place = self.database.qualify(self.table)
        ledger.con.execute(f"CREATE OR REPLACE TABLE {place} AS FROM ({columns}) WHERE false", values)
        ledger.forget(self.table)
        return True


@dataclass(frozen=True)
class EventLoader:
    """Events of a range of days."""

    loader: Loader
    selection: EventSelection
    first: date
    """First day that is asked for."""
    parallel: int | None = None
    limit: int | None = None
    """Events of a sample."""

    def resolved(self) -> EventLoader:
        """The same, in the form that the table has.

        Raises:
            TableExistsError, TableNotFoundError, ArgumentError: the table may not be loaded, or holds other events.
        """
        entry = self.loader.admit(EventSelection.KIND)
        if entry is None or self.loader.policy in {"new", "replace"}:
            return self
        assert isinstance(entry.selection, EventSelection)  # noqa: S101 - it was admitted
        return replace(self, selection=self.selection.checked_against(self.loader.table, entry.selection))

    def missing_days(self, first: date, last: date | None, look_back: int | None = None) -> list[date]:
        """The days that the table does not have yet; ``look_back`` is how many of the last ones are asked for anew."""
        table = self.loader.table
        with self.loader.database.attached() as con:
            ledger = Ledger(con, self.loader.database.qualify)
            known = ledger.loaded_range(table) if ledger.exists(table) else None
            if known is None:
                return ledger.days(first, last)
            lost = ledger.lost_rows(table)
            empty = [day for day, (_, left) in lost.items() if not left]
            stale_after = known[1] - timedelta(days=look_back) if look_back is not None else None
            missing = ledger.missing_days(table, first, last, stale_after, empty)
        _warn_of_lost_rows(table, {day: had - left for day, (had, left) in lost.items() if day not in missing})
        return missing

    def plan(self, days: Sequence[date]) -> FetchPlan:
        """What loading these days would ask, and what it would leave of the budget."""
        left = budget_left(self.loader.database, "export")
        if not days:
            return FetchPlan(self.loader.table, (), left)
        plan = call("export_plan", **self._arguments(days))
        with self.loader.database.asking() as con:
            rows = plan.inside("SELECT from_date, to_date, days, expected_bytes FROM ").run(con)
        return FetchPlan(self.loader.table, tuple(PlannedRequest(*row) for row in rows), left)

    def load(self, days: Sequence[date], watch: Watcher) -> Loaded:
        """Loads these days."""
        loaded = Loaded(days=len(days))
        if days:
            with self._downloading(days, watch) as windows:
                # What is missing is committed as it comes: a failure later leaves it there.
                for group in _groups(windows) if self.loader.policy == "missing" else [[one for one in windows if one]]:
                    self._store(group, days, loaded)
        loaded.date_range = self._date_range(days)
        return loaded

    def _date_range(self, days: Sequence[date]) -> tuple[date, date]:
        with self.loader.database.attached() as con:
            known = Ledger(con).loaded_range(self.loader.table) if self.loader.policy == "missing" else None
        return self.first, known[1] if known else days[-1]

    @contextmanager
    def _downloading(self, days: Sequence[date], watch: Watcher) -> Iterator[Iterator[Window | None]]:
        """The windows, each as soon as it is proven and held on this machine; None while nothing has come for a moment.
        In the end nothing is held any more."""
        registration = self.loader.database.functions()
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
        }

    def _store(self, windows: Sequence[Window], days: Sequence[date], loaded: Loaded) -> None:
        """Writes windows, and what is to be known of them, in one transaction."""
        loader = self.loader
        with loader.writing(EventSelection.KIND) as ledger:
            columns = self.selection.select(call("export", from_date=str(days[0]), to_date=str(days[0])))
            is_new = loader.create_table(ledger, columns.text, dict(columns.values))
            entry = ledger.entry(loader.table)
            if entry is not None and not ledger.knows_windows(loader.table):
                adopt(ledger.con, loader.table, loader.database.qualify(loader.table), *entry.days)
            for window in windows:
                self._make_room(ledger, window, is_new=is_new)
                loaded.duplicates += window.duplicates
            loaded.rows += self._insert(ledger, windows)
            known = ledger.loaded_range(loader.table) or (days[0], days[-1])
            ledger.note_table(loader.table, self.selection, loader.project, known)

    def _make_room(self, ledger: Ledger, window: Window, *, is_new: bool) -> None:
        """Takes out what earlier requests for the window's days brought, and writes down what this one brings."""
        strays = Strays(ledger.con, self.loader.table, self.loader.database.qualify(self.loader.table), window)
        if not is_new:
            strays.delete_earlier_rows()
        if self.limit is None:
            if window.has_strays:
                strays.note()
            ledger.note_days(self.loader.table, window)

    def _insert(self, ledger: Ledger, windows: Sequence[Window]) -> int:
        """Writes all rows in one statement: DuckDB writes each row group but the last one once."""
        handles = [window.handle for window in windows]
        source = call("downloaded", handles=handles, batch_rows=self.loader.database.storage.row_group)
        rows = self.selection.select(source)
        place = self.loader.database.qualify(self.loader.table)
        ((added,),) = rows.inside(f"INSERT INTO {place} BY NAME ").run(ledger.con)
        return int(added)


@dataclass(frozen=True)
class ProfileLoader:
    """Profiles as they are now."""

    loader: Loader
    selection: ProfileSelection

    def plan(self) -> FetchPlan:
        """One request, however many profiles there are (one for every 2,000 where users are named)."""
        portions = -(-len(self.selection.distinct_ids or ()) // 2000)
        requests = (PlannedRequest(None, None, 0, None),) * max(1, portions)
        return FetchPlan(self.loader.table, requests, budget_left(self.loader.database, "query"))

    def load(self, watch: Watcher) -> Loaded:
        """Loads the profiles: all of them, or none."""
        self.loader.admit(ProfileSelection.KIND)
        registration = self.loader.database.functions()
        batches = registration.batches("profiles", watch, **self.selection.arguments())
        with closing(batches), closing(Profiles(batch for batch in batches if batch is not None)) as profiles:
            with self.loader.writing(ProfileSelection.KIND) as ledger:
                self._store(ledger, profiles)
            return Loaded(profiles.rows)

    def _store(self, ledger: Ledger, profiles: Profiles) -> None:
        place = self.loader.database.qualify(self.loader.table)
        entry = ledger.entry(self.loader.table)
        with profiles.view(ledger.con) as view:
            is_new = self.loader.create_table(ledger, f"FROM {view}")
        if not is_new:
            with profiles.view(ledger.con) as view:
                same = f"old.distinct_id IS NOT DISTINCT FROM {view}.distinct_id"
                ledger.con.execute(f"DELETE FROM {place} AS old WHERE EXISTS (FROM {view} WHERE {same})")
        with profiles.view(ledger.con) as view:
            ledger.con.execute(f"INSERT INTO {place} BY NAME FROM {view}")
        before = entry.selection if entry is not None and not is_new else None
        selection = before.joined(self.selection) if isinstance(before, ProfileSelection) else self.selection
        ledger.note_table(self.loader.table, selection, self.loader.project)


def _groups(windows: Iterator[Window | None]) -> Iterator[list[Window]]:
    """Windows that come at once are written at once, but not too many: what is written is not asked for again.

    What has come before a failure is given before it is raised.
    """
    group: list[Window] = []
    failure: Exception | None = None
    try:
        for window in windows:
            if window is not None:
                group.append(window)
            if group and (window is None or sum(one.events for one in group) >= ENOUGH_EVENTS):
                yield group
                group = []
    except Exception as error:  # noqa: BLE001 - it is raised again
        failure = error
    if group:
        yield group
    if failure is not None:
        raise failure


def budget_left(database: Database, budget: str) -> int | None:
    """Requests left for this hour."""
    query = call("budget").inside("SELECT remaining FROM ", " WHERE budget = $budget", budget=budget)
    with database.asking() as con:
        left = query.run(con)
    return left[0][0] if left else None


def _warn_of_lost_rows(table: str, lost: dict[date, int]) -> None:
    """Of days that somebody has taken rows from: they are as somebody wished, or the table is another one."""
    if lost:
        warnings.warn(
            f"table {table} has lost {sum(lost.values()):,} rows of {len(lost):,} days since they were fetched, the "
            f"first of {min(lost)}; these days are not fetched again: replace the table to have them whole",
            MixpanelDataWarning,
            stacklevel=2,
        )
