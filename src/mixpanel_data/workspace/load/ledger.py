"""What is written down of the local tables, in the database itself.

``_metadata`` has a row for each table: what it holds, and of which project. ``_loaded_days`` has a row for each day of
a table: how many events, and when it was asked for. ``_stray_rows`` has a row for each event that has no time, or one
outside the days that brought it: a row belongs to the request that brought it, not to the day of its ``event_time``.
``_skipped_lines`` has a row for each line that was left out, since it is no event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from ...quoting import CATALOG, quoted
from .parts import Window
from .selection import EventSelection, ProfileSelection

if TYPE_CHECKING:
    from ...credentials import Credentials

LEDGER_TABLES = ("_metadata", "_loaded_days", "_stray_rows", "_skipped_lines")
CREATE = """
CREATE TABLE IF NOT EXISTS _metadata (
  table_name VARCHAR, type VARCHAR, fetched_at TIMESTAMP, from_date DATE, to_date DATE,
  filter_events JSON, filter_where VARCHAR, row_count BIGINT, options JSON);
ALTER TABLE _metadata ADD COLUMN IF NOT EXISTS project_id VARCHAR;
ALTER TABLE _metadata ADD COLUMN IF NOT EXISTS workspace_id BIGINT;
CREATE TABLE IF NOT EXISTS _loaded_days (table_name VARCHAR, day DATE, rows BIGINT, loaded_at TIMESTAMP);
ALTER TABLE _loaded_days ADD COLUMN IF NOT EXISTS from_date DATE;
ALTER TABLE _loaded_days ADD COLUMN IF NOT EXISTS to_date DATE;
CREATE TABLE IF NOT EXISTS _stray_rows (
  table_name VARCHAR, from_date DATE, to_date DATE,
  event_name VARCHAR, event_time TIMESTAMP, distinct_id VARCHAR, insert_id VARCHAR);
CREATE TABLE IF NOT EXISTS _skipped_lines (table_name VARCHAR, from_date DATE, to_date DATE, line VARCHAR);
COMMENT ON TABLE _metadata IS 'The tables that were fetched from Mixpanel: of which project, and with which filters';
COMMENT ON TABLE _loaded_days IS 'The days that are in each table: how many events, when and in which window asked for';
COMMENT ON TABLE _stray_rows IS 'Events without a time, or with one outside the days that they were fetched for';
COMMENT ON TABLE _skipped_lines IS 'Lines that Mixpanel sent with these days, and that are no events';
"""
FIND = """
SELECT table_name, if(table_type = 'VIEW', 'view', 'table') FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema = 'main' AND lower(table_name) = lower($name)
"""
INSERT = """
INSERT INTO _metadata (table_name, type, fetched_at, from_date, to_date, filter_events, filter_where, row_count,
  options, project_id, workspace_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
NOTE_DAYS = """
INSERT INTO _loaded_days (table_name, day, rows, loaded_at, from_date, to_date)
SELECT $table, unnest($days::DATE[]), unnest($rows::BIGINT[]), $at, $first, $last
"""
NOTE_SKIPPED_LINES = (
    """DELETE FROM _skipped_lines WHERE table_name = $1 AND from_date <= $3 AND to_date >= $2
       AND ((from_date >= $2 AND to_date <= $3) OR list_contains($4::VARCHAR[], line))""",
    """UPDATE _skipped_lines SET from_date = CASE WHEN from_date >= $2 THEN $3 + 1 ELSE from_date END,
         to_date = CASE WHEN to_date <= $3 THEN $2 - 1 ELSE to_date END
       WHERE table_name = $1 AND from_date <= $3 AND to_date >= $2""",
    "INSERT INTO _skipped_lines SELECT $1, $2, $3, unnest($4::VARCHAR[])",
)
MISSING = f"""
SELECT days.day FROM {CATALOG}.days($from_date, $to_date) AS days
LEFT JOIN (FROM _loaded_days WHERE table_name = $table) AS loaded ON loaded.day = days.day
WHERE loaded.day IS NULL OR loaded.loaded_at < days.complete_at OR days.day > $stale_after
  OR list_contains($empty::DATE[], days.day)
ORDER BY 1
"""
COMPARE = f"""
SELECT loaded.day, loaded.rows, count(events.event_time) AS found
FROM _loaded_days AS loaded
JOIN {CATALOG}.days($from_date, $to_date) AS days USING (day)
LEFT JOIN {{table}} AS events ON events.event_time >= days.starts_at AND events.event_time < days.ends_at
WHERE loaded.table_name = $table
GROUP BY ALL
HAVING found < loaded.rows
"""


@dataclass(frozen=True)
class Project:
    """Whose data a table holds, and which data view of it."""

    project_id: str
    workspace_id: int | None = None

    @staticmethod
    def of(credentials: Credentials) -> Project:
        return Project(credentials.project_id, credentials.workspace_id)

    def __str__(self) -> str:
        view = f", data view {self.workspace_id}" if self.workspace_id is not None else ""
        return f"project {self.project_id}{view}"


@dataclass(frozen=True)
class Entry:
    """What is written down of one table."""

    kind: str
    """``events`` or ``profiles``."""
    from_date: date | None
    to_date: date | None
    fetched_at: datetime
    events: list[str] | None
    where: str | None
    options: dict[str, Any]
    project: Project | None
    """None where the table is older than the ledger's knowledge of projects."""

    @staticmethod
    def of(row: dict[str, Any]) -> Entry:
        """The entry of a row of ``_metadata``, which may be of an older version."""
        days, fetched_at = (row["from_date"], row["to_date"]), row["fetched_at"].replace(tzinfo=UTC)
        events, options = (json.loads(row[name] or "null") for name in ("filter_events", "options"))
        owner = Project(row["project_id"], row["workspace_id"]) if row.get("project_id") else None
        return Entry(row["type"], *days, fetched_at, events, row["filter_where"], options, owner)

    @property
    def selection(self) -> EventSelection | ProfileSelection:
        if self.kind == ProfileSelection.KIND:
            return ProfileSelection.from_ledger(self.where, self.options)
        return EventSelection.from_ledger(self.events, self.where, self.options)


@dataclass(frozen=True)
class Ledger:
    """The ledger of the database that is attached to a connection."""

    con: duckdb.DuckDBPyConnection
    qualify: Callable[[str], str] = quoted
    """A table's whole name, as SQL."""

    def create(self) -> None:
        self.con.execute(CREATE)

    def find(self, name: str) -> tuple[str, str] | None:
        """What has this name, in capitals or not: the name as it is written, and ``table`` or ``view``."""
        found = self.con.execute(FIND, {"name": name}).fetchall()
        return found[0] if found else None

    def columns(self, name: str) -> list[tuple[str, str, bool]]:
        """The name and type of each column of a table or view, and whether it may be NULL."""
        found = self.con.execute(f"DESCRIBE {self.qualify(name)}").fetchall()
        return [(column, kind, null == "YES") for column, kind, null, *_ in found]

    def exists(self, table: str) -> bool:
        found = self.find(table)
        return found is not None and found[1] == "table"

    def entry(self, table: str) -> Entry | None:
        """What is written down of the table; None if it was not fetched."""
        query = "SELECT entry FROM _metadata AS entry WHERE table_name = ?"
        found = self.con.execute(query, [table]).fetchall() if self.exists("_metadata") else []
        return Entry.of(found[0][0]) if found else None

    def adopt(self, table: str, project: Project) -> None:
        """Writes down whose data the table holds."""
        self.create()
        query = "UPDATE _metadata SET project_id = ?, workspace_id = ? WHERE table_name = ?"
        self.con.execute(query, [project.project_id, project.workspace_id, table])

    def note_table(
        self,
        table: str,
        selection: EventSelection | ProfileSelection,
        project: Project,
        days: tuple[date, date] | None = None,
    ) -> None:
        """Writes the table's row anew. ``days`` are the first and the last one that were asked for."""
        self.con.execute("DELETE FROM _metadata WHERE table_name = ?", [table])
        events = json.dumps(selection.events, ensure_ascii=False) if selection.events else None
        first, last = days or (None, None)
        now = datetime.now(UTC).replace(tzinfo=None)  # as DuckDB's TIMESTAMP has it
        of_table = table, selection.KIND, now, first, last, events, selection.where, self.count_rows(table)
        owner = project.project_id, project.workspace_id
        self.con.execute(INSERT, [*of_table, selection.options(), *owner])

    def count_rows(self, table: str) -> int:
        return int(self.con.execute(f"SELECT count(*) FROM {self.qualify(table)}").fetchall()[0][0])

    def note_days(self, table: str, window: Window) -> None:
        """Writes the rows of the window's days anew."""
        days = [one["day"] for one in window.by_day]
        query = "DELETE FROM _loaded_days WHERE table_name = ? AND list_contains(?::DATE[], day)"
        self.con.execute(query, [table, days])
        values: dict[str, Any] = {"table": table, "days": days, "rows": [one["events"] for one in window.by_day]}
        values |= {"at": window.requested_at, "first": window.from_date, "last": window.to_date}
        self.con.execute(NOTE_DAYS, values)

    def note_skipped_lines(self, table: str, window: Window) -> None:
        """Writes down the lines of the window that were left out, in the place of those of earlier requests for its
        days; those of a wider window that do not come again are of its other days."""
        given = [table, window.from_date, window.to_date, window.skipped_lines]
        for statement in NOTE_SKIPPED_LINES:
            self.con.execute(statement, given if "$4" in statement else given[:3])

    def forget(self, table: str) -> None:
        """Nothing is known of the table any more."""
        for ledger_table in LEDGER_TABLES:
            if self.exists(ledger_table):
                self.con.execute(f"DELETE FROM {ledger_table} WHERE table_name = ?", [table])

    def loaded_range(self, table: str) -> tuple[date, date] | None:
        """The first and the last day that are loaded."""
        if not self.exists("_loaded_days"):
            return None
        query = "SELECT min(day), max(day) FROM _loaded_days WHERE table_name = ?"
        ((first, last),) = self.con.execute(query, [table]).fetchall()
        return (first, last) if first else None

    def days(self, first: date | str, last: date | str | None) -> list[date]:
        """The days of the range that have begun."""
        query = f"SELECT day FROM {CATALOG}.days(?, ?) ORDER BY day"
        found = self.con.execute(query, [str(first), str(last) if last else None]).fetchall()
        return [day for (day,) in found]

    def missing_days(
        self, table: str, first: date, last: date | None, stale_after: date | None, empty: Sequence[date]
    ) -> list[date]:
        """The days of the range that are not loaded, were asked for before they were complete, or are to be again."""
        values = {"table": table, "from_date": str(first), "to_date": str(last) if last else None}
        values |= {"stale_after": stale_after or date.max, "empty": list(empty)}  # type: ignore[dict-item]
        return [day for (day,) in self.con.execute(MISSING, values).fetchall()]

    def lost_rows(self, table: str) -> dict[date, tuple[int, int]]:
        """The loaded days of which somebody has taken rows since: how many they had, and how many are left."""
        query = """
            SELECT (SELECT sum(rows) FROM _loaded_days WHERE table_name = $table)
              + (SELECT count(*) FROM _stray_rows WHERE table_name = $table), count(*) FROM """
        known = self.loaded_range(table)
        if known is None or not self.exists("_stray_rows"):
            return {}
        ((noted, found),) = self.con.execute(query + self.qualify(table), {"table": table}).fetchall()
        if noted == found:
            return {}
        values = {"table": table, "from_date": str(known[0]), "to_date": str(known[1])}
        rows = self.con.execute(COMPARE.format(table=self.qualify(table)), values).fetchall()
        return {day: (had, left) for day, had, left in rows}
