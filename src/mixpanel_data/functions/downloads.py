"""An export in two steps: download and prove, which takes as long as Mixpanel takes; then rows, from this machine.

Between the two the bodies are held on disk, under a handle. So a database need be open only while rows that are all
there are written into it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pyarrow as pa

from ..exceptions import ArgumentError
from .bodies import ENDPOINT, OUTSIDE, Bodies, in_executor
from .body import ROW_GROUP, Buffers, RowGroups, release_memory
from .declaration import Call, Column, Parameter, Rows, table_function
from .export import COLUMNS, ONLY_DAYS, PARAMETERS, REQUESTS, windows_in_order

BY_DAY = pa.list_(pa.struct([("day", pa.date32()), ("events", pa.int64())]))
EVENT_COLUMNS = frozenset(column.name for column in COLUMNS)


@table_function(
    doc="Downloads a range of days and proves each window of it whole; mixpanel_downloaded gives the events.",
    endpoint=ENDPOINT,
    requests=REQUESTS,
    example="FROM mixpanel_download('2024-01-01', '2024-01-31')",
    parameters=(
        *PARAMETERS,
        ONLY_DAYS,
    ),
    columns=(
        Column("handle", "VARCHAR", "what to give to mixpanel_downloaded, in this process"),
        Column("from_date", "DATE", "first day of the window"),
        Column("to_date", "DATE", "last day of the window"),
        Column("starts_at", "TIMESTAMP", "when the window begins, in UTC"),
        Column("ends_at", "TIMESTAMP", "when it ends"),
        Column("events", "BIGINT", "how many events mixpanel_downloaded will give"),
        Column("duplicates", "BIGINT", "how many were left out, since Mixpanel sent them more than once"),
        Column(
            "by_day", "STRUCT[]", "how many lie in each day; the others have no time, or one outside the days", BY_DAY
        ),
        Column("skipped_lines", "VARCHAR[]", "lines that are no events and were left out, as they came"),
        Column("bytes", "BIGINT", "on the disk of this machine, gzipped, until they are read"),
        Column("requested_at", "TIMESTAMP", "when the window was asked for, in UTC"),
    ),
)
async def download(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    async with aclosing(windows_in_order(call, EVENT_COLUMNS, finish=True)) as windows:
        async for bodies in windows:
            yield [_row(call.downloads.hold(bodies), bodies)]


@table_function(
    doc="The events that mixpanel_download holds on this machine, once: then they are gone.",
    example=(
        "SET VARIABLE handles = (SELECT list(handle) FROM mixpanel_download('2024-01-01', '2024-01-02')); "
        "FROM mixpanel_downloaded(getvariable('handles'))"
    ),
    is_local=True,
    parameters=(
        Parameter("handles", "VARCHAR[]", "from mixpanel_download", "getvariable('handles')", required=True),
        Parameter("keep", "BOOLEAN", "hold the events for another reading", "true", default=False),
        Parameter("batch_rows", "BIGINT", "rows in a batch: a row group of the table", "61440", default=ROW_GROUP),
    ),
    columns=(
        *COLUMNS,
        Column(OUTSIDE, "BOOLEAN", "whether event_time is NULL or outside the days that were asked for"),
    ),
)  # fmt: skip
async def downloaded(call: Call) -> AsyncGenerator[Rows]:
    if call["batch_rows"] < 1:
        raise ArgumentError("mixpanel_downloaded: batch_rows must be at least 1: write batch_rows := 122880")
    groups = RowGroups(call.columns, call["batch_rows"], Buffers())
    with call.downloads.reading(call["handles"], keep=call["keep"]) as held:
        async with aclosing(in_executor(_batches(held, groups, call))) as batches:
            async for batch in batches:
                yield batch


def _batches(held: Sequence[Bodies], groups: RowGroups, call: Call) -> Iterator[pa.RecordBatch]:
    release_memory()
    for bodies in held:
        yield from bodies.add_to(groups, call.columns, close=not call["keep"])
    if groups.has_rest:
        yield groups.rest()


def _row(handle: str, bodies: Bodies) -> tuple[Any, ...]:
    by_day = [{"day": day, "events": events} for day, events in bodies.count_by_day()]
    return (
        handle,
        bodies.window.first,
        bodies.window.last,
        *bodies.bounds,
        bodies.events,
        bodies.duplicates,
        by_day,
        bodies.skipped,
        bodies.bytes,
        bodies.requested_at,
    )
