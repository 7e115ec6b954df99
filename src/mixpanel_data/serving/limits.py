"""How much one answer may take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ..engine.database import memory_limit
from ..exceptions import ArgumentError
from ..quoting import literal

MEMORY = "2GB"
SECONDS = 600
ROWS = 10_000_000
SPILL = "20GB"
"""What DuckDB may write into its temporary folder when memory is full."""
UNCOUNTED = 1 << 30
"""Bytes beside DuckDB's own count: it leaves out what long texts and lists take, and what Mixpanel sends."""
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


@dataclass(frozen=True)
class Limits:
    """What an answer may take: what goes beyond is refused, and never cut."""

    memory: str = MEMORY
    """For all clients together, as DuckDB writes it."""
    seconds: float = SECONDS
    rows: int = ROWS

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.rows > 0):
            raise ArgumentError("max_seconds and max_rows must be more than 0")

    @property
    def too_long(self) -> str:
        return (
            f"the answer takes longer than {self.seconds:g} seconds: ask for less at once, or start mp serve with a "
            "larger --max-seconds"
        )

    @property
    def too_many_rows(self) -> str:
        return f"the answer has more than {self.rows:,} rows: ask for fewer, or start mp serve with a larger --max-rows"

    @property
    def too_much_memory(self) -> str:
        return (
            f"the answer takes more memory than the {self.memory} that mp serve may use: ask for less at once, or "
            "start it with a larger --memory-limit"
        )

    def apply(self, con: duckdb.DuckDBPyConnection) -> int:
        """Has DuckDB keep to the memory; gives the bytes that this process may come to.

        Raises:
            ArgumentError: it is no amount of memory.
        """
        try:
            con.execute(f"SET GLOBAL memory_limit = {literal(self.memory)}")
        except duckdb.Error:
            raise ArgumentError(f"memory_limit {self.memory!r} is no amount of memory: write '2GB'") from None
        con.execute(f"SET GLOBAL max_temp_directory_size = '{SPILL}'")
        return resident() + memory_limit(con) + UNCOUNTED


def resident() -> int:
    """The bytes of memory that this process has; 0 where the system does not say (it does on Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0
