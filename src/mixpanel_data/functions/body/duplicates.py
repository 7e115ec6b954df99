"""Events that Mixpanel sent more than once.

The same event is one with the same name, distinct_id, time and $insert_id; of its copies the one ingested last counts.
Source: Mixpanel's reference of event deduplication. Copies have the same time, so they are always in the same body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .fields import HASH, INGESTED, KEY, engine, query

NEEDED = (*KEY, INGESTED, HASH)
SUPERSEDED = f"""
SELECT place FROM lines
QUALIFY row_number() OVER (
  PARTITION BY {", ".join(KEY)} ORDER BY TRY_CAST({INGESTED} AS DOUBLE) DESC NULLS LAST, place) > 1
ORDER BY place
"""
Places = npt.NDArray[np.int64]


def superseded(notes: Callable[[], Iterator[pa.RecordBatch]]) -> Places:
    """The places of those events of a body that another one stands for.

    ``notes`` gives the columns of ``NEEDED``. Only events whose hash occurs twice are compared, so that a body without
    duplicates, of any size, costs eight bytes an event.
    """
    repeated = _repeated(_hashes(notes()))
    if not len(repeated):
        return np.empty(0, np.int64)
    suspects = pa.Table.from_batches(list(_suspects(notes(), repeated)))
    with engine().cursor() as cursor:
        places: Places = query(cursor, SUPERSEDED, **_columns(suspects)).column("place").to_numpy()
    return places


def without(batch: pa.RecordBatch, start: int, places: Places) -> pa.RecordBatch:
    """The batch, whose first row is at ``start``, without the rows at these places."""
    inside = places[np.searchsorted(places, start) : np.searchsorted(places, start + batch.num_rows)]
    if not len(inside):
        return batch
    kept = np.ones(batch.num_rows, np.bool_)
    kept[inside - start] = False
    return batch.filter(pa.array(kept))


def _hashes(notes: Iterator[pa.RecordBatch]) -> npt.NDArray[np.uint64]:
    # Copied: a view of one column would keep alive all the others of its batch.
    return np.concatenate([np.empty(0, np.uint64), *(note.column(HASH).to_numpy().copy() for note in notes)])


def _repeated(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _suspects(notes: Iterator[pa.RecordBatch], repeated: npt.NDArray[np.uint64]) -> Iterator[pa.RecordBatch]:
    start = 0
    for note in notes:
        rows = np.flatnonzero(np.isin(note.column(HASH).to_numpy(), repeated))
        places = pa.array(rows + start, pa.int64())
        yield note.select([*KEY, INGESTED]).take(pa.array(rows)).append_column("place", places)
        start += note.num_rows


def _columns(table: pa.Table) -> dict[str, pa.Array]:
    return {name: table.column(name) for name in table.column_names}
