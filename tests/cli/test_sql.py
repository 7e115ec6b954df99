"""``mp sql`` as a shell sees it: what is on stdout, what on stderr, and the exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from mixpanel_data.sandbox import Fault, Sandbox
from tests.cli.terminal import on_a_terminal
from tests.shell import mp, ok

ODD = "SELECT 1 AS n, 'a|b\tc\nd' AS t, NULL AS nothing, [1, 2] AS l, {'k': 'v'} AS s, '{\"j\":9007199254740993}'::JSON AS j, DATE '2024-01-01' AS d"


def test_the_sandbox_needs_no_setup() -> None:
    rows = json.loads(ok("--account", "sandbox", "sql", "FROM mixpanel_events() LIMIT 2"))
    assert rows == [{"event_name": "Add To Cart"}, {"event_name": 'App "Crash" 💥'}]


def test_options_may_stand_after_the_command_too() -> None:
    assert json.loads(ok("sql", "SELECT count(*) > 2 AS n FROM mixpanel_events()", "--account", "sandbox")) == [
        {"n": True}
    ]


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_a_file_is_a_table_of_a_report(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name's last part is no module or variable of the program's."""
    monkeypatch.chdir(tmp_path)
    Path("events.csv").write_text("event_name,event_time,distinct_id\nBuy,2024-01-01 10:00:00,u\n")
    for name in ("events.csv", str(tmp_path / "events.csv")):
        assert "Buy" in ok("sql", f"FROM local_segmentation('{name}', 'Buy')", "--format", form)


@pytest.mark.parametrize("name", ["query", "con", "rows", "csv", "sys"])
def test_no_variable_of_the_program_is_a_table(name: str) -> None:
    done = mp("sql", f"FROM {name}")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"Table with name {name} does not exist" in done.stderr


def test_json() -> None:
    (row,) = json.loads(ok("sql", ODD))
    assert row == {
        "n": 1,
        "t": "a|b\tc\nd",
        "nothing": None,
        "l": [1, 2],
        "s": {"k": "v"},
        "j": {"j": 9007199254740993},
        "d": "2024-01-01",
    }


def test_json_has_no_nan() -> None:
    query = (
        """SELECT 'nan'::DOUBLE AS "a.b", 0.5::DOUBLE AS "q""uote", '-inf'::FLOAT AS f, 1 AS n, 2.5::DOUBLE AS "{x}" """
    )
    assert ok("sql", query) == '[\n{"a.b":null,"q\\"uote":0.5,"f":null,"n":1,"{x}":2.5}\n]\n'


def test_json_of_no_rows_is_an_empty_list() -> None:
    assert ok("sql", "SELECT 1 WHERE false") == "[]\n"


def test_jsonl() -> None:
    lines = ok("sql", "FROM range(3) t(i)", "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [{"i": 0}, {"i": 1}, {"i": 2}]


def test_csv() -> None:
    (head, row) = csv.reader(io.StringIO(ok("sql", ODD, "--format", "csv"), newline=""))
    assert head == ["n", "t", "nothing", "l", "s", "j", "d"]
    assert row == ["1", "a|b\tc\nd", "", "[1, 2]", "{'k': v}", '{"j":9007199254740993}', "2024-01-01"]


def test_plain() -> None:
    assert ok("sql", "SELECT i, 'x\ty' FROM range(2) t(i)", "--format", "plain") == "0\tx\\ty\n1\tx\\ty\n"


def test_markdown() -> None:
    assert (
        ok("sql", "SELECT 1 AS n, 'a|b' AS t", "--format", "markdown") == "| n | t |\n| ---: | --- |\n| 1 | a\\|b |\n"
    )


def test_a_table_is_neither_wrapped_nor_marked_up() -> None:
    shown = ok("sql", "SELECT '[bold]' || repeat('x', 300) AS long, 2 AS n", "--format", "table")
    assert "[bold]" + "x" * 300 in shown
    assert "\x1b" not in shown


def test_several_statements() -> None:
    script = "CREATE TABLE t AS SELECT 42 AS a; -- made\n\nSELECT a FROM t; INSERT INTO t VALUES (1);\n-- and\nSELECT count(*) AS n FROM t; -- end\n"
    assert ok("sql", script, "--format", "jsonl") == '{"a":42}\n{"n":2}\n'


def test_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "q.sql"
    file.write_text("SELECT 'é' AS x;\n", encoding="utf-8")
    assert ok("sql", "-f", str(file)) == ok("sql", stdin="SELECT 'é' AS x") == '[\n{"x":"é"}\n]\n'


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_output_to_a_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"o.{ending}"
    assert ok("sql", "SELECT 1; SELECT i, 'x' AS t FROM range(3) r(i)", "--output", str(file)) == ""
    reader = {"csv": "read_csv", "parquet": "read_parquet"}.get(ending, "read_json")
    assert duckdb.sql(f"FROM {reader}('{file}')").fetchall() == [(0, "x"), (1, "x"), (2, "x")]
    assert [path.name for path in tmp_path.iterdir() if path.name != "config.toml"] == [file.name]


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text("before")
    done = mp("sql", "SELECT CASE WHEN i > 5000 THEN error('late') END FROM range(10000) t(i)", "-o", str(file))
    assert done.returncode == 3
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name != "config.toml"] == [file.name]


def test_a_database_file(tmp_path: Path) -> None:
    path = str(tmp_path / "shop.duckdb")
    ok("--path", path, "sql", "CREATE TABLE t AS SELECT 7 AS a")
    assert json.loads(ok("sql", "FROM t", "--path", path)) == [{"a": 7}]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sql", "SELEC 1"], 3, "mp: Parser Error: syntax error at or near"),
        (["sql", "FROM nowhere"], 3, "mp: Catalog Error: Table with name nowhere does not exist!"),
        (["sql", "FROM mixpanel_events()"], 2, "mp: no Mixpanel credentials: set MP_USERNAME"),
        (["--account", "nobody", "sql", "SELECT 1"], 2, "mp: no account 'nobody' in"),
        (
            ["--account", "sandbox", "sql", "FROM mixpanel_export('2024-01-01', 'x')"],
            3,
            "mp: mixpanel_export: to_date must be",
        ),
        (["sql", "SELECT 1", "--format", "xml"], 3, "mp: Invalid value for '--format'"),
        (["sql", "SELECT 1", "--formt", "csv"], 3, "mp: No such option: --formt"),
        (["sqll"], 3, "mp: No such command 'sqll'. Did you mean 'sql'?"),
        (["events"], 3, "mp: No such command 'events': did you mean mp inspect events or mp fetch events?"),
        (["segmentatoin"], 3, "mp: No such command 'segmentatoin': did you mean mp query segmentation?"),
        (["export"], 3, "mp: No such command 'export': did you mean mp db export or mp raw export?"),
        (["fetch", "january"], 3, "mp: No such command 'january': there are events, profiles; see mp fetch --help"),
        (["sql", "-f", "/nowhere.sql"], 3, "mp: cannot read /nowhere.sql: No such file or directory"),
        (["sql", "SELECT 1", "-f", "x.sql"], 3, "mp: give the SQL either as an argument or with --file"),
        (["sql", "SELECT 1", "-o", "x.txt"], 3, "mp: cannot write x.txt: the name must end in"),
        (["sql", "SELECT 1", "-o", "/nowhere/x.csv"], 3, "mp: cannot write /nowhere/x.csv"),
        (["sql", "CREATE TABLE t AS SELECT 1", "--path", "/nowhere/x.db"], 1, "mp: cannot open /nowhere/x.db"),
    ],
)
def test_failures_are_one_line_and_a_code(arguments: list[str], code: int, message: str) -> None:
    done = mp(*arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert "leaked" not in done.stderr


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table", "plain", "markdown"])
def test_a_failure_after_the_first_rows_is_a_failure_in_every_format(form: str) -> None:
    done = mp(
        "sql",
        "SELECT CASE WHEN i > 500000 THEN error('late') ELSE i END AS i FROM range(1000000) t(i)",
        "--format",
        form,
    )
    assert done.returncode == 3
    if form in {"json", "jsonl"}:
        assert json.loads(done.stderr) == {"code": "query", "message": "Invalid Input Error: late", "details": {}}
    else:
        assert done.stderr == "mp: Invalid Input Error: late\n"


def test_mixpanel_failing_after_the_first_rows(reach: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-23", status=403, body='{"error":"no"}', times=9))
    done = mp("sql", "FROM mixpanel_export('2024-01-01', '2024-01-31')", "--format", "jsonl", **reach)
    assert done.returncode == 2
    said = json.loads(done.stderr)
    assert said["message"] == "the service account may not read this in project 1 in region us: no"
    assert (said["code"], said["details"]["status"]) == ("access_denied", 403)


def test_the_budget_spent(reach: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", status=429, headers={"Retry-After": "1800"}))
    query = "FROM mixpanel_export('2024-01-01', '2024-01-01')"
    done = mp("--no-wait", "sql", query, **reach)
    assert done.returncode == 5
    assert done.stderr == "mp: the request budget of project 1 in region us is spent; it frees in 1,800 s\n"
    again = mp("--no-wait", "sql", query, **reach)
    assert again.returncode == 5, "another process knows of it"
    assert len(sandbox.requests) == 1
    assert "it frees in 29 min" in again.stderr or "it frees in 30 min" in again.stderr


def test_a_wait_is_told_and_can_be_interrupted(reach: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", status=429, headers={"Retry-After": "1800"}))
    arguments = [sys.executable, "-m", "mixpanel_data", "sql", "FROM mixpanel_export('2024-01-01', '2024-01-01')"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={**os.environ, **reach}) as process:
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "mp: interrupted\n"
    assert process.returncode == 130
    assert "waiting 0 s, then try 2: the request budget of project 1" in told[0]
    assert "the export budget of project 1 is spent" in told[1]
    assert "30 min 0 s left, until " in told[1]


def test_progress_as_json_lines(reach: dict[str, str], sandbox: Sandbox) -> None:
    query = "SELECT count(*) AS n FROM mixpanel_export('2024-01-01', '2024-01-06')"
    done = mp("--progress", "json", "sql", query, **reach)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    last = told[-1]
    assert (last["function"], last["days"], last["days_done"]) == ("mixpanel_export", 6, 6)
    assert last["events"] == json.loads(done.stdout)[0]["n"]
    assert last["budget_left"] == 57
    assert last["bytes"] > 0


def test_environment_wins_over_the_named_account_and_says_so(tmp_path: Path, reach: dict[str, str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[accounts.a]\nusername="u"\nsecret="s"\nproject_id="5"\n')
    config.chmod(0o600)
    query = ["--account", "a", "sql", "SELECT count(*) > 0 AS n FROM mixpanel_events()"]
    done = mp(*query, **reach)
    assert json.loads(done.stdout) == [{"n": True}]
    assert set(done.stderr.splitlines()) == {
        "mp: MP_USERNAME, MP_SECRET and MP_PROJECT_ID win over account 'a': reading project 1 (unset them to use the account)"
    }
    assert mp("--quiet", *query, **reach).stderr == ""


def test_a_reader_that_has_had_enough() -> None:
    command = f"{sys.executable} -m mixpanel_data sql 'FROM range(1000000)' --format jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ('{"range":0}\n', "")


def test_version_and_help() -> None:
    assert ok("--version") == "0.1.0\n"
    assert ok("sql", "--help").splitlines()[2].startswith("  mp --account sandbox sql")
    assert "--account" in ok("--help")


MONTH = ["sql", "SELECT count(*) AS n FROM mixpanel_export('2024-01-01', '2024-01-31')"]


def test_progress_is_shown_on_a_terminal_only(reach: dict[str, str]) -> None:
    code, shown = on_a_terminal(MONTH, reach)
    assert code == 0
    assert "31/31 days" in shown
    assert "events" in shown
    assert "111948" in shown
    code, shown = on_a_terminal(["--quiet", *MONTH], reach)
    assert code == 0
    assert "days" not in shown
    assert ok(*MONTH, **reach) == '[\n{"n":111948}\n]\n'


def test_ctrl_c(reach: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="from_date=2024-01-12", hang=True, cut=0, times=9))
    started = time.monotonic()
    code, shown = on_a_terminal(MONTH, reach, interrupt_at=b"days")
    assert code == 130
    assert shown.rstrip().endswith("mp: interrupted")
    assert time.monotonic() - started < 30


def test_ctrl_c_while_something_is_freed_is_not_lost() -> None:
    """Python can raise nothing there: it would only print that it has ignored an exception."""
    code = """
import sys, time
from mixpanel_data.interrupts import strike_after
sys.unraisablehook = strike_after
class Freed:
    def __del__(self):
        raise KeyboardInterrupt
try:
    Freed()
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_a_path_as_duckdb_and_shells_write_it(tmp_path: Path) -> None:
    assert ok("--path", ":memory:", "sql", "CREATE TABLE t AS SELECT 1 AS a; FROM t", "--format", "plain") == "1\n"
    ok("--path", "~/x.db", "sql", "CREATE TABLE t AS SELECT 1 AS a", HOME=str(tmp_path))
    assert (tmp_path / "x.db").exists()


def test_a_column_may_be_called_count() -> None:
    assert ok("sql", 'SELECT 3 AS "Count"') == '[\n{"Count":3}\n]\n'
    assert ok("sql", "SELECT true AS Success", "--format", "plain") == "true\n"


def test_json_has_no_nan_inside_of_anything() -> None:
    (row,) = json.loads(ok("sql", "SELECT [1.0, 'nan'::DOUBLE] AS l, {'a': 'inf'::DOUBLE, 't': 'NaN'} AS s"))
    assert row == {"l": [1.0, None], "s": {"a": None, "t": "NaN"}}


def test_a_file_that_is_not_written_is_told(tmp_path: Path) -> None:
    done = mp("sql", "SELECT 1; CREATE TABLE t AS SELECT 1", "-o", str(tmp_path / "x.csv"))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("mp: the last statement gives no rows: nothing was written to ")


def test_ctrl_c_in_a_query_of_ones_own() -> None:
    """Once rows are on their way: a signal that comes before DuckDB has begun would be Python's."""
    query = "SELECT i FROM range(100000000000) t(i) WHERE i < 5 OR hash(i) = 0"
    code, shown = on_a_terminal(
        ["sql", "--format", "jsonl", f"SELECT 'begun' AS a; {query}"], {}, interrupt_at=b"begun"
    )
    assert code == 130
    assert '"interrupted"' in shown


def test_an_empty_path_is_none() -> None:
    done = mp("--path", "", "--account", "sandbox", "inspect", "tables")
    assert (done.returncode, done.stderr) == (3, "mp: --path is empty: name a database file, or leave it out\n")
    assert mp("--path", "", "sql", "SELECT 1").returncode == 3


def test_a_shell_may_close_what_it_does_not_want() -> None:
    shell = f"{sys.executable} -m mixpanel_data sql 'SELECT 1'"
    for closed in (">&-", "<&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["bash", "-c", f"{shell} {closed}"], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_is_not_told_what_to_do_by_data() -> None:
    code, shown = on_a_terminal(["sql", "SELECT chr(27) || ']0;title' || chr(7) AS t"], {"NO_COLOR": "1"})
    assert code == 0
    assert "\\x1b]0;title\\x07" in shown
    assert "\x07" not in shown


def test_a_file_that_another_process_holds_is_waited_for_so_long(tmp_path: Path) -> None:
    file = str(tmp_path / "x.db")
    hold = f"import duckdb, sys; con = duckdb.connect({file!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = mp("--path", file, "sql", "SELECT 1", "--wait", "0.3")
        both = mp("--path", file, "sql", "SELECT 1", "--wait", "1", "--no-wait")
        holder.communicate()
    assert (done.returncode, done.stdout) == (1, "")
    waiting, given_up = done.stderr.splitlines()
    assert f"in use by process {holder.pid} " in waiting
    assert waiting.endswith("waiting until it ends, 0.3 s at most")
    assert f"in use by process {holder.pid} " in given_up
    assert given_up.endswith(", for 0.3 s and more: wait until it ends")
    assert (both.returncode, both.stderr) == (3, "mp: give only one of --wait and --no-wait\n")
    assert ok("--path", file, "sql", "SELECT 1 AS a", "--format", "plain") == "1\n"


def test_sql_that_asks_nothing_of_mixpanel_loads_nothing_for_it() -> None:
    code = """
import sys
from mixpanel_data.cli.app import run
sys.argv = ["mp", "sql", "SELECT 1 AS a"]
code = run()
print(code, *sorted({"httpx", "pydantic", "mixpanel_data.functions"} & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ('[\n{"a":1}\n]\n0\n', "")
