"""Mixpanel's data into local tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TypedDict, Unpack, cast

from ..client import Watcher
from ..engine.statement import Statement, call
from ..exceptions import ArgumentError
from ..quoting import quoted
from ..types import FetchPlan, FetchResult
from .load.admission import Policy, adopt_table
from .load.columns import Columns
from .load.ledger import Ledger, Project
from .load.loader import EventLoader, ProfileLoader, Target
from .load.selection import Compression, EventSelection, OnBadLine, Properties
from .session import Day, Session
from .stream import profile_selection

LOOK_BACK = 5
"""Days: events of mobile clients may arrive that late."""


class EventOptions(TypedDict, total=False):
    """Which events, into which form of a table, and how: as for ``fetch_events``."""

    from_date: Day | None
    to_date: Day | None
    events: Sequence[str] | None
    where: str | None
    append: bool
    replace: bool
    resume: bool
    sync: bool
    look_back: int
    properties: Properties
    compression: Compression
    columns: Columns | None
    deduplicate: bool
    limit: int | None
    parallel: int | None
    on_bad_line: OnBadLine


class ProfileOptions(TypedDict, total=False):
    """Which profiles, and how: as for ``fetch_profiles``."""

    where: str | None
    cohort: int | str | None
    properties: Sequence[str] | None
    distinct_ids: Sequence[str] | None
    append: bool
    replace: bool


def fetch_events(
    session: Session,
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
    compression: Compression = "auto",
    columns: Columns | None = None,
    deduplicate: bool = True,
    limit: int | None = None,
    parallel: int | None = None,
    on_bad_line: OnBadLine = "error",
) -> FetchResult:
    """Fetches events into a table. In the shell: ``mp fetch events``.

    Unless told otherwise the table must not exist yet; it appears whole, or not at all. A table keeps to one project,
    and to the events and the form that it was first fetched with.

    Args:
        name: the table.
        from_date: first day, inclusive; not needed to ``sync`` a table.
        to_date: last day, inclusive; today unless given.
        events: only events of these names.
        where: a Mixpanel filter expression.
        progress: a line; False for none, or a function that is called with a :class:`Progress`.
        append: add these days to the table, all at once; of days that are there the new answer counts.
        replace: put the new table in the place of the old one, at the end and at once.
        resume: commit each window of days as it is proven, and fetch only the days that are missing: those not in the
            table ``_loaded_days``, and those that were asked for before they were over.
        sync: the same up to today, and the last ``look_back`` loaded days once more, since events arrive late.
        look_back: days.
        dry_run: give the plan instead, as :meth:`plan_events` does; the older spelling.
        properties: ``json``, or ``variant`` for DuckDB's VARIANT: smaller, and far faster to query.
        compression: ``zstd`` for a file of half the size that is loaded faster, and slower to query by property.
        columns: properties as columns of their own: for each name a property, a JSON path, or a pair of path and
            DuckDB type, as in ``{"country": "mp_country_code", "amount": ("$.amount", "DOUBLE")}``. What cannot be
            cast is NULL, and a warning says how many values that are.
        deduplicate: leave out what Mixpanel sent more than once.
        limit: a sample of so many events, for a table that is new or replaced; none of its days count as loaded.
        parallel: downloads at once, 5 at most.
        on_bad_line: ``skip`` to leave out lines that are no events: they go to the table ``_skipped_lines``.

    Raises:
        TableExistsError: the table exists, and neither append, replace, resume nor sync is given.
        TableNotFoundError: there is nothing to append to.
        ArgumentError: arguments that cannot be understood, or do not fit the table.
        AuthenticationError, RateLimitError, IncompleteExportError, ServerError, TransportError: Mixpanel could not be
            read; the table is as it was, or has those days that were committed before.
        StorageError: a disk is full, or somebody else holds the database.

    >>> ws.fetch_events("purchases", from_date="2024-01-01", to_date="2024-01-02", events=["Purchase"]).rows
    245
    """
    options = EventOptions(
        from_date=from_date, to_date=to_date, events=events, where=where, append=append, replace=replace, resume=resume,
        sync=sync, look_back=look_back, properties=properties, compression=compression, columns=columns,
        deduplicate=deduplicate, limit=limit, parallel=parallel, on_bad_line=on_bad_line,
    )  # fmt: skip
    if dry_run:
        return cast(FetchResult, plan_events(session, name, **options))
    return _run(session, _event_loader(session, name, options), progress)


def plan_events(session: Session, name: str = "events", **options: Unpack[EventOptions]) -> FetchPlan:
    """What :meth:`fetch_events` would ask of Mixpanel for the same arguments, or the error that it would raise for
    them; nothing is asked. In the shell: ``mp fetch events --dry-run``.

    >>> plan = ws.plan_events("january", from_date="2024-01-01", to_date="2024-01-31", parallel=2)
    >>> [str(request.from_date) for request in plan.requests]
    ['2024-01-01', '2024-01-17']
    """
    return _event_loader(session, name, options).plan()


def fetch_profiles(
    session: Session,
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
) -> FetchResult:
    """Fetches profiles into a table. In the shell: ``mp fetch profiles``.

    Unless told otherwise the table must not exist yet; it appears whole, or not at all.

    Args:
        name: the table.
        where: a Mixpanel filter expression over profiles.
        cohort: only members of this cohort, by its id or its name; ``cohorts()`` has both.
        properties: only these properties: faster where there are many.
        distinct_ids: only these users.
        progress: a line; False for none, or a function that is called with a :class:`Progress`.
        append: add to the table; profiles it has already are brought up to date.
        replace: put the new table in the place of the old one, at the end and at once.
        dry_run: give the plan instead, as :meth:`plan_profiles` does; the older spelling.

    Raises:
        TableExistsError: the table exists, and neither append nor replace is given.
        TableNotFoundError: there is nothing to append to.
        NotFoundError: there is no cohort of that name.
        AuthenticationError, RateLimitError, ServerError, TransportError: Mixpanel could not be read; the table is as it
            was.
        StorageError: a disk is full, or somebody else holds the database.

    >>> ws.fetch_profiles("pro", where='properties["plan"] == "pro"', properties=["plan"]).rows > 100
    True
    """
    options = ProfileOptions(
        where=where, cohort=cohort, properties=properties, distinct_ids=distinct_ids, append=append, replace=replace
    )
    if dry_run:
        return cast(FetchResult, plan_profiles(session, name, **options))
    return _run(session, _profile_loader(session, name, options), progress)


def plan_profiles(session: Session, name: str = "profiles", **options: Unpack[ProfileOptions]) -> FetchPlan:
    """What :meth:`fetch_profiles` would ask of Mixpanel for the same arguments, or the error that it would raise for
    them; nothing is asked, but for the id of a cohort that is named. In the shell: ``mp fetch profiles --dry-run``.

    >>> len(ws.plan_profiles(where='properties["plan"] == "pro"').requests)
    1
    """
    return _profile_loader(session, name, options).plan()


def adopt(session: Session, name: str) -> None:
    """Says that a table holds data of the account's project: for tables that were fetched before tables knew it.
    In the shell: ``mp db adopt``.

    Raises:
        ArgumentError: it was not fetched, or is known to hold another project.

    >>> _ = ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-01")
    >>> ws.adopt("t")
    """
    with session.database.fetch_lock(), session.database.writing() as con:
        adopt_table(Ledger(con), name, Project.of(session.database.credentials()))


def _event_loader(session: Session, name: str, options: EventOptions) -> EventLoader:
    target = _target(session, name, options)
    parallel, limit = options.get("parallel"), options.get("limit")
    if parallel is not None and parallel < 1:
        raise ArgumentError(f"parallel must be at least 1, not {parallel}")
    if limit is not None and target.policy in {"append", "missing"}:
        raise ArgumentError("a limit is for a table of its own: leave append=True, resume=True and sync=True out")
    selection = EventSelection.of(
        options.get("events"), options.get("where"), options.get("properties", "json"), options.get("columns"),
        deduplicate=options.get("deduplicate", True), compression=options.get("compression", "auto"),
    )  # fmt: skip
    if selection.columns:  # before anything is downloaded for a type that does not exist
        session.rows(Statement(f"SELECT {', '.join(f'NULL::{kind}' for _, kind in selection.columns.values())}"))
    days = _days(session, target.table, options)
    again = options.get("look_back", LOOK_BACK) if options.get("sync") else None
    on_bad_line = options.get("on_bad_line", "error")
    loader = EventLoader(target, selection, days, again, parallel, limit, on_bad_line).resolve_form()
    source = call("export", from_date=str(days[0]), to_date=str(days[-1]), parallel=parallel, max_rows=limit,
                  on_bad_line="skip" if on_bad_line == "skip" else None, **selection.arguments())  # fmt: skip
    session.last_sql = str(loader.selection.select(source).wrap(_task(target)))
    return loader


def _profile_loader(session: Session, name: str, options: ProfileOptions) -> ProfileLoader:
    target = _target(session, name, options)
    cohort, properties, ids = options.get("cohort"), options.get("properties"), options.get("distinct_ids")
    selection = profile_selection(session, options.get("where"), cohort, properties, ids)
    session.last_sql = str(selection.profiles().wrap(f"{_task(target)}FROM "))
    return ProfileLoader(target, selection)


def _target(session: Session, name: str, options: EventOptions | ProfileOptions) -> Target:
    policies: dict[str, Policy] = {"append": "append", "replace": "replace", "resume": "missing", "sync": "missing"}
    given = [name for name in policies if options.get(name)]
    if len(given) > 1:
        raise ArgumentError(f"give only one of {'=True, '.join(given[:-1])}=True and {given[-1]}=True")
    session.database.functions()
    policy = policies[given[0]] if given else "new"
    return Target.of(session.database, name, policy, Project.of(session.database.credentials()))


def _run(session: Session, loader: EventLoader | ProfileLoader, progress: bool | Watcher) -> FetchResult:
    started, fetched_at = time.monotonic(), datetime.now(UTC)
    with session.database.fetch_lock(), session.watch.line(progress) as watch:
        loaded = loader.load(watch)
    seconds = round(time.monotonic() - started, 3)
    days = (str(loaded.date_range[0]), str(loaded.date_range[1])) if loaded.date_range else None
    return FetchResult(
        loader.target.table, loaded.rows, loader.selection.KIND, seconds, days, fetched_at, loaded.duplicates,
        loaded.days, dict(loaded.not_cast), loaded.skipped_lines, loaded.rows_in_table,
    )  # fmt: skip


def _days(session: Session, table: str, options: EventOptions) -> list[date]:
    """The days to fetch, of which none is to come; to sync, from the first one that the table has."""
    first, last = options.get("from_date"), options.get("to_date")
    if first is None and options.get("sync"):
        with session.database.attached() as con:
            known = Ledger(con).loaded_range(table)
        first = known[0] if known else None
    if first is None:
        raise ArgumentError("fetch_events needs from_date: write from_date='2024-01-01'")
    with session.database.asking() as con:
        begun = Ledger(con).days(first, last)
    if not begun:
        raise ArgumentError(f"{first} has not begun yet: give an earlier from_date")
    return begun


def _task(target: Target) -> str:
    """What a fetch comes down to, as the head of a statement."""
    if target.policy in {"append", "missing"}:
        return f"INSERT INTO {quoted(target.table)} "
    return f"CREATE {'OR REPLACE ' if target.policy == 'replace' else ''}TABLE {quoted(target.table)} AS "
