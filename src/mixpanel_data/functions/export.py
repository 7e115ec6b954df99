"""Raw events: ``GET /api/2.0/export``, whole or not at all.

Source: Mixpanel's raw export reference. Days are inclusive; ``event`` is a JSON array; at most 100,000 for ``limit``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa

from ..client.limits import EXPORTS_AT_ONCE
from .bodies import ENDPOINT, Bodies, Downloader, in_executor, parallel_of
from .body import ROW_GROUP, SLICED_JSON, Buffers, RowGroups, release_memory
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_unknown
from .parallel import HEAD_START, Lookahead, in_order
from .parameters import DAYS
from .spelling import refuse_unknown_properties
from .windows import PARALLEL

PARAMETERS = (
    *DAYS,
    Parameter("events", "VARCHAR[]", "only these events; all unless given", "['Purchase']"),
    Parameter("filter", "VARCHAR", "a Mixpanel expression", """'properties["plan"] == "pro"'"""),
    Parameter("max_rows", "BIGINT", "a sample of at most this many events", "1000"),
    Parameter("deduplicate", "BOOLEAN", "leave out what Mixpanel sent more than once", "true", default=False),
    Parameter("parallel", "BIGINT", f"downloads at once, {EXPORTS_AT_ONCE} at most; up to three unless given", "5"),
    Parameter(
        "on_bad_line",
        "VARCHAR",
        "what to do with a line that is no event: refuse the export, or leave the line out and say so",
        "'skip'",
        default="error",
        choices=("error", "skip"),
    ),
)
ONLY_DAYS = Parameter("days", "DATE[]", "only these days of the range; all unless given", "['2024-01-05']")
COLUMNS = (
    Column("event_name", "VARCHAR", "name of the event"),
    Column("event_time", "TIMESTAMP", "when it happened, in UTC; NULL where no time was sent"),
    Column("distinct_id", "VARCHAR", "the user; may be NULL or empty, as it was sent"),
    Column("insert_id", "VARCHAR", "id of the event; made from its content where none was sent"),
    Column("properties", "JSON", "all properties, exactly as Mixpanel sent them", SLICED_JSON),
)
REQUESTS = "three requests for a month, one a month for longer ranges, one where the days are known to be small"


@table_function(
    doc="Every event of a range of days, as Mixpanel stored it.",
    endpoint=ENDPOINT,
    requests=REQUESTS,
    example="FROM mixpanel_export('2024-01-01', '2024-01-31')",
    parameters=PARAMETERS,
    columns=COLUMNS,
)
async def export(call: Call) -> AsyncGenerator[pa.RecordBatch]:
    buffers = Buffers()
    groups = RowGroups(call.columns, ROW_GROUP, buffers)
    received: list[Bodies] = []
    async with aclosing(Lookahead(windows_in_order(call, call.columns))) as windows:
        try:
            async for bodies in windows:
                received.append(bodies)
                async with aclosing(in_executor(bodies.add_to(groups, call.columns, close=True))) as batches:
                    async for batch in batches:
                        yield batch
                if groups.has_rest and groups.is_in_first and not await windows.is_near():
                    yield groups.rest()
            buffers.keep_none()
            release_memory()
            if groups.has_rest:
                yield groups.rest()
        finally:
            for bodies in received:
                bodies.close()


async def windows_in_order(call: Call, columns: frozenset[str], *, finish: bool = False) -> AsyncGenerator[Bodies]:
    """What Mixpanel has of each window, in order, for the caller to close.

    Args:
        call: what is asked for.
        columns: those that are to be read of it.
        finish: after a failure, whether to give the windows that are under way before it is raised.

    Raises:
        ArgumentError: there are no events, since there is no event of a name that was given.
    """
    downloader = await Downloader.of(call, columns)
    windows, found, limit = downloader.windows(), 0, call["max_rows"]
    call.reporter.add(days=sum(window.days for window in windows))
    # Who waits for all of them gains nothing when the first one comes sooner.
    head_start = 0 if finish else HEAD_START
    parallel = min(parallel_of(call) or PARALLEL, EXPORTS_AT_ONCE)
    fetched = in_order(windows, downloader.fetch, parallel, Bodies.close, finish=finish, head_start=head_start)
    async with aclosing(fetched):
        async for window, whole in fetched:
            bodies = whole if limit is None else replace(whole, limit=limit - found)
            found += bodies.events
            yield bodies
            call.reporter.add(days_done=window.days, events=bodies.events, duplicates=bodies.duplicates)
            if limit is not None and found >= limit:
                return
    if windows and not found:
        await refuse_unknown(call, call["events"] or ())
        await refuse_unknown_properties(call, call["filter"], call["events"] or ())
