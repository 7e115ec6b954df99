"""Clients that went without a word, as killed ones do: Quack keeps for ever what they have not read."""

from __future__ import annotations

import http.client
import threading
from contextlib import suppress

import duckdb

READING = 10
"""How many times what a statement may run its rows may take to be read."""
EVERY = 60.0
"""Seconds between two looks at most."""
UNREAD = """
SELECT connection_id FROM quack_active_connections()
WHERE state = 'active' AND epoch(now()) - epoch(query_started_at) > $1
"""
GOODBYE = b"\x01\x00\x0b\x02\x00\x20%b\x03\x00" + b"\xff" * 9 + b"\x01\xff\xff\xff\xff"
"""What a client sends when it closes its database: DuckDB's serialization of the message, with the connection's id."""


class Sessions:
    """Takes leave in the place of clients that read no more, so that what is kept for them is freed.

    Args:
        con: a connection for this alone.
        host: where Quack listens.
        seconds: what a statement may run.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, host: str, port: int, seconds: float) -> None:
        self._con = con
        self._there = (host, port)
        self._longest = READING * seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._con.close()

    def _look(self) -> None:
        while not self._is_over.wait(min(self._longest / 2, EVERY)):
            with suppress(OSError, http.client.HTTPException, duckdb.Error):  # there is a next time
                for (session,) in self._con.execute(UNREAD, [self._longest]).fetchall():
                    self._take_leave(session)

    def _take_leave(self, session: str) -> None:
        connection = http.client.HTTPConnection(*self._there, timeout=5)
        try:
            connection.request("POST", "/quack", GOODBYE % session.encode())
            connection.getresponse().read()
        finally:
            connection.close()
