"""What is left when a fetch is killed, stopped, locked out, or runs out of disk: what was committed, and nothing else."""

from __future__ import annotations

import json
import random
import resource
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import StorageError, Workspace
from mixpanel_data.client import Api
from mixpanel_data.client.endpoints import READ_TIMEOUT
from mixpanel_data.sandbox import Fault, Sandbox
from tests.shell import environment, mp, started
from tests.storage.test_temporary import sweep

FIRST, LAST = "2024-01-01", "2024-01-18"
SLOW = {"match": "/export", "bytes_per_second": 1_500_000, "times": 1000}


def fetch(path: Path, *more: str) -> list[str]:
    return ["--path", str(path), "fetch", "events", "t", "--from", FIRST, "--to", LAST, *more]


def eventually_asked(sandbox: Sandbox, requests: int) -> None:
    end = time.monotonic() + 20
    while len(sandbox.requests) < requests:
        assert time.monotonic() < end
        time.sleep(0.01)


def tables(path: Path) -> list[str]:
    if not path.exists():
        return []
    with duckdb.connect(path) as con:
        return [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]


def loaded(path: Path) -> set[date]:
    if "_loaded_days" not in tables(path):
        return set()
    with duckdb.connect(path) as con:
        return {day for (day,) in con.execute("SELECT day FROM _loaded_days").fetchall()}


def days_asked(sandbox: Sandbox) -> set[date]:
    spans = [
        (date.fromisoformat(r.params["from_date"]), date.fromisoformat(r.params["to_date"])) for r in sandbox.requests
    ]
    return {date.fromordinal(n) for first, last in spans for n in range(first.toordinal(), last.toordinal() + 1)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_backfill_survives_being_killed_at_any_moment(
    tmp_path: Path, sandbox: Sandbox, reach: dict[str, str], seed: int
) -> None:
    chance, path = random.Random(seed), tmp_path / "x.db"
    sandbox.faults.add(Fault(**SLOW))
    for _ in range(3):
        done = loaded(path)
        sandbox.requests.clear()
        with started(*fetch(path, "--resume", "--parallel", "5"), **reach) as process:
            time.sleep(chance.uniform(0.7, 2.5))
            process.kill()
        assert not days_asked(sandbox) & done, "a finished day was asked for twice"
    sandbox.faults.clear()
    done = loaded(path)
    sandbox.requests.clear()
    result = mp(*fetch(path, "--resume"), **reach)
    assert result.returncode == 0, result.stderr
    assert not days_asked(sandbox) & done
    with duckdb.connect(path) as con:
        mixpanel_data.register(con, account="sandbox")
        export = f"FROM mixpanel_export('{FIRST}', '{LAST}')"
        query = f"SELECT (SELECT count(*) FROM (FROM t EXCEPT ALL {export})), (SELECT count(*) FROM ({export} EXCEPT ALL FROM t))"
        assert con.execute(query).fetchall() == [(0, 0)]
        assert con.execute("SELECT count(*), sum(rows) FROM _loaded_days").fetchall() == [
            (18, con.execute("SELECT row_count FROM _metadata").fetchall()[0][0])
        ]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_fetch_that_is_stopped_leaves_no_table(
    tmp_path: Path, sandbox: Sandbox, reach: dict[str, str], ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, spools = tmp_path / "x.db", tmp_path / "spools"
    spools.mkdir()
    sandbox.faults.add(Fault(**SLOW))
    with started(*fetch(path), TMPDIR=str(spools), **reach) as process:
        eventually_asked(sandbox, 3)
        process.send_signal(ending)
        _, said = process.communicate(timeout=20)
    assert process.returncode == (130 if ending is signal.SIGINT else -ending)
    assert said == ("mp: interrupted\n" if ending is signal.SIGINT else "")
    assert tables(path) == []
    if ending is signal.SIGKILL:
        sweep(spools, monkeypatch)
    assert list(spools.iterdir()) == []


def test_an_impatient_second_interrupt_changes_nothing(tmp_path: Path, sandbox: Sandbox, reach: dict[str, str]) -> None:
    path = tmp_path / "x.db"
    sandbox.faults.add(Fault(**SLOW))
    with started(*fetch(path, "--resume"), **reach) as process:
        eventually_asked(sandbox, 3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode in {130, -signal.SIGINT}
    assert (tables(path) == []) == (loaded(path) == set())


@pytest.mark.parametrize(
    ("limit", "said"),
    [(400_000, "cannot be kept in"), (1_000_000, "cannot be kept in"), (3_000_000, "cannot be written")],
)
def test_a_full_disk_is_one_line_and_leaves_no_table(
    tmp_path: Path, sandbox: Sandbox, reach: dict[str, str], limit: int, said: str
) -> None:
    """No file may grow beyond the limit: the spool's first, then the database's."""
    path = tmp_path / "x.db"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE before AS SELECT 1 AS x")

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "mixpanel_data", *fetch(path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(**reach),
        preexec_fn=no_large_files, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert tables(path) == ["before"]


def test_who_holds_the_database_is_named_or_waited_for(tmp_path: Path, sandbox: Sandbox, reach: dict[str, str]) -> None:
    path = tmp_path / "x.db"
    holding = f"import duckdb, sys; con = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=f"in use by process {holder.pid}") as caught:
            Workspace("sandbox", path=path, wait=False).tables()
        assert caught.value.details["holder"].startswith(f"process {holder.pid}")
        with started("--path", str(path), "fetch", "events", "t", "--from", FIRST, "--to", FIRST, **reach) as waiting:
            assert waiting.stderr is not None
            assert f"in use by process {holder.pid}" in waiting.stderr.readline()
            holder.stdin.close()
            out, _ = waiting.communicate(timeout=20)
    assert waiting.returncode == 0
    assert json.loads(out)["rows"] > 0


def test_a_hung_socket_is_given_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READ_TIMEOUT, Api.EXPORT, 1.5)
    sandbox.faults.add(Fault(match="/export", hang=True, close=2000))
    with Workspace.memory("sandbox") as ws:
        result = ws.fetch_events("t", from_date=FIRST, to_date=FIRST)
        assert result.to_dict()["rows"] > 0
    assert len(sandbox.requests) == 2


def test_a_slow_drip_is_waited_for(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", latency=0.3, bytes_per_second=250_000))
    with Workspace.memory("sandbox") as ws:
        assert ws.fetch_events("t", from_date=FIRST, to_date=FIRST).to_dict()["rows"] > 0
    assert len(sandbox.requests) == 1
