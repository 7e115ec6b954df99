"""Raw events: ``GET /api/2.0/export``, whole or not at all.

Source: Mixpanel's raw export reference. Days are inclusive; ``event`` is a JSON array; at most 100,000 for ``limit``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa

from .bodies import ENDPOINT, Bodies, Downloader, parallel_of, read
from .body import SLICED_JSON
from .declaration import Call, Column, Parameter, table_function
from .events import refuse_unknown
from .parallel import in_order
from .parameters import DAYS
from .windows import PARALLEL

PARAMETERS = (
    *DAYS,
    Parameter("events", "VARCHAR[]", "only these events; all unless given", "['Purchase']"),
    Parameter("filter", "VARCHAR", "a Mixpanel expression", """'properties["plan"] == "pro"'"""),
    Parameter("max_rows", "BIGINT", "a sample of at most this many events", "1000"),
    Parameter("deduplicate", "BOOLEAN", "leave out what Mixpanel sent more than once", "true", default=False),
    Parameter("parallel", "BIGINT", "downloads at once; up to three unless given", "8"),
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
FEW = 8192
"""Rows of the first batch: who asks for a few rows should not wait for many."""


@table_function(
    doc="Every event of a range of days, as Mixpanel stored it.",
    endpoint=ENDPOINT,
    requests=REQUESTS,
    example="FROM mixpanel_export('2024-01-01', '2024-01-31')",
    parameters=PARAMETERS,
    columns=COLUMNS,
)
async def export(call: Call) -> AsyncGenerator[pa.RecordBatch]:
    first = FEW
    async with aclosing(windows_in_order(call, call.columns)) as windows:
        async for bodies in windows:
            try:
                async with aclosing(read(bodies, call.columns, first=first)) as batches:
                    async for batch in batches:
                        yield batch
                        first = 0
            finally:
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
    fetched = in_order(windows, downloader.fetch, parallel_of(call) or PARALLEL, Bodies.close, finish=finish)
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
