"""Raw events: ``GET /api/2.0/export``, whole or not at all.

Source: Mixpanel's raw export reference. Days are inclusive; ``event`` is a JSON array; at most 100,000 for ``limit``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from functools import partial

import pyarrow as pa

from ..client import Api, Budget, Endpoint, Spool
from ..exceptions import ArgumentError, IncompleteExportError
from .answers import json_text
from .body import SLICED_JSON, Proof, workers
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_unknown
from .parallel import in_order
from .parameters import DAYS
from .predicate import EVERYTHING, Predicate
from .windows import PARALLEL, Window, split
from .zones import start_of, today, warn_if_local, zone_of

ENDPOINT = Endpoint(Api.EXPORT, "/export")
LARGEST_LIMIT = 100_000
MOST_PARALLEL = 100
"""Mixpanel allows no more at once."""
MOST_NAMES = 100
"""More event names than this in a WHERE are not sent along: the URL would grow too long."""


@table_function(
    doc="Every event of a range of days, as Mixpanel stored it.",
    endpoint=ENDPOINT,
    requests="three requests for a month, one a month for longer ranges, one where the days are known to be small",
    example="FROM mixpanel_export('2024-01-01', '2024-01-31')",
    parameters=(
        *DAYS,
        Parameter("events", "VARCHAR[]", "only these events; all unless given", "['Purchase']"),
        Parameter("filter", "VARCHAR", "a Mixpanel expression", """'properties["plan"] == "pro"'"""),
        Parameter("max_rows", "BIGINT", "a sample of at most this many events", "1000"),
        Parameter("deduplicate", "BOOLEAN", "leave out what Mixpanel sent more than once", "true", default=False),
        Parameter("parallel", "BIGINT", "downloads at once; up to three unless given", "8"),
    ),
    columns=(
        Column("event_name", "VARCHAR", "name of the event"),
        Column("event_time", "TIMESTAMP", "when it happened, in UTC; NULL where no time was sent"),
        Column("distinct_id", "VARCHAR", "the user; may be NULL or empty, as it was sent"),
        Column("insert_id", "VARCHAR", "id of the event; made from its content where none was sent"),
        Column("properties", "JSON", "all properties, exactly as Mixpanel sent them", SLICED_JSON),
    ),
)
async def export(call: Call) -> AsyncGenerator[pa.RecordBatch]:
    ask = Ask(call, _events(call), await zone_of(call.client, call.reporter))
    windows = windows_of(call, ask.zone) if ask.events != [] else []
    call.reporter.add(days=sum(window.days for window in windows))
    left, found = call["max_rows"], 0
    async with aclosing(in_order(windows, ask.fetch, _parallel(call) or PARALLEL, _discard)) as fetched:
        async for window, downloads in fetched:
            async for batch in _read(downloads):
                yield batch if left is None else batch.slice(0, left)
                left = None if left is None else left - batch.num_rows
                if left is not None and left <= 0:
                    return
            proofs = [download.proof for download in downloads]
            found += sum(proof.events for proof in proofs)
            call.reporter.add(
                days_done=window.days,
                events=sum(proof.events - proof.duplicates for proof in proofs),
                duplicates=sum(proof.duplicates for proof in proofs),
            )
    if windows and not found:
        await refuse_unknown(call, call["events"] or ())


@dataclass(frozen=True)
class Download:
    """A body on disk, and the proof that it is whole."""

    spool: Spool
    proof: Proof

    def batches(self) -> Iterator[pa.RecordBatch]:
        return self.proof.batches(self.spool)

    def close(self) -> None:
        self.spool.close()
        self.proof.close()


async def _read(downloads: Sequence[Download]) -> AsyncGenerator[pa.RecordBatch]:
    loop = asyncio.get_running_loop()
    try:
        for download in downloads:
            batches = download.batches()
            while (batch := await loop.run_in_executor(workers(), next, batches, None)) is not None:
                yield batch
    finally:
        _discard(downloads)


def _discard(downloads: Sequence[Download]) -> None:
    for download in downloads:
        download.close()


@dataclass(frozen=True)
class Ask:
    """What a call asks for in each of its windows."""

    call: Call
    events: Sequence[str] | None
    zone: str | None

    async def fetch(self, window: Window) -> list[Download]:
        """The window's body; or, where Mixpanel does not manage to send it whole, the bodies of its halves."""
        try:
            return [await self._download(window)]
        except IncompleteExportError:
            if window.days == 1:
                raise
        first, second = window.halves()
        downloads = await self.fetch(first)
        try:
            return downloads + await self.fetch(second)
        except BaseException:
            _discard(downloads)
            raise

    async def _download(self, window: Window) -> Download:
        call = self.call
        proof = Proof(call.columns, self.zone, deduplicate=call["deduplicate"])
        params = {
            "from_date": window.first.isoformat(),
            "to_date": window.last.isoformat(),
            "event": json_text(self.events),
            "where": call["filter"],
            "limit": call["max_rows"] if _is_small_sample(call) else None,
        }
        try:
            spool = await call.client.download(ENDPOINT, params, proof, call.reporter)
            warn_if_local(call.client, proof.sample)
        except BaseException:
            proof.close()
            raise
        return Download(spool, proof)


def windows_of(call: Call, zone: str | None) -> list[Window]:
    """The days that a call asks for, as windows."""
    days = _days(call, zone)
    if days and _is_small_sample(call):
        return [Window(days[0], days[-1])]
    budgets = call.client.budgets
    # What a filter leaves of a day is not known, so it is taken to be all.
    return split(days, _parallel(call), budgets.left(Budget.EXPORT), budgets.bytes_a_day())


def _days(call: Call, zone: str | None) -> list[date]:
    """Those of the range that have begun and on which the WHERE can hold."""
    first, last = call["from_date"], call["to_date"]
    # Mixpanel refuses a day that has not begun, as `current_date` may be to the east of the project.
    last = min(last, today(zone))
    return _where(call).possible_days("event_time", first, last, partial(start_of, zone=zone))


def _parallel(call: Call) -> int | None:
    parallel: int | None = call["parallel"]
    if parallel is not None and not 1 <= parallel <= MOST_PARALLEL:
        raise ArgumentError(f"mixpanel_export: parallel must be from 1 to {MOST_PARALLEL}: write parallel := 8")
    return parallel


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


def _is_small_sample(call: Call) -> bool:
    """Whether one request with a limit gives all that was asked for."""
    limit = call["max_rows"]
    if limit is not None and limit < 1:
        raise ArgumentError("mixpanel_export: max_rows must be at least 1: write max_rows := 1000")
    return limit is not None and limit <= LARGEST_LIMIT
