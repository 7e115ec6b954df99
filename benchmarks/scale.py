"""Ten times the days, in time and in memory: ``python benchmarks/scale.py [events a day]``.

Each run is a process of its own that loads a database file with a memory_limit of 200 MB.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from common import day, project

LIMIT = 200
RUN = f"""
import sys, time, duckdb, mixpanel_data
con = duckdb.connect(sys.argv[1], config={{'memory_limit': '{LIMIT}MB'}})
mixpanel_data.register(con)
start = time.perf_counter()
export = "mixpanel_export('2024-01-01', '2024-01-' || ?, parallel := 3)"
con.execute(f"CREATE TABLE t AS SELECT * FROM {{export}}", [sys.argv[2]])
taken = time.perf_counter() - start
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(taken, int(peak.split()[1]) / 1024)
"""


def run(days: int) -> tuple[float, float]:
    """Seconds, and MB at the peak."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", RUN, f"{folder}/x.db", f"{days:02}"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    taken, peak = map(float, out.split()[-2:])
    return taken, peak


def main(events: int) -> None:
    with project(day(events)):
        few, many = ([run(days) for _ in range(3)] for days in (3, 30))
    times = [statistics.median(taken for taken, _ in runs) for runs in (few, many)]
    peaks = [max(peak for _, peak in runs) for runs in (few, many)]
    print(f"{events:,} events a day, {os.cpu_count()} cores, memory_limit {LIMIT} MB")
    print(f"3 days {times[0]:.2f} s, 30 days {times[1]:.2f} s: {times[1] / times[0]:.2f} times")
    print(f"peak {peaks[0]:.0f} MB and {peaks[1]:.0f} MB: {peaks[1] / peaks[0]:.2f} times")
    print(f"beyond memory_limit {peaks[0] - LIMIT:.0f} MB and {peaks[1] - LIMIT:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
