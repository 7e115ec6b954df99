"""Which workspaces of this process have a file open just now: DuckDB lets one at a time have it, and says no more."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb


class Sharing:
    """The turns that the workspaces of this process take at one file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[int, int] = {}
        """Who will let go of the file again, and the thread of each."""

    def attach(self, con: duckdb.DuckDBPyConnection, statement: str, holder: int) -> tuple[str, list[int]] | None:
        """Opens the file; else, DuckDB's reason, and the threads of those who have it and will let go of it."""
        with self._lock:  # or somebody could let go between the refusal and the look at who was in the way
            try:
                con.execute(statement)
            except duckdb.Error as error:
                return str(error).split(". See also ", 1)[0], list(self._holders.values())
            self._holders[holder] = threading.get_ident()
            return None

    def detach(self, con: duckdb.DuckDBPyConnection, statement: str, holder: int) -> None:
        with self._lock:
            con.execute(statement)
            self._holders.pop(holder, None)

    def forget(self, holder: int) -> None:
        """It has the file no more, or for good."""
        with self._lock:
            self._holders.pop(holder, None)


_files: dict[Path, Sharing] = {}


def sharing_of(path: Path) -> Sharing:
    """The turns at this file, whatever it is called."""
    return _files.setdefault(path.resolve(), Sharing())
