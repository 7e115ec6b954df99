"""A body read through before any row of it is handed on.

The proof of a body reads all of it: it cuts the lines, has DuckDB read their JSON, and notes on disk what was found in
the columns that are wanted, a few dozen bytes an event. Only the properties stay where they are, in the gzipped body;
they are added when the proven rows are handed on, as slices of its blocks.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import repeat
from threading import Semaphore
from typing import TypeVar

import numpy as np
import pyarrow as pa

from ...client import Spool
from ...client.blocks import Block
from ...client.spool import let_go
from ...forks import once_a_process
from .duplicates import NEEDED, Places, superseded, without
from .fields import Wish
from .lines import PLACES, BrokenLine, look_into, note_schema, properties_of
from .slices import POOL

SAMPLE = 256 << 10
CORES = os.cpu_count() or 1
"""All work on blocks is done here: each thread more would keep memory of its own."""
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

    def __init__(self, columns: Collection[str], zone: str | None = None, *, deduplicate: bool = False) -> None:
        self.events = 0
        """Events of the body, those left out among them."""
        self.duplicates = 0
        self.sample = b""
        """The body's first lines."""
        self._columns = [field.name for field in note_schema(columns) if field not in PLACES]
        self._deduplicates = deduplicate
        self._superseded: Places = np.empty(0, np.int64)
        self._wish = Wish(frozenset({*columns, *(NEEDED if deduplicate else ())}), zone)
        self._notes = tempfile.TemporaryFile(prefix="mixpanel_data-")  # noqa: SIM115 - closed by close()

    def __call__(self, spool: Spool) -> int:
        self.events = 0
        self._notes.seek(0)
        self._notes.truncate()
        with pa.ipc.new_stream(self._notes, note_schema(self._wish.columns)) as notes:
            try:
                for note in _map(partial(look_into, wish=self._wish), self._blocks(spool)):
                    notes.write_batch(note)
                    self.events += note.num_rows
            except BrokenLine as broken:
                raise broken.error(self.events) from None
        if self._deduplicates:
            self._superseded = superseded(self._read_notes)
            self.duplicates = len(self._superseded)
        return self.events

    def close(self) -> None:
        let_go(self._notes)

    def batches(self, spool: Spool) -> Iterator[pa.RecordBatch]:
        """The proven events, in batches of the wanted columns."""
        start = 0
        for note, block in zip(self._read_notes(), self._blocks_again(spool)):  # noqa: B905 - may have no end
            batch = without(self._wanted(note, block), start, self._superseded)
            start += note.num_rows
            yield batch

    def _wanted(self, note: pa.RecordBatch, block: Block | None) -> pa.RecordBatch:
        wanted = note.select(self._columns)
        return wanted if block is None else wanted.append_column("properties", properties_of(note, block))

    def _blocks(self, spool: Spool) -> Iterator[Block]:
        for number, block in enumerate(spool.blocks()):
            if number == 0:
                self.sample = bytes(block[:SAMPLE])
            yield block

    def _blocks_again(self, spool: Spool) -> Iterator[Block | None]:
        return spool.blocks() if "properties" in self._wish.columns else repeat(None)

    def _read_notes(self) -> Iterator[pa.RecordBatch]:
        self._notes.seek(0)
        with pa.ipc.open_stream(self._notes, memory_pool=POOL) as notes:
            yield from notes


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
