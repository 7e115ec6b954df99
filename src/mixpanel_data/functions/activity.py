"""The events of a few users: ``/api/query/stream/query``.

Source: Mixpanel's Query API reference. The user's id stands in ``distinct_id`` or in ``$distinct_id``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..client import Api, Endpoint
from ..exceptions import ServerError
from .answers import inside, json_text, objects, possible, text
from .body.fields import HEAD, Extraction, engine, read_fields
from .body.notes import schema_for
from .body.slices import whole_json
from .columns import whole_text
from .declaration import Call, Parameter, table_function
from .export import export
from .parameters import DAYS, days
from .zones import zone_of

STREAM = Endpoint(Api.QUERY, "/stream/query")
COLUMNS = ("event_name", "event_time", "distinct_id", "insert_id")
"""All but the properties."""


@table_function(
    doc="What a few users did, in columns as those of mixpanel_export.",
    endpoint=STREAM,
    maintained_only=True,
    example="FROM mixpanel_activity(['user-0000001'], '2024-01-01', '2024-01-31')",
    parameters=(
        Parameter("distinct_ids", "VARCHAR[]", "the users", "['user-0000001']", required=True),
        *DAYS,
    ),
    columns=export.columns,
)
async def activity(call: Call) -> AsyncGenerator[pa.RecordBatch]:
    zone = await zone_of(call.client, call.reporter)
    answer = await call.ask(STREAM, days(call), distinct_ids=json_text(call["distinct_ids"]))
    events = objects(inside(answer, "results", "events"))
    if events:
        yield await asyncio.to_thread(_batch, events, zone)


def _batch(events: Sequence[Mapping[str, Any]], zone: str | None) -> pa.RecordBatch:
    """The events in the columns of an export."""
    properties = [possible(event.get("properties")) for event in events]
    heads = pa.array([whole_text(f'{HEAD}{json_text(event.get("event")) or "null"},"properties":') for event in events])
    texts = pa.array([whole_text(json_text(said) or "") for said in properties])
    with engine().cursor() as cursor:
        found = read_fields(cursor, heads, texts, Extraction(schema_for(COLUMNS, deduplicate=False), zone))
    if found is None:
        raise ServerError("Mixpanel sent events that cannot be read")
    others = pa.array([text(said.get("$distinct_id")) for said in properties], pa.string())
    found["distinct_id"] = pc.coalesce(found["distinct_id"], others)
    return pa.RecordBatch.from_arrays([*(found[name] for name in COLUMNS), whole_json(texts)], schema=export.schema)
