"""What ``--help`` says: it opens with an example that works, names the Python twin, and is in docs/cli.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import mixpanel_data
from mixpanel_data import MixpanelAPI, Workspace, auth, databases, exploring
from mixpanel_data.cli.reference import commands, help_of, page
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
HELP = {words: help_of(words, command) for words, command in commands()}
LEAVES = {words: text for words, text in HELP.items() if "COMMAND [ARGS]" not in text}
OWNERS = {
    "mixpanel_data": mixpanel_data,
    "Workspace": Workspace,
    "Workspace.api": MixpanelAPI,
    "auth": auth,
    "databases": databases,
    "exploring": exploring,
}
ON_ITS_OWN = {"mp sandbox", "mp serve"}
"""They run until they are stopped: tests/cli/test_sandbox.py, tests/anywhere/test_serve.py."""


def example(text: str) -> str:
    """The line that help opens with."""
    return text.splitlines()[2].strip()


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with the table that the examples look at."""
    file = tmp_path_factory.mktemp("january") / "1.db"
    with Workspace("sandbox", path=file, progress=False) as ws:
        ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-02")
    return file.read_bytes()


@pytest.mark.parametrize("words", sorted(HELP.keys() - ON_ITS_OWN))
def test_the_example_works(
    words: str, run: Run, january: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "databases"
    folder.mkdir()
    (folder / "1.db").write_bytes(january)
    if words != "mp auth add":
        auth.add_account("shop", "reader", "secret", "12345", "eu")
    if words == "mp db workspace delete":
        databases.create_database("1", "trial")
    said = example(HELP[words]).split("| ")[-1]
    assert said.startswith("mp ")
    if "COMMAND" not in HELP[words]:
        options_or_words = [part for part in shlex.split(said) if part != "--account" and part != "sandbox"]
        assert " ".join(options_or_words).startswith(words.replace("mp query sql", "mp sql")), (
            "it is an example of this command"
        )
    done = run(*shlex.split(said)[1:], stdin="s3cret")
    assert (done.code, done.err) == (0, "")
    assert done.out.strip()
    assert "s3cret" not in done.out


@pytest.mark.parametrize("words", sorted(HELP.keys() - LEAVES.keys()))
def test_a_group_alone_prints_its_help(words: str, run: Run) -> None:
    alone = run(*words.split()[1:])
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.startswith(f"Usage: {words} [OPTIONS] COMMAND [ARGS]...\n\n")
    assert alone == run(*words.split()[1:], "--help")


def test_options_alone_are_no_command(run: Run) -> None:
    done = run("--account", "sandbox")
    assert (done.code, done.out, done.err) == (3, "", "mp: Missing command: see mp --help\n")


def test_the_page_is_what_the_program_says() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == page(), "write it anew: just reference"


@pytest.mark.parametrize("words", sorted(LEAVES))
def test_the_twins_name_each_other(words: str) -> None:
    found = re.search(r"In Python: ([\w.]+)\.(\w+)", LEAVES[words])
    if words == "mp sandbox":
        assert found is None
        return
    assert found is not None
    method = getattr(OWNERS[found[1]], found[2])
    assert f"``{words}``" in " ".join(method.__doc__.split()), f"its docstring says: In the shell: ``{words}``."


def test_every_option_says_what_it_is_for() -> None:
    for words, command in commands():
        for parameter in command.params:
            assert getattr(parameter, "help", None), (words, parameter.name)


def test_no_method_is_without_a_command() -> None:
    """What the library does, the shell does; what is for Python alone is named here."""
    only_python = {"arrow", "clear_discovery_cache", "close", "connection", "ephemeral", "keep", "memory",
                   "open", "sql_of", "sql_rows", "sql_scalar", "stream", "stream_events",
                   "stream_profiles", "last_sql", "list_events", "list_properties", "list_funnels",
                   "list_cohorts", "list_bookmarks",
                   "plan_events", "plan_profiles"}  # fmt: skip  # those are --dry-run
    named = set(re.findall(r"In Python: Workspace\.(\w+)", "".join(LEAVES.values())))
    methods = {name for name in dir(Workspace) if not name.startswith("_")}
    assert methods - named == only_python
