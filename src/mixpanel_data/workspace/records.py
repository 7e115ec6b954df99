"""What is written down of the local tables: one row a table in ``_metadata``, one row a day in ``_loaded_days``."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from ..exceptions import ArgumentError, TableNotFoundError
from ..quoting import CATALOG, quoted
from .selection import ProfileSelection, Selection

OURS = ("_metadata", "_loaded_days")
TABLES = """
CREATE TABLE IF NOT EXISTS _metadata (
  table_name VARCHAR, type VARCHAR, fetched_at TIMESTAMP, from_date DATE, to_date DATE,
  filter_events JSON, filter_where VARCHAR, row_count BIGINT, options JSON);
CREATE TABLE IF NOT EXISTS _loaded_days (table_name VARCHAR, day DATE, rows BIGINT, loaded_at TIMESTAMP);
COMMENT ON TABLE _metadata IS 'The tables that were fetched from Mixpanel, and with which filters';
COMMENT ON TABLE _loaded_days IS 'The days that are in each table: how many events, and when they were fetched';
"""
FIND = """
SELECT name, kind FROM (
  SELECT table_name AS name, 'table' AS kind, database_name, schema_name FROM duckdb_tables()
  UNION ALL SELECT view_name, 'view', database_name, schema_name FROM duckdb_views())
WHERE database_name = current_database() AND schema_name = 'main' AND lower(name) = lower($name)
"""
COUNT_DAYS = f"""
INSERT INTO _loaded_days
SELECT $table, days.day, count(events.event_time), $now
FROM {CATALOG}.days($from_date, $to_date) AS days
LEFT JOIN {{table}} AS events ON events.event_time >= days.starts_at AND events.event_time < days.ends_at
GROUP BY days.day
"""
COMPARE_DAYS = f"""
SELECT loaded.day, loaded.rows, count(events.event_time) AS left_over
FROM _loaded_days AS loaded
JOIN {CATALOG}.days($from_date, $to_date) AS days USING (day)
LEFT JOIN {{table}} AS events ON events.event_time >= days.starts_at AND events.event_time < days.ends_at
WHERE loaded.table_name = $table
GROUP BY ALL
HAVING left_over < loaded.rows
"""


@dataclass(frozen=True)
class Records:
    """The records of one database."""

    con: duckdb.DuckDBPyConnection
    place: Callable[[str], str] = quoted
    """A table's whole name, as SQL."""

    def create(self) -> None:
        self.con.execute(TABLES)

    def begin(self, table: str) -> None:
        """For a new table: nothing is known any more of what had its name before."""
        self.create()
        self.forget(table)

    def find(self, name: str) -> tuple[str, str] | None:
        """What has this name, in capitals or not: the name as it is written, and ``table`` or ``view``."""
        found = self.con.execute(FIND, {"name": name}).fetchall()
        return found[0] if found else None

    def exists(self, table: str) -> bool:
        found = self.find(table)
        return found is not None and found[1] == "table"

    def type_of(self, table: str) -> str | None:
        """``events`` or ``profiles``; None for a table that was not fetched."""
        query = "SELECT type FROM _metadata WHERE table_name = ?"
        found = self.con.execute(query, [table]).fetchall() if self.is_kept() else []
        return found[0][0] if found else None

    def is_kept(self) -> bool:
        return self.exists(OURS[0]) and self.exists(OURS[1])

    def note_table(
        self, table: str, selection: Selection | ProfileSelection, first: date | None, last: date | None
    ) -> int:
        """Writes the table's row anew, and says how many rows it has."""
        ((rows,),) = self.con.execute(f"SELECT count(*) FROM {self.place(table)}").fetchall()
        self.con.execute("DELETE FROM _metadata WHERE table_name = ?", [table])
        filters = json.dumps(selection.events, ensure_ascii=False) if selection.events else None
        values = [table, selection.TYPE, now(), first, last, filters, selection.where, rows, selection.options()]
        self.con.execute("INSERT INTO _metadata VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return int(rows)

    def note_days(self, table: str, first: date, last: date, loaded_at: datetime) -> None:
        """Writes the days' rows anew."""
        self.forget_days(table, first, last)
        query = COUNT_DAYS.format(table=self.place(table))
        values = {"table": table, "now": loaded_at, "from_date": str(first), "to_date": str(last)}
        self.con.execute(query, values)

    def forget_days(self, table: str, first: date | None = None, last: date | None = None) -> None:
        query = "DELETE FROM _loaded_days WHERE table_name = ?"
        if first is None:
            self.con.execute(query, [table])
        else:
            self.con.execute(f"{query} AND day BETWEEN ? AND ?", [table, first, last])

    def forget(self, table: str) -> None:
        """Nothing is known of the table any more."""
        if self.is_kept():
            self.con.execute("DELETE FROM _metadata WHERE table_name = ?", [table])
            self.forget_days(table)

    def loaded_days(self, table: str) -> set[date]:
        query = "SELECT day FROM _loaded_days WHERE table_name = ?"
        return {day for (day,) in self.con.execute(query, [table]).fetchall()}

    def keep_days(self, table: str, days: set[date]) -> None:
        """Forgets all other days of the table."""
        query = "DELETE FROM _loaded_days WHERE table_name = ? AND NOT list_contains(?::DATE[], day)"
        self.con.execute(query, [table, sorted(days)])

    def noted_range(self, table: str) -> tuple[date, date] | None:
        """The first and the last day of which the table has events."""
        query = "SELECT from_date, to_date FROM _metadata WHERE table_name = ? AND from_date IS NOT NULL"
        found = self.con.execute(query, [table]).fetchall()
        return found[0] if found else None

    def range_of(self, table: str) -> tuple[date, date] | None:
        """The first and the last day that are loaded."""
        query = "SELECT min(day), max(day) FROM _loaded_days WHERE table_name = ?"
        ((first, last),) = self.con.execute(query, [table]).fetchall()
        return (first, last) if first else None

    def days(self, first: date, last: date | None) -> list[date]:
        """The days of the range that have begun."""
        query = f"SELECT day FROM {CATALOG}.days(?, ?) ORDER BY day"
        found = self.con.execute(query, [str(first), str(last) if last else None]).fetchall()
        return [day for (day,) in found]

    def robbed_days(self, table: str) -> dict[date, tuple[int, int]]:
        """The loaded days that have lost rows since, as where somebody has put another table in the place of this one:
        how many they had, and how many are left."""
        query = "SELECT (SELECT sum(rows) FROM _loaded_days WHERE table_name = ?), count(event_time) FROM "
        ((written, found),) = self.con.execute(query + self.place(table), [table]).fetchall()
        known = self.range_of(table)
        if written == found or known is None:
            return {}
        values = {"table": table, "from_date": str(known[0]), "to_date": str(known[1])}
        rows = self.con.execute(COMPARE_DAYS.format(table=self.place(table)), values).fetchall()
        return {day: (had, left) for day, had, left in rows}

    def missing_days(
        self, table: str, first: date, last: date | None, stale_after: date | None, gone: Collection[date] = ()
    ) -> list[date]:
        """The days of the range that are not loaded, or gone since, were loaded before they had ended, or are stale."""
        query = f"""
            SELECT days.day FROM {CATALOG}.days($from_date, $to_date) AS days
            LEFT JOIN (FROM _loaded_days WHERE table_name = $table) AS loaded ON loaded.day = days.day
            WHERE loaded.day IS NULL OR loaded.loaded_at < days.ends_at OR days.day > $stale_after
              OR list_contains($gone::DATE[], days.day)
            ORDER BY 1
        """
        values: dict[str, Any] = {"table": table, "from_date": str(first), "to_date": str(last) if last else None}
        values |= {"stale_after": stale_after or date.max, "gone": sorted(gone)}
        found = self.con.execute(query, values).fetchall()
        return [day for (day,) in found]

    def bounds(self, first: date, last: date) -> tuple[datetime, datetime]:
        """When the first of these days begins and the last one ends, in UTC."""
        query = f"SELECT min(starts_at), max(ends_at) FROM {CATALOG}.days(?, ?)"
        ((start, end),) = self.con.execute(query, [str(first), str(last)]).fetchall()
        return start, end

    def selection_of(self, table: str) -> Selection | None:
        """What the table holds; None if it was not fetched from Mixpanel."""
        query = """
            SELECT filter_events::VARCHAR, filter_where, options::VARCHAR FROM _metadata
            WHERE table_name = ? AND type = 'events'
        """
        found = self.con.execute(query, [table]).fetchall() if self.is_kept() else []
        return Selection.noted(*found[0]) if found else None

    def profiles_of(self, table: str) -> ProfileSelection | None:
        """What a table of profiles holds; None if it was not fetched from Mixpanel."""
        query = "SELECT filter_where, options::VARCHAR FROM _metadata WHERE table_name = ? AND type = 'profiles'"
        found = self.con.execute(query, [table]).fetchall() if self.is_kept() else []
        return ProfileSelection.noted(*found[0]) if found else None

    def same_selection(self, table: str, selection: Selection) -> None:
        """Refuses to mix what was fetched with other filters or in another form.

        Raises:
            TableNotFoundError: the table was not fetched from Mixpanel.
            ArgumentError: it holds another selection.
        """
        found = self.selection_of(table)
        if found is None and (kind := self.type_of(table)):
            raise ArgumentError(f"table {table} holds {kind}: choose another name")
        if found is None:
            raise TableNotFoundError(f"table {table} was not fetched by mixpanel_data: choose another name")
        if found != selection:
            events = json.dumps(found.events, ensure_ascii=False) if found.events else "all"
            raise ArgumentError(
                f"table {table} was fetched with events {events}, where {found.where or 'none'} and {found.options()}: "
                "give the same again, or choose another name"
            )


def now() -> datetime:
    """The time in UTC, as DuckDB's TIMESTAMP has it."""
    return datetime.now(UTC).replace(tzinfo=None)
