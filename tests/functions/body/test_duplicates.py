"""What Mixpanel sent more than once is left out on request: by its own key, and the copy ingested last stays."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mixpanel_data
from mixpanel_data.client import Progress, Spool, blocks
from mixpanel_data.functions.body.duplicates import superseded
from mixpanel_data.functions.body.fields import HASH
from mixpanel_data.functions.body.notes import Notes
from mixpanel_data.functions.body.proof import Proof
from tests.functions.body.batches import batches_of
from tests.servers import lines

COLUMNS = ("event_name", "event_time", "distinct_id", "insert_id", "properties")


def read(events: list[dict[str, Any]], columns: tuple[str, ...] = COLUMNS) -> tuple[list[dict[str, Any]], int]:
    proof = Proof(columns, deduplicate=True)
    with Spool(gzipped=False) as spool:
        spool.write(lines(events))
        spool.end()
        proof(spool)
        rows = [row for batch in batches_of(proof, spool, columns) for row in batch.to_pylist()]
    proof.close()
    return rows, proof.duplicates


def event(name: str = "e", user: str | None = "u", time: int = 1, insert: str = "i", **more: Any) -> dict[str, Any]:
    return {"event": name, "properties": {"time": time, "distinct_id": user, "$insert_id": insert, **more}}


def test_the_copy_ingested_last_stays() -> None:
    copies = [event(mp_processing_time_ms=n, n=n) for n in (5, 9, 7)]
    rows, duplicates = read([event(insert="other"), *copies])
    assert duplicates == 2
    assert [row["insert_id"] for row in rows] == ["other", "i"]
    assert '"n":9' in rows[1]["properties"].replace(" ", "")


@pytest.mark.parametrize(
    "other", [event(name="f"), event(user="v"), event(user=None), event(user=""), event(time=2), event(insert="j")]
)
def test_events_that_only_share_an_insert_id_all_stay(other: dict[str, Any]) -> None:
    rows, duplicates = read([event(), other])
    assert (len(rows), duplicates) == (2, 0)


def test_only_wanted_columns_come() -> None:
    assert read([event(), event()], ("event_name",)) == ([{"event_name": "e"}], 1)
    assert read([event(), event()], ()) == ([{}], 1)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("uv"), st.integers(0, 2), st.sampled_from("ijk")), max_size=60
    )
)
def test_each_key_stays_once_and_in_order(keys: list[tuple[str, str, int, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 500)  # so that copies are in different blocks
        rows, duplicates = read([event(*key) for key in keys])
    found = [(r["event_name"], r["distinct_id"], int(r["event_time"].timestamp()) % 60, r["insert_id"]) for r in rows]
    assert found == list(dict.fromkeys(keys))
    assert duplicates == sum(Counter(keys).values()) - len(Counter(keys))


def test_duplicates_are_counted_in_the_progress(con: duckdb.DuckDBPyConnection) -> None:
    seen: list[Progress] = []
    mixpanel_data.register(con, account="sandbox", watch=seen.append)
    query = "SELECT count(*), count(DISTINCT insert_id) FROM mixpanel_export('2024-01-01', '2024-01-02', deduplicate := true)"
    ((rows, different),) = con.execute(query).fetchall()
    assert rows == different == seen[-1].events
    assert seen[-1].duplicates == 0


def test_looking_for_duplicates_in_a_large_body_takes_a_small_part_of_its_notes() -> None:
    notes, count = Notes(pa.schema([("insert_id", pa.string()), (HASH, pa.uint64())])), 10_000

    def batch(start: int) -> pa.RecordBatch:
        hashes = pa.array(np.arange(start, start + count, dtype=np.uint64))
        return pa.RecordBatch.from_arrays([pa.array(["x" * 100] * count), hashes], schema=notes.schema)

    notes.write(batch(start) for start in range(0, 30 * count, count))
    tracemalloc.start()
    assert not len(superseded(notes.read))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    notes.close()
    assert peak < 30 * count * 108 / 3
