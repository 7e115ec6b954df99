"""What DuckDB's threads are handed, and in which order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from mixpanel_data.binding.scan import BEAT, LARGE, Scan

SCHEMA = pa.schema([pa.field("n", pa.int64()), pa.field(BEAT, pa.bool_())])


def batch(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.repeat(1, rows), pa.repeat(False, rows)], schema=SCHEMA)


async def three_row_groups() -> AsyncGenerator[pa.RecordBatch]:
    for _ in range(3):
        yield batch(LARGE)


def test_who_has_a_row_group_can_store_it_before_the_next_one_comes() -> None:
    """DuckDB stores it when it is given anything else; with only one batch after another it would hold two."""
    scan = Scan(SCHEMA, three_row_groups, lambda _: None)
    with ThreadPoolExecutor(1) as other:
        rows = [scan.next(), other.submit(scan.next).result(), other.submit(scan.next).result(), scan.next()]
    sizes = [given.num_rows for given in rows if given is not None]
    assert sizes == [LARGE, LARGE, 1, 1]
    scan.close()
