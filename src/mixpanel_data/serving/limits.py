"""How much one answer may take."""

from __future__ import annotations

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
"""Bytes for all that is no data of DuckDB's: threads, code, what Mixpanel sends."""


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
    def too_many_rows(self) -> str:
        return f"the answer has more than {self.rows:,} rows: ask for fewer, or start mp serve with a larger --max-rows"

    @property
    def too_much_memory(self) -> str:
        return (
            f"the answer takes more memory than the {self.memory} that mp serve may use: ask for less at once, or "
            "start it with a larger --memory-limit"
        )

    def apply(self, con: duckdb.DuckDBPyConnection) -> int:
        """Has DuckDB keep to the memory; gives its bytes.

        Raises:
            ArgumentError: it is no amount of memory.
        """
        try:
            con.execute(f"SET GLOBAL memory_limit = {literal(self.memory)}")
        except duckdb.Error:
            raise ArgumentError(f"memory_limit {self.memory!r} is no amount of memory: write '2GB'") from None
        con.execute(f"SET GLOBAL max_temp_directory_size = '{SPILL}'")
        return memory_limit(con)


def bound_process(memory: int) -> None:
    """Has the system refuse this process more than twice the memory, where it can (Linux).

    DuckDB does not count the memory of long texts and lists. So what it does not count fails as what it does, in the
    query that asked for it, where the system would end the process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return
    import resource  # noqa: PLC0415 - not on Windows

    (kilobytes,) = (int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmData:"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (kilobytes * 1024 + 2 * memory + UNCOUNTED, most))
