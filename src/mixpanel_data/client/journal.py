"""Every request of this machine, in a small SQLite file that all processes share.

It is what the budgets are counted from, and what tells how large a day of a project is. SQLite, because several
processes write to it at once, and because what is committed outlives a killed process. It holds no event, no
property, no name and no secret.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from ..config import SANDBOX, config_path
from ..credentials import Credentials
from ..exceptions import StorageError, warn
from ..forks import in_a_forked_child
from .entry import BudgetKey, Entry
from .limits import HOUR, MARGIN, Limits, Rate

KEPT = 90 * 24 * HOUR
BUSY = 3.0
"""Seconds to wait for another process that uses the file."""
POLL = 0.1
"""Seconds until it is looked again whether another request has left or ended."""
LEAST = 0.001
"""Seconds that a wait lasts at least: rounded to none, it would let through what was just counted out."""
TOLERANCE = 5.0
"""Moments further in the future than these seconds were written before the clock was set back."""
LONGEST_REQUEST = 2 * HOUR
"""A request that has not ended after so long never will: its process was killed."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY, host TEXT NOT NULL, project TEXT NOT NULL, budget TEXT NOT NULL, account TEXT,
  endpoint TEXT NOT NULL, from_date TEXT, to_date TEXT, days INTEGER, whole_days INTEGER NOT NULL,
  attempt INTEGER NOT NULL, counts INTEGER NOT NULL, process INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
  status INTEGER, error TEXT, rows INTEGER, bytes INTEGER);
CREATE INDEX IF NOT EXISTS by_budget ON requests (host, project, budget, started);
CREATE TABLE IF NOT EXISTS corrections (
  host TEXT NOT NULL, project TEXT NOT NULL, budget TEXT NOT NULL, hourly INTEGER, closed_until REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (host, project, budget));
"""
FREE, CHARGED, RESERVED = 0, 1, 2
"""What ``counts`` says of a request. A reserved one was let through and has not left: it counts as if it left now."""
OF_BUDGET = "host = ? AND project = ? AND budget = ?"
OF_WINDOW = f"{OF_BUDGET} AND started BETWEEN ? AND ? AND counts = {CHARGED}"


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


class Journal:
    """The file, or the memory of this process where there can be no file.

    Raises:
        StorageError: another process holds the file, and does not let it go.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._db = sqlite3.connect(path or ":memory:", timeout=BUSY, isolation_level=None, check_same_thread=False)
        with self._alone():
            self._prepare()
            self._db.execute("DELETE FROM requests WHERE started < ?", [time.time() - KEPT])

    @retry(
        retry=retry_if_exception(_is_busy),
        wait=wait_random(0, 0.05),
        stop=stop_after_delay(BUSY),
        reraise=True,
    )
    def _prepare(self) -> None:
        """The tables. Of processes that make the file at the same time SQLite turns some away without waiting."""
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    def begin(self, entry: Entry, limits: Limits) -> float:
        """Notes the request and returns 0 if the limits allow it now; else the seconds until they may."""
        with self._transaction():
            wait = self._wait(entry.key, limits, counts=entry.counts)
            if not wait:
                entry.id = self._insert(entry)
        return wait

    def leave(self, entry: Entry) -> None:
        """Notes that the request leaves now: that is when it counts, and not when it was let through."""
        with self._transaction():
            values = [time.time(), CHARGED if entry.counts else FREE, entry.id]
            self._db.execute("UPDATE requests SET started = ?, counts = ? WHERE id = ?", values)
        entry.has_left = True

    def end(self, entry: Entry) -> None:
        """Notes what came of it."""
        values = [time.time(), entry.counts, entry.status, entry.error, entry.rows, entry.bytes, entry.id]
        with self._transaction():
            self._db.execute(
                "UPDATE requests SET ended = ?, counts = ?, status = ?, error = ?, rows = ?, bytes = ? WHERE id = ?",
                values,
            )

    def correct(self, key: BudgetKey, *, hourly: int | None = None, closed_for: float = 0) -> None:
        """Notes what Mixpanel itself has said of a budget."""
        with self._transaction():
            closed_for = max(closed_for, self._closed_for(key))
            self._db.execute(
                "INSERT INTO corrections VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "hourly = coalesce(excluded.hourly, hourly), closed_until = excluded.closed_until",
                [*key.values, hourly, time.time() + closed_for],
            )

    def hourly(self, key: BudgetKey) -> int | None:
        """What Mixpanel has said the project may ask in an hour."""
        found = self._one(f"SELECT hourly FROM corrections WHERE {OF_BUDGET}", key.values)
        return found[0] if found else None

    def used(self, key: BudgetKey, seconds: float) -> int:
        """Requests that count, in the last so many seconds."""
        with self._alone():
            return self._charged(key, seconds) + self._under_way(key).count(RESERVED)

    def frees_in(self, key: BudgetKey, limits: Limits) -> float:
        """Seconds until one more request would be allowed; 0 if it is now."""
        with self._alone():
            return self._wait(key, limits)

    def bytes_a_day(self, key: BudgetKey) -> float | None:
        """What a whole day of the project has weighed so far, gzipped; None if none was fetched."""
        query = (
            f"SELECT sum(bytes), sum(days) FROM requests WHERE {OF_BUDGET} "
            "AND whole_days AND status = 200 AND error IS NULL"
        )
        size, days = self._one(query, [*key.values])
        return size / days if days else None

    def rows(self) -> list[tuple[Any, ...]]:
        """All requests, the latest first."""
        with self._alone():
            return self._db.execute(
                "SELECT started, budget, endpoint, account, project, host, from_date, to_date, attempt, status, error, "
                f"rows, bytes, round(ended - started, 3), counts = {CHARGED} "
                "FROM requests ORDER BY started DESC, id DESC"
            ).fetchall()

    def _wait(self, key: BudgetKey, limits: Limits, *, counts: bool = True) -> float:
        """Seconds until the limits may allow one more request; one that does not count needs room only."""
        under_way = self._under_way(key)
        waits = [POLL if limits.at_once is not None and len(under_way) >= limits.at_once else 0.0]
        if counts:
            waits.append(self._closed_for(key))
            waits.extend(self._wait_for(key, rate, under_way.count(RESERVED)) for rate in limits.rates)
        return max(waits)

    def _wait_for(self, key: BudgetKey, rate: Rate, reserved: int) -> float:
        """Seconds until the window has room; a moment where that depends on what has not left yet."""
        length = rate.seconds + MARGIN
        sent = self._charged(key, length)
        if sent < rate.requests:
            return POLL if sent + reserved >= rate.requests else 0.0
        query = f"SELECT started FROM requests WHERE {OF_WINDOW} ORDER BY started DESC LIMIT 1 OFFSET ?"
        first = self._db.execute(query, [*key.values, *_last(length), rate.requests - 1]).fetchone()
        return max(LEAST, first[0] + length - time.time()) if first else LEAST

    def _charged(self, key: BudgetKey, seconds: float) -> int:
        query = f"SELECT count(*) FROM requests WHERE {OF_WINDOW}"
        return int(self._db.execute(query, [*key.values, *_last(seconds)]).fetchone()[0])

    def _closed_for(self, key: BudgetKey) -> float:
        query = f"SELECT closed_until FROM corrections WHERE {OF_BUDGET} AND closed_until BETWEEN ? AND ?"
        now = time.time()
        closed = self._db.execute(query, [*key.values, now, now + HOUR + TOLERANCE]).fetchone()
        return float(closed[0] - now) if closed else 0.0

    def _under_way(self, key: BudgetKey) -> list[int]:
        """What ``counts`` says of each request that has not ended."""
        query = f"SELECT process, counts FROM requests WHERE {OF_BUDGET} AND started BETWEEN ? AND ? AND ended IS NULL"
        found = self._db.execute(query, [*key.values, *_last(LONGEST_REQUEST)]).fetchall()
        return [counts for process, counts in found if _is_alive(process)]

    def _insert(self, entry: Entry) -> int | None:
        return self._db.execute(
            "INSERT INTO requests (host, project, budget, endpoint, account, from_date, to_date, days, whole_days, "
            "attempt, counts, process, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*entry.key.values, entry.endpoint, entry.account, entry.from_date, entry.to_date, entry.days,
             entry.whole_days, entry.attempt, RESERVED if entry.counts else FREE, os.getpid(), time.time()],
        ).lastrowid  # fmt: skip

    def _one(self, query: str, values: Sequence[Any]) -> Any:
        with self._alone():
            return self._db.execute(query, values).fetchone()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Nobody else, in this process or another, reads or writes meanwhile."""
        with self._alone():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread of this process uses the file meanwhile."""
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
                self._patience(0)  # who asks next has waited for just as long
                raise StorageError(
                    f"another process holds {self._path}, which counts the requests to Mixpanel: end that process, or "
                    "set MP_STATE_PATH to another file"
                ) from None
            self._patience(BUSY)

    def _patience(self, seconds: float) -> None:
        """How long SQLite waits for others."""
        self._db.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def journal_of(credentials: Credentials) -> Journal:
    """The journal for this account's requests."""
    return sandbox_journal() if credentials.account == SANDBOX else machine_journal()


@cache
def sandbox_journal() -> Journal:
    """The sandbox lives as long as the process, and so does what was asked of it."""
    return Journal(None)


in_a_forked_child(sandbox_journal.cache_clear)


def machine_journal() -> Journal:
    """The journal all processes share, beside the configuration file or where ``MP_STATE_PATH`` says."""
    path = os.environ.get("MP_STATE_PATH")
    return _journal_at(Path(path).expanduser() if path else config_path().parent / "requests.db")


@cache
def _journal_at(path: Path) -> Journal:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return Journal(path)
    except (OSError, sqlite3.Error) as error:
        warn(
            f"requests cannot be counted in {path} ({error}), so other processes will not know of them: "
            "set MP_STATE_PATH to a file that can be written"
        )
        return Journal(None)


in_a_forked_child(_journal_at.cache_clear)


def _last(seconds: float) -> tuple[float, float]:
    """From when to when the last so many seconds are."""
    now = time.time()
    return now - seconds, now + TOLERANCE


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
