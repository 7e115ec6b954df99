"""One scan: a call's rows, made on the event loop, handed to DuckDB as it asks for them.

DuckDB cannot interrupt a source that it waits for. So the source never lets it wait long: while nothing has come, it
hands over a *beat*, and DuckDB gets the chance to stop. A beat is a row kept back from the last batch, since only a
real row makes a satisfied LIMIT take notice; when none is left, a row of NULLs with ``__beat`` set, which the macro
filters out.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from enum import Enum, auto
from typing import cast

import pyarrow as pa

from . import loop
from .stream import INTERRUPTED

BEAT = "__beat"
BEAT_SECONDS = 0.1
KEPT_BACK = 8


class Mark(Enum):
    NOTHING_YET = auto()
    END = auto()


Found = pa.RecordBatch | BaseException | Mark


class Scan:
    """Batches of ``schema`` from an async generator, with beats in between."""

    def __init__(
        self,
        schema: pa.Schema,
        produce: Callable[[], AsyncIterator[pa.RecordBatch]],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.schema = schema
        self._produce = produce
        self._on_error = on_error
        self._made: queue.SimpleQueue[Found] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(1)
        self._found: Found = Mark.NOTHING_YET
        self._kept = self._batch_of([pa.nulls(0, field.type) for field in schema])
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
        if self._found is Mark.NOTHING_YET:
            self._found = self._wait()
        if self._found is Mark.NOTHING_YET:
            return self._kept_rows(1) if self._kept.num_rows else self._beat()
        if self._kept.num_rows:
            return self._kept_rows(self._kept.num_rows)
        if isinstance(self._found, BaseException):
            raise self._found
        return None if self._found is Mark.END else self._take(self._found)

    def close(self) -> None:
        """Stops the requests; returns when they are stopped and their files removed."""
        self._job.stop()

    async def _run(self) -> None:
        end: Found = Mark.END
        try:
            async with aclosing(cast("AsyncGenerator[pa.RecordBatch]", self._produce())) as batches:
                async for batch in batches:
                    await self._room.acquire()
                    self._made.put(batch)
        except BaseException as error:  # noqa: BLE001 - it is raised again in DuckDB's thread
            end = error
        self._made.put(end)

    def _wait(self) -> Found:
        try:
            return self._made.get(timeout=BEAT_SECONDS)
        except queue.Empty:
            return Mark.NOTHING_YET
        except KeyboardInterrupt:
            raise KeyboardInterrupt(INTERRUPTED) from None

    def _take(self, batch: pa.RecordBatch | Mark) -> pa.RecordBatch:
        assert isinstance(batch, pa.RecordBatch)
        self._found = Mark.NOTHING_YET
        loop.call(self._room.release)
        now = max(batch.num_rows - KEPT_BACK, min(batch.num_rows, 1))
        self._kept = batch.slice(now)
        return batch.slice(0, now)

    def _kept_rows(self, count: int) -> pa.RecordBatch:
        rows, self._kept = self._kept.slice(0, count), self._kept.slice(count)
        return rows

    def _beat(self) -> pa.RecordBatch:
        return self._batch_of(
            [pa.array([True]) if field.name == BEAT else pa.nulls(1, field.type) for field in self.schema]
        )

    def _batch_of(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)
