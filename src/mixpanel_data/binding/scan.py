"""One scan: a call's rows, made on the event loop, handed to DuckDB as it asks for them.

DuckDB cannot interrupt a source that it waits for. So the source never lets it wait long: while nothing has come,
it hands over a *beat*, a row of NULLs with ``__beat`` set, which the macro filters out, and DuckDB gets the chance
to stop.

A thread of DuckDB's stores a row group only when it has been given what comes next. So after a large batch a thread
gets a beat at once, and stores while the others wait for more.

A LIMIT ends only when each of DuckDB's threads has seen that many rows itself. So while nothing more has come, the
rows at hand go out in small shares, of which every thread that asks gets one, even of the last few.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import Enum, auto
from typing import TypeAlias

import pyarrow as pa

from ..exceptions import bare_copy
from ..functions.columns import compact
from . import loop

BEAT = "__beat"
BEAT_SECONDS = 0.1
PATIENCE = 0.01
"""Seconds in which more may come before the rows at hand are shared out: small shares are slow to hand over."""
SHARE = 2048
"""Rows, at first: one vector of DuckDB's."""
LARGE = 61_440
"""Rows that are handed over as they are: half a row group or more, which DuckDB stores at once."""


class Mark(Enum):
    NOTHING_YET = auto()
    END = auto()


Found: TypeAlias = pa.RecordBatch | BaseException | Mark


class Scan:
    """Batches of ``schema`` from an async generator, with beats in between."""

    def __init__(
        self,
        schema: pa.Schema,
        produce: Callable[[], AsyncGenerator[pa.RecordBatch]],
        on_error: Callable[[BaseException], None],
        *,
        is_local: bool = False,
    ) -> None:
        self.schema = schema
        self._is_local = is_local
        self._produce = produce
        self._on_error = on_error
        self._made: queue.SimpleQueue[Found] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(1)
        self._found: Found = Mark.NOTHING_YET
        self._shared = 0
        self._with_rows: set[int] = set()
        """Threads that have a large batch, and no beat after it yet."""
        self._nothing = self._batch_of([pa.nulls(0, field.type) for field in schema])
        self._stock = self._nothing
        self._job = loop.Job(self._run())

    def next(self) -> pa.RecordBatch | None:
        """The next batch, a beat, or None at the end."""
        try:
            return self._next()
        except BaseException as error:
            self._on_error(error)
            self.close()
            raise

    def _next(self) -> pa.RecordBatch | None:
        if threading.get_ident() in self._with_rows:
            self._with_rows.remove(threading.get_ident())
            return self._beat()
        has_stock = self._stock.num_rows > 0
        if self._found is Mark.NOTHING_YET and not (has_stock and self._is_local):
            self._found = self._look(PATIENCE if has_stock or self._with_rows else BEAT_SECONDS)
        if has_stock:
            return self._share()
        if isinstance(self._found, BaseException):
            raise bare_copy(self._found)
        if isinstance(self._found, Mark):
            return self._beat() if self._found is Mark.NOTHING_YET else None
        self._stock, self._found = self._found, Mark.NOTHING_YET
        loop.call(self._room.release)
        return self._share()

    def close(self) -> None:
        """Stops the requests; returns when they are stopped and their files removed."""
        self._job.stop()

    async def _run(self) -> None:
        end: Found = Mark.END
        try:
            async with aclosing(self._produce()) as batches:
                await self._room.acquire()
                async for batch in batches:
                    self._made.put(batch)
                    del batch  # or its memory would be kept while we wait
                    await self._room.acquire()
        except BaseException as error:  # noqa: BLE001 - it is raised again in DuckDB's thread
            end = bare_copy(error)
            # tenacity holds the error, which would hold this scan, so that only the garbage collector would free it.
            error.__traceback__ = None
        self._made.put(end)

    def _look(self, seconds: float) -> Found:
        """What has come, waiting for it that long at most."""
        try:
            return self._made.get(timeout=seconds)
        except queue.Empty:
            return Mark.NOTHING_YET

    def _share(self) -> pa.RecordBatch:
        """Some of the rows at hand: at most half of a few of them while nothing more has come."""
        rows = self._stock.num_rows
        count = rows if self._is_local or rows >= LARGE else self._fair_share(rows)
        self._shared += count
        if count >= LARGE:
            self._with_rows.add(threading.get_ident())
        share = self._stock.slice(0, count)
        # Nothing may refer to rows that are all handed over: their memory is to be used again.
        self._stock = self._stock.slice(count) if count < rows else self._nothing
        return self._batch_of([compact(column) for column in share.columns])

    def _fair_share(self, rows: int) -> int:
        share = max(SHARE, self._shared // 8)  # who has read so much will read on
        return min(share, rows - rows // 2 if self._found is Mark.NOTHING_YET else rows)

    def _beat(self) -> pa.RecordBatch:
        return self._batch_of(
            [pa.array([True]) if field.name == BEAT else pa.nulls(1, field.type) for field in self.schema]
        )

    def _batch_of(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)
