"""What the documents show, run as it stands: README, docs/, sql/ and the docstrings."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import duckdb
import pytest
from _pytest.mark import ParameterSet

import mixpanel_data
from mixpanel_data import MixpanelAPI, Workspace, auth, databases, exploring
from mixpanel_data.sandbox import Sandbox
from mixpanel_data.serving.macros import client_sql

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LLMS_TXT = ROOT / "docs" / "llms.txt"
CLIENT_SQL = ROOT / "sql" / "client.sql"
SERVED = "mixpanel_data.serving.server"
"""Its example needs DuckDB's extension: tests/anywhere/test_serve.py runs it."""
SHOWN = re.compile(r"^```bash\n[^`]*^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^```text\n([^`]*)^```\n\n> (.+)$", re.MULTILINE)
"""A statement, and what DuckDB says of it."""
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Commands for a machine of the reader's own, with the reader's credentials.
NOT_RUN = ("python3 -m venv", "import getpass", "export MP_USERNAME", "git clone")


def blocks(language: str) -> list[ParameterSet]:
    return [
        pytest.param(match[2], id=f"{page.stem}-{number}")
        for page in PAGES
        for number, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8")))
        if match[1] == language and not match[2].startswith(NOT_RUN)
    ]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks may write files, and name those of the repository."""
    for name in ("sql", "src", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_blocks(text: str, sandbox: Sandbox) -> None:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def pages(language: str) -> list[ParameterSet]:
    """The blocks of each page, one after the other, as a reader types them."""
    pages: dict[str, list[str]] = {}
    for block in blocks(language):
        page, _, _ = str(block.id).rpartition("-")
        pages.setdefault(page, []).extend(map(str, block.values))
    return [pytest.param("\n".join(texts), id=page) for page, texts in pages.items()]


@pytest.mark.parametrize("text", pages("sql"))
def test_sql_blocks(text: str, con: duckdb.DuckDBPyConnection) -> None:
    statements = con.extract_statements(text)
    assert statements
    for statement in statements:
        assert con.execute(statement).description
        con.fetchall()


def test_the_page_of_errors_says_what_duckdb_says(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-01')")
    refused = re.findall(REFUSED, (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    assert len(refused) == 13
    for statement, said in refused:
        with pytest.raises(duckdb.Error, match=re.escape(said)):
            con.execute(statement).fetchall()


@pytest.mark.parametrize("text", pages("bash"))
def test_shell_blocks(text: str, request: pytest.FixtureRequest) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "PATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = {line.rstrip() for line in done.stdout.splitlines()}
    assert {line for line in shown(request.node.callspec.id) if line != " …"} <= printed


def shown(page: str) -> list[str]:
    """What a page says that its commands print: lines of text right behind a block of the shell."""
    text = next(path for path in PAGES if path.stem == page).read_text(encoding="utf-8")
    return [line for match in SHOWN.finditer(text) for line in match[1].splitlines()]


def sql_files() -> list[Path]:
    """Those for a registered connection; tests/anywhere/test_serve.py runs what is for clients."""
    return sorted({*(ROOT / "sql").glob("*.sql")} - {CLIENT_SQL})


@pytest.mark.parametrize("file", sql_files(), ids=lambda file: file.stem)
def test_sql_files(file: Path, con: duckdb.DuckDBPyConnection) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("-- "), "a line of purpose at its head"
    for statement in con.extract_statements(text):
        result = con.sql(statement)
        assert result is None or result.columns == ["Count"] or result.fetchall()


def test_the_macros_for_clients_are_those_of_the_functions() -> None:
    assert CLIENT_SQL.read_text(encoding="utf-8") == client_sql(), "write it anew: just reference"


@pytest.mark.parametrize("page", [*PAGES, LLMS_TXT], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_models_are_told_of_every_page() -> None:
    told = set(re.findall(r"\]\(([^)]+)\)", LLMS_TXT.read_text(encoding="utf-8")))
    assert told == {str(page.relative_to(ROOT / "docs")) for page in PAGES if page.is_relative_to(ROOT / "docs")}


def test_the_guide_for_agents_is_short() -> None:
    assert len((ROOT / "docs" / "SKILL.md").read_text(encoding="utf-8").splitlines()) < 500


def with_examples() -> list[str]:
    """The modules whose docstrings have examples."""
    files = [file for file in sorted((ROOT / "src").rglob("*.py")) if ">>> " in file.read_text(encoding="utf-8")]
    names = [".".join(file.relative_to(ROOT / "src").with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if name != SERVED]


@pytest.mark.parametrize("name", with_examples())
def test_docstring_examples(name: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder().find(importlib.import_module(name)):
        monkeypatch.setenv("MP_DATA_DIR", str(tmp_path / example.name))
        with Workspace.memory("sandbox") as ws:  # as the docstring of Workspace says
            example.globs |= {"ws": ws, "databases": databases}
            runner.run(example)
    assert runner.tries >= 2
    assert runner.failures == 0


def public_functions() -> Iterator[tuple[str, object]]:
    """All that people call: functions, and the methods of what they get."""
    for owner in (mixpanel_data, auth, databases, exploring, Workspace, MixpanelAPI):
        names = getattr(owner, "__all__", None) or [name for name in dir(owner) if not name.startswith("_")]
        for name in names:
            found = inspect.getattr_static(owner, name) if isinstance(owner, type) else getattr(owner, name)
            if isinstance(found, property | classmethod | FunctionType):
                yield f"{owner.__name__}.{name}", found


@pytest.mark.parametrize("found", [pytest.param(found, id=name) for name, found in public_functions()])
def test_every_public_function_has_an_example(found: object) -> None:
    doc = inspect.getdoc(getattr(found, "__wrapped__", None) or found) or ""
    assert ">>> " in doc or doc.startswith("The same as ``"), doc


def test_the_first_command_of_the_readme_answers_its_questions(sandbox: Sandbox) -> None:
    command = FENCE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert command is not None
    shown = subprocess.run(
        [sys.executable, "-m", "mixpanel_data", *command[2].split(".venv/bin/mp ")[1].split()],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    for expected in ("active_users", "Page View", "revenue", "115325.64"):
        assert expected in shown.stdout


def test_the_version_is_told_once() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{mixpanel_data.__version__}"' in project
    assert f"## {mixpanel_data.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
