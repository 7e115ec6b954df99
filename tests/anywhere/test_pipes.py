"""Rows over a pipe, where there is neither Python nor a server: the DuckDB command line, and Arrow."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import answer, lines, raw_server
from tests.shell import MP, environment

README = Path(__file__).parents[2] / "README.md"
BESIDE_PYTHON = str(Path(sys.executable).parent)
DUCKDB = shutil.which("duckdb", path=BESIDE_PYTHON)
WEEK = ["--account", "sandbox", "raw", "export", "--from", "2024-01-01", "--to", "2024-01-07"]
pytestmark = pytest.mark.skipif(DUCKDB is None, reason="needs the package duckdb-cli")


def piped(arguments: list[str], *queries: str) -> list[dict[str, object]]:
    """What the last query gives, in a DuckDB that reads what the command prints."""
    client = shlex.join([str(DUCKDB), "-json", "-c", "; ".join(queries)])
    line = f"set -o pipefail; {shlex.join([*MP, *arguments])} | {client}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=100, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def line_of_the_readme() -> str:
    """What it has DuckDB run over a pipe."""
    found = re.search(r'duckdb shop.duckdb -c "(CREATE TABLE january.*?)"', README.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_raw_events_become_a_table() -> None:
    rows = piped(
        WEEK,
        line_of_the_readme(),
        "SELECT count(*) AS events, sum((properties->>'$.amount')::DOUBLE)::BIGINT AS revenue FROM january",
    )
    assert rows == [{"events": 25225, "revenue": 82146}]


def test_names_that_differ_by_capitals_and_types_that_change_later_are_no_matter(point_at: Callable[..., None]) -> None:
    early = {"event": "A", "properties": {"time": 1704067200, "Plan": 1, "plan": "pro"}}
    late = {"event": "A", "properties": {"time": 1704067200, "Plan": {"name": "pro"}}}
    with raw_server(lambda _: answer(lines([early] * 40_000 + [late]))) as server:
        point_at(server.url)
        rows = piped(
            ["raw", "export", "--from", "2024-01-01", "--to", "2024-01-01"],
            line_of_the_readme(),
            "SELECT count(*) AS events, count(properties->'$.Plan.name') AS later FROM january",
        )
    assert rows == [{"events": 40_001, "later": 1}]


def test_properties_may_stay_json() -> None:
    rows = piped(
        [*WEEK[:2], "fetch", "events", "--stdout", *WEEK[4:]],
        """CREATE TABLE t AS FROM read_json('/dev/stdin', columns = {
             event_name: 'VARCHAR', event_time: 'TIMESTAMP', distinct_id: 'VARCHAR', insert_id: 'VARCHAR',
             properties: 'JSON'})""",
        "SELECT count(*) AS events, min(event_time)::VARCHAR AS first, any_value(json_type(properties)) AS kind FROM t",
    )
    assert rows == [{"events": 25225, "first": "2024-01-01 00:30:10", "kind": "OBJECT"}]
