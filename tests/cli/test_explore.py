"""``mp explore``: what it writes, and what it refuses. That the notebooks run is shown in tests/anywhere."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import auth
from mixpanel_data.sandbox import Fault, Sandbox
from tests.cli.conftest import Run

Ok = Callable[..., str]
BASE = ("--account", "sandbox", "explore")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.chdir(tmp_path)


def cells(kind: str) -> list[str]:
    """The cells of a kind in exploration.ipynb."""
    document: dict[str, Any] = json.loads(Path("exploration.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == kind]


def test_both_have_the_same_cells(ok: Ok) -> None:
    said = json.loads(ok(*BASE, "notebook"))
    assert said == {"written": "exploration.ipynb", "open_with": "jupyter lab exploration.ipynb"}
    said = json.loads(ok(*BASE, "marimo"))
    assert said == {"written": "exploration.py", "open_with": "marimo edit exploration.py"}
    texts, codes = cells("markdown"), cells("code")
    assert len(texts) == len(codes) + 1, "a title, and a sentence before each"
    functions = [
        node for node in ast.parse(Path("exploration.py").read_text()).body if isinstance(node, ast.FunctionDef)
    ]
    bodies = [ast.unparse(function.body[0]) for function in functions]
    assert [body for body in bodies if body.startswith("mo.md")] == [
        ast.unparse(ast.parse(f'mo.md(r"""\n    {text}\n    """)')) for text in texts
    ]
    assert len(functions) == len(texts) + len(codes) + 1, "and marimo's import"


def test_the_days(ok: Ok, run: Run, reach: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    ok(*BASE, "notebook")
    assert 'DAYS = {"from_date": "2024-01-01", "to_date": "2024-01-31"}' in cells("code")[0]
    ok(*BASE, "notebook", "--from", "2024-02-01", "--to", "2024-02-03", "--replace")
    assert 'DAYS = {"from_date": "2024-02-01", "to_date": "2024-02-03"}' in cells("code")[0]
    for wrong, line in (
        (("--from", "2024-02-01"), "--from 2024-02-01 is after --to 2024-01-31: give an earlier --from, or a later --to"),
        (("--to", "tomorrow"), "--to must be a day: YYYY-MM-DD, today, yesterday, or 7d for seven days ago, not 'tomorrow'"),
    ):  # fmt: skip
        done = run(*BASE, "notebook", "--replace", *wrong)
        assert (done.code, done.err) == (3, f"mp: {line}\n")

    for name, value in reach.items():
        monkeypatch.setenv(name, value)
    ok("explore", "notebook", "--replace")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert f'{{"from_date": "{yesterday - timedelta(days=29)}", "to_date": "{yesterday}"}}' in cells("code")[0]


def test_it_is_for_the_account_and_project(
    ok: Ok, reach: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By name; no secret is in it."""
    monkeypatch.setenv("MP_API_BASE_URL", reach["MP_API_BASE_URL"])
    auth.add_account("shop", "sandbox", "sandbox-secret", "1", "us")
    ok("--account", "shop", "explore", "notebook")
    assert 'ws = Workspace("shop", project_id="1")\n' in cells("code")[0]
    ok("explore", "notebook", "--replace", "--path", "shop.duckdb")
    assert f'ws = Workspace("shop", project_id="1", path="{tmp_path / "shop.duckdb"}")\n' in cells("code")[0]
    for name, value in reach.items():
        monkeypatch.setenv(name, value)
    ok("explore", "marimo")
    assert 'ws = Workspace(project_id="1")\n' in Path("exploration.py").read_text()
    for file in ("exploration.ipynb", "exploration.py"):
        assert "sandbox-secret" not in Path(file).read_text()


def test_a_funnel_of_any_name(ok: Ok, sandbox: Sandbox) -> None:
    """It is said in one line, and ends neither the Markdown nor the code."""
    names = json.dumps([{"funnel_id": 7, "name": 'a\n`"""\nimport os\n\\"""'}])
    sandbox.faults.add(Fault(match="/funnels/list", status=200, body=names, times=2))
    ok(*BASE, "notebook")
    ok(*BASE, "marimo")
    assert 'the saved funnel `a \'""" import os \\"""`, as Mixpanel' in cells("markdown")[5]
    assert "ws.funnel(7, " in cells("code")[4]
    imports = [node for node in ast.walk(ast.parse(Path("exploration.py").read_text())) if isinstance(node, ast.Import)]
    assert "os" not in {name.name for node in imports for name in node.names}


def test_what_is_refused(ok: Ok, run: Run) -> None:
    ok(*BASE, "marimo", "mine.py")
    Path("mine.py").write_text("changed")
    for arguments, code, line in (
        (("marimo", "mine.py"), 1, "mine.py exists: give --replace, or another place"),
        (("notebook", "mine.py", "--replace"), 3, "mine.py should end in .ipynb: write mine.ipynb"),
        (("marimo", "no/where.py"), 1, "cannot write no/where.py: No such file or directory"),
    ):
        done = run(*BASE, *arguments)
        assert (done.code, done.out, done.err) == (code, "", f"mp: {line}\n")
    assert Path("mine.py").read_text() == "changed"
    ok(*BASE, "marimo", "mine.py", "--replace")
    assert "marimo.App" in Path("mine.py").read_text()
    assert run("--path", "x.db", "explore", "notebook").code == 2, "there are no credentials"
