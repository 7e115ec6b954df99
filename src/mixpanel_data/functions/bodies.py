"""The bodies of an export: one for each window of days, several under way at once, each proven whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..client import Api, Budget, Endpoint, Spool
from ..exceptions import ArgumentError, BadLineError, IncompleteExportError, QueryError
from .answers import json_text
from .bad_days import Found, name_day, warn_if_skipped
from .body import Proof, Reader, RowGroups, workers
from .declaration import Call
from .predicate import EVERYTHING, Predicate
from .windows import Window, split
from .zones import is_too_late, start_of, today, warn_if_contradicted, warn_of_zone, zone_of

OUTSIDE = "is_outside"
"""The column that says whether an event has no time, or one outside its window."""
ENDPOINT = Endpoint(Api.EXPORT, "/export")
LARGEST_LIMIT = 100_000
MOST_PARALLEL = 100
"""Mixpanel allows no more at once."""
MOST_NAMES = 100
"""More event names than this in a WHERE are not sent along: the URL would grow too long."""


@dataclass(frozen=True)
class Body:
    """A body on disk, and the proof that it is whole."""

    spool: Spool
    proof: Proof

    @property
    def events(self) -> int:
        """Events that it gives: duplicates that are left out do not count."""
        return self.proof.events - self.proof.duplicates

    def close(self) -> None:
        self.spool.close()
        self.proof.close()


@dataclass(frozen=True)
class Bodies:
    """All that Mixpanel has of a window: one body, or several where it did not manage to send one whole."""

    window: Window
    zone: str | None
    requested_at: datetime
    """When the first request was made: whatever happened before is in there."""
    parts: Sequence[Body]
    limit: int | None = None
    """Give no more events than these."""

    @property
    def events(self) -> int:
        """How many they give."""
        found = sum(part.events for part in self.parts)
        return found if self.limit is None else min(found, self.limit)

    @property
    def duplicates(self) -> int:
        return sum(part.proof.duplicates for part in self.parts)

    @property
    def skipped(self) -> list[str]:
        """Lines that were left out, since they hold no event."""
        return [line for part in self.parts for line in part.proof.skipped]

    @property
    def bytes(self) -> int:
        return sum(part.spool.size for part in self.parts)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """When the window begins and ends, in UTC."""
        return start_of(self.window.first, self.zone), start_of(self.window.last + timedelta(days=1), self.zone)

    def count_by_day(self) -> list[tuple[date, int]]:
        """How many events lie in each day of the window. What is missing from their sum has no time, or another."""
        days = [self.window.first + timedelta(days=number) for number in range(self.window.days + 1)]
        starts = [start_of(day, self.zone) for day in days]
        counts = sum((part.proof.count_between(starts) for part in self.parts), np.zeros(self.window.days, np.int64))
        return list(zip(days, counts.tolist(), strict=False))

    def add_to(self, groups: RowGroups, columns: frozenset[str], *, close: bool) -> Iterator[pa.RecordBatch]:
        """The batches that are full with these events.

        Args:
            columns: those that are wanted of them.
            close: whether each body is closed when it was read.
        """
        left = self.events
        for part in self.parts:
            body = part.spool.unzipped() if "properties" in columns else None
            reader = Reader(body, part.close if close else lambda: None)
            yield from groups.add(self._notes(part, left, OUTSIDE in columns), reader)
            left -= part.events

    def _notes(self, part: Body, limit: int, with_outside: bool) -> Iterator[pa.RecordBatch]:
        """The notes of so many events, with the column that says whether they lie outside the window."""
        for note in part.proof.notes():
            if limit <= 0:
                return
            yield (self._with_outside(note) if with_outside else note).slice(0, limit)
            limit -= note.num_rows

    def _with_outside(self, note: pa.RecordBatch) -> pa.RecordBatch:
        start, end = (pa.scalar(moment, pa.timestamp("us")) for moment in self.bounds)
        times = note.column("event_time")
        inside = pc.and_(pc.greater_equal(times, start), pc.less(times, end))
        return note.append_column(OUTSIDE, pc.invert(pc.fill_null(inside, False)))

    def close(self) -> None:
        for part in self.parts:
            part.close()


@dataclass(frozen=True)
class Downloader:
    """Gets the bodies that a call asks for."""

    call: Call
    columns: frozenset[str]
    """Those that the bodies are to give."""
    events: Sequence[str] | None
    """The events to ask for; None for all."""
    zone: str | None
    bad_line: Found = field(default_factory=Found)

    @staticmethod
    async def of(call: Call, columns: frozenset[str]) -> Downloader:
        return Downloader(call, columns, _events(call), await zone_of(call.client, call.reporter))

    def windows(self) -> list[Window]:
        """The windows to ask for; none where the WHERE holds of no event."""
        return windows_of(self.call, self.zone) if self.events != [] else []

    async def fetch(self, window: Window, *, is_shorter: bool = False) -> Bodies:
        """What Mixpanel has of the window.

        The last day of all may not have begun in the project's own zone: then it is left out, once.
        """
        requested_at = datetime.now(UTC).replace(tzinfo=None)
        try:
            bodies = Bodies(window, self.zone, requested_at, await self._parts(window))
        except QueryError as error:
            if is_shorter or not is_too_late(error):
                raise
            warn_of_zone(self.call.function, self.call.client, window.last)
            if window.days > 1:
                return await self.fetch(window.without_last(), is_shorter=True)
            return Bodies(window, self.zone, start_of(window.last, self.zone), [])  # as if asked when it had not ended
        warn_if_skipped(self.call.function, window, bodies.skipped)
        return bodies

    async def _parts(self, window: Window) -> list[Body]:
        """The window's body; or, where Mixpanel does not manage to send it whole, the bodies of its halves."""
        try:
            return [await self._download(window)]
        except BadLineError:
            return [await self._download_again(window)]
        except IncompleteExportError:
            if window.days == 1:
                raise
        first, second = window.halves()
        parts = await self._parts(first)
        try:
            return parts + await self._parts(second)
        except BaseException:
            for part in parts:
                part.close()
            raise

    async def _download_again(self, window: Window) -> Body:
        """The window's body, which has had a line that is no event; one window at a time, since each try costs.

        Raises:
            BadLineError: it has one again, or another window has.
        """
        async with self.bad_line.turn:
            if self.bad_line.error is not None:
                raise self.bad_line.error
            try:
                return await self._download(window)
            except BadLineError as error:
                is_sample = is_small_sample(self.call)
                self.bad_line.error = await name_day(error, window, self._download, is_sample=is_sample)
        raise self.bad_line.error

    async def _download(self, window: Window) -> Body:
        """The window's body."""
        call = self.call
        proof = Proof(
            self.columns, self.zone, deduplicate=call["deduplicate"], skip_bad_lines=call["on_bad_line"] == "skip",
            refusal=partial(call.client.refusal, ENDPOINT),
        )  # fmt: skip
        params = {
            "from_date": window.first.isoformat(),
            "to_date": window.last.isoformat(),
            "event": json_text(self.events),
            "where": call["filter"],
            "limit": call["max_rows"] if is_small_sample(call) else None,
        }
        try:
            spool = await call.client.download(ENDPOINT, params, proof, call.reporter)
            warn_if_contradicted(call.client, proof.sample, self.zone)
        except BaseException:
            proof.close()
            raise
        return Body(spool, proof)


async def in_executor(batches: Iterator[pa.RecordBatch]) -> AsyncGenerator[pa.RecordBatch]:
    """The same batches; the loop stays free meanwhile."""
    loop = asyncio.get_running_loop()
    while (batch := await loop.run_in_executor(workers(), next, batches, None)) is not None:
        yield batch


def windows_of(call: Call, zone: str | None) -> list[Window]:
    """The days that a call asks for, as windows."""
    days = _days(call, zone)
    if days and is_small_sample(call):
        return [Window(days[0], days[-1])]
    budgets = call.client.budgets
    # What a filter leaves of a day is not known, so it is taken to be all.
    return split(days, parallel_of(call), budgets.left(Budget.EXPORT), budgets.bytes_a_day())


def parallel_of(call: Call) -> int | None:
    """How many downloads are wanted at once; None where the call leaves it to us."""
    parallel: int | None = call["parallel"]
    if parallel is not None and not 1 <= parallel <= MOST_PARALLEL:
        raise ArgumentError(
            f"mixpanel_{call.function}: parallel must be from 1 to {MOST_PARALLEL}: write parallel := 5"
        )
    return parallel


def is_small_sample(call: Call) -> bool:
    """Whether one request with a limit gives all that was asked for."""
    limit = call["max_rows"]
    if limit is not None and limit < 1:
        raise ArgumentError(f"mixpanel_{call.function}: max_rows must be at least 1: write max_rows := 1000")
    return limit is not None and limit <= LARGEST_LIMIT


def _days(call: Call, zone: str | None) -> list[date]:
    """Those of the range that have begun and on which the WHERE can hold."""
    first, last = call["from_date"], call["to_date"]
    # Mixpanel refuses a day that has not begun, as `current_date` may be to the east of the project.
    last = min(last, today(zone))
    possible = _where(call).possible_days("event_time", first, last, partial(start_of, zone=zone))
    chosen = call.arguments.get("days")
    return possible if chosen is None else [day for day in possible if day in set(chosen)]


def _events(call: Call) -> list[str] | None:
    """The events to ask for, None for all."""
    named: list[str] | None = call["events"]
    possible = _where(call).possible_values("event_name")
    if possible is None or len(possible) > MOST_NAMES:
        return named
    return possible if named is None else [name for name in named if name in possible]


def _where(call: Call) -> Predicate:
    """The WHERE that may narrow the request: none for a sample, since it picks from what was sampled."""
    return call.where if call["max_rows"] is None else EVERYTHING
