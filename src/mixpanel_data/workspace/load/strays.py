"""Rows outside the days that brought them, and how a window replaces just what earlier requests for it brought.

An event may have no time, or one outside the days that were asked for. Mixpanel gives it again whenever those days are
asked for, and never for other days. So such rows are written down, with the window that brought them. They are told
apart by Mixpanel's own key, and counted: the same key may occur more than once. An event that only has got another
distinct_id, since two users have become one, is the same event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from ...quoting import CATALOG
from .parts import Window

KEY = ("event_name", "event_time", "distinct_id", "insert_id")
COLUMNS = ", ".join(KEY)
EVENT = ("event_name", "event_time", "insert_id")
"""What stays of an event when two users become one."""
INSIDE = "table_name = $table AND from_date >= $first AND to_date <= $last"
"""Strays of windows that are asked for again as a whole."""
ACROSS = f"table_name = $table AND from_date <= $last AND to_date >= $first AND NOT ({INSIDE})"
"""Strays of windows of which only some days are asked for again: they may come again, or not."""
WIDER = "table_name = $table AND from_date <= $last AND to_date >= $first AND (from_date < $first OR to_date > $last)"
"""Days that came in a window of which only some days are asked for again."""
INCOMING = "__mixpanel_data_incoming"


def _same(one: str, other: str, names: Sequence[str] = KEY) -> str:
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


@dataclass(frozen=True)
class Strays:
    """The strays of one table, while a window is loaded into it."""

    con: duckdb.DuckDBPyConnection
    table: str
    place: str
    """The table's whole name, as SQL."""
    window: Window

    def delete_earlier_rows(self) -> None:
        """Deletes what earlier requests for these days brought, and no other row."""
        start, end = self.window.starts_at, self.window.ends_at
        if self.window.has_strays or self._count("table_name = $table") or self._wider_range():
            with self._incoming_keys():
                self._note_doubtful_rows(start, end)
                self._delete(INSIDE)
                self._settle()
        between = "event_time >= $start AND event_time < $end"
        others = f"table_name = $table AND {between}"
        spared = f" AND rowid NOT IN ({self._row_ids(others)})" if self._count(others, start=start, end=end) else ""
        self._run(f"DELETE FROM {self.place} WHERE {between}{spared}", start=start, end=end)

    def note(self) -> None:
        """Writes down the strays that the window brings."""
        rows = self.window.read_rows()
        insert = f"INSERT INTO _stray_rows SELECT $table, $first, $last, {COLUMNS} FROM {rows.text} WHERE is_outside"
        self._run(insert, **rows.values)

    @contextmanager
    def _incoming_keys(self) -> Iterator[None]:
        """What tells the window's events apart, as a table that is there meanwhile."""
        rows = self.window.read_rows()
        self._run(f"CREATE TEMP TABLE {INCOMING} AS SELECT {COLUMNS}, is_outside FROM {rows.text}", **rows.values)
        yield
        self.con.execute(f"DROP TABLE temp.{INCOMING}")  # after an error the transaction does it

    def _note_doubtful_rows(self, start: datetime, end: datetime) -> None:
        """Takes for strays the rows of wider windows that may be of other days than their time says.

        These are rows of the window's days that do not come again, and rows of other days that do.
        """
        wider = self._wider_range()
        if wider is None:
            return
        low, high = map(str, wider if self.window.has_strays else (self.window.from_date, self.window.to_date))
        noted = self._run(
            f"""
            INSERT INTO _stray_rows
            SELECT $table, loaded.from_date, loaded.to_date, {", ".join(f"rows.{name}" for name in KEY)}
            FROM {self.place} AS rows
            JOIN {CATALOG}.days($low, $high) AS days
              ON rows.event_time >= days.starts_at AND rows.event_time < days.ends_at
            JOIN (FROM _loaded_days WHERE {WIDER}) AS loaded ON loaded.day = days.day
            WHERE NOT EXISTS (FROM _stray_rows AS noted WHERE noted.table_name = $table AND {_same("noted", "rows")})
              AND CASE WHEN rows.event_time >= $start AND rows.event_time < $end
                THEN NOT EXISTS (FROM temp.{INCOMING} AS new WHERE {_same("new", "rows", EVENT)})
                ELSE EXISTS (FROM temp.{INCOMING} AS new WHERE new.is_outside AND {_same("new", "rows", EVENT)}) END
            RETURNING event_time
            """,
            start=start, end=end, low=low, high=high,
        )  # fmt: skip
        self._uncount([time for (time,) in noted], low, high)

    def _uncount(self, times: list[object], low: str, high: str) -> None:
        """Takes rows out of the counts of their days: a row is counted once, with its day or as a stray."""
        self._run(
            f"""
            UPDATE _loaded_days AS loaded SET rows = loaded.rows - moved.rows
            FROM (SELECT day, count(*) AS rows FROM unnest($times::TIMESTAMP[]) AS noted(time)
                  JOIN {CATALOG}.days($low, $high) ON time >= starts_at AND time < ends_at GROUP BY day) AS moved
            WHERE table_name = $table AND loaded.day = moved.day
            """,
            times=times, low=low, high=high,
        )  # fmt: skip

    def _wider_range(self) -> tuple[date, date] | None:
        """The first and the last day of the windows of which only some days are asked for again."""
        ((low, high),) = self._run(f"SELECT min(from_date), max(to_date) FROM _loaded_days WHERE {WIDER}")
        return (low, high) if low else None  # type: ignore[return-value]

    def _settle(self) -> None:
        """Deletes those of earlier strays that come again; the others belong to the days that are not asked for."""
        self._delete(f"{ACROSS} AND EXISTS (FROM temp.{INCOMING} AS new WHERE {_same('new', '_stray_rows', EVENT)})")
        self._run(f"UPDATE _stray_rows SET to_date = $first - 1 WHERE {ACROSS} AND to_date <= $last")
        self._run(f"UPDATE _stray_rows SET from_date = $last + 1 WHERE {ACROSS} AND from_date >= $first")

    def _delete(self, which: str) -> None:
        """Deletes these strays, from the table and from the ledger."""
        if self._count(which):
            self._run(f"DELETE FROM {self.place} WHERE rowid IN ({self._row_ids(which)})")
            self._run(f"DELETE FROM _stray_rows WHERE {which}")

    def _row_ids(self, which: str) -> str:
        """SQL for the rows that these strays are: of each key as many as there are strays."""
        keys = ", ".join(f"rows.{name}" for name in KEY)
        return (
            "SELECT id FROM (SELECT rows.rowid AS id, strays.copies, "
            f"row_number() OVER (PARTITION BY {keys} ORDER BY rows.rowid) AS number FROM {self.place} AS rows "
            f"JOIN (SELECT {COLUMNS}, count(*) AS copies FROM _stray_rows WHERE {which} GROUP BY ALL) AS strays "
            f"ON {_same('rows', 'strays')}) WHERE number <= copies"
        )

    def _count(self, which: str, **more: object) -> int:
        return int(str(self._run(f"SELECT count(*) FROM _stray_rows WHERE {which}", **more)[0][0]))

    def _run(self, sql: str, **more: object) -> list[tuple[object, ...]]:
        """Runs SQL with those values that it speaks of."""
        values = {"table": self.table, "first": self.window.from_date, "last": self.window.to_date, **more}
        used = {name: value for name, value in values.items() if f"${name}" in sql}
        return self.con.execute(sql, used or None).fetchall()


def adopt(con: duckdb.DuckDBPyConnection, table: str, place: str, first: date | None, last: date | None) -> None:
    """Completes the ledger of a table of the first version, which did not write down in which windows its days came:
    any of them may have been all of its days."""
    if not con.execute("FROM _loaded_days WHERE table_name = ? AND from_date IS NULL LIMIT 1", [table]).fetchall():
        return
    values = {"table": table, "first": first, "last": last}
    con.execute(
        f"INSERT INTO _stray_rows SELECT $table, $first, $last, {COLUMNS} FROM {place}, "
        f"(SELECT min(starts_at) AS start, max(ends_at) AS stop FROM {CATALOG}.days($first::VARCHAR, $last::VARCHAR)) "
        "WHERE event_time IS NULL OR event_time < start OR event_time >= stop",
        values,
    )
    con.execute("UPDATE _loaded_days SET from_date = $first, to_date = $last WHERE table_name = $table", values)
