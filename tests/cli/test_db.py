"""``mp db``: the database as a file, and the databases of a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import Workspace
from tests.cli.conftest import Run
from tests.cli.terminal import on_a_terminal

Ok = Callable[..., str]
BASE = ("--account", "sandbox")
FETCH = (*BASE, "fetch", "events", "january", "--from", "2024-01-01", "--to", "2024-01-01")


def test_what_fetch_fills_sql_reads_without_a_path(ok: Ok) -> None:
    ok(*FETCH)
    file = Path(ok(*BASE, "db", "path").strip())
    assert file.name == "1.db"
    assert file.exists()
    assert json.loads(ok(*BASE, "sql", "SELECT count(*) AS n FROM january")) == [{"n": 3885}]
    size = json.loads(ok(*BASE, "db", "size"))
    assert size == {"path": str(file), "size_mb": round(file.stat().st_size / 1e6, 3), "tables": 1}
    with Workspace("sandbox") as ws:
        assert ws.sql_scalar("SELECT count(*) FROM january") == 3885


def test_an_ephemeral_database_leaves_nothing(ok: Ok, tmp_path: Path) -> None:
    ok("--ephemeral", *FETCH)
    ok("--ephemeral", *BASE, "sql", "CREATE TABLE t AS SELECT 1")
    assert json.loads(ok(*BASE, "inspect", "tables")) == []
    assert not list(tmp_path.rglob("*.db"))


def test_a_path_and_ephemeral_exclude_each_other(run: Run) -> None:
    for command in (["sql", "SELECT 1"], ["inspect", "tables"]):
        done = run("--ephemeral", "--path", "x.db", *command)
        assert (done.code, done.err) == (3, "mp: give only one of --path and --ephemeral\n")


def test_without_an_account_sql_is_in_memory(ok: Ok, run: Run, tmp_path: Path) -> None:
    assert ok("sql", "CREATE TABLE t AS SELECT 1 AS a; FROM t", "--format", "plain") == "1\n"
    assert not (tmp_path / "databases").exists()
    done = run("db", "path")
    assert (done.code, done.err) == (
        3,
        "mp: without an account, and without --path, tables are in memory: add --account or --path\n",
    )


def test_export(ok: Ok, run: Run, tmp_path: Path) -> None:
    ok(*FETCH)
    file = tmp_path / "january.parquet"
    assert json.loads(ok(*BASE, "db", "export", str(file), "january")) == {"files": [str(file)]}
    assert duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall() == [(3885,)]
    done = run(*BASE, "db", "export", str(file), "january")
    assert done.code == 1
    assert done.err == f"mp: {file} exists: give --replace, or another place\n"
    ok(*BASE, "db", "export", str(tmp_path / "out"), "--kind", "csv")
    assert (tmp_path / "out" / "january.csv").exists()


def test_reset_asks(ok: Ok, run: Run, tmp_path: Path) -> None:
    ok(*FETCH)
    done = run(*BASE, "db", "reset")
    assert (done.code, done.err) == (3, "mp: this would drop january: add --yes\n")
    environment = {"MP_DATA_DIR": str(tmp_path / "databases")}
    code, shown = on_a_terminal([*BASE, "db", "reset"], environment, typed=["n"])
    assert code == 1
    assert "This will drop january. Go on? [y/N]: " in shown
    assert json.loads(ok(*BASE, "inspect", "tables"))
    assert json.loads(ok(*BASE, "db", "reset", "--yes"))["dropped"] == ["january"]
    assert json.loads(ok(*BASE, "inspect", "tables")) == []


def test_workspaces(ok: Ok, run: Run) -> None:
    ok(*FETCH)
    ok(*BASE, "db", "workspace", "create", "trial")
    ok(*BASE, "db", "workspace", "switch", "trial")
    assert json.loads(ok(*BASE, "inspect", "tables")) == []
    current = [one["name"] for one in json.loads(ok(*BASE, "db", "workspace", "list")) if one["is_current"]]
    assert current == ["trial"]
    assert run(*BASE, "db", "workspace", "delete", "trial").code == 3
    assert json.loads(ok(*BASE, "db", "workspace", "delete", "trial", "--yes")) == {"deleted": "trial"}
    assert [table["name"] for table in json.loads(ok(*BASE, "inspect", "tables"))] == ["january"]
    for command in (("switch", "nope"), ("delete", "nope", "--yes")):
        done = run(*BASE, "db", "workspace", *command)
        assert done.code == 4
        assert done.err.count("\n") == 1
    assert run(*BASE, "db", "workspace", "create", "../x").code == 3


def test_vacuum(ok: Ok) -> None:
    ok(*BASE, "sql", "CREATE TABLE large AS SELECT hash(i) AS h FROM range(1000000) t(i); CREATE TABLE small AS SELECT 1 AS a")  # fmt: skip
    ok(*BASE, "inspect", "drop", "large")
    assert json.loads(ok(*BASE, "db", "vacuum"))["saved_bytes"] >= 0
    assert ok(*BASE, "sql", "FROM small", "--format", "plain") == "1\n"


def test_prune(ok: Ok, run: Run, tmp_path: Path) -> None:
    ok(*FETCH)
    left = tmp_path / "databases" / "1.db.99999999-0.tmp"
    left.mkdir()
    assert str(left) in json.loads(ok(*BASE, "db", "prune", "--dry-run"))["would_be_removed"]
    assert left.exists()
    assert str(left) in json.loads(ok(*BASE, "db", "prune"))["removed"]
    assert not left.exists()
    assert json.loads(ok(*BASE, "db", "prune", "--older-than", "30d")) == {"removed": []}
    done = run(*BASE, "db", "prune", "--older-than", "soon")
    assert (done.code, done.err) == (3, "mp: --older-than soon: write a number with d, h or w, as in 30d\n")


@pytest.mark.parametrize("path", ["x.db", "nested/x.db"])
def test_a_path_of_ones_own(path: str, ok: Ok, tmp_path: Path) -> None:
    (tmp_path / "nested").mkdir()
    file = str(tmp_path / path)
    assert ok("--path", file, "db", "path") == f"{file}\n"
    assert json.loads(ok("--path", file, "db", "path", "--format", "json")) == {"path": file}
