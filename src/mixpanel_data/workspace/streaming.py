"""Events and profiles through our hands, without keeping them."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..exceptions import NotFoundError
from .selection import ProfileSelection, names_of
from .session import Day, Session, batches
from .statement import Statement, call

if TYPE_CHECKING:
    import pyarrow as pa

IN_A_ROW = 2048
"""Rows that are taken from DuckDB at once when they are given out one by one."""
AS_JSON = "to_json(_row)::VARCHAR"
RAW_EVENT = """'{"event":' || to_json(event_name) || ',"properties":' || properties || '}'"""
RAW_PROFILE = """'{"$distinct_id":' || to_json(distinct_id) || ',"$properties":' || properties || '}'"""


class Streaming(Session):
    """Streams. Nothing is asked before the first one is taken, and no more when the iterator is closed."""

    def stream_events(
        self,
        *,
        from_date: Day,
        to_date: Day,
        events: Sequence[str] | None = None,
        where: str | None = None,
        limit: int | None = None,
    ) -> Generator[dict[str, Any], None, None]:
        """Events one by one, without keeping them: ``event_name``, ``event_time``, ``distinct_id``, ``insert_id``, and
        ``properties`` as a dictionary. A window's events come only once its whole body is proven.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     days = ws.stream_events(from_date="2024-01-01", to_date="2024-01-02", events=["Purchase"])
            ...     sum(event["properties"]["amount"] for event in days) > 0
            True
        """
        return self._each_row(_export(from_date, to_date, events, where, limit))

    def stream_profiles(
        self,
        *,
        where: str | None = None,
        cohort: int | str | None = None,
        properties: Sequence[str] | None = None,
    ) -> Generator[dict[str, Any], None, None]:
        """Profiles one by one, without keeping them: ``distinct_id``, ``properties`` as a dictionary, ``last_seen``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     {user["properties"]["plan"] for user in ws.stream_profiles(where='properties["plan"] == "pro"')}
            {'pro'}
        """
        return self._each_row(self._profiles(where, cohort, properties).profiles())

    def event_lines(
        self,
        *,
        from_date: Day,
        to_date: Day,
        events: Sequence[str] | None = None,
        where: str | None = None,
        limit: int | None = None,
        raw: bool = False,
    ) -> Generator[str, None, None]:
        """Events one by one, without keeping them, each as a line of JSON: far faster than ``stream_events`` where they
        only go on to a file or another program.

        In the shell: ``mp raw export``.

        Args:
            from_date: first day.
            to_date: last day, inclusive.
            events: only events of these names.
            where: a Mixpanel filter expression.
            limit: at most so many.
            raw: as Mixpanel has them: ``event`` and ``properties``, to the letter.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     lines = ws.event_lines(from_date="2024-01-01", to_date="2024-01-01", events=["Purchase"], raw=True)
            ...     next(lines)[:33]
            '{"event":"Purchase","properties":'
        """
        return self._lines(_export(from_date, to_date, events, where, limit), RAW_EVENT if raw else AS_JSON)

    def profile_lines(
        self,
        *,
        where: str | None = None,
        cohort: int | str | None = None,
        properties: Sequence[str] | None = None,
        distinct_ids: Sequence[str] | None = None,
        raw: bool = False,
    ) -> Generator[str, None, None]:
        """Profiles one by one, without keeping them, each as a line of JSON.

        In the shell: ``mp raw engage``.

        Args:
            where: a Mixpanel filter expression over profiles.
            cohort: only members of this cohort, by its id or its name.
            properties: only these properties.
            distinct_ids: only these users.
            raw: as Mixpanel has them: ``$distinct_id`` and ``$properties``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     next(ws.profile_lines(raw=True))[:16]
            '{"$distinct_id":'
        """
        selection = self._profiles(where, cohort, properties, distinct_ids)
        return self._lines(selection.profiles(), RAW_PROFILE if raw else AS_JSON)

    def _lines(self, asked: Statement, line: str) -> Generator[str, None, None]:
        with closing(self._batches(asked.inside(f"SELECT {line} AS line FROM ", " AS _row"))) as some:
            for batch in some:
                yield from batch.column(0).to_pylist()

    def _each_row(self, asked: Statement) -> Generator[dict[str, Any], None, None]:
        with closing(self._batches(asked.inside("FROM "))) as some:
            for row in (row for batch in some for row in batch.to_pylist()):
                yield {**row, "properties": json.loads(row["properties"] or "{}")}

    def _batches(self, statement: Statement) -> Generator[pa.RecordBatch, None, None]:
        self.last_sql = str(statement)
        with (
            self.database.asking() as con,
            closing(batches(con, statement.text, statement.values, IN_A_ROW)) as some,
        ):
            yield from some

    def _profiles(
        self,
        where: str | None,
        cohort: int | str | None,
        properties: Sequence[str] | None,
        distinct_ids: Sequence[str] | None = None,
    ) -> ProfileSelection:
        """Which profiles are meant; a cohort may be named."""
        cohort_id = self._cohort_id(cohort) if isinstance(cohort, str) else cohort
        return ProfileSelection(
            where, cohort_id, names_of("properties", properties), names_of("distinct_ids", distinct_ids)
        )

    def _cohort_id(self, name: str) -> int:
        query = call("cohorts").inside("SELECT id FROM ", " WHERE name = $name", name=name)
        with self.database.asking() as con:
            found = query.run(con)
            if len(found) == 1:
                return int(found[0][0])
            listed = call("cohorts").inside("SELECT name FROM ", " ORDER BY name").run(con)
        if found:
            raise NotFoundError(f"{len(found)} cohorts are called {name!r}: give the id of one, from cohorts()")
        raise NotFoundError(
            f"there is no cohort {name!r}; there are: {', '.join(name for (name,) in listed) or 'none'}"
        )


def _export(
    from_date: Day, to_date: Day, events: Sequence[str] | None, where: str | None, limit: int | None
) -> Statement:
    names = names_of("events", events)
    wished = list(names) if names else None
    return call("export", from_date=from_date, to_date=to_date, events=wished, filter=where, max_rows=limit)
