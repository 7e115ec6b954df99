"""Rows that are all on this machine, and wait to be written into a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import duckdb

from ...engine.rows import registered
from ...engine.statement import Statement, call

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Window:
    """The events of some days, as mixpanel_download holds them."""

    handle: str
    from_date: date
    to_date: date
    starts_at: datetime
    """When the window begins, in UTC."""
    ends_at: datetime
    events: int
    duplicates: int
    by_day: list[dict[str, Any]]
    """``day`` and ``events``: how many lie in each day. The others have no time, or one outside the window."""
    skipped_lines: list[str]
    """Lines that are no events and were left out."""
    bytes: int
    requested_at: datetime
    """Before Mixpanel was asked: what happened later need not be in there."""

    @property
    def has_strays(self) -> bool:
        return self.events > sum(int(day["events"]) for day in self.by_day)

    def read_rows(self) -> Statement:
        """The events, to be read once more."""
        return call("downloaded", handles=[self.handle], keep=True)


class Profiles:
    """Profiles on disk, as Arrow batches in a file that has no name."""

    def __init__(self) -> None:
        # Late: who only looks at tables asks Mixpanel nothing.
        from ...client.spool import temporary_file  # noqa: PLC0415

        self.rows = 0
        self._file = temporary_file()

    def write(self, batches: Iterator[pa.RecordBatch]) -> None:
        import pyarrow as pa  # noqa: PLC0415

        from ...client.spool import no_room  # noqa: PLC0415

        first = next(batches)
        try:
            with pa.ipc.new_stream(self._file, first.schema) as stream:
                for batch in chain([first], batches):
                    stream.write_batch(batch)
                    self.rows += batch.num_rows
        except OSError as error:
            raise no_room(error) from None

    @contextmanager
    def view(self, con: duckdb.DuckDBPyConnection) -> Iterator[str]:
        """The name by which SQL knows them meanwhile."""
        import pyarrow as pa  # noqa: PLC0415

        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader, registered(con, "__mixpanel_data_profiles", reader) as view:
            yield view

    def close(self) -> None:
        self._file.close()
