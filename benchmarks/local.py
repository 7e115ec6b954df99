"""Each report over a month of a million events, properties as JSON and as VARIANT: ``python benchmarks/local.py``.

Beside seconds stands how many times as long as the least a report can do: counting the events of each user. With a
commit, ``python benchmarks/local.py 1000000 v0.1.0``, the reports of that commit run in turn with those of today, and
what stands beside seconds is how many times as long as those.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from common import seconds

import mixpanel_data
from mixpanel_data.local import Report, reports
from mixpanel_data.sandbox.dataset import Dataset

EVENTS_A_SESSION = 4.48
DAYS = 31
FLOOR = "SELECT distinct_id, count(*) FROM january GROUP BY ALL"
MONTH = """
SELECT event AS event_name, make_timestamp(time * 1000000) AS event_time, distinct_id, md5(id::VARCHAR) AS insert_id,
       properties::JSON AS properties
FROM events(DATE '2024-01-01', DATE '2024-01-31', {sessions})
"""


def main(events: int = 1_000_000, commit: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = _month(Path(folder), events)
        if commit:
            _compare(paths, commit)
        else:
            _report(paths)


def _report(paths: dict[str, Path]) -> None:
    taken = {form: _times(path, form) for form, path in paths.items()}
    floors = {form: times.pop("floor") for form, times in taken.items()}
    print("".join(f"{form}: counting the events of each user {floor:.3f} s\n" for form, floor in floors.items()))
    print(f"{'report':20}" + "".join(f"{form:>10} {'floors':>7}" for form in taken))
    for name in taken["json"]:
        print(
            f"{name:20}"
            + "".join(f"{taken[form][name]:9.3f}s {taken[form][name] / floors[form]:7.1f}" for form in taken)
        )


def _compare(paths: dict[str, Path], commit: str) -> None:
    """The examples of the commit, by its own files and by those of today."""
    print(f"{'report':20}" + "".join(f"{form:>10} {'before':>9} {'times':>6}" for form in paths))
    for report in reports():
        before = _at(report.name, commit)
        if before is not None:
            taken = [_both(path, form, before, report) for form, path in paths.items()]
            print(f"{report.name:20}" + "".join(f"{now:9.3f}s {then:8.3f}s {now / then:6.2f}" for then, now in taken))


def _at(name: str, commit: str) -> Report | None:
    """The report as it was then."""
    file = f"{commit}:src/mixpanel_data/local/reports/{name}.sql"
    shown = subprocess.run(["git", "show", file], capture_output=True, text=True, check=False)
    return None if shown.returncode else Report(name, shown.stdout)


def _both(path: Path, form: str, before: Report, today: Report) -> tuple[float, float]:
    query = _asked(before.example, form)
    with duckdb.connect(path, read_only=True) as con:
        for name, report in (("before", before), ("today", today)):
            con.execute(report.named(name).replace("OR REPLACE MACRO", "OR REPLACE TEMP MACRO"))
        calls = [query.replace(before.short_name, name) for name in ("before", "today")]
        rounds = [[_time(con, call) for call in calls] for _ in range(7)]
    then, now = zip(*rounds, strict=True)
    return statistics.median(then), statistics.median(now)


def _month(folder: Path, events: int) -> dict[str, Path]:
    """The same events twice, as database files."""
    paths = {form: folder / f"{form}.db" for form in ("json", "variant")}
    sessions = round(events / DAYS / EVENTS_A_SESSION)
    with Dataset(sessions).connect() as con:
        query = MONTH.format(sessions=sessions)
        for form, path in paths.items():
            con.execute(f"ATTACH '{path}' AS {form} (STORAGE_VERSION 'v1.5.0')")
            kept = "" if form == "json" else " REPLACE (properties::VARIANT AS properties)"
            con.execute(f"CREATE TABLE {form}.january AS SELECT *{kept} FROM ({query})")
            con.execute(f"CHECKPOINT {form}")
        ((made,),) = con.sql("SELECT count(*) FROM json.january").fetchall()
        sizes = ", ".join(f"{form} {path.stat().st_size / 1e6:,.0f} MB" for form, path in paths.items())
        print(f"{made:,} events: {sizes}")
    return paths


def _times(path: Path, form: str) -> dict[str, float]:
    with duckdb.connect(path, read_only=True) as con:
        mixpanel_data.register(con, account="sandbox")
        asked = {"floor": FLOOR} | {report.name: _asked(report.example, form) for report in reports()}
        return {name: statistics.median(_time(con, query) for _ in range(5)) for name, query in asked.items()}


def _asked(example: str, form: str) -> str:
    """The report's example; properties as this form has them."""
    return example if form == "json" else re.sub(r"properties->>?'\$\.(\w+)'", r"properties.\1", example)


def _time(con: duckdb.DuckDBPyConnection, query: str) -> float:
    return seconds(lambda: con.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {query}"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
