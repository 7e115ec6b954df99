"""A body read through before any row of it is handed on.

The proof of a body reads all of it: it cuts the lines, has DuckDB read their JSON, and notes on disk what was found in
the columns that are wanted. Only the properties stay where they are, in the gzipped body; they are read from there
when the proven rows are handed on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from threading import Semaphore
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...client import Spool
from ...client.blocks import Block
from ...forks import once_a_process
from .buffers import Buffers
from .duplicates import Places, superseded, without
from .fields import Extraction
from .lines import BrokenLine, look_into
from .notes import PLACES, Notes, schema_for
from .rows import PropertiesReader, batch_of, row_groups

SAMPLE = 256 << 10
CORES = os.cpu_count() or 1
"""All work on blocks is done here: each thread more would keep memory of its own."""
ROW_GROUP = 122_880
"""Rows that DuckDB writes at once unless told otherwise."""
T = TypeVar("T")
R = TypeVar("R")


@once_a_process
def workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES, thread_name_prefix="mixpanel_data")


@once_a_process
def _room() -> Semaphore:
    """Blocks that are looked into or wait for it, of all bodies together."""
    return Semaphore(CORES + 1)


class Proof:
    """Reads a spool through, raising unless every line is an event, and keeps what the columns are made of."""

    def __init__(
        self,
        columns: Collection[str],
        zone: str | None = None,
        *,
        deduplicate: bool = False,
        buffers: Buffers | None = None,
    ) -> None:
        self.events = 0
        """Events of the body, those left out among them."""
        self.duplicates = 0
        self.sample = b""
        """The body's first lines."""
        self._deduplicates = deduplicate
        self._superseded: Places = np.empty(0, np.int64)
        self._extraction = Extraction(schema_for(columns, deduplicate=deduplicate), zone)
        self._notes = Notes(self._extraction.schema)
        self._buffers = buffers or Buffers()

    def __call__(self, spool: Spool) -> int:
        try:
            self.events = self._notes.write(_map(self._look_into, self._blocks(spool)))
        except BrokenLine as broken:
            raise broken.error(self._notes.count) from None
        if self._deduplicates:
            self._superseded = superseded(self._notes.read)
            self.duplicates = len(self._superseded)
        return self.events

    def close(self) -> None:
        self._notes.close()

    def batches(
        self, spool: Spool, columns: Collection[str], size: int = ROW_GROUP, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """The proven events, in batches of so many rows, with these of the columns; the first one may be smaller."""
        names = [field.name for field in schema_for(columns, deduplicate=False) if field not in PLACES]
        groups = row_groups(self._kept_notes(), size, first)
        if "properties" not in columns:
            yield from (batch_of(group, names) for group in groups)
            return
        with spool.unzipped() as body:
            properties = PropertiesReader(body, self._buffers)
            yield from (batch_of(group, names, properties.read(group)) for group in groups)

    def count_outside(self, start: datetime, end: datetime) -> int:
        """How many events have no time, or none from start to end."""
        low, high = (pa.scalar(moment, pa.timestamp("us")) for moment in (start, end))
        inside = 0
        for note in self._kept_notes():
            times = note.column("event_time")
            found = pc.and_(pc.greater_equal(times, low), pc.less(times, high))
            inside += pc.sum(found).as_py() or 0
        return self.events - self.duplicates - inside

    def _kept_notes(self) -> Iterator[pa.RecordBatch]:
        """The notes of those events that no other one stands for."""
        start = 0
        for note in self._notes.read():
            yield without(note, start, self._superseded)
            start += note.num_rows

    def _look_into(self, place: tuple[Block, int]) -> pa.RecordBatch:
        return look_into(*place, self._extraction)

    def _blocks(self, spool: Spool) -> Iterator[tuple[Block, int]]:
        """Each block, and its position in the body."""
        position = 0
        for block in spool.blocks():
            if position == 0:
                self.sample = bytes(block[:SAMPLE])
            yield block, position
            position += len(block)


def _map(function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
    """What the function gives for each item, in order, on every core."""
    running: deque[Future[R]] = deque()
    for item in items:
        _room().acquire()
        future = workers().submit(function, item)
        future.add_done_callback(lambda _: _room().release())
        running.append(future)
        while running and running[0].done():
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
