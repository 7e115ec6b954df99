"""``mp serve``: another process's DuckDB uses the functions, whatever program it is in."""

from __future__ import annotations

import doctest
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from mixpanel_data import StorageError, Workspace
from mixpanel_data.serving import extension, server
from tests.anywhere.served import LOADS, Served, free_port, serving
from tests.servers import json_answer, raw_server
from tests.shell import environment, mp

pytest.importorskip("duckdb_cli")
pytest.importorskip("duckdb_extension_quack")

IN_PYTHON = """
import duckdb, sys
with duckdb.connect() as con:
    for text in sys.stdin.read().split("---"):
        rows = con.execute(text).fetchall()
    print(*(",".join(map(str, row)) for row in rows), sep="\\n")
"""
JANUARY, ITS_FIRST_DAY = 111_948, 3_885


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sandbox served, with a local table."""
    folder = tmp_path_factory.mktemp("served")
    with Workspace("sandbox", path=folder / "shop.db", progress=False) as ws:
        ws.fetch_events("first", from_date="2024-01-01", to_date="2024-01-01")
    with serving("--account", "sandbox", "--path", str(folder / "shop.db")) as found:
        yield found


def test_the_command_line_reads_what_the_sandbox_has(served: Served, con: duckdb.DuckDBPyConnection) -> None:
    january = "mixpanel_export('2024-01-01', '2024-01-31')"
    assert served.ask(f"SELECT count(*) FROM {january}") == str(JANUARY)
    query = (
        f"SELECT count(*), sum((properties->>'$.amount')::DECIMAL(12, 2)) FROM {january} WHERE event_name = 'Purchase'"
    )
    (here,) = con.execute(query).fetchall()
    assert served.ask(query) == ",".join(map(str, here))


def test_every_name_leads_there(served: Served) -> None:
    events = served.ask("FROM mixpanel_events()")
    assert "Purchase" in events.splitlines()
    for name in ("mixpanel.events()", "mixpanel_events()"):
        assert served.ask(f"FROM mp.query('FROM {name}')") == events


def test_rows_come_as_they_are(served: Served, con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT md5(string_agg(export::VARCHAR, '' ORDER BY insert_id)) FROM mixpanel_export('2024-01-01', '2024-01-01') AS export"
    assert served.ask(query) == con.execute(query).fetchall()[0][0]


def test_python_is_a_client_too(served: Served) -> None:
    *attach, read = served.lines.splitlines()
    macros = Path(read.split("'")[1]).read_text(encoding="utf-8")
    query = "SELECT count(*) FROM mixpanel_export(?, ?)".replace("?", "'2024-01-01'")
    done = subprocess.run(
        [sys.executable, "-c", IN_PYTHON],
        input="---".join([LOADS, *attach, macros.replace("---", ""), query]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"{ITS_FIRST_DAY}\n", "")


def test_several_clients_at_once(served: Served) -> None:
    query = "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-07')"
    expected = served.ask(query)
    clients = [served.client(query) for _ in range(6)]
    assert [client.communicate(timeout=90) for client in clients] == [(f"{expected}\n", "")] * 6


def test_local_reports_run_on_either_side(served: Served) -> None:
    query = "SELECT users FROM local_daily_active_users(first)"
    there = served.ask("FROM quack_query_by_name('mp', '" + query + "')")
    here = (
        f".read {Path('sql/local/daily_active_users.sql').absolute()}\nSELECT users FROM daily_active_users('mp.first')"
    )
    assert there == served.ask(here) != ""


def test_the_local_tables_are_there(served: Served) -> None:
    assert served.ask("SELECT count(*) FROM mp.first WHERE event_time < '2024-01-02'") == str(ITS_FIRST_DAY)
    assert served.ask("FROM mp.query('SELECT count(*) FROM shop.first')") == str(ITS_FIRST_DAY)


def test_an_error_is_our_line(served: Served) -> None:
    line = "the project has no event 'Purchas': did you mean 'Purchase'? FROM mixpanel_events() lists them all"
    refused = served.refusal("FROM mixpanel_segmentation('Purchas', '2024-01-01', '2024-01-31')")
    assert refused.endswith(f": {line}")


@pytest.mark.parametrize(
    "call", ["mixpanel_events(account := 'other')", "mp.query('FROM mixpanel.events(account := ''other'')')"]
)
def test_no_other_account_can_be_read(served: Served, call: str) -> None:
    assert served.refusal(f"FROM {call}").endswith(
        ": mixpanel_events: account 'other' cannot be read here: leave account out"
    )


def test_its_own_account_may_be_named(served: Served) -> None:
    assert served.ask("SELECT count(*) > 1 FROM mixpanel_events(account := 'sandbox')") == "true"


def test_a_wrong_token_is_refused(served: Served) -> None:
    assert served.refusal("SELECT 1", token="wrong-token").endswith("Authentication failed")


@pytest.mark.parametrize("statement", ["CREATE TABLE t AS SELECT 1", "SELECT 1; DROP VIEW first", "SET threads = 1"])
def test_nothing_but_select(served: Served, statement: str) -> None:
    assert "mp serve runs only SELECT" in served.refusal(f"FROM mp.query('{statement}')")


def test_nothing_is_put_into_it(served: Served) -> None:
    assert "mp serve runs only SELECT" in served.refusal("CREATE TABLE mp.kept AS SELECT 1")


VALUES = (
    *("it's", "''", "'); DROP VIEW first; --", 'say "hi"', "{} {0} {{", "back\\slash \\'"),
    *("two\nlines", "$1 ? %s :x", "Köln 💥", ""),
)


def test_values_travel_exactly() -> None:
    with (
        raw_server(lambda _: json_answer({"results": "ok"})) as mixpanel,
        serving("--ephemeral", **leading_to(mixpanel.url)) as served,
    ):
        for value in VALUES:
            text = value.replace("'", "''")
            served.ask(f"FROM mixpanel_get('/api/query/x', params := {{'given': '{text}', 'n': 12345678901234567}})")
    arrived = [parse_qs(urlsplit(target).query, keep_blank_values=True) for target in mixpanel.targets]
    assert [query["given"] for query in arrived] == [[value] for value in VALUES]
    assert {query["n"][0] for query in arrived} == {"12345678901234567"}


def leading_to(url: str) -> dict[str, str]:
    return {"MP_API_BASE_URL": url, "MP_USERNAME": "robot", "MP_SECRET": "s3cr3t-value", "MP_PROJECT_ID": "1"}


@pytest.mark.parametrize(
    ("ending", "code", "said"), [(signal.SIGTERM, 0, ""), (signal.SIGINT, 130, "mp: interrupted\n")]
)
def test_it_ends_cleanly_with_a_request_under_way(
    ending: signal.Signals, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    asked, answered = threading.Event(), threading.Event()

    def reply(_: str) -> bytes:
        asked.set()
        answered.wait(60)
        return json_answer([])

    with (
        raw_server(reply) as mixpanel,
        serving("--ephemeral", TMPDIR=str(temporary), **leading_to(mixpanel.url)) as served,
    ):
        client = served.client("FROM mixpanel_events()")
        assert asked.wait(30)
        served.process.send_signal(ending)
        assert served.process.wait(timeout=30) == code
        answered.set()
        assert served.process.stderr is not None
        assert served.process.stderr.read() == said
        err = client.communicate(timeout=30)[1]
        assert "mp serve was stopped" in err or "Failed to send message" in err
    assert [*here.iterdir(), *temporary.iterdir()] == []


def test_a_token_of_ones_own_is_not_printed(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "mixpanel_data", "--account", "sandbox", "serve", "--port", str(port), "--token-stdin", "--ephemeral"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("a token's own\n")
        process.stdin.flush()
        lines = "".join(process.stdout.readline() for _ in range(3))
        assert "own" not in lines
        served = Served(process, lines.replace("…", "a token''s own"), port)
        assert served.ask("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')") == str(ITS_FIRST_DAY)
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--port", "0"], "a client must know the port: give one between 1 and 65535, not 0"),
        (["--path", "nowhere.db"], "there is no database nowhere.db"),
        (["--token-stdin"], "the token is too short: give one of 8 characters or more"),
    ],
)
def test_what_cannot_be_served(arguments: list[str], line: str) -> None:
    done = mp("--account", "sandbox", "serve", *arguments, stdin="short\n")
    assert (done.stdout, done.stderr) == ("", f"mp: {line}\n")


def test_a_port_that_is_taken(served: Served) -> None:
    done = mp("--account", "sandbox", "serve", "--port", str(served.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"mp: localhost cannot be listened on at port {served.port}: it is taken, or not for us; give another one\n"
    )


def test_the_token_is_told_once(served: Served) -> None:
    assert served.lines.count(served.token) == 1
    arguments = Path(f"/proc/{served.process.pid}/cmdline")
    assert served.token not in (arguments.read_text() if arguments.exists() else "")
    assert served.token not in repr(server.Server("localhost", 1, served.token, Path()))


def test_without_the_extension_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extension, "packaged", lambda _: None)
    with duckdb.connect(config={"extension_directory": str(tmp_path)}) as con:
        with pytest.raises(StorageError, match=f"pip install duckdb-extension-httpfs=={duckdb.__version__} "):
            extension.load(con)


def test_the_extension_is_found_where_duckdb_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with duckdb.connect(config={"extension_directory": str(tmp_path)}) as con:
        for name in extension.NEEDED:
            con.execute(f"INSTALL '{extension.packaged(name)}'")
        monkeypatch.setattr(extension, "packaged", lambda _: None)
        extension.load(con)
        assert con.execute("FROM quack_server_list()").fetchall() == []


def test_it_listens_on_ipv6() -> None:
    with serving("--account", "sandbox", "--ephemeral", "--host", "::1") as served:
        assert served.ask("SELECT count(*) > 1 FROM mixpanel_events()") == "true"


def test_other_hosts_are_warned_of() -> None:
    with serving("--account", "sandbox", "--ephemeral", "--host", "0.0.0.0") as served:
        assert "(DISABLE_SSL true)" in served.lines
        assert served.ask("SELECT count(*) > 1 FROM mixpanel_events()") == "true"
        served.process.terminate()
        assert served.process.stderr is not None
        assert "unencrypted" in served.process.stderr.read()


def test_the_example_of_the_docstring(sandbox: object) -> None:
    tried = doctest.testmod(server)
    assert (tried.attempted > 2, tried.failed) == (True, 0)
