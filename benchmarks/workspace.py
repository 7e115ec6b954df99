"""What the Workspace adds to plain DuckDB: ``python benchmarks/workspace.py [EVENTS]``.

Opening the file for every statement, against a connection that stays open; and fetching so that nobody is locked out,
against one statement that has the file all the time, in time and in how long the file is locked.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from common import day, project, seconds

import mixpanel_data
from mixpanel_data import Workspace

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}
EXPORT = "SELECT * FROM mixpanel_export('2024-01-01', '2024-01-01', deduplicate := true)"
PROBE = """
import duckdb, select, sys, time
path, locked = sys.argv[1], 0.0
last = time.perf_counter()
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.005)[0]:
    try:
        duckdb.connect(path, read_only=True).close()
        is_locked = False
    except duckdb.IOException:
        is_locked = True
    now = time.perf_counter()
    locked += (now - last) * is_locked
    last = now
print(locked)
"""


def main(events: int = 400_000) -> None:
    with project(day(events)), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.duckdb"
        statements(path)
        print(f"{events:,} events into a file")
        with duckdb.connect(path) as con:
            con.execute("CREATE OR REPLACE TABLE t AS SELECT 1 AS one")
        for name, fetch in (("one statement", plain), ("Workspace", ours), ("ephemeral", ephemeral)):
            times = [timed(path, fetch) for _ in range(3)]
            taken, locked = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"  {name:14} {taken:5.2f} s, locked for others {locked:5.2f} s")


def statements(path: Path) -> None:
    """One small query, many times."""
    with Workspace(path=path) as ws:
        ws.sql("CREATE TABLE t AS FROM range(1000)")
        closed = [seconds(lambda: ws.sql_scalar("SELECT count(*) FROM t")) for _ in range(200)]
    with duckdb.connect(path) as con:
        kept_open = [seconds(lambda: con.execute("SELECT count(*) FROM t").fetchall()) for _ in range(200)]
    made = [seconds(lambda: Workspace(path=path).close()) for _ in range(5)]
    short, kept = 1000 * statistics.median(closed), 1000 * statistics.median(kept_open)
    print(f"a small query: {short:.2f} ms; on a connection that stays open {kept:.2f} ms")
    print(f"a workspace: {1000 * statistics.median(made):.0f} ms")


def plain(path: Path) -> None:
    with duckdb.connect(path) as con:
        mixpanel_data.register(con)
        con.execute(f"CREATE OR REPLACE TABLE events AS {EXPORT}")


def ours(path: Path) -> None:
    with Workspace(path=path) as ws:
        ws.fetch_events(replace=True, **DAY)


def ephemeral(_: Path) -> None:
    with Workspace.ephemeral() as ws:
        ws.fetch_events(**DAY)


def timed(path: Path, fetch: object) -> tuple[float, float]:
    """How long it takes, and how long of it nobody else could read the file."""
    with subprocess.Popen(
        [sys.executable, "-c", PROBE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as probe:
        assert probe.stdout is not None
        probe.stdout.readline()
        taken = seconds(lambda: fetch(path))
        said, _ = probe.communicate("end\n")
    return taken, float(said)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
