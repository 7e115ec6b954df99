"""Rows over a pipe, where there is neither Python nor a server: the DuckDB command line, and Arrow."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import MP, environment

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


def test_raw_events_become_a_table() -> None:
    rows = piped(
        WEEK,
        "CREATE TABLE t AS FROM read_json('/dev/stdin')",
        "SELECT count(*) AS events, sum(properties.amount)::BIGINT AS revenue FROM t",
    )
    assert rows[0]["events"] == 25225
    assert rows[0]["revenue"] == 82146


def test_properties_may_stay_json() -> None:
    rows = piped(
        [*WEEK[:2], "fetch", "events", "--stdout", *WEEK[4:]],
        """CREATE TABLE t AS FROM read_json('/dev/stdin', columns = {
             event_name: 'VARCHAR', event_time: 'TIMESTAMP', distinct_id: 'VARCHAR', insert_id: 'VARCHAR',
             properties: 'JSON'})""",
        "SELECT count(*) AS events, min(event_time)::VARCHAR AS first, any_value(json_type(properties)) AS kind FROM t",
    )
    assert rows == [{"events": 25225, "first": "2024-01-01 00:30:10", "kind": "OBJECT"}]
