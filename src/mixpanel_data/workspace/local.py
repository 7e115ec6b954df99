"""The local tables: what is there, what is in it, and out it goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from ..exceptions import ArgumentError, TableNotFoundError
from ..quoting import quoted
from ..results import ColumnStats, EventBreakdown, TableSummary
from ..types import ColumnInfo, TableInfo, TableSchema
from .fetch import writing
from .records import OURS, Records
from .session import Session
from .statement import Statement

if TYPE_CHECKING:
    import pandas as pd

TABLES = f"""
SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal AND NOT temporary
  AND table_name NOT IN {OURS}
ORDER BY table_name"""
NOTED = """
SELECT type, from_date, to_date, fetched_at, filter_events::VARCHAR, filter_where FROM _metadata WHERE table_name = ?"""
COLUMNS = """
SELECT column_name, data_type, is_nullable FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ? ORDER BY column_index"""
BREAKDOWN = """
SELECT event_name, count(*) AS count, count(DISTINCT distinct_id) AS users,
  min(event_time) AS first_seen, max(event_time) AS last_seen,
  round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} GROUP BY event_name ORDER BY count DESC, event_name"""
TOTALS = "SELECT count(*), count(DISTINCT distinct_id), min(event_time), max(event_time) FROM {}"
KEYS = """
WITH keys AS (SELECT unnest(json_keys(properties::JSON)) AS key FROM {} WHERE $event IS NULL OR event_name = $event)
SELECT key FROM keys GROUP BY key ORDER BY count(*) DESC, key"""
VALUES = """
SELECT value::VARCHAR AS value, count(*) AS count, round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} WHERE value IS NOT NULL GROUP BY ALL ORDER BY count DESC, value LIMIT $top"""
STATS = """
SELECT coalesce(mode(kind), 'NULL'), count(value), count(*) - count(value), count(DISTINCT value),
  min(value), max(value)
FROM {}"""
OF_NUMBERS = """
SELECT min(n), max(n), avg(n), stddev_samp(n) FROM (SELECT TRY_CAST(value::VARCHAR AS DOUBLE) AS n FROM {})"""
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


class Local(Session):
    """Looking at the local tables, and dropping them. Nothing here asks Mixpanel."""

    def tables(self) -> list[TableInfo]:
        """The tables, with what is known of how they were fetched.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-02")
            ...     [(table.name, table.rows, table.date_range) for table in ws.tables()]
            [('january', 7873, ('2024-01-01', '2024-01-02'))]
        """
        with self._database.opened() as con:
            records = Records(con)
            return [_table(con, name, records.is_kept()) for (name,) in con.execute(TABLES).fetchall()]

    def schema(self, table: str) -> TableSchema:
        """A table's columns, number of rows, and the properties of one of its rows.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     [column.name for column in ws.schema("events").columns]
            ['event_name', 'event_time', 'distinct_id', 'insert_id', 'properties']
        """
        with self._database.opened() as con:
            columns = _columns(con, table)
            sample: dict[str, Any] = {}
            if any(column.name == "properties" for column in columns):
                query = f"SELECT properties::JSON::VARCHAR FROM {quoted(table)} WHERE properties IS NOT NULL LIMIT 1"
                sample = next((json.loads(text) for (text,) in con.execute(query).fetchall()), {})
            return TableSchema(table, columns, _count(con, table), sample)

    def sample(self, table: str = "events", n: int = 10) -> pd.DataFrame:
        """Some rows of a table, chosen at random.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     len(ws.sample("events", 3))
            3
        """
        self._known(table)
        return self.sql(f"FROM {quoted(table)} USING SAMPLE {int(n)} ROWS")

    def summarize(self, table: str = "events") -> TableSummary:
        """For each column: type, smallest and largest value, distinct values, share of NULLs; of numbers quartiles too.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     ws.summarize("events").df["column_name"][0]
            'event_name'
        """
        self._known(table)
        rows = self._look(Statement(f"SUMMARIZE {quoted(table)}"))
        with self._database.opened() as con:
            return TableSummary(table, _count(con, table), arrow=rows)

    def event_breakdown(self, table: str = "events") -> EventBreakdown:
        """How often each event is in a table, by how many users, from when to when.

        Raises:
            TableNotFoundError: there is no such table.
            QueryError: it is no table of events.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     ws.event_breakdown().total_events
            3885
        """
        self._known(table)
        with self._database.opened() as con:
            ((events, users, first, last),) = con.execute(_over(table, TOTALS)).fetchall()
        rows = self._look(Statement(_over(table, BREAKDOWN)))
        return EventBreakdown(table, events, users, (str(first), str(last)) if first else None, arrow=rows)

    def property_keys(self, table: str = "events", event: str | None = None) -> list[str]:
        """The names of the properties in a table, the most frequent first.

        Args:
            table: a table with a column ``properties``.
            event: only of this event.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     "amount" in ws.property_keys("events", "Purchase")
            True
        """
        columns = self._known(table)
        text = KEYS if "event_name" in columns else KEYS.replace("WHERE $event IS NULL OR event_name = $event", "")
        if event is not None and text is not KEYS:
            raise ArgumentError(f"table {table} has no events: leave event out")
        values = {"event": event} if text is KEYS else {}
        return list(self._look(Statement(_over(table, text), values)).column("key").to_pylist())

    def column_stats(self, table: str, column: str, *, top: int = 10) -> ColumnStats:
        """One column of a table, or one property of its events: how much, how different, from what to what.

        Args:
            table: the table.
            column: name of a column, or of a property.
            top: how many of the most frequent values.

        Raises:
            TableNotFoundError: there is no such table.
            ArgumentError: it has neither such a column nor properties.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     ws.column_stats("events", "plan").df["value"].tolist()
            ['free', 'pro', 'team']
        """
        source = self._values_of(table, column)
        top_values = self._look(source.inside(VALUES, top=top))
        (kind, count, nulls, unique, low, high), mean, std = self._row(source.inside(STATS)), None, None
        if kind.startswith(NUMBERS):
            low, high, mean, std = self._row(source.inside(OF_NUMBERS))
        return ColumnStats(table, column, kind, count, nulls, unique, low, high, mean, std, arrow=top_values)

    def _row(self, statement: Statement) -> tuple[Any, ...]:
        """The one row that the statement gives."""
        with self._database.opened() as con:
            return con.execute(statement.text, statement.values or None).fetchall()[0]

    def drop(self, *names: str) -> None:
        """Drops tables: all of them, or none where one is not there.

        Raises:
            TableNotFoundError: there is no such table.
            ArgumentError: it is a table in which we keep what was fetched.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.sql("CREATE TABLE mine AS SELECT 1 AS one")
            ...     ws.drop("mine")
            ...     ws.tables()
            []
        """
        for name in names:
            if name.lower() in OURS:
                raise ArgumentError(f"{name} is a table of ours: it goes when the tables it tells of are dropped")
            self._known(name)
        with writing(self._database) as records:
            for name in names:
                records.con.execute(f"DROP TABLE {quoted(name)}")
                records.forget(name)

    def drop_all(self, type: Literal["events", "profiles"] | None = None) -> None:  # noqa: A002
        """Drops all tables, or all that were fetched as events or as profiles.

        Raises:
            ArgumentError: there is no such type.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     ws.drop_all("events")
            ...     ws.tables()
            []
        """
        if type not in {"events", "profiles", None}:
            raise ArgumentError(f"type must be events or profiles, not {type!r}")
        names = [table.name for table in self.tables() if type in {None, table.type}]
        if names:
            self.drop(*names)

    def _known(self, table: str) -> list[str]:
        """The columns of a table that is there.

        Raises:
            TableNotFoundError: it is not; the message says which are.
        """
        with self._database.opened() as con:
            return [column.name for column in _columns(con, table)]

    def _values_of(self, table: str, column: str) -> Statement:
        """The values of a column, or of a property, as a column ``value``."""
        columns = self._known(table)
        if column in columns:
            name = quoted(column)
            return Statement(f"(SELECT {name} AS value, typeof({name}) AS kind FROM {quoted(table)})")
        if "properties" not in columns:
            raise ArgumentError(f"table {table} has no column {column}: it has {', '.join(columns)}")
        path = "$." + json.dumps(column, ensure_ascii=False)
        value, kind = "json_extract_string(properties::JSON, $path)", "json_type(properties::JSON, $path)"
        return Statement(
            f"(SELECT {value} AS value, nullif({kind}, 'NULL') AS kind FROM {quoted(table)})", {"path": path}
        )


def _over(table: str, query: str) -> str:
    return query.replace("{}", quoted(table), 1)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    ((rows,),) = con.execute(f"SELECT count(*) FROM {quoted(table)}").fetchall()
    return int(rows)


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[ColumnInfo]:
    found = [ColumnInfo(*row) for row in con.execute(COLUMNS, [table]).fetchall()]
    if not found:
        there = ", ".join(name for (name,) in con.execute(TABLES).fetchall()) or "none"
        raise TableNotFoundError(f"there is no table {table}; there are: {there}", table=table)
    return found


def _table(con: duckdb.DuckDBPyConnection, name: str, is_noted: bool) -> TableInfo:
    noted = con.execute(NOTED, [name]).fetchall() if is_noted else []
    kind, first, last, at, events, where = noted[0] if noted else (None,) * 6
    return TableInfo(
        name,
        kind,
        _count(con, name),
        (str(first), str(last)) if first else None,
        at.replace(tzinfo=UTC) if isinstance(at, datetime) else None,
        json.loads(events) if events else None,
        where,
    )
