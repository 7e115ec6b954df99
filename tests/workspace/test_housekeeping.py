"""Tables as files, and a database no larger than it need be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mixpanel_data import (
    ArgumentError,
    QueryError,
    StorageError,
    TableNotFoundError,
    Workspace,
)
from mixpanel_data.cli.script import run_script
from mixpanel_data.sandbox import Sandbox
from mixpanel_data.workspace.storage.file import IS_1
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


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def read(file: Path) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(f"FROM '{file}' ORDER BY ALL").fetchall()


def inside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "jsonl", "ndjson", "CSV"])
def test_one_table_as_one_file(ws: Workspace, out: Path, ending: str) -> None:
    ws.fetch_events(events=["Purchase"], **DAY)
    file = out / f"purchases.{ending}"
    assert ws.export(file, "EVENTS") == [file]
    assert inside(out) == [file.name]
    assert [row[:4] for row in read(file)] == [row[:4] for row in ws.sql_rows("FROM events ORDER BY ALL")]
    amounts = "SELECT sum((properties->>'$.amount')::DECIMAL(12, 2)) FROM "
    assert duckdb.sql(f"{amounts}'{file}'").fetchall() == ws.sql_rows(f"{amounts} events")


def test_the_two_kinds_of_json(ws: Workspace, out: Path) -> None:
    ws.sql("""CREATE TABLE t AS SELECT unnest([1, 2]) AS one, '{"a": [1.10]}'::JSON AS properties""")
    ws.export(out / "t.json", "t")
    ws.export(out / "t.jsonl", "t")
    rows = [{"one": one, "properties": {"a": [1.1]}} for one in (1, 2)]
    assert json.loads((out / "t.json").read_text()) == rows
    assert [json.loads(line) for line in (out / "t.jsonl").read_text().splitlines()] == rows


@pytest.mark.parametrize("form", [None, "csv", "json"])
def test_all_tables_into_a_folder(ws: Workspace, tmp_path: Path, form: Any) -> None:
    ws.fetch_events(**DAY)
    ws.fetch_profiles()
    ws.sql(
        "CREATE TABLE mine AS SELECT 1 AS one; CREATE VIEW looks AS FROM mine; CREATE TEMP TABLE passing AS FROM mine"
    )
    folder = tmp_path / "new" / "out"
    files = ws.export(folder, format=form)
    assert files == [folder / f"{name}.{form or 'parquet'}" for name in ("events", "mine", "profiles")]
    assert sorted(folder.iterdir()) == sorted(files)
    assert len(read(files[0])) == ws.tables()[0].rows
    assert read(files[1]) == [(1,)]


def test_parquet_knows_the_types(ws: Workspace, out: Path) -> None:
    ws.fetch_events(**DAY)
    (file,) = ws.export(out)
    types = [column[1] for column in duckdb.sql(f"DESCRIBE FROM '{file}'").fetchall()]
    assert types == [column.dtype for column in ws.schema("events").columns]


def test_named_tables_and_views(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE u AS FROM t; CREATE VIEW v AS SELECT one + 1 AS two FROM t")
    assert ws.export(str(out), "v", "t", "T") == [out / "v.parquet", out / "t.parquet"]
    assert read(out / "v.parquet") == [(2,)]
    with pytest.raises(TableNotFoundError, match="there is no table x; there are: t, u"):
        ws.export(out / "more", "t", "x")
    assert not (out / "more").exists()


def test_in_memory(sandbox: Sandbox, out: Path) -> None:
    with Workspace.memory("sandbox") as ws:
        assert ws.export(out) == []
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")
        assert ws.export(out / "all.csv") == [out / "all.csv"], "one table is there, so it is the one"
        assert (out / "all.csv").read_text() == "one\n1\n"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/b", "a%2Fb"), ("../up", "%2E.%2Fup"), ("..", "%2E%2E"), (".hidden", "%2Ehidden"), ("50%", "50%25"), ("a\\b", "a%5Cb"),
        ('quo"te', "quo%22te"), ("it's", "it's"), ("t; DROP TABLE t", "t; DROP TABLE t"), ("ünï 💥", "ünï 💥"),
        ("line\nfeed", "line%0Afeed"), ("x') TO '/tmp/y", "x') TO '%2Ftmp%2Fy"), ("*", "%2A"), ("end ", "end%20"),
    ],
)  # fmt: skip
def test_tables_of_any_name(ws: Workspace, out: Path, name: str, file: str) -> None:
    quoted = name.replace('"', '""')
    ws.sql(f'CREATE TABLE "{quoted}" AS SELECT 1 AS one')
    assert ws.export(out, name, format="csv") == [out / f"{file}.csv"]
    assert inside(out) == [f"{file}.csv"]
    assert (out / f"{file}.csv").read_text() == "one\n1\n"
    assert ws.sql_rows(f'FROM "{quoted}"') == [(1,)]


def test_a_place_of_any_name(ws: Workspace, tmp_path: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    folder = tmp_path / "it's a {place}; DROP TABLE t; --"
    ws.export(folder)
    ws.export(folder / "%o'*.csv", "t")
    assert inside(folder) == ["%o'*.csv", "t.parquet"]
    assert (folder / "%o'*.csv").read_text() == "one\n1\n"


def test_a_table_whose_name_is_too_long(ws: Workspace, out: Path) -> None:
    ws.sql(f'CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE "{"x" * 300}" AS FROM t')
    with pytest.raises(StorageError, match=r"cannot write .*xxx"):
        ws.export(out)
    assert inside(out) == []
    ws.export(out / "x.csv", "x" * 300)
    assert inside(out) == ["x.csv"]


def test_what_is_there_is_not_overwritten_unless_wished(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE TABLE t AS SELECT 1 AS one")
    (out / "t.csv").write_text("mine")
    for target in (out, out / "t.csv"):
        with pytest.raises(StorageError, match=r"t\.csv exists: replace it, or choose another place"):
            ws.export(target, "t", format="csv")
    with pytest.raises(StorageError, match="exists"):
        ws.export(out, format="csv")
    assert (inside(out), (out / "t.csv").read_text()) == (["t.csv"], "mine")
    ws.export(out, format="csv", replace=True)
    assert (inside(out), (out / "t.csv").read_text()) == (["a.csv", "t.csv"], "one\n1\n")


def test_whole_or_not_at_all(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE VIEW v AS SELECT error('broken') AS x FROM range(100000)")
    (out / "v.csv").write_text("mine")
    with pytest.raises(QueryError, match="broken"):
        ws.export(out, "a", "v", format="csv", replace=True)
    assert (inside(out), (out / "v.csv").read_text()) == (["v.csv"], "mine")
    (out / "a.csv").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*a\.csv"):
        ws.export(out, "a", format="csv", replace=True)
    assert inside(out) == ["a.csv", "v.csv"]


def test_places_that_will_not_do(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE u AS FROM t")
    with pytest.raises(ArgumentError, match="format must be one of parquet, csv, json, jsonl, ndjson, not 'xlsx'"):
        ws.export(out, format="xlsx")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"t\.csv would not be json: write .*t\.json"):
        ws.export(out / "t.csv", "t", format="json")
    with pytest.raises(ArgumentError, match="is one file, for one table, and not for 2: name a folder, or one table"):
        ws.export(out / "t.csv")
    (out / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot make the folder .*file"):
        ws.export(out / "file")
    assert inside(out) == ["file"]


def test_a_folder_that_is_called_like_a_file(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    (out / "all.parquet").mkdir()
    assert ws.export(out / "all.parquet", "t") == [out / "all.parquet" / "t.parquet"]


def test_the_sql_of_an_export(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    ws.export(out / "t.csv", "t")
    shown = ws.last_sql
    assert shown is not None
    (out / "t.csv").unlink()
    ws.sql(shown)
    assert (out / "t.csv").read_text() == "one\n1\n"


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
    for answer in run_script(ws._session, "FROM t LIMIT 1"):
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
