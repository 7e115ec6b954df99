"""Ends what takes too much: DuckDB has no limit of time, and its limit of memory does not count everything, but what a
connection runs can be interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import duckdb

from .limits import Limits, resident

AGAIN = 0.1
"""Seconds between two looks. What was interrupted is so again: while DuckDB plans, it does not hear it."""


@dataclass
class Running:
    """A statement."""

    con: duckdb.DuckDBPyConnection
    until: float
    ended: str | None = None
    """Why, if it was."""


class Watch:
    """Looks at all that runs, ten times a second.

    Args:
        most: bytes that this process may have.
    """

    def __init__(self, limits: Limits, most: int) -> None:
        self._limits = limits
        self._most = most
        self._turn = threading.Lock()
        self._running: list[Running] = []
        self._is_over = threading.Event()
        self._stopped: str | None = None
        threading.Thread(target=self._look, daemon=True).start()

    @contextmanager
    def over(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Ends what the connection runs within the block, if it takes too much.

        Raises:
            InterruptedError: that was so; the message says why.
        """
        one = Running(con, monotonic() + self._limits.seconds)
        with self._turn:
            self._running.append(one)
        try:
            yield
        except Exception:
            if one.ended:
                raise InterruptedError(one.ended) from None
            raise
        finally:
            with self._turn:  # whoever has the connection next is not interrupted
                self._running.remove(one)

    def stop(self, reason: str) -> None:
        """Ends all of them, and all that may begin, for this reason."""
        self._stopped = reason

    def close(self) -> None:
        self._is_over.set()

    def _look(self) -> None:
        while not self._is_over.wait(AGAIN):
            with self._turn:
                self._end_some()
                for one in self._running:
                    if one.ended:
                        one.con.interrupt()

    def _end_some(self) -> None:
        now = monotonic()
        for one in self._running:
            if self._stopped or now > one.until:
                one.ended = one.ended or self._stopped or self._limits.too_long
        # Nobody knows whose the memory is: who began last loses least, and only one is ended at a look.
        if resident() > self._most and (going := [one for one in self._running if not one.ended]):
            going[-1].ended = self._limits.too_much_memory
