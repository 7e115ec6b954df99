"""How long an export takes, against the floor of the same minute: ``python benchmarks/export.py [events]``.

The floor fetches the same gzipped body from the same loopback server with curl and loads the file with DuckDB's own
reader into the same five columns. Ours is ``CREATE TABLE … AS SELECT * FROM mixpanel_export(…)``, proof included.
Each is run in turn, five times; quote the ratio of the medians.
"""

from __future__ import annotations

import http.server
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import duckdb

import mixpanel_data
from mixpanel_data.sandbox.dataset import Dataset

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


def body(events: int) -> bytes:
    """One gzipped body of about this many of the sandbox's events."""
    sessions = events // 5
    day = "DATE '2024-01-01'"
    line = """'{"event":' || to_json(event) || ',"properties":' || properties || '}' || chr(10)"""
    with Dataset(sessions).connect() as con:
        lines = con.sql(f"SELECT {line} FROM events({day}, {day}, {sessions})")
        deflate = zlib.compressobj(1, wbits=31)
        parts = [
            deflate.compress("".join(batch.column(0).to_pylist()).encode()) for batch in lines.to_arrow_reader(50_000)
        ]
        return b"".join([*parts, deflate.flush()])


def serve(content: bytes, port: multiprocessing.Queue[int]) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(events: int) -> None:
    content = body(events)
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(content, port), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}"
    os.environ |= {"MP_API_BASE_URL": url, "MP_USERNAME": "u", "MP_SECRET": "s", "MP_PROJECT_ID": "1"}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
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
    server.terminate()
    print(f"{rows:,} events, {len(content) / 1e6:,.0f} MB gzipped; DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    least = statistics.median(times["floor"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:15} {median:6.2f} s   {median / least:5.2f} of the floor   ({min(taken):.2f} to {max(taken):.2f})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
