"""What one statement may take of time: DuckDB has no such limit, but a connection can be interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import duckdb

AGAIN = 0.1
"""Seconds until a statement is interrupted again: DuckDB does not hear it while it plans."""
TOO_LONG = (
    "the answer takes longer than {:g} seconds: ask for less at once, or start mp serve with a larger --max-seconds"
)


class Clock:
    """Interrupts the connections whose time is up.

    Args:
        seconds: how long each may run.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._until: dict[duckdb.DuckDBPyConnection, float] = {}
        self._stopped: str | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def limit(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Lets the connection run within the block for so long.

        Raises:
            TimeoutError: its time was up, whatever it failed with; the message says so.
        """
        until = monotonic() + self._seconds
        with self._turn:
            self._until[con] = until
        try:
            yield
        except Exception:
            if self._stopped or monotonic() > until:
                raise TimeoutError(self._stopped or TOO_LONG.format(self._seconds)) from None
            raise
        finally:
            with self._turn:  # no interrupt is for whoever has the connection next
                del self._until[con]

    def stop(self, reason: str) -> None:
        """Has the time of all be up, for this reason."""
        self._stopped = reason

    def end(self) -> None:
        """Interrupts nothing any more."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(AGAIN):
            with self._turn:
                for con, until in self._until.items():
                    if self._stopped or monotonic() > until:
                        con.interrupt()
