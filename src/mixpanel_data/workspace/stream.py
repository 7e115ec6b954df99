"""Events and profiles through our hands, without keeping them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

from ..engine.rows import batches
from ..engine.statement import Statement, call
from ..lenient import read_json
from .load.selection import OnBadLine, ProfileSelection, names_of
from .session import Day, Session

if TYPE_CHECKING:
    import pyarrow as pa

Names: TypeAlias = Sequence[str] | None
IN_A_ROW = 2048
"""Rows that are taken from DuckDB at once when they are given out one by one."""
AS_JSON = "to_json(_row)::VARCHAR"
RAW_EVENT = """'{"event":' || to_json(event_name) || ',"properties":' || properties || '}'"""
RAW_PROFILE = """'{"$distinct_id":' || to_json(distinct_id) || ',"$properties":' || properties || '}'"""


def stream_events(
    session: Session,
    *,
    from_date: Day,
    to_date: Day,
    events: Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    on_bad_line: OnBadLine = "error",
) -> Generator[dict[str, Any], None, None]:
    """Events one by one, without keeping them: ``event_name``, ``event_time``, ``distinct_id``, ``insert_id``, and
    ``properties`` as a dictionary. A window's events come only once its whole body is proven. ``on_bad_line`` is that
    of :meth:`event_lines`.

    >>> days = ws.stream_events(from_date="2024-01-01", to_date="2024-01-02", events=["Purchase"])
    >>> sum(event["properties"]["amount"] for event in days) > 0
    True
    """
    return _each_row(session, _export(from_date, to_date, events, where, limit, on_bad_line))


def stream_profiles(
    session: Session,
    *,
    where: str | None = None,
    cohort: int | str | None = None,
    properties: Sequence[str] | None = None,
) -> Generator[dict[str, Any], None, None]:
    """Profiles one by one, without keeping them: ``distinct_id``, ``properties`` as a dictionary, ``last_seen``.

    >>> {user["properties"]["plan"] for user in ws.stream_profiles(where='properties["plan"] == "pro"')}
    {'pro'}
    """
    return _each_row(session, profile_selection(session, where, cohort, properties).profiles())


def event_lines(
    session: Session,
    *,
    from_date: Day,
    to_date: Day,
    events: Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    raw: bool = False,
    on_bad_line: OnBadLine = "error",
) -> Generator[str, None, None]:
    """Events one by one, without keeping them, each as a line of JSON: far faster than ``stream_events`` where they
    only go on to a file or another program. In the shell: ``mp raw export``.

    Args:
        from_date: first day.
        to_date: last day, inclusive.
        events: only events of these names.
        where: a Mixpanel filter expression.
        limit: at most so many.
        raw: as Mixpanel has them: ``event`` and ``properties``, to the letter.
        on_bad_line: ``skip`` to leave out lines that are no events; a warning says how many.

    >>> lines = ws.event_lines(from_date="2024-01-01", to_date="2024-01-01", events=["Purchase"], raw=True)
    >>> next(lines)[:33]
    '{"event":"Purchase","properties":'
    """
    asked = _export(from_date, to_date, events, where, limit, on_bad_line)
    return _lines(session, asked, RAW_EVENT if raw else AS_JSON)


def profile_lines(
    session: Session,
    *,
    where: str | None = None,
    cohort: int | str | None = None,
    properties: Sequence[str] | None = None,
    distinct_ids: Sequence[str] | None = None,
    raw: bool = False,
) -> Generator[str, None, None]:
    """Profiles one by one, without keeping them, each as a line of JSON. In the shell: ``mp raw engage``.

    Args:
        where: a Mixpanel filter expression over profiles.
        cohort: only members of this cohort, by its id or its name.
        properties: only these properties.
        distinct_ids: only these users.
        raw: as Mixpanel has them: ``$distinct_id`` and ``$properties``.

    >>> next(ws.profile_lines(raw=True))[:16]
    '{"$distinct_id":'
    """
    selection = profile_selection(session, where, cohort, properties, distinct_ids)
    return _lines(session, selection.profiles(), RAW_PROFILE if raw else AS_JSON)


def _lines(session: Session, asked: Statement, line: str) -> Generator[str, None, None]:
    with closing(_batches(session, asked.wrap(f"SELECT {line} AS line FROM ", " AS _row"))) as some:
        for batch in some:
            yield from batch.column(0).to_pylist()


def _each_row(session: Session, asked: Statement) -> Generator[dict[str, Any], None, None]:
    with closing(_batches(session, asked.wrap("FROM "))) as some:
        for row in (row for batch in some for row in batch.to_pylist()):
            yield {**row, "properties": read_json(row["properties"] or "{}")}


def _batches(session: Session, statement: Statement) -> Generator[pa.RecordBatch, None, None]:
    session.last_sql = str(statement)
    with session.database.asking() as con, closing(batches(con, statement.text, statement.values, IN_A_ROW)) as some:
        yield from some


def profile_selection(
    session: Session, where: str | None, cohort: int | str | None, properties: Names, distinct_ids: Names = None
) -> ProfileSelection:
    """Which profiles are meant; a cohort may be named."""
    cohort_id = _cohort_id(session, cohort) if isinstance(cohort, str) else cohort
    ids = names_of("distinct_ids", distinct_ids)
    return ProfileSelection(where, cohort_id, names_of("properties", properties), ids)


def _cohort_id(session: Session, name: str) -> int:
    from ..functions.cohorts import SAVED  # noqa: PLC0415 - who only looks at tables loads no functions
    from ..functions.saved import find  # noqa: PLC0415

    with session.database.asking() as con:
        return find(SAVED, call("cohorts").wrap("SELECT id, name FROM ").run(con), name)


def _export(
    from_date: Day, to_date: Day, events: Names, where: str | None, limit: int | None, on_bad_line: OnBadLine
) -> Statement:
    names, bad = names_of("events", events), None if on_bad_line == "error" else on_bad_line
    return call("export", from_date=from_date, to_date=to_date, events=names and list(names), filter=where,
                max_rows=limit, on_bad_line=bad)  # fmt: skip
