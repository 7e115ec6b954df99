"""How long an export takes, against the floor of the same minute: ``python benchmarks/export.py [events]``.

The floor fetches the same gzipped body from the same loopback server with curl and loads the file with DuckDB's own
reader into the same five columns. Ours is ``CREATE TABLE … AS SELECT * FROM mixpanel_export(…)``, proof included.
Each is run in turn, five times; quote the ratio of the medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
from common import day, project, seconds

import mixpanel_data

ROUNDS = 5
EXPORT = "mixpanel_export('2024-01-01', '2024-01-01')"
FLOOR = """
CREATE OR REPLACE TABLE t AS
SELECT event AS event_name, make_timestamp(fields[1]::BIGINT * 1000000) AS event_time,
       fields[2] AS distinct_id, fields[3] AS insert_id, properties
FROM (SELECT *, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"']) AS fields
      FROM read_ndjson('{}', columns = {{event: 'VARCHAR', properties: 'JSON'}}, compression = 'gzip'))
"""
QUERIES = {
    "export": f"CREATE OR REPLACE TABLE t AS SELECT * FROM {EXPORT}",
    "count(*)": f"SELECT count(*) FROM {EXPORT}",
    "count by event": f"SELECT event_name, count(*) FROM {EXPORT} GROUP BY ALL",
}


def main(events: int) -> None:
    content = day(events)
    with tempfile.TemporaryDirectory() as folder, project(content) as url, duckdb.connect() as con:
        mixpanel_data.register(con)
        file = Path(folder) / "body.gz"

        def floor() -> None:
            subprocess.run(["curl", "-s", "-o", str(file), url], check=True)
            con.execute(FLOOR.format(file))

        work: dict[str, Callable[[], object]] = {"floor": floor}
        work |= {name: lambda query=query: con.execute(query).fetchall() for name, query in QUERIES.items()}
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(ROUNDS):
            for name, run in work.items():
                times[name].append(seconds(run))
        (rows,) = con.execute("SELECT count(*) FROM t").fetchone() or (0,)
    print(f"{rows:,} events, {len(content) / 1e6:,.0f} MB gzipped; DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    least = statistics.median(times["floor"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:15} {median:6.2f} s   {median / least:5.2f} of the floor   ({min(taken):.2f} to {max(taken):.2f})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
