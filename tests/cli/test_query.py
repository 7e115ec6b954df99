"""``mp query``: the answers are those of the library; kept where that is wished, or shown as SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mixpanel_data import Workspace
from mixpanel_data.sandbox import Sandbox
from tests.cli.conftest import Run
from tests.servers import answer

Ok = Callable[..., str]
DAYS = {"from_date": "2024-01-01", "to_date": "2024-01-07"}
WEEK = ("--from", "2024-01-01", "--to", "2024-01-07")
QUERY = ("--account", "sandbox", "query")


def test_a_funnel_is_its_steps(ok: Ok) -> None:
    steps = json.loads(ok(*QUERY, "funnel", "7509", *WEEK))
    with Workspace.memory("sandbox") as ws:
        expected = ws.funnel(7509, **DAYS)
    assert [(step["label"], step["count"]) for step in steps] == [(step.name, step.count) for step in expected.steps]
    assert steps[-1]["overall_conversion"] == expected.conversion_rate
    assert {step["segment"] for step in json.loads(ok(*QUERY, "funnel", "7509", *WEEK, "--on", "plan"))} > {"pro"}
    by_day = json.loads(ok(*QUERY, "funnel", "7509", *WEEK, "--unit", "day"))
    assert len({row["date"] for row in by_day}) == 7


def test_retention_is_a_matrix(ok: Ok) -> None:
    rows = json.loads(ok(*QUERY, "retention", "--born", "Sign Up", "--return", "Purchase", *WEEK))
    with Workspace.memory("sandbox") as ws:
        cohorts = ws.retention("Sign Up", "Purchase", **DAYS).cohorts
    assert [(row["cohort_date"], row["cohort_size"], row["0"]) for row in rows] == [
        (cohort.date, cohort.size, cohort.retained[0]) for cohort in cohorts
    ]


def test_event_names_with_and_without_commas(ok: Ok, run: Run, sandbox: Sandbox) -> None:
    rows = json.loads(ok(*QUERY, "event-counts", "--events", "Sign Up, Purchase", "--event", "Search", *WEEK))
    assert list(rows[0]) == ["date", "Sign Up", "Purchase", "Search"]
    done = run(*QUERY, "event-counts", *WEEK)
    assert (done.code, done.err) == (3, "mp: no events are given: write --events 'Sign Up,Purchase'\n")


def test_averages_are_no_whole_numbers(ok: Ok) -> None:
    rows = json.loads(ok(*QUERY, "segmentation", "Purchase", *WEEK, "--type", "average"))
    assert any(row["count"] != int(row["count"]) for row in rows)


def test_hours_are_times(ok: Ok) -> None:
    rows = json.loads(ok(*QUERY, "segmentation", "Purchase", *WEEK, "--unit", "hour"))
    assert rows[0]["date"] == "2024-01-01 00:00:00"


def test_into_keeps_the_rows(ok: Ok, run: Run, sandbox: Sandbox) -> None:
    ask = (*QUERY, "segmentation", "Purchase", *WEEK, "--on", "plan", "--into", "plans")
    kept = json.loads(ok(*ask))
    assert (kept["name"], kept["rows"]) == ("plans", 21)
    query = ("--account", "sandbox", "sql", "SELECT sum(count)::INT AS n FROM plans WHERE segment = 'pro'")
    asked = len(sandbox.requests)
    assert json.loads(ok(*query))[0]["n"] > 100
    assert len(sandbox.requests) == asked, "nothing was asked again"
    done = run(*ask)
    assert (done.code, done.err) == (1, "mp: table plans exists: give --replace, or another name\n")
    assert len(sandbox.requests) == asked, "no request is spent on what could not be kept"
    assert json.loads(ok(*ask, "--replace"))["rows"] == 21
    assert run(*QUERY, "segmentation", "Purchase", *WEEK, "--replace").code == 3


def test_into_never_harms_what_was_fetched(ok: Ok, run: Run) -> None:
    ok("--account", "sandbox", "fetch", "events", "january", "--from", "2024-01-01", "--to", "2024-01-01")
    for name, message in (
        ("january", "table january exists"),
        ("_metadata", "_metadata belongs to the ledger"),
        ("", "the table's name must be a string"),
    ):
        done = run(*QUERY, "segmentation", "Purchase", *WEEK, "--into", name, "--replace")
        assert (done.code in {1, 3}, done.out) == (True, "")
        assert message in done.err
    assert json.loads(ok("--account", "sandbox", "inspect", "tables"))[0]["rows"] == 3885


def test_show_sql_asks_nothing_and_can_be_run(ok: Ok, sandbox: Sandbox) -> None:
    for ask in (
        ("segmentation", "Purchase", *WEEK, "--on", "plan", "--where", """properties["plan"] != "it's\""""),
        ("funnel", "7509", *WEEK),
        ("event-counts", "--events", "Sign Up,Purchase", "--where", 'properties["plan"] == "pro"', *WEEK),
        ("saved-report", "2001"),
    ):
        sandbox.requests.clear()
        shown = ok("--path", ":memory:", *QUERY, *ask, "--show-sql")
        assert sandbox.requests == []
        assert json.loads(ok("--account", "sandbox", "sql", shown))


def test_a_script_from_a_file(ok: Ok, run: Run, tmp_path) -> None:
    file = tmp_path / "count.js"
    file.write_text("function main() { return Events(params).reduce(mixpanel.reducer.count()) }")
    params = json.dumps(DAYS)
    (row,) = json.loads(ok(*QUERY, "jql", "--file", str(file), "--params", params))
    assert ok("--account", "sandbox", "raw", "jql", "-f", str(file), "--params", params) == f"[{row['value']}]\n"
    for wrong in ((), ("x", "--file", str(file)), ("x", "--params", "{"), ("x", "--params", "[1]")):
        assert run(*QUERY, "jql", *wrong).code == 3


def test_the_columns_of_jql_stand_as_in_a_frame(ok: Ok) -> None:
    script = 'function main() { return Events(params).groupBy(["name"], mixpanel.reducer.count()) }'
    params = '{"from_date": "2024-01-01", "to_date": "2024-01-01"}'
    assert ok(*QUERY, "jql", script, "--params", params, "--format", "csv").splitlines()[0] == "key_0,value"


def test_a_number_beyond_all_numbers_is_printed_as_it_came(answering: Any, ok: Ok) -> None:
    answering({"/api/query/jql": answer(b'[{"n": 1e999}]')})
    assert ok("query", "jql", "s") == '[\n{"n":1e999}\n]\n'
    assert ok("sql", "FROM mixpanel_jql('s')") == '[\n{"value":{"n":1e999}}\n]\n'
    assert ok("query", "jql", "s", "--format", "csv") == "n\n1e999\n"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (("funnel", "99", *WEEK), "no funnel 99; there are: 7509 (Purchase funnel)"),
        (("funnel", "Nope", *WEEK), "no funnel 'Nope'; there are: 7509 (Purchase funnel)"),
        (("saved-report", "99"), "no saved report 99; there are: 2001 (Visits and purchases)"),
        (("flows", "Nope"), "no flows report 'Nope'; there are: 4001 (After opening the app)"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(question: tuple[str, ...], said: str, run: Run) -> None:
    done = run(*QUERY, *question)
    assert (done.code, done.out) == (4, "")
    assert said in done.err


def test_a_funnel_by_its_name(ok: Ok) -> None:
    assert ok(*QUERY, "funnel", "Purchase funnel", *WEEK) == ok(*QUERY, "funnel", "7509", *WEEK)
