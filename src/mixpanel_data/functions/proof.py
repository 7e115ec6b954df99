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
from threading import Semaphore
from typing import TypeVar

import pyarrow as pa

from ..client import Spool
from .lines import BrokenLine, look_into, note_schema, with_properties

CORES = os.cpu_count() or 1
_workers = ThreadPoolExecutor(CORES, thread_name_prefix="mixpanel_data")
_room = Semaphore(CORES + 1)
"""Blocks that are looked into or wait for it, of all bodies together."""
T = TypeVar("T")
R = TypeVar("R")


class Proof:
    """Reads a spool through, raising unless every line is an event, and keeps what the columns are made of."""

    def __init__(self, columns: Collection[str]) -> None:
        self.events = 0
        self._columns = columns
        self._notes = tempfile.TemporaryFile(prefix="mixpanel_data-")  # noqa: SIM115 - closed by close()

    def __call__(self, spool: Spool) -> int:
        self.events = 0
        self._notes.seek(0)
        self._notes.truncate()
        with pa.ipc.new_stream(self._notes, note_schema(self._columns)) as notes:
            try:
                for note in _map(partial(look_into, columns=self._columns), spool.blocks()):
                    notes.write_batch(note)
                    self.events += note.num_rows
            except BrokenLine as broken:
                raise broken.error(self.events) from None
        return self.events

    def close(self) -> None:
        self._notes.close()

    def batches(self, spool: Spool) -> Iterator[pa.RecordBatch]:
        """The proven events, in batches of the wanted columns."""
        self._notes.seek(0)
        with pa.ipc.open_stream(self._notes) as notes:
            if "properties" in self._columns:
                yield from (with_properties(note, block) for note, block in zip(notes, spool.blocks(), strict=True))
            else:
                yield from notes


def _map(function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
    """What the function gives for each item, in order, on every core."""
    running: deque[Future[R]] = deque()
    for item in items:
        _room.acquire()
        future = _workers.submit(function, item)
        future.add_done_callback(lambda _: _room.release())
        running.append(future)
        while running and running[0].done():
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
