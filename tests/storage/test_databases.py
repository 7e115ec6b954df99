"""Named databases of a project, and what is removed when nobody needs it any more."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import (
    ArgumentError,
    ConfigError,
    DatabaseInfo,
    NotFoundError,
    StorageError,
    Workspace,
    databases,
)
from mixpanel_data.sandbox import Sandbox
from tests.workspace.test_database import elsewhere, held

LONG_AGO = 1_500_000_000
MONTH = timedelta(days=30)
KILLED = "import os, sys; print(os.getpid())"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder; temporary files are in another one."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "databases"


def names(project_id: str | None = None) -> list[str]:
    return [
        f"{found.project_id}.{found.name}{'*' * found.is_current}" for found in databases.list_databases(project_id)
    ]


def aged(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def ended_process() -> int:
    return int(subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=True).stdout)


def test_a_project_has_a_database_from_the_beginning(folder: Path) -> None:
    assert databases.list_databases("12") == [DatabaseInfo("default", "12", folder / "12.db", 0.0, True, None)]
    assert databases.list_databases() == []
    assert databases.current_database("12") == folder / "12.db"
    assert not folder.exists()


def test_a_workspace_uses_the_current_one(sandbox: Sandbox, folder: Path) -> None:
    with Workspace("sandbox") as ws:
        ws.sql("CREATE TABLE t AS SELECT 'default' AS name")
    assert databases.create_database("1", "shop") == folder / "1.shop.db"
    with Workspace("sandbox") as ws:
        assert ws.sql_scalar("SELECT name FROM t") == "default", "made is not switched to"
    databases.switch_database("1", "shop")
    with Workspace("sandbox") as ws, Workspace("sandbox", project_id="2") as other:
        ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
        assert ws.info().path == folder / "1.shop.db"
        assert other._session.database.path == folder / "2.db"
    assert names("1") == ["1.default", "1.shop*"]
    databases.switch_database("1", "default")
    with Workspace("sandbox") as ws:
        assert [table.name for table in ws.tables()] == ["t"]


def test_what_is_told_of_them(sandbox: Sandbox, folder: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    path = databases.create_database("12", "shop")
    databases.create_database("9", "a-b_C1")
    for stranger in ("notes.db", "12.a b.db", "12.shop.old.db", "12.default.db", "x.current"):
        (folder / stranger).write_text("")
    (shop,) = [found for found in databases.list_databases("12") if found.name == "shop"]
    assert (shop.path, shop.project_id, shop.is_current) == (path, "12", False)
    assert shop.modified_at is not None
    assert before < shop.modified_at <= datetime.now(UTC)
    assert 0 < shop.size_mb < 1
    assert shop.to_dict()["path"] == str(path)
    assert names() == ["12.default*", "12.shop", "9.default*", "9.a-b_C1"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_not_yet_in_the_file_itself_counts(folder: Path) -> None:
    path = databases.create_database("1", "shop")
    con = duckdb.connect(path)
    con.execute("CREATE TABLE t AS SELECT hash(i) AS h FROM range(20000) AS r(i)")
    shop = next(found for found in databases.list_databases("1") if found.name == "shop")
    assert shop.size_mb > 0.1
    con.close()


def test_a_new_one_can_hold_what_a_workspace_writes(sandbox: Sandbox, folder: Path) -> None:
    databases.create_database("1", "shop")
    databases.switch_database("1", "shop")
    with Workspace("sandbox") as ws:
        ws.sql("CREATE TABLE t AS SELECT {'a': 1}::VARIANT AS v")
    assert elsewhere("SELECT v.a::INTEGER FROM t", folder / "1.shop.db") == "[(1,)]"


@pytest.mark.parametrize("name", ["", "a b", "../x", "a.b", "a/b", "ä", "a\n", "'; DROP"])
def test_names_that_are_none(folder: Path, name: str) -> None:
    for work in (databases.create_database, databases.switch_database, databases.delete_database):
        with pytest.raises(ArgumentError, match=r"letters, digits, - and _, such as [\w-]+, not"):
            work("1", name)
    assert not folder.exists()


@pytest.mark.parametrize("project", ["", "../1", "1/2", "a", "1.x", "١"])
def test_projects_that_are_none(folder: Path, project: str) -> None:
    for work in (
        lambda: databases.create_database(project, "x"),
        lambda: databases.list_databases(project),
        lambda: databases.current_database(project),
        lambda: databases.reset_database(project),
    ):
        with pytest.raises(ArgumentError, match="a project's id is a number, such as 12345, not"):
            work()


@pytest.mark.parametrize("name", ["default", "Default", "shop", "SHOP"])
def test_a_name_that_is_taken(folder: Path, name: str) -> None:
    databases.create_database("1", "shop")
    with pytest.raises(StorageError, match=r"project 1 has a database \w+ already: choose another name, or switch_dat"):
        databases.create_database("1", name)
    databases.create_database("2", "shop")


def test_one_that_is_not_there(folder: Path) -> None:
    databases.create_database("1", "shop")
    for work in (databases.switch_database, databases.delete_database, databases.reset_database):
        with pytest.raises(NotFoundError, match=r"no database shpo, but default, shop: create_database\('1', 'shpo'\)"):
            work("1", "shpo")


def test_deleting(folder: Path) -> None:
    databases.create_database("1", "shop")
    databases.create_database("1", "test")
    databases.switch_database("1", "shop")
    databases.delete_database("1", "test")
    assert names("1") == ["1.default", "1.shop*"]
    (folder / "1.shop.db.tmp").mkdir()
    (folder / "1.shop.db.tmp" / "duckdb_temp_storage").write_text("rows")
    databases.delete_database("1", "shop")
    assert names("1") == ["1.default*"]
    assert list(folder.iterdir()) == []
    with pytest.raises(ArgumentError, match=r"default is always there: reset_database\('1', 'default'\) empties it"):
        databases.delete_database("1", "default")


def test_what_was_not_yet_in_the_file_itself_is_gone_too(folder: Path) -> None:
    path = databases.create_database("1", "shop")
    script = (
        f"import duckdb, os; c = duckdb.connect({str(path)!r}); c.execute('CREATE TABLE t AS SELECT 1'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (folder / "1.shop.db.wal").exists()
    databases.delete_database("1", "shop")
    assert list(folder.iterdir()) == []
    databases.create_database("1", "shop")
    assert elsewhere("SELECT count(*) FROM duckdb_tables()", path) == "[(0,)]"


@pytest.mark.parametrize("mode", ["read", "write"])
def test_one_that_another_process_has(folder: Path, mode: str) -> None:
    path = databases.create_database("1", "shop")
    databases.switch_database("1", "shop")
    with held(path, mode) as process:
        for work in (databases.delete_database, databases.reset_database):
            with pytest.raises(StorageError, match=f"in use by process {process} .*: wait until it ends"):
                work("1", "shop")
        aged(path)
        assert databases.prune(older_than=MONTH, dry_run=True) == []
        assert databases.prune(older_than=MONTH) == []
    assert names("1") == ["1.default", "1.shop*"]


def test_one_that_another_process_fetches_into(folder: Path) -> None:
    path = aged(databases.create_database("1", "shop"))
    with fetching(path) as process:
        for work in (databases.delete_database, databases.reset_database):
            with pytest.raises(StorageError, match=f"being fetched into by process {process.pid}: wait until it ends"):
                work("1", "shop")
        assert databases.prune(older_than=MONTH, dry_run=True) == databases.prune(older_than=MONTH) == []
        process.kill()
    lock = folder / "1.shop.db.fetching"
    assert lock.exists()
    assert databases.prune(dry_run=True) == [lock]
    assert databases.prune() == [lock]
    assert [path.name for path in folder.iterdir()] == ["1.shop.db"]


def fetching(path: Path) -> subprocess.Popen[str]:
    """Another process that has the right to fetch into the database."""
    script = f"""
import sys
from pathlib import Path
from mixpanel_data.storage.locks import fetch_lock
with fetch_lock(Path({str(path)!r}), wait=False):
    print(True, flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_one_that_this_process_has(sandbox: Sandbox, folder: Path) -> None:
    databases.create_database("1", "shop")
    databases.switch_database("1", "shop")
    with Workspace("sandbox") as ws:
        ws.connection.execute("CREATE TABLE t AS SELECT 1 AS one")
        with pytest.raises(StorageError, match="open in this process already"):
            databases.delete_database("1", "shop")
        assert ws.sql_rows("FROM t") == [(1,)]


def test_resetting(sandbox: Sandbox, folder: Path) -> None:
    assert databases.reset_database("1") == folder / "1.db"
    assert not folder.exists()
    databases.create_database("1", "shop")
    databases.switch_database("1", "shop")
    with Workspace("sandbox") as ws:
        ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
        ws.sql("CREATE VIEW v AS FROM events")
        full = ws.info().size_mb
        assert databases.reset_database("1") == folder / "1.shop.db"
        assert (
            ws.sql_scalar(
                "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND database_name = current_database()"
            )
            == 0
        )
        assert ws.tables() == []
        assert ws.info().size_mb < full
    assert names("1") == ["1.default", "1.shop*"], "and is still the current one"


def test_the_note_of_the_current_one_is_nonsense(folder: Path) -> None:
    folder.mkdir()
    (folder / "1.current").write_bytes(b"\xff../x\n")
    for work in (databases.current_database, databases.list_databases):
        with pytest.raises(
            ConfigError, match=r"1.current has no name of a database: switch_database\('1', 'default'\)"
        ):
            work("1")
    databases.switch_database("1", "default")
    assert databases.current_database("1") == folder / "1.db"
    assert [path.name for path in folder.iterdir()] == ["1.current"], "and nothing is left beside it"


def test_the_current_one_was_removed_by_hand(sandbox: Sandbox, folder: Path) -> None:
    databases.create_database("1", "shop")
    databases.switch_database("1", "shop").unlink()
    assert names() == ["1.default", "1.shop*"]
    with Workspace("sandbox") as ws:
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")
        assert ws.info().path == folder / "1.shop.db"


def test_the_data_folder_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MP_DATA_DIR", str(tmp_path / "file" / "databases"))
    assert databases.current_database("1").name == "1.db"
    with pytest.raises(StorageError, match="cannot make the folder"):
        databases.create_database("1", "shop")
    with pytest.raises(StorageError, match="cannot write"):
        databases.switch_database("1", "default")


def test_pruning_where_there_is_nothing(folder: Path) -> None:
    assert databases.prune(older_than=MONTH) == []
    databases.create_database("1", "shop")
    assert databases.prune(older_than=MONTH) == []
    with pytest.raises(ArgumentError, match=r"older_than must be some time, such as timedelta\(days=90\)"):
        databases.prune(older_than=timedelta())
    assert databases.prune(older_than=timedelta.max) == []


def test_what_killed_processes_left(folder: Path) -> None:
    path, living, ended = databases.create_database("1", "shop"), os.getpid(), ended_process()
    left = [
        folder / "1.shop.db.fetching",
        *(folder / f"1.{name}.tmp" for name in (f"db.{ended}-1", f"shop.db.{ended}-22", "shop.db")),
        folder / "1.shop.db.vacuum",
        aged(Path(tempfile.mkdtemp(prefix="mixpanel_data-"))),
    ]
    left[0].write_text("1234")
    for place in left[1:5]:
        place.mkdir()
        (place / "rows").write_text("rows")
    others = [folder / f"1.shop.db.{living}-1.tmp", folder / "mine.tmp", folder / "1.shop.db.tmp2"]
    for place in others:
        place.mkdir()
    with held(path, "write"):
        assert left[3] not in databases.prune(dry_run=True), "what DuckDB does not need in memory just now may be there"
        assert left[4] not in databases.prune(dry_run=True)
    assert databases.prune(temporary=False) == []
    assert set(databases.prune(dry_run=True)) == set(left)
    assert all(place.exists() for place in left)
    assert set(databases.prune()) == set(left)
    assert not any(place.exists() for place in left)
    assert all(place.exists() for place in [path, *others])
    assert databases.prune() == []


def test_databases_that_nobody_needs(folder: Path) -> None:
    old, read, written, kept = (databases.create_database("1", name) for name in ("old", "read", "written", "kept"))
    databases.switch_database("1", "old")
    aged(old)
    os.utime(read, (time.time(), LONG_AGO))
    os.utime(written, (LONG_AGO, time.time()))
    script = (
        f"import duckdb, os; c = duckdb.connect({str(kept)!r}); c.execute('CREATE TABLE t AS SELECT 1'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    aged(kept)
    (folder / "1.broken.db").write_text("no database")
    aged(folder / "1.broken.db")
    assert databases.prune() == []
    for _ in range(2):
        assert databases.prune(older_than=MONTH, dry_run=True) == [old], "to look is not to use"
    aged(folder / "1.kept.db.wal")
    assert databases.prune(older_than=MONTH, dry_run=True) == [kept, old]
    assert (folder / "1.kept.db.wal").exists()
    assert databases.prune(older_than=MONTH) == [kept, old]
    assert names("1") == ["1.default*", "1.broken", "1.read", "1.written"]
    assert not (folder / "1.kept.db.wal").exists()
