"""What parallel downloads are worth over a slow link: ``python benchmarks/link.py``.

The sandbox lets half a second pass before the first byte of an export, and sends each connection 300 KB a second.
"""

from __future__ import annotations

import duckdb
from common import seconds

import mixpanel_data
from mixpanel_data.sandbox import Fault, shared

DAYS = 32
LATENCY = 0.5
BYTES_A_SECOND = 300_000


def main() -> None:
    shared().faults.add(Fault(match="/export", times=1_000_000, latency=LATENCY, bytes_per_second=BYTES_A_SECOND))
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        alone = None
        for parallel in (1, 2, 3, 4, 5):
            query = f"SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-02-01', parallel := {parallel})"
            taken = seconds(lambda query=query: con.execute(query).fetchall())
            alone = alone or taken
            print(f"parallel := {parallel:<3} {taken:6.2f} s   {alone / taken:5.1f} times as fast")


if __name__ == "__main__":
    main()
