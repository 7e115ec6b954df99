"""Properties as JSON, compressed by zstd, as VARIANT, and as columns of their own: ``python benchmarks/storage.py``."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import duckdb
from common import day, project, seconds

from mixpanel_data import Workspace

FORMS = {
    "json": ({}, "properties->>'$.mp_country_code'"),
    "zstd": ({"compression": "zstd"}, "properties->>'$.mp_country_code'"),
    "variant": ({"properties": "variant"}, "properties.mp_country_code::VARCHAR"),
    "column": ({"columns": {"country": "mp_country_code"}}, "country"),
}


def main(events: int = 400_000) -> None:
    with project(day(events)), tempfile.TemporaryDirectory() as folder:
        print(f"{events:,} events")
        for form, (options, country) in FORMS.items():
            path = Path(folder) / f"{form}.db"
            with Workspace(path=path) as ws:
                load = seconds(
                    lambda ws=ws, options=options: ws.fetch_events(
                        "t", from_date="2024-01-01", to_date="2024-01-01", deduplicate=False, **options
                    )
                )
            with duckdb.connect(path) as con:
                con.execute("CHECKPOINT")
                ((rare,),) = con.execute("SELECT event_name FROM t GROUP BY 1 ORDER BY count(*) LIMIT 1").fetchall()
                of_all = ask(con, f"SELECT {country} AS country, count(*) FROM t GROUP BY ALL")
                of_one = ask(con, f"SELECT {country}, count(*) FROM t WHERE event_name = '{rare}' GROUP BY ALL")
            size = path.stat().st_size / 1e6
            print(
                f"{form:8} load {load:5.2f} s   {size:6.1f} MB   GROUP BY {of_all:.4f} s   of one event {of_one:.4f} s"
            )


def ask(con: duckdb.DuckDBPyConnection, query: str) -> float:
    """Seconds that a query takes, the median of five."""
    return statistics.median(seconds(lambda: con.execute(query).fetchall()) for _ in range(5))


if __name__ == "__main__":
    main()
