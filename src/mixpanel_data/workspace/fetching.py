"""Mixpanel's data into local tables, or through our hands without keeping it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Literal, TypedDict, Unpack, overload

from ..client import Progress, Watcher
from ..exceptions import ArgumentError
from ..quoting import quoted
from ..types import FetchPlan, FetchResult
from .database import Database
from .fetch import Fetch, Loaded, named
from .profiles import ProfileFetch
from .records import Records
from .selection import ColumnsWish, Properties, Selection
from .session import Day
from .streaming import Streaming
from .watch import Watch

LOOK_BACK = 5
"""Days: events of mobile clients may arrive that late."""


class EventsWish(TypedDict, total=False):
    """What ``fetch_events`` takes, for type checkers: with ``dry_run`` it gives a plan."""

    from_date: Day | None
    to_date: Day | None
    events: Sequence[str] | None
    where: str | None
    progress: bool | Watcher
    append: bool
    replace: bool
    resume: bool
    sync: bool
    look_back: int
    properties: Properties
    columns: ColumnsWish | None
    deduplicate: bool
    limit: int | None
    parallel: int | None


class ProfilesWish(TypedDict, total=False):
    """What ``fetch_profiles`` takes."""

    where: str | None
    cohort: int | str | None
    properties: Sequence[str] | None
    distinct_ids: Sequence[str] | None
    progress: bool | Watcher
    append: bool
    replace: bool


class Fetching(Streaming):
    """Fetching. The database is open, and closed to others, only while what was fetched is copied into it."""

    def __init__(self, database: Database, watch: Watch) -> None:
        super().__init__(database)
        self._watch = watch
        self._busy = threading.Lock()

    @overload
    def fetch_events(self, name: str = ..., *, dry_run: Literal[True], **wish: Unpack[EventsWish]) -> FetchPlan: ...
    @overload
    def fetch_events(
        self, name: str = ..., *, dry_run: Literal[False] = ..., **wish: Unpack[EventsWish]
    ) -> FetchResult: ...
    @overload
    def fetch_events(
        self, name: str = ..., *, dry_run: bool, **wish: Unpack[EventsWish]
    ) -> FetchResult | FetchPlan: ...
    def fetch_events(
        self,
        name: str = "events",
        *,
        from_date: Day | None = None,
        to_date: Day | None = None,
        events: Sequence[str] | None = None,
        where: str | None = None,
        progress: bool | Watcher = True,
        append: bool = False,
        replace: bool = False,
        resume: bool = False,
        sync: bool = False,
        look_back: int = LOOK_BACK,
        dry_run: bool = False,
        properties: Properties = "json",
        columns: ColumnsWish | None = None,
        deduplicate: bool = True,
        limit: int | None = None,
        parallel: int | None = None,
    ) -> FetchResult | FetchPlan:
        """Fetches events into a table.

        In the shell: ``mp fetch events``.

        Unless told otherwise the table must not exist yet; it appears whole, or not at all.

        Args:
            name: the table.
            from_date: first day, inclusive. Not needed to ``sync`` a table that is there.
            to_date: last day, inclusive; today unless given.
            events: only events of these names.
            where: a Mixpanel filter expression.
            progress: a line on a terminal; False for none, or a function that is called with a :class:`Progress`.
            append: add to the table; events it has already are not added again.
            replace: put the new table in the place of the old one, at the end and at once.
            resume: commit each window of days as it is proven, and fetch only the days that are missing: those not
                in the table ``_loaded_days``, and those loaded before they were over.
            sync: the same up to today, and the last ``look_back`` loaded days once more, since events arrive late.
            look_back: days.
            dry_run: say what would be asked, and ask nothing.
            properties: ``json``, or ``variant`` for DuckDB's VARIANT: smaller, and far faster to query.
            columns: properties as columns of their own: for each name a property, a JSON path, or a pair of path and
                DuckDB type, as in ``{"country": "mp_country_code", "amount": ("$.amount", "DOUBLE")}``. What cannot
                be cast is NULL.
            deduplicate: leave out what Mixpanel sent more than once.
            limit: a sample of so many events, for a table that is new or replaced; none of its days count as loaded.
            parallel: downloads at once.

        Raises:
            TableExistsError: the table exists, and neither append, replace, resume nor sync is given.
            TableNotFoundError: there is nothing to append to.
            ArgumentError: arguments that cannot be understood, or do not fit the table.
            AuthenticationError, RateLimitError, IncompleteExportError, ServerError, TransportError: Mixpanel could
                not be read; the table is as it was, or has those days that were committed before.
            StorageError: a disk is full, or somebody else holds the database.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.fetch_events("purchases", from_date="2024-01-01", to_date="2024-01-02", events=["Purchase"]).rows
            245
        """
        _only_one_of(append=append, replace=replace, resume=resume, sync=sync)
        self.database.functions()
        name = named(self.database, name)
        if parallel is not None and parallel < 1:
            raise ArgumentError(f"parallel must be at least 1, not {parallel}")
        if limit is not None and (append or resume or sync):
            raise ArgumentError("limit is for a sample in a table of its own: leave append, resume and sync out")
        selection = Selection.of(events, where, properties, columns, deduplicate=deduplicate)
        fetch = Fetch(self.database, name, selection, parallel, limit)
        first, last = self._range(fetch, from_date, to_date, sync=sync)
        self.last_sql = str(fetch.rows(first, last).inside(_task(name, append=append, replace=replace)))
        again = look_back if sync else None
        if dry_run:
            return fetch.plan(fetch.missing(first, last, again) if resume or sync else self._days(first, last))
        with self._busy, self.database.fetch_lock():
            if resume or sync:
                days = fetch.missing(first, last, again)
                whole = Progress("export", days=len(days))
                return self._fetch(fetch, progress, whole, lambda: fetch.backfill(first, days))
            load = fetch.append if append else fetch.replace if replace else fetch.create
            return self._fetch(fetch, progress, Progress("export"), lambda: load(first, last))

    @overload
    def fetch_profiles(self, name: str = ..., *, dry_run: Literal[True], **wish: Unpack[ProfilesWish]) -> FetchPlan: ...
    @overload
    def fetch_profiles(
        self, name: str = ..., *, dry_run: Literal[False] = ..., **wish: Unpack[ProfilesWish]
    ) -> FetchResult: ...
    @overload
    def fetch_profiles(
        self, name: str = ..., *, dry_run: bool, **wish: Unpack[ProfilesWish]
    ) -> FetchResult | FetchPlan: ...
    def fetch_profiles(
        self,
        name: str = "profiles",
        *,
        where: str | None = None,
        cohort: int | str | None = None,
        properties: Sequence[str] | None = None,
        distinct_ids: Sequence[str] | None = None,
        progress: bool | Watcher = True,
        append: bool = False,
        replace: bool = False,
        dry_run: bool = False,
    ) -> FetchResult | FetchPlan:
        """Fetches profiles into a table.

        In the shell: ``mp fetch profiles``.

        Unless told otherwise the table must not exist yet; it appears whole, or not at all.

        Args:
            name: the table.
            where: a Mixpanel filter expression over profiles.
            cohort: only members of this cohort, by its id or its name; ``cohorts()`` has both.
            properties: only these properties: faster where there are many.
            distinct_ids: only these users.
            progress: a line on a terminal; False for none, or a function that is called with a :class:`Progress`.
            append: add to the table; profiles it has already are brought up to date.
            replace: put the new table in the place of the old one, at the end and at once.
            dry_run: say what would be asked, and ask nothing.

        Raises:
            TableExistsError: the table exists, and neither append nor replace is given.
            TableNotFoundError: there is nothing to append to.
            NotFoundError: there is no cohort of that name.
            AuthenticationError, RateLimitError, ServerError, TransportError: Mixpanel could not be read; the table is
                as it was.
            StorageError: a disk is full, or somebody else holds the database.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.fetch_profiles("pro", where='properties["plan"] == "pro"', properties=["plan"]).rows > 100
            True
        """
        _only_one_of(append=append, replace=replace)
        self.database.functions()
        name = named(self.database, name)
        selection = self._profiles(where, cohort, properties, distinct_ids)
        fetch = ProfileFetch(self.database, name, selection)
        if dry_run:
            return fetch.plan()
        with self._busy, self.database.fetch_lock():
            self.last_sql = str(selection.rows().inside(_task(name, append=append, replace=replace)))
            run = fetch.append if append else fetch.replace if replace else fetch.create
            return self._fetch(fetch, progress, Progress("profiles"), run)

    def _fetch(
        self,
        fetch: Fetch | ProfileFetch,
        progress: bool | Watcher,
        whole: Progress,
        load: Callable[[], Loaded],
    ) -> FetchResult:
        started, fetched_at = time.monotonic(), datetime.now(UTC)
        with self._watch.as_one(whole, progress):
            loaded = load()
        return FetchResult(
            fetch.table,
            loaded.rows,
            fetch.selection.TYPE,
            round(time.monotonic() - started, 3),
            (str(loaded.first), str(loaded.last)) if loaded.first else None,
            fetched_at,
            whole.duplicates,
            loaded.days,
        )

    def _range(self, fetch: Fetch, from_date: Day | None, to_date: Day | None, *, sync: bool) -> tuple[date, date]:
        """The first and the last day to fetch, the last one not after today."""
        first = day_of("from_date", from_date) if from_date is not None else None
        if first is None and sync:
            first = self._first_loaded(fetch.table)
        if first is None:
            raise ArgumentError("fetch_events needs from_date: write from_date='2024-01-01'")
        last = day_of("to_date", to_date) if to_date is not None else None
        if last is not None and last < first:
            raise ArgumentError(f"from_date {first} is after to_date {last}: swap them")
        begun = self._days(first, last)
        if not begun:
            raise ArgumentError(f"{first} has not begun yet: give an earlier from_date")
        return first, begun[-1]

    def _first_loaded(self, table: str) -> date | None:
        with self.database.attached() as con:
            records = Records(con)
            known = records.range_of(table) if records.is_kept() else None
        return known[0] if known else None

    def _days(self, first: date, last: date | None) -> list[date]:
        """Those days of the range that have begun."""
        with self.database.asking() as con:
            return Records(con).days(first, last)


def _task(table: str, *, append: bool, replace: bool) -> str:
    """What a fetch comes down to, as the head of a statement."""
    if append:
        return f"INSERT INTO {quoted(table)} "
    return f"CREATE {'OR REPLACE ' if replace else ''}TABLE {quoted(table)} AS "


def _only_one_of(**modes: bool) -> None:
    if sum(modes.values()) > 1:
        names = list(modes)
        raise ArgumentError(f"give only one of {', '.join(names[:-1])} and {names[-1]}")


def day_of(name: str, value: Day) -> date:
    """The day that an argument names.

    Raises:
        ArgumentError: it is none.
    """
    from ..functions.arguments import read_day  # noqa: PLC0415 - who only looks at tables loads no functions

    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return read_day(str(value))
    except ValueError:
        raise ArgumentError(f"{name} must be a day in the form YYYY-MM-DD, not {value!r}") from None
