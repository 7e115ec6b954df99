"""The database is open late, for as short as possible, and only for reading where that is enough."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import QueryError, StorageError, Workspace
from mixpanel_data.cli.script import run_script
from mixpanel_data.sandbox import Fault, Sandbox

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


@pytest.fixture
def ws(sandbox: Sandbox, path: Path) -> Iterator[Workspace]:
    with Workspace("sandbox", path=path, wait=False) as workspace:
        yield workspace


def elsewhere(code: str, path: Path) -> str:
    """What another process finds in the database, or its error."""
    script = f"import duckdb; con = duckdb.connect({str(path)!r}); print(con.execute({code!r}).fetchall())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@contextmanager
def held(path: Path, mode: str) -> Iterator[int]:
    """Another process has the database open meanwhile."""
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}, read_only={mode == 'read'}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate("")


@contextmanager
def at_work(work: Callable[[], object]) -> Iterator[None]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    assert failures == []


def test_no_file_is_made_until_something_is_written(ws: Workspace, path: Path) -> None:
    assert ws.tables() == []
    assert "Purchase" in ws.events()
    assert ws.sql_scalar("SELECT count(*) > 0 FROM mixpanel_events()")
    assert not path.exists()
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    assert path.exists()


def test_where_it_is_unless_said_otherwise(sandbox: Sandbox, tmp_path: Path) -> None:
    with Workspace("sandbox") as ws:
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")
        assert ws.info().path == tmp_path / "databases" / f"{sandbox.project_id}.db"
    assert (tmp_path / "databases").stat().st_mode & 0o777 == 0o700
    with Workspace("sandbox") as again:
        assert again.sql_rows("FROM t") == [(1,)]


def test_others_read_and_write_between_two_statements(ws: Workspace, path: Path) -> None:
    ws.fetch_events(**DAY)
    ws.sql("CREATE TABLE mine AS SELECT 1 AS one")
    assert elsewhere("INSERT INTO mine VALUES (2) RETURNING one", path) == "[(2,)]"
    assert ws.sql_rows("SELECT sum(one)::INTEGER FROM mine") == [(3,)]


@pytest.mark.parametrize("mode", [{}, {"append": True}, {"replace": True}, {"resume": True}])
def test_others_read_and_write_while_a_fetch_waits_for_mixpanel(
    ws: Workspace, path: Path, sandbox: Sandbox, mode: dict[str, bool]
) -> None:
    ws.sql("CREATE TABLE mine AS SELECT 1 AS one")
    if mode:
        ws.fetch_events("t", from_date="2023-12-31", to_date="2023-12-31")
    waiting = threading.Event()
    sandbox.faults.add(Fault(match="/export", latency=3))
    sandbox.requests.clear()

    def fetch() -> None:
        ws.fetch_events("t", progress=lambda _: waiting.set(), **DAY, **mode)

    with at_work(fetch):
        while not sandbox.requests:
            waiting.wait(0.01)
        assert elsewhere("INSERT INTO mine VALUES (2) RETURNING one", path) == "[(2,)]"
        assert ws.sql_scalar("SELECT count(*) FROM mine") == 2, "and so does this workspace itself"
    assert ws.sql_scalar("SELECT count(*) > 0 FROM t")


def test_a_reader_elsewhere_does_not_disturb_reading(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    with held(path, "read") as process:
        assert ws.sql_rows("FROM t") == [(1,)]
        assert [table.name for table in ws.tables()] == ["t"]
        with pytest.raises(StorageError, match=f"in use by process {process} .*: wait until it ends"):
            ws.sql("INSERT INTO t VALUES (2)")
    ws.sql("INSERT INTO t VALUES (2)")
    assert ws.sql_rows("FROM t ORDER BY one") == [(1,), (2,)]


def test_a_writer_elsewhere_is_named_or_waited_for(ws: Workspace, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    with Workspace("sandbox", path=path) as patient, held(path, "write") as process:
        with pytest.raises(StorageError, match=f"in use by process {process}"):
            ws.sql("FROM t")
        found: list[object] = []
        with at_work(lambda: found.append(patient.sql_rows("FROM t"))):
            while not said.getvalue().endswith("\n"):
                pass
            assert said.getvalue().startswith(f"{path} is in use by process {process}")
            subprocess.run(["kill", str(process)], check=True)
        assert found == [[(1,)]]


def test_the_connection_keeps_the_file_until_the_end(ws: Workspace, path: Path) -> None:
    ws.fetch_events(**DAY)
    con = ws.connection
    assert con.sql("SELECT count(*) FROM events").fetchall() == con.sql("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()  # fmt: skip
    assert "lock" in elsewhere("FROM events", path)
    ws.fetch_events("more", **DAY)
    assert [table.name for table in ws.tables()] == ["events", "more"]
    ws.close()
    assert elsewhere("SELECT count(*) > 0 FROM more", path) == "[(True,)]"


def test_what_is_begun_stays_open(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    ws.sql("BEGIN")
    ws.sql("INSERT INTO t VALUES (2)")
    ws.sql("ROLLBACK")
    assert ws.sql_rows("FROM t") == [(1,)]


def test_two_workspaces_of_one_process_take_turns(ws: Workspace, path: Path) -> None:
    with Workspace("sandbox", path=path) as other:
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")

        def write(workspace: Workspace) -> None:
            for _ in range(20):
                workspace.sql("INSERT INTO t VALUES (1)")

        with at_work(lambda: write(other)):
            write(other)
        assert ws.sql_scalar("SELECT count(*) FROM t") == 41


def test_the_file_is_open_in_this_process_already(ws: Workspace, path: Path) -> None:
    with (
        duckdb.connect(path),
        pytest.raises(StorageError, match=r"open in this process already, by duckdb\.connect"),
    ):
        ws.sql("CREATE TABLE t AS SELECT 1")


def test_a_stream_reads_while_others_read_and_nothing_writes(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS FROM range(1000000)")
    stream = ws.stream("FROM t", rows=1000)
    assert next(stream).num_rows <= 2048
    assert ws.sql_scalar("SELECT count(*) FROM t") == 1_000_000
    with pytest.raises(StorageError, match="is being read by a stream of this thread: finish or close it first"):
        ws.sql("DROP TABLE t")
    stream.close()
    ws.drop("t")
    assert ws.tables() == []


@pytest.mark.parametrize("name", ["mixpanel.db", "memory.db", "with space.db", 'quo"te.db', "it's.db", "ünï.db"])
def test_any_file_name_will_do(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    with Workspace("sandbox", path=tmp_path / name) as ws:
        ws.fetch_events(**DAY)
        ws.sql("CREATE VIEW purchases AS FROM events WHERE event_name = 'Purchase'")
        assert ws.sql_scalar("SELECT count(*) FROM mixpanel_events()") > 3
    with duckdb.connect(tmp_path / name) as con:
        assert con.execute("SELECT count(*) > 0 FROM purchases").fetchall() == [(True,)]


def test_a_database_is_opened_without_credentials(ws: Workspace, path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no database"):
        Workspace.open(path)
    ws.fetch_events(**DAY)
    with Workspace.open(path) as opened:
        assert opened.sql_scalar("SELECT count(*) FROM events") == ws.sql_scalar("SELECT count(*) FROM events")
        assert opened.info().project_id is None
        for ask in (
            lambda: opened.fetch_events("x", **DAY),
            opened.events,
            lambda: opened.sql("FROM mixpanel_events()"),
        ):
            with pytest.raises(mixpanel_data.AuthenticationError, match="opened without credentials"):
                ask()
        assert [table.name for table in opened.tables()] == ["events"]
        opened.sql("CREATE TABLE more AS SELECT 1 AS one")


def test_a_file_that_may_only_be_read(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    path.chmod(0o400)
    with Workspace.open(path) as opened:
        assert opened.sql_rows("FROM t") == [(1,)]
        assert [column.name for column in opened.schema("t").columns] == ["one"]


def test_one_fetch_at_a_time_for_a_database(ws: Workspace, path: Path, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", latency=2))
    sandbox.requests.clear()
    with Workspace("sandbox", path=path, wait=False) as second, at_work(lambda: ws.fetch_events("t", **DAY)):
        pause = threading.Event()
        while not sandbox.requests:
            pause.wait(0.01)
        with pytest.raises(StorageError, match=r"being fetched into by process \d+: wait until it ends"):
            second.fetch_events("u", **DAY)
    assert [file.name for file in path.parent.glob("*fetching*")] == []
    assert len(sandbox.requests) == 1


def test_a_database_in_memory_by_duckdbs_name_for_it(sandbox: Sandbox, path: Path) -> None:
    with Workspace("sandbox", path=":memory:") as ws:
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")
        assert ws.info().path is None
    assert not Path(":memory:").exists()


def test_a_file_name_where_an_account_belongs(sandbox: Sandbox) -> None:
    with pytest.raises(mixpanel_data.AccountNotFoundError, match=r"write Workspace\(path='shop.duckdb'\)"):
        Workspace("shop.duckdb")
    with pytest.raises(mixpanel_data.AccountNotFoundError) as caught:
        Workspace("staging")
    assert "path=" not in str(caught.value)


def test_no_credentials_at_all() -> None:
    with pytest.raises(mixpanel_data.AuthenticationError, match="no Mixpanel credentials"):
        Workspace()


def test_a_folder_that_is_not_there_or_may_not_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    with Workspace("sandbox", path=tmp_path / "nowhere" / "x.db") as ws:
        with pytest.raises(StorageError, match=r"cannot open .*nowhere"):
            ws.sql("CREATE TABLE t AS SELECT 1")
        with pytest.raises(StorageError, match=r"cannot write beside .*nowhere"):
            ws.fetch_events(**DAY)
    assert sandbox.requests == []


def test_a_dry_run_touches_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    with Workspace("sandbox") as ws:
        ws.fetch_events(dry_run=True, **DAY)
        ws.fetch_events(dry_run=True, resume=True, **DAY)
        ws.fetch_profiles(dry_run=True)
    assert not (tmp_path / "databases").exists()


def test_the_secret_is_in_no_repr(sandbox: Sandbox, point_at: Callable[..., None]) -> None:
    point_at(sandbox.url, secret="s3cr3t-välue")
    with Workspace() as ws:
        for shown in (repr(ws), repr(ws.info()), str(ws.info().to_dict()), repr(ws._credentials), str(ws.last_sql)):
            assert "s3cr3t" not in shown


def test_threads_ask_at_the_same_time(ws: Workspace) -> None:
    ws.fetch_events(**DAY)
    found: list[object] = []

    def ask() -> None:
        for _ in range(5):
            found.append((ws.sql_scalar("SELECT count(*) FROM events"), len(ws.events()), len(ws.tables())))

    with at_work(ask), at_work(ask), at_work(ask):
        ask()
    assert len(found) == 20
    assert len(set(found)) == 1


def test_many_threads_and_several_names_of_one_file(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t (i INTEGER)")
    (path.parent / "sub").mkdir()
    link = path.parent / "link.duckdb"
    link.symlink_to(path)

    def write(name: Path) -> None:
        with Workspace("sandbox", path=name) as workspace:
            for i in range(60):
                workspace.sql("INSERT INTO t VALUES (?)", [i])

    names = [path, path.parent / "sub" / ".." / path.name, link]
    with at_work(lambda: write(names[0])), at_work(lambda: write(names[1])), at_work(lambda: write(names[2])):
        pass
    assert ws.sql_scalar("SELECT count(*) FROM t") == 180


def test_a_stream_of_this_thread_keeps_another_workspace_from_writing(ws: Workspace, path: Path) -> None:
    ws.sql("CREATE TABLE t AS FROM range(100000)")
    stream = ws.stream("FROM t", rows=1000)
    next(stream)
    with Workspace("sandbox", path=path) as other:
        with pytest.raises(StorageError, match="is being read by a stream of this thread"):
            other.sql("CREATE TABLE u AS SELECT 1")
        stream.close()
        other.sql("CREATE TABLE u AS SELECT 1")


def test_an_answer_that_this_thread_reads_keeps_it_from_writing(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    for answer in run_script(ws._session.database, "FROM t"):
        with pytest.raises(StorageError, match="is being read by this workspace: read what it gives to its end first"):
            ws.sql("CREATE TABLE u AS SELECT 1")
        assert list(answer.rows()) == [(1,)]
    ws.sql("CREATE TABLE u AS SELECT 1")


def test_a_stream_of_another_thread_is_waited_for(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t AS FROM range(100000)")
    begun, go_on = threading.Event(), threading.Event()

    def read() -> None:
        for _ in ws.stream("FROM t", rows=1000):
            begun.set()
            go_on.wait(0.01)

    with at_work(read):
        begun.wait()
        ws.sql("INSERT INTO t VALUES (1)")
    assert ws.sql_scalar("SELECT count(*) FROM t") == 100_001


def test_a_fetch_that_could_not_be_written_is_not_begun(ws: Workspace, sandbox: Sandbox) -> None:
    ws.sql("CREATE TABLE t AS FROM range(100000)")
    stream = ws.stream("FROM t", rows=1000)
    next(stream)
    with pytest.raises(StorageError, match="stream of this thread"):
        ws.fetch_events("x", **DAY)
    stream.close()
    ws.sql("BEGIN")
    for work in (lambda: ws.fetch_events("x", **DAY), lambda: ws.fetch_profiles("y"), lambda: ws.drop("t")):
        with pytest.raises(QueryError, match="a transaction is open: COMMIT or ROLLBACK first"):
            work()
    assert ws.sql_scalar("SELECT count(*) FROM t") == 100_000, "and it is as good as before"
    ws.sql("COMMIT")
    assert sandbox.requests == []


def test_a_transaction_that_has_ended_lets_go(ws: Workspace, path: Path) -> None:
    ws.sql("BEGIN")
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    assert "lock" in elsewhere("FROM t", path)
    ws.sql("COMMIT")
    assert elsewhere("FROM t", path) == "[(1,)]"
    with pytest.raises(QueryError):
        ws.sql("ROLLBACK")
    assert elsewhere("FROM t", path) == "[(1,)]"


@pytest.mark.parametrize("name", ["main.db", "MEMORY.db", "Temp.duckdb", "System.db", "information_schema.db"])
def test_names_that_duckdb_keeps_to_itself(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    with Workspace("sandbox", path=tmp_path / name) as ws:
        ws.fetch_events(**DAY)
        assert ws.sql_scalar("SELECT count(*) > 0 FROM events")


def test_the_connection_of_an_ephemeral_workspace_is_its_database(sandbox: Sandbox) -> None:
    with Workspace.ephemeral("sandbox") as ws:
        ws.connection.execute("CREATE TABLE mine AS SELECT 42 AS x")
        ws.fetch_events(**DAY)
        assert ws.sql_rows("FROM mine") == [(42,)]
        assert [table.name for table in ws.tables()] == ["events", "mine"]


def test_detached_by_the_user(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    ws.sql("USE memory; DETACH shop")
    assert ws.sql_rows("FROM t") == [(1,)]


def test_a_data_folder_that_cannot_be_made(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MP_DATA_DIR", str(tmp_path / "file" / "databases"))
    with Workspace("sandbox") as ws, pytest.raises(StorageError, match="cannot make the folder"):
        ws.sql("CREATE TABLE t AS SELECT 1")


def test_no_room_for_what_is_fetched(
    sandbox: Sandbox, ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StorageError, match=r"can(not)? be kept"):
        ws.fetch_events(**DAY)


def test_a_forked_child_asks_for_itself(sandbox: Sandbox) -> None:
    with Workspace.memory("sandbox") as ws:
        names, rows = ws.events(), ws.fetch_events(**DAY).rows
        child = os.fork()
        if child == 0:
            with Workspace.memory("sandbox") as own:
                os._exit(0 if (own.events(), own.fetch_events(**DAY).rows) == (names, rows) else 1)
        assert os.waitpid(child, 0)[1] == 0
        ws.clear_discovery_cache()
        assert ws.events() == names


SPILL = "SET memory_limit = '60MB'; SET threads = 1; CREATE TEMP TABLE t AS SELECT hash(i + {0}) AS h, i FROM range(6000000) r(i)"


def test_what_does_not_fit_into_memory_is_not_mixed_up(sandbox: Sandbox, ws: Workspace, path: Path) -> None:
    with Workspace("sandbox", path=path) as other:
        for number, workspace in enumerate((ws, other)):
            workspace.sql(SPILL.format(number))
        assert list(path.parent.glob("*.tmp"))
        for number, workspace in enumerate((ws, other)):
            assert workspace.sql_scalar(f"SELECT count(*) FROM t WHERE h <> hash(i + {number})") == 0
    ws.close()
    assert list(path.parent.glob("*.tmp")) == []
