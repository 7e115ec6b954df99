"""The local tables: what is there, what is in it, and out it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from ..exceptions import ArgumentError, TableExistsError, TableNotFoundError
from ..quoting import pointer, quoted
from ..results import ColumnStats, EventBreakdown, Result, TableSummary
from ..types import ColumnInfo, TableInfo, TableSchema
from .fetch import named, writing
from .records import OURS, Records
from .session import Session
from .statement import Statement

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = f"""
SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal AND NOT temporary
  AND table_name NOT IN {OURS}
ORDER BY table_name"""
NOTED = """
SELECT type, from_date, to_date, fetched_at, filter_events::VARCHAR, filter_where FROM _metadata WHERE table_name = ?"""
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND lower(table_name) = lower(?)
ORDER BY column_index"""
BREAKDOWN = """
SELECT event_name, count(*) AS count, count(DISTINCT distinct_id) AS users,
  min(event_time) AS first_seen, max(event_time) AS last_seen,
  round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} GROUP BY event_name ORDER BY count DESC, event_name"""
TOTALS = "SELECT count(*), count(DISTINCT distinct_id), min(event_time), max(event_time) FROM {}"
KEYS = """
WITH keys AS (SELECT unnest(json_keys(properties::JSON)) AS key FROM {} {event})
SELECT key FROM keys GROUP BY key ORDER BY count(*) DESC, key"""
VALUES = """
SELECT value::VARCHAR AS value, count(*) AS count, round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} WHERE value IS NOT NULL GROUP BY ALL ORDER BY count DESC, value LIMIT $top"""
STATS = """
SELECT coalesce(mode(kind), 'NULL'), count(value), count(*) - count(value), count(DISTINCT value),
  min(value), max(value), bool_and(kind IN ('UBIGINT', 'BIGINT'))
FROM {}"""
OF_NUMBERS = """
SELECT min(n), max(n), avg(n) FILTER (isfinite(n::DOUBLE)), stddev_samp(n::DOUBLE) FILTER (isfinite(n::DOUBLE))
FROM (SELECT TRY_CAST(value::VARCHAR AS {kind}) AS n FROM {{}})"""
KEPT = "__mixpanel_data_kept"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
NUMBERS = (*WHOLE, "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class Known:
    """A table that is there."""

    name: str
    """As it is written."""
    place: str
    """Its whole name, as SQL."""
    columns: list[ColumnInfo]

    def column(self, name: str) -> ColumnInfo | None:
        """The column of this name, in capitals or not."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)

    def query(self, text: str, **values: Any) -> Statement:
        """SQL with the table in the place of ``{}``."""
        return Statement(self.place, values).inside(*text.split("{}"))


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> Iterator[str]:
    """The name by which SQL knows these rows meanwhile."""
    con.register(KEPT, rows)
    try:
        yield KEPT
    finally:
        con.unregister(KEPT)


class Local(Session):
    """Looking at the local tables, and dropping them. Nothing here asks Mixpanel."""

    def tables(self) -> list[TableInfo]:
        """The tables, with what is known of how they were fetched.

        In the shell: ``mp inspect tables``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-02")
            ...     [(table.name, table.rows, table.date_range) for table in ws.tables()]
            [('january', 7873, ('2024-01-01', '2024-01-02'))]
        """
        with self._database.attached() as con:
            is_noted = Records(con).is_kept()
            return [self._info(con, name, is_noted) for (name,) in con.execute(TABLES).fetchall()]

    def schema(self, table: str) -> TableSchema:
        """A table's columns, number of rows, and the properties of one of its rows.

        In the shell: ``mp inspect schema``.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     [column.name for column in ws.schema("events").columns]
            ['event_name', 'event_time', 'distinct_id', 'insert_id', 'properties']
        """
        known = self._known(table)
        sample: dict[str, Any] = {}
        if column := known.column("properties"):
            name = quoted(column.name)
            first = f"SELECT {name}::JSON::VARCHAR FROM {{}} WHERE {name} IS NOT NULL LIMIT 1"
            sample = next((json.loads(text) for (text,) in self._rows(known.query(first))), {})
        return TableSchema(known.name, known.columns, self._count(known), sample)

    def sample(self, table: str = "events", n: int = 10) -> pd.DataFrame:
        """Some rows of a table, chosen at random.

        In the shell: ``mp inspect sample``.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     len(ws.sample("events", 3))
            3
        """
        return self.sql(self.sample_query(table, n))

    def sample_query(self, table: str, n: int) -> str:
        """The SQL for some rows of a table, chosen at random.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.sql("CREATE TABLE mine AS SELECT 1 AS one")
            ...     ws.sample_query("mine", 3)
            'FROM "memory".main."mine" USING SAMPLE 3 ROWS'
        """
        if n < 0:
            raise ArgumentError(f"n must be a number of rows, not {n}")
        return f"FROM {self._known(table).place} USING SAMPLE {int(n)} ROWS"

    def summarize(self, table: str = "events") -> TableSummary:
        """For each column: type, smallest and largest value, distinct values, share of NULLs; of numbers quartiles too.

        In the shell: ``mp inspect summarize``.

        Raises:
            TableNotFoundError: there is no such table.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
            ...     ws.summarize("events").df["column_name"][0]
            'event_name'
        """
        known = self._known(table)
        return TableSummary(known.name, self._count(known), arrow=self._look(known.query("SUMMARIZE {}")))

    def event_breakdown(self, table: str = "events") -> EventBreakdown:
        """How often each event is in a table, by how many users, from when to when.

        In the shell: ``mp inspect breakdown``.

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
        known = self._known(table)
        ((events, users, first, last),) = self._rows(known.query(TOTALS))
        rows = self._look(known.query(BREAKDOWN))
        return EventBreakdown(known.name, events, users, (str(first), str(last)) if first else None, arrow=rows)

    def property_keys(self, table: str = "events", event: str | None = None) -> list[str]:
        """The names of the properties in a table, the most frequent first.

        In the shell: ``mp inspect keys``.

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
        known = self._known(table)
        if event is None:
            return list(self._look(known.query(KEYS.replace("{event}", ""))).column("key").to_pylist())
        if known.column("event_name") is None:
            raise ArgumentError(f"table {known.name} has no events: leave event out")
        of_event = known.query(KEYS.replace("{event}", "WHERE event_name = $event"), event=event)
        return list(self._look(of_event).column("key").to_pylist())

    def column_stats(self, table: str, column: str, *, top: int = 10) -> ColumnStats:
        """One column of a table, or one property of its events: how much, how different, from what to what.

        In the shell: ``mp inspect column``.

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
        known = self._known(table)
        source = self._values_of(known, column)
        top_values = self._look(source.inside(*VALUES.split("{}"), top=top))
        ((kind, count, nulls, unique, low, high, is_whole),) = self._rows(source.inside(*STATS.split("{}")))
        mean = std = None
        if found := known.column(column):
            kind, is_whole = found.dtype, found.dtype in WHOLE
        if kind.startswith(NUMBERS) and not kind.endswith("]"):
            as_kind = OF_NUMBERS.format(kind="HUGEINT" if is_whole else "DOUBLE")
            ((low, high, mean, std),) = self._rows(source.inside(*as_kind.split("{}")))
        return ColumnStats(known.name, column, kind, count, nulls, unique, low, high, mean, std, arrow=top_values)

    def keep(self, result: Result | Callable[[], Result], table: str, *, replace: bool = False) -> TableInfo:
        """Keeps the rows of a result as a table, to be asked with SQL as often as you like.

        Args:
            result: what a report gave; or a function that asks for it, which is not called where it could not be kept.
            table: the new table's name.
            replace: put it in the place of a table of that name.

        Raises:
            TableExistsError: there is one, and it is not to be replaced; or it is one that was fetched.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     sales = ws.segmentation("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="plan")
            ...     ws.keep(sales, "sales").rows
            ...     ws.sql_scalar("SELECT sum(count) FROM sales")
            93
            3547.0
        """
        table = named(self._database, table)
        with self._database.attached() as con:
            _refuse_taken(Records(con), table, replace)
        kept = result() if callable(result) else result
        with writing(self._database) as records:
            _refuse_taken(records, table, replace)  # somebody may have made it meanwhile
            with registered(records.con, kept.arrow) as rows:
                records.con.execute(f"CREATE OR REPLACE TABLE {self._database.qualify(table)} AS FROM {rows}")
        with self._database.attached() as con:
            return self._info(con, table, Records(con).is_kept())

    def _rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The rows of a query that is not the one to be shown."""
        with self._database.attached() as con:
            return self._with_functions_if_needed(lambda: statement.run(con))

    def drop(self, *names: str) -> None:
        """Drops tables: all of them, or none where one is not there.

        In the shell: ``mp inspect drop``.

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
                raise ArgumentError(f"{name} is a table of ours, which tells of the others: it is not to be dropped")
        known = {table.name: table for table in map(self._known, names)}
        with writing(self._database) as records:
            for name, table in known.items():
                if not records.exists(name):
                    raise TableNotFoundError(f"{name} is a view, and no table: DROP VIEW in SQL drops it", table=name)
                records.con.execute(f"DROP TABLE {table.place}")
                records.forget(name)

    def drop_all(self, type: Literal["events", "profiles"] | None = None) -> None:  # noqa: A002
        """Drops all tables, or all that were fetched as events or as profiles.

        In the shell: ``mp db reset``.

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

    def _known(self, table: str) -> Known:
        """A table that is there.

        Raises:
            TableNotFoundError: it is not; the message says which are.
        """
        if not isinstance(table, str):
            raise ArgumentError(f"the table's name must be a string, not {table!r}")
        with self._database.attached() as con:
            found = con.execute(COLUMNS, [table]).fetchall()
            if not found:
                there = ", ".join(name for (name,) in con.execute(TABLES).fetchall()) or "none"
                raise TableNotFoundError(f"there is no table {table}; there are: {there}", table=table)
        name = found[0][0]
        return Known(name, self._database.qualify(name), [ColumnInfo(*column) for _, *column in found])

    def _values_of(self, known: Known, column: str) -> Statement:
        """The values of a column, or of a property, as a column ``value``, and their type."""
        if found := known.column(column):
            return Statement(known.place).inside(f"(SELECT {quoted(found.name)} AS value, NULL AS kind FROM ", ")")
        if known.column("properties") is None:
            there = ", ".join(column.name for column in known.columns)
            raise ArgumentError(f"table {known.name} has no column {column}: it has {there}")
        value, kind = "json_extract_string(properties::JSON, $path)", "json_type(properties::JSON, $path)"
        return known.query(f"(SELECT {value} AS value, nullif({kind}, 'NULL') AS kind FROM {{}})", path=pointer(column))

    def _count(self, known: Known) -> int:
        ((rows,),) = self._rows(known.query("SELECT count(*) FROM {}"))
        return int(rows)

    def _info(self, con: duckdb.DuckDBPyConnection, name: str, is_noted: bool) -> TableInfo:
        noted = con.execute(NOTED, [name]).fetchall() if is_noted else []
        kind, first, last, at, events, where = noted[0] if noted else (None,) * 6
        ((rows,),) = con.execute(f"SELECT count(*) FROM {self._database.qualify(name)}").fetchall()
        return TableInfo(
            name,
            kind,
            rows,
            (str(first), str(last)) if first else None,
            at.replace(tzinfo=UTC) if isinstance(at, datetime) else None,
            json.loads(events) if events else None,
            where,
        )


def _refuse_taken(records: Records, table: str, replace: bool) -> None:
    """Refuses the name of a view, of a table that was fetched, and of any other that is not to be replaced."""
    found = records.find(table)
    if found is None:
        return
    name, kind = found
    is_for_good = kind == "view" or records.type_of(table) is not None
    if is_for_good or not replace:
        way = "choose another name" if is_for_good else "replace it, or choose another name"
        raise TableExistsError(f"{kind} {name} exists: {way}", table=name)
