"""The Workspace: one DuckDB database, one account, and methods that are SQL over the table functions."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

import duckdb

from ..binding import register
from ..client import Progress, Watcher
from ..exceptions import ArgumentError, StorageError
from ..functions.arguments import WHOLE_DAY
from ..types import FetchPlan, FetchResult
from .errors import as_ours, lock_holder
from .fetch import Fetch, Loaded
from .records import OURS
from .selection import ColumnsWish, Properties, Selection

MEMORY = ":memory:"
LOOK_BACK = 5
"""Days: events of mobile clients may arrive that late."""
_loading: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


class Workspace:
    """A database with Mixpanel in it.

    Args:
        path: the DuckDB file; in memory unless given.
        account: a name from the configuration file, or ``"sandbox"``; the environment's or the default account
            unless given.
        wait: whether to wait for a request budget that is spent, and for a database that another process holds.
        progress: called with a :class:`Progress` at every step of a fetch.

    Raises:
        StorageError: the database cannot be opened, or another process holds it and ``wait`` is False.
        ConfigError: the account cannot be used.

    Example:
        >>> from mixpanel_data import Workspace
        >>> with Workspace(account="sandbox") as ws:
        ...     ws.fetch_events("jan", from_date="2024-01-01", to_date="2024-01-02").rows
        7813
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        account: str | None = None,
        wait: bool = True,
        progress: Watcher | None = None,
    ) -> None:
        self._path = str(path) if path is not None else MEMORY
        self._progress = progress
        self._calls: dict[int, Progress] = {}
        self._whole = Progress("export")
        self._busy = threading.Lock()
        self.connection = _open(self._path, wait)
        """The DuckDB connection, with the functions registered; yours to use."""
        self._registration = register(self.connection, account=account, watch=self._watch, wait=wait)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database."""
        self.connection.close()

    def fetch_events(
        self,
        name: str = "events",
        *,
        from_date: str | date | None = None,
        to_date: str | date | None = None,
        events: Sequence[str] | None = None,
        where: str | None = None,
        append: bool = False,
        replace: bool = False,
        resume: bool = False,
        sync: bool = False,
        look_back: int = LOOK_BACK,
        dry_run: bool = False,
        properties: Properties = "json",
        columns: ColumnsWish | None = None,
        deduplicate: bool = True,
        parallel: int | None = None,
    ) -> FetchResult | FetchPlan:
        """Fetches events into a table.

        Unless told otherwise the table must not exist yet; it appears whole, or not at all.

        Args:
            name: the table.
            from_date: first day, inclusive. Not needed to ``sync`` a table that is there.
            to_date: last day, inclusive; today unless given.
            events: only events of these names.
            where: a Mixpanel filter expression.
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
            parallel: downloads at once.

        Raises:
            TableExistsError: the table exists, and neither append, replace, resume nor sync is given.
            TableNotFoundError: there is nothing to append to.
            ArgumentError: arguments that cannot be understood, or do not fit the table.
            AuthenticationError, RateLimitError, IncompleteExportError, ServerError, TransportError: Mixpanel could
                not be read; the table is as it was, or has those days that were committed before.
            StorageError: a disk is full.
        """
        if sum((append, replace, resume, sync)) > 1:
            raise ArgumentError("give only one of append, replace, resume and sync")
        if name.lower() in OURS:
            raise ArgumentError(f"{name} is a table of ours: choose another name")
        selection = Selection.of(events, where, properties, columns, deduplicate=deduplicate)
        fetch = Fetch(self.connection, self._registration.catalog, name, selection, parallel)
        again = look_back if sync else None
        with self._turn(name), as_ours(self._registration):
            first, last = self._range(fetch, from_date, to_date, sync=sync)
            if dry_run:
                is_backfill = resume or sync
                return fetch.plan(fetch.missing(first, last, again) if is_backfill else fetch.records.days(first, last))
            if append:
                return self._run(fetch, lambda: fetch.append(first, last))
            if replace:
                return self._run(fetch, lambda: fetch.replace(first, last))
            if resume or sync:
                return self._run(fetch, lambda: self._backfill(fetch, first, last, again))
            return self._run(fetch, lambda: fetch.create(first, last))

    def _backfill(self, fetch: Fetch, first: date, last: date, again: int | None) -> Loaded:
        days = fetch.missing(first, last, again)
        self._whole.days = len(days)
        return fetch.backfill(first, days)

    def _run(self, fetch: Fetch, load: Callable[[], Loaded]) -> FetchResult:
        started, fetched_at = time.monotonic(), datetime.now(UTC)
        self._calls, self._whole = {}, Progress("export")
        loaded = load()
        return FetchResult(
            fetch.table,
            loaded.rows,
            "events",
            round(time.monotonic() - started, 3),
            (loaded.first.isoformat(), loaded.last.isoformat()),
            fetched_at,
            self._whole.duplicates,
            loaded.days,
        )

    @contextmanager
    def _turn(self, table: str) -> Iterator[None]:
        """One fetch at a time for a connection and for a table; other processes are kept out by DuckDB itself."""
        where = str(id(self)) if self._path == MEMORY else str(Path(self._path).resolve())
        with self._busy, _loading[where, table.lower()]:
            yield

    def _range(
        self, fetch: Fetch, from_date: str | date | None, to_date: str | date | None, *, sync: bool
    ) -> tuple[date, date]:
        """The first and the last day to fetch, the last one not after today."""
        first = _day("from_date", from_date) if from_date is not None else None
        if first is None and sync and fetch.records.is_kept() and (known := fetch.records.range_of(fetch.table)):
            first = known[0]
        if first is None:
            raise ArgumentError("fetch_events needs from_date: write from_date='2024-01-01'")
        last = _day("to_date", to_date) if to_date is not None else None
        if last is not None and last < first:
            raise ArgumentError(f"from_date {first} is after to_date {last}: swap them")
        begun = fetch.records.days(first, last)
        if not begun:
            raise ArgumentError(f"{first} has not begun yet: give an earlier from_date")
        return first, begun[-1]

    def _watch(self, progress: Progress) -> None:
        """Makes one progress of those of all calls."""
        self._calls[id(progress)] = progress
        calls, whole = self._calls.values(), self._whole
        whole.days = max(whole.days, sum(call.days for call in calls))
        whole.days_done = sum(call.days_done for call in calls)
        whole.events = sum(call.events for call in calls)
        whole.duplicates = sum(call.duplicates for call in calls)
        whole.bytes = sum(call.bytes for call in calls)
        whole.waiting = next((call.waiting for call in calls if call.waiting), None)
        whole.budget_left = min((call.budget_left for call in calls if call.budget_left is not None), default=None)
        if self._progress is not None:
            self._progress(whole)


def _open(path: str, wait: bool) -> duckdb.DuckDBPyConnection:
    """The database, once no other process holds it."""
    told = False
    while True:
        try:
            return duckdb.connect(path)
        except duckdb.Error as error:
            holder, reason = lock_holder(error), str(error)
        if holder is None:
            raise StorageError(f"cannot open {path}: {reason}")
        if not wait:
            raise StorageError(f"{path} is in use by {holder}: wait until it ends", holder=holder)
        if not told:
            print(f"{path} is in use by {holder}: waiting until it ends", file=sys.stderr, flush=True)
            told = True
        time.sleep(0.2)


def _day(name: str, value: str | date) -> date:
    if isinstance(value, date):
        return value
    match = WHOLE_DAY.fullmatch(value)
    try:
        return date.fromisoformat(match[1] if match else value)
    except ValueError:
        raise ArgumentError(f"{name} must be a day in the form YYYY-MM-DD, not {value!r}") from None
