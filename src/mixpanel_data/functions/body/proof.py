"""A body read through before any row of it is handed on.

The proof of a body reads all of it: it cuts the lines, has DuckDB read their JSON, and notes on disk what was found in
the columns that are wanted. Only the properties stay where they are, in the gzipped body; they are read from there
when the proven rows are handed on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Semaphore
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...client import Spool
from ...client.blocks import Block
from ...client.spool import GZIP_ERRORS
from ...exceptions import IncompleteExportError, MixpanelDataError
from ...forks import once_a_process
from .bad import BadLine, Skipped, digest, excerpt
from .duplicates import Places, superseded, without
from .fields import Extraction
from .lines import look_into
from .notes import Notes, schema_for

SAMPLE = 256 << 10
CORES = os.cpu_count() or 1
"""All work on blocks is done here: each thread more would keep memory of its own."""
Refusal = Callable[[bytes], MixpanelDataError | None]
"""Tells the error that a body is instead of events, by its first lines; None where it is none."""
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
        skip_bad_lines: bool = False,
        refusal: Refusal = lambda _: None,
    ) -> None:
        self.events = 0
        """Events of the body, those left out among them."""
        self.duplicates = 0
        self.sample = b""
        """The body's first lines."""
        self.skipped: list[str] = []
        """Lines that were left out, since they hold no event."""
        self._deduplicates = deduplicate
        self._skips_bad_lines = skip_bad_lines
        self._refusal = refusal
        self._superseded: Places = np.empty(0, np.int64)
        self._extraction = Extraction(schema_for(columns, deduplicate=deduplicate), zone)
        self._notes = Notes(self._extraction.schema)

    def __call__(self, spool: Spool) -> int:
        skipped = Skipped() if self._skips_bad_lines else None
        try:
            self.events = self._notes.write(_map(partial(self._look_into, skipped), self._blocks(spool)))
        except BadLine as bad:
            is_alone = not self._notes.count and not bad.place and bad.days is None
            refusal = self._refusal(self._beginning(spool)) if is_alone else None
            raise refusal or bad.error(self._notes.count) from None
        before, self.skipped = self.skipped, skipped.texts if skipped else []
        if self.skipped and not self.events:
            self._refuse_unless_again(before)
        if self._deduplicates:
            self._superseded = superseded(self._notes.read)
            self.duplicates = len(self._superseded)
        return self.events

    def close(self) -> None:
        self._notes.close()

    def count_between(self, moments: Sequence[datetime]) -> npt.NDArray[np.int64]:
        """How many events there are from each of these moments to the next one."""
        edges = np.array(moments, "datetime64[us]")
        counts = np.zeros(len(edges) + 1, np.int64)
        for note in self.notes():
            times = note.column("event_time").drop_null().to_numpy()
            counts += np.bincount(np.searchsorted(edges, times, side="right"), minlength=len(edges) + 1)
        return counts[1:-1]

    def notes(self) -> Iterator[pa.RecordBatch]:
        """The notes of those events that no other one stands for."""
        start = 0
        for note in self._notes.read():
            yield without(note, start, self._superseded)
            start += note.num_rows

    def _refuse_unless_again(self, before: Sequence[str]) -> None:
        """An error where no line is an event, unless each may be the rest of one, and the try before had the same."""
        if refusal := self._refusal(self.sample):
            raise refusal
        if self.skipped != before or not all(line.lstrip().startswith("{") for line in self.skipped):
            error = IncompleteExportError(f"the export holds no events, but {excerpt(self.skipped[0])}")
            error.answer = digest("\n".join(self.skipped))
            raise error

    def _beginning(self, spool: Spool) -> bytes:
        """More of the body than the sample has, where its first lines are short."""
        try:
            with spool.unzipped() as body:
                return body.read(SAMPLE)
        except GZIP_ERRORS:
            return self.sample

    def _look_into(self, skipped: Skipped | None, place: tuple[Block, int]) -> pa.RecordBatch:
        return look_into(*place, self._extraction, skipped)

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
