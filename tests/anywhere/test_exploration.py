"""The starter notebooks, run to their end: nothing fails, each chart is there, and its figures are those of SQL."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import Workspace, exploring
from mixpanel_data.sandbox import Fault, Sandbox

pytest.importorskip("altair")
JANUARY = {"from_date": "2024-01-01", "to_date": "2024-01-31"}
BY_NAME = "SELECT event_name, count(*) AS events, count(DISTINCT distinct_id) AS users FROM exploration GROUP BY ALL"
BY_DAY = """SELECT event_time::DATE::VARCHAR || 'T00:00:00' AS day, count(DISTINCT distinct_id) AS users,
            count(*) AS events FROM exploration GROUP BY ALL"""
FIRST_WEEK = """SELECT count(DISTINCT distinct_id) FROM exploration SEMI JOIN (
                FROM exploration WHERE event_time < '2024-01-08') AS early USING (distinct_id)
                WHERE event_time >= '2024-01-15' AND event_time < '2024-01-22'"""
IN_ORDER = """WITH viewed AS (SELECT distinct_id, min(event_time) AS viewed_at FROM exploration
              WHERE event_name = 'Page View' GROUP BY ALL)
              SELECT count(DISTINCT distinct_id) FROM exploration JOIN viewed USING (distinct_id)
              WHERE event_name = 'App Open' AND event_time > viewed_at
              AND event_time <= viewed_at + INTERVAL 14 DAYS"""


@pytest.fixture(autouse=True)
def reached(reach: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run in processes of their own, and read this process's sandbox."""
    for name, value in reach.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ws() -> Iterator[Workspace]:
    with Workspace() as ws:
        yield ws


def exports(sandbox: Sandbox) -> int:
    """How many exports were asked for since the last look."""
    found = sum("/export" in request.path for request in sandbox.requests)
    sandbox.requests.clear()
    return found


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What a chart draws."""
    data = spec["data"]
    return data["values"] if "values" in data else spec["datasets"][data["name"]]


def run_notebook(file: Path) -> list[dict[str, Any]]:
    """The charts of a Jupyter notebook, after it ran."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=90).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # A progress line is an output too, where there are widgets.
    assert {output.output_type for cell in code for output in cell.outputs} <= {"execute_result", "display_data"}
    pages = [cell.outputs[-1]["data"].get("text/html", "") for cell in code]
    start = "})({"
    return [json.JSONDecoder().raw_decode(page, page.index(start) + 3)[0] for page in pages if "vegaEmbed" in page]


def run_marimo(file: Path) -> list[dict[str, Any]]:
    """The charts of a marimo notebook, after it ran."""
    import altair

    pytest.importorskip("marimo")
    outputs, _ = runpy.run_path(str(file))["app"].run()
    return [output.to_dict() for output in outputs if isinstance(output, altair.TopLevelMixin)]


NOTEBOOKS = [
    pytest.param(exploring.write_notebook, run_notebook, id="jupyter"),
    pytest.param(exploring.write_marimo, run_marimo, id="marimo"),
]
Write, Run = Callable[..., Path], Callable[[Path], list[dict[str, Any]]]


@pytest.mark.parametrize(("write", "run"), NOTEBOOKS)
def test_it_runs(write: Write, run: Run, ws: Workspace, sandbox: Sandbox) -> None:
    file = write(ws, **JANUARY)
    assert exports(sandbox) == 0, "writing it fetches nothing"
    by_name, by_day, funnel, coming_back = map(rows, run(file))
    assert exports(sandbox) > 0

    assert by_name == ws.sql(f"{BY_NAME} ORDER BY events DESC").to_dict("records")
    assert [{**row, "day": row["day"][:19]} for row in by_day] == ws.sql(f"{BY_DAY} ORDER BY day").to_dict("records")
    steps = ws.funnel(7509, unit="month", **JANUARY).steps
    assert [(row["step"], row["users"]) for row in funnel] == [
        (f"{n}. {s.name}", s.count) for n, s in enumerate(steps, 1)
    ]
    first, *_, after_two_weeks = [row for row in coming_back if row["first_week"] == "2024-01-01"][:3]
    assert after_two_weeks["users"] == ws.sql_scalar(FIRST_WEEK)
    assert after_two_weeks["share"] == pytest.approx(after_two_weeks["users"] / first["users"])

    run(file)
    assert exports(sandbox) == 0, "the days are there"


@pytest.mark.parametrize(("write", "run"), NOTEBOOKS)
def test_where_no_funnel_is_saved(write: Write, run: Run, ws: Workspace, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/funnels/list", status=402, body='{"error":"not in your plan"}'))
    _, _, funnel, _ = map(rows, run(write(ws, **JANUARY)))
    began, went_on = funnel
    assert (began["step"], went_on["step"]) == ("1. Page View", "2. App Open")
    assert began["users"] == ws.sql_scalar(
        "SELECT count(DISTINCT distinct_id) FROM exploration WHERE event_name = 'Page View'"
    )
    assert went_on["users"] == ws.sql_scalar(IN_ORDER)
    assert went_on["share"] == pytest.approx(went_on["users"] / began["users"])


@pytest.mark.parametrize(("write", "run"), NOTEBOOKS)
def test_days_without_events(write: Write, run: Run, ws: Workspace) -> None:
    """Its charts are empty, or without users, and nothing fails."""
    by_name, by_day, _, coming_back = map(rows, run(write(ws, from_date="2023-12-01", to_date="2023-12-02")))
    assert (by_name, [row["users"] for row in by_day], coming_back) == ([], [0, 0], [])


def test_as_marimo_itself_would_have_it(ws: Workspace) -> None:
    """As a script, as a page, and to its linter."""
    pytest.importorskip("marimo")
    file = exploring.write_marimo(ws, **JANUARY)
    marimo = (sys.executable, "-m", "marimo", "-q")
    for command in (
        (sys.executable, str(file)),
        (*marimo, "export", "html", str(file), "-o", "page.html"),
        (*marimo, "check", "--strict", str(file)),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("vega-lite/v") >= 4
