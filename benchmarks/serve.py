"""How long another process's DuckDB takes for the sandbox's January: ``python benchmarks/serve.py``.

Over Quack, and registered in the own process, in turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from common import seconds

import mixpanel_data
from mixpanel_data.serving import extension

JANUARY = "mixpanel_export('2024-01-01', '2024-01-31')"
COUNT = f"SELECT count(*) FROM {JANUARY}"
LOAD = f"CREATE OR REPLACE TABLE january AS FROM {JANUARY}"
THERE = "FROM mp.query('{}')".format(COUNT.replace("'", "''"))
QUERIES = {
    "count(*)": (COUNT, COUNT),
    "count(*), counted by the server": (COUNT, THERE),
    "all columns into a table": (LOAD, LOAD),
}
SERVER = """
import sys, mixpanel_data
with mixpanel_data.serve("sandbox", ":memory:", port=9393, token="benchmark") as server:
    print(server.macros, flush=True)
    sys.stdin.read()
"""


@contextmanager
def client(file: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the macros, and a process that serves it."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        macros = Path(server.stdout.readline().strip()).read_text(encoding="utf-8")
        with duckdb.connect(file) as con:
            extension.load(con)
            con.execute("ATTACH 'quack:localhost:9393' AS mp (TOKEN 'benchmark')")
            con.execute(macros)
            yield con
        server.stdin.close()


def took(con: duckdb.DuckDBPyConnection, query: str) -> float:
    return seconds(lambda: con.execute(query).fetchall())


def main(turns: int = 7) -> None:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/here.db") as here:
        mixpanel_data.register(here, account="sandbox")
        with client(f"{folder}/there.db") as there:
            for name, (own, remote) in QUERIES.items():
                times = [(took(here, own), took(there, remote)) for _ in range(turns)]
                registered, served = (statistics.median(column) for column in zip(*times, strict=True))
                print(f"{name}: registered {registered:.2f} s, over Quack {served:.2f} s")


if __name__ == "__main__":
    main()
