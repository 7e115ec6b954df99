"""A proven body's events, as they leave."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from mixpanel_data.client import Spool
from mixpanel_data.functions.body import ROW_GROUP, Buffers, Proof, Reader, RowGroups


def batches_of(proof: Proof, spool: Spool, columns: Collection[str], rows: int = ROW_GROUP) -> Iterator[pa.RecordBatch]:
    groups = RowGroups(columns, rows, Buffers())
    yield from groups.add(proof.notes(), Reader(spool.unzipped() if "properties" in columns else None))
    if groups.has_rest:
        yield groups.rest()
