"""A database no larger than it need be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mixpanel_data import (
    QueryError,
    StorageError,
    Workspace,
)
from mixpanel_data.cli.script import run_script
from mixpanel_data.sandbox import Sandbox
from mixpanel_data.storage.file import IS_1
from tests.workspace.test_database import elsewhere, held

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}
LARGE = """
CREATE TABLE large AS SELECT hash(i) AS h FROM range(300000) AS r(i); CHECKPOINT;
CREATE OR REPLACE TABLE small AS SELECT 1 AS one; CHECKPOINT"""
"""DuckDB would give the room of the last table back by itself."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "databases").mkdir()
    return tmp_path / "databases" / "shop.db"


@pytest.fixture
def ws(sandbox: Sandbox, path: Path) -> Iterator[Workspace]:
    with Workspace("sandbox", path=path, wait=False) as workspace:
        yield workspace


def inside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_vacuum_gives_room_back(ws: Workspace, path: Path) -> None:
    ws.sql(LARGE)
    ws.fetch_events(**DAY)
    ws.drop("large")
    before, rows = path.stat().st_size, ws.sql_rows("FROM events")
    saved = ws.vacuum()
    assert saved > 1_000_000
    assert path.stat().st_size == before - saved
    assert ws.sql_rows("FROM events") == rows
    assert [table.name for table in ws.tables()] == ["events", "small"]
    assert ws.fetch_events(resume=True, from_date="2024-01-01", to_date="2024-01-02").days == 1, "the ledger is there"
    assert inside(path.parent) == ["shop.db"]
    ws.vacuum()
    assert ws.vacuum() == 0
    assert elsewhere("SELECT count(*) > 0 FROM events", path) == "[(True,)]"


def test_vacuum_keeps_all_that_is_in_a_database(ws: Workspace, path: Path) -> None:
    ws.sql(LARGE)
    ws.sql("""
        CREATE SCHEMA "o o"; CREATE SEQUENCE numbers START 5; CREATE TYPE mood AS ENUM ('good', 'bad');
        CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval('numbers'), m mood, v VARIANT, j JSON NOT NULL, CHECK (id > 0));
        CREATE INDEX by_mood ON t (m); CREATE TABLE "o o"."a""b" AS SELECT 1 AS "x y";
        CREATE MACRO plus(a) AS a + 1; CREATE VIEW second AS FROM t; CREATE VIEW first AS FROM second;
        CREATE VIEW asks AS FROM mixpanel.events(); COMMENT ON TABLE t IS 'mine'; COMMENT ON COLUMN t.j IS 'json';
        INSERT INTO t (m, v, j) VALUES ('good', {'a': 1}::VARIANT, '{"a": 1.10}');
    """)
    ws.drop("large")
    before = contents(ws)
    assert ws.vacuum() > 0
    assert contents(ws) == before
    assert ws.sql_scalar("SELECT count(*) FROM asks") > 3
    assert ws.sql_scalar("INSERT INTO t (j) VALUES ('{}') RETURNING id") == 6
    with pytest.raises(QueryError, match="Duplicate key"):
        ws.sql("INSERT INTO t (id, j) VALUES (6, '{}')")


def contents(ws: Workspace) -> list[list[tuple[Any, ...]]]:
    """The catalog of the database, and the rows."""
    of = "WHERE database_name = current_database() ORDER BY ALL"
    return [
        ws.sql_rows(f"SELECT schema_name, table_name, sql, comment, index_count FROM duckdb_tables() {of}"),
        ws.sql_rows(f"SELECT view_name, sql FROM duckdb_views() {of}"),
        ws.sql_rows(f"SELECT column_name, comment, data_type FROM duckdb_columns() {of}"),
        ws.sql_rows(f"SELECT index_name, sql FROM duckdb_indexes() {of}"),
        ws.sql_rows(f"SELECT constraint_text FROM duckdb_constraints() {of}"),
        ws.sql_rows("SELECT function_name FROM duckdb_functions() WHERE database_name = current_database()"),
        ws.sql_rows("SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"),
        ws.sql_rows("SELECT *, v::VARCHAR, plus(id) FROM first"),
        ws.sql_rows('FROM "o o"."a""b"'),
    ]


def test_vacuum_keeps_the_storage_version(ws: Workspace, path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{path}' AS shop (STORAGE_VERSION 'v1.2.0'); USE shop; {LARGE}; DROP TABLE large")
    assert ws.vacuum() > 0
    tag = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
    assert ws.sql_scalar(tag) == "v1.2.0+"


def test_vacuum_keeps_who_may_read(ws: Workspace, path: Path) -> None:
    ws.sql(LARGE)
    ws.drop("large")
    path.chmod(0o600)
    link = path.with_name("link.db")
    link.symlink_to(path)
    with Workspace.open(link) as linked:
        assert linked.vacuum() > 0
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


def test_vacuum_leaves_other_names_of_the_file_alone(ws: Workspace, path: Path) -> None:
    ws.sql(f"{LARGE}; CREATE TABLE t AS SELECT 1 AS one")
    backup = path.with_name("backup.db")
    os.link(path, backup)
    ws.drop("large")
    assert ws.vacuum() > 0
    assert elsewhere("FROM t", backup) == elsewhere("FROM t", path) == "[(1,)]"


def test_who_has_just_opened_the_old_file_finds_no_database_in_it(ws: Workspace, path: Path) -> None:
    ws.sql(LARGE)
    ws.drop("large")
    with path.open("rb") as old:
        assert ws.vacuum() > 0
        assert old.read(4096) == bytes(4096)


def test_where_there_is_nothing_to_vacuum(sandbox: Sandbox, ws: Workspace, path: Path) -> None:
    assert ws.vacuum() == 0
    assert not path.exists()
    for make in (Workspace.memory, Workspace.ephemeral):
        with make("sandbox") as own:
            own.sql(LARGE)
            own.drop("large")
            assert own.vacuum() == 0
            own.sql("CREATE TABLE t AS SELECT 1 AS one")


@pytest.mark.parametrize("mode", ["read", "write"])
def test_no_vacuum_while_another_process_has_the_database(ws: Workspace, path: Path, mode: str) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    with held(path, mode) as process, pytest.raises(StorageError, match=f"in use by process {process}"):
        ws.vacuum()
    assert ws.sql_rows("FROM t") == [(1,)]
    assert inside(path.parent) == ["shop.db"]


def test_no_vacuum_while_this_workspace_needs_the_file(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS FROM range(100000)")
    stream = ws.stream("FROM t", rows=1000)
    next(stream)
    with pytest.raises(StorageError, match="stream of this thread: finish or close it first"):
        ws.vacuum()
    stream.close()
    ws.sql("BEGIN")
    with pytest.raises(QueryError, match="a transaction is open"):
        ws.vacuum()
    ws.sql("INSERT INTO t VALUES (1)")
    ws.sql("COMMIT")
    for answer in run_script(ws._session.database, "FROM t LIMIT 1"):
        with pytest.raises(StorageError, match="is being read by this workspace"):
            ws.vacuum()
        assert list(answer.rows()) == [(0,)]
    ws.vacuum()
    ws.connection.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(StorageError, match="kept open by the connection of this workspace: close it first"):
        ws.vacuum()
    assert "lock" in elsewhere("FROM t", path)
    assert ws.sql_scalar("SELECT count(*) FROM t") == 100_002


def test_a_vacuum_that_fails_leaves_the_database_as_it_was(ws: Workspace, path: Path) -> None:
    ws.sql(f"{LARGE}; DELETE FROM large WHERE h % 2 = 0; CREATE TABLE t AS SELECT 1 AS one")
    script = f"""
import resource
from mixpanel_data import StorageError, Workspace
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    Workspace.open({str(path)!r}).vacuum()
except StorageError as error:
    print("StorageError", error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("StorageError the database cannot be written: "), done.stderr
    assert inside(path.parent) == ["shop.db"]
    assert ws.sql_rows("FROM t") == [(1,)]


@pytest.mark.skipif(not IS_1, reason="DuckDB 2.0 copies them")
def test_tables_that_refer_to_others(ws: Workspace, path: Path) -> None:
    ws.sql(f"{LARGE}; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER REFERENCES p (id))")
    ws.sql("INSERT INTO p VALUES (1)")
    ws.sql("INSERT INTO c VALUES (1)")
    ws.drop("large")
    with pytest.raises(StorageError, match=r"stays as it is, since DuckDB cannot copy it: .*foreign key"):
        ws.vacuum()
    assert ws.sql_rows("FROM c") == [(1,)]
    assert inside(path.parent) == ["shop.db"]


def test_what_a_killed_vacuum_left(ws: Workspace, path: Path) -> None:
    ws.sql(LARGE)
    ws.drop("large")
    folder = path.with_name("shop.db.vacuum")
    folder.mkdir()
    (folder / "shop.db").write_text("half a database")
    assert ws.vacuum() > 0
    assert inside(path.parent) == ["shop.db"]


WRITE = """
import sys
from mixpanel_data import Workspace
with Workspace.open(sys.argv[1]) as ws:
    for i in range(150):
        ws.sql("INSERT INTO t VALUES (?)", [i])
        if i == 5:
            print("begun", flush=True)
"""


def test_what_others_write_meanwhile_is_not_lost(sandbox: Sandbox, path: Path) -> None:
    with Workspace("sandbox", path=path) as ws:
        ws.sql(f"CREATE TABLE t (i INTEGER); {LARGE}; DROP TABLE large")
        with subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            saved = []
            while process.poll() is None:
                ws.sql(f"DROP TABLE small; {LARGE}; DROP TABLE large")
                saved.append(ws.vacuum())
        assert process.returncode == 0
        assert sum(saved) > 1_000_000
        assert ws.sql_rows("SELECT count(*), count(DISTINCT i) FROM t") == [(150, 150)]
