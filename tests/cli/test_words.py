"""Advice is in the words of the place where it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpanel_data import Workspace
from mixpanel_data.cli.words import in_shell
from mixpanel_data.exceptions import MixpanelDataError
from tests.cli.conftest import Run

DAYS = ("--from", "2024-01-01", "--to", "2024-01-02")


@pytest.mark.parametrize(
    ("said", "in_the_shell"),
    [
        ("give append=True, replace=True or resume=True", "give --append, --replace or --resume"),
        ("dry_run=True asks nothing", "--dry-run asks nothing"),
        ("write from_date='2024-01-01'", "write --from '2024-01-01'"),
        ("from_date 2024-02-01 is after to_date 2024-01-01", "--from 2024-02-01 is after --to 2024-01-01"),
        ("write segment_by := 'user[\"plan\"]' for", "write --on 'user[\"plan\"]' for"),
        ("mixpanel_segmentation: filter must be a string", "mixpanel_segmentation: where must be a string"),
        ("write property := 'plan'", "write 'plan'"),
        ("look_back must be at least 0", "--look-back must be at least 0"),
        ("on_bad_line := 'skip' leaves it out", "--skip-bad-lines leaves it out"),
        ("FROM mixpanel_events() lists them all", "mp inspect events lists them all"),
        ("FROM mixpanel_properties('Sign Up') lists", "mp inspect properties --event 'Sign Up' lists"),
        ("or switch_database('12', 'test')", "or mp db workspace switch test"),
        ("reset_database('12', 'default') empties it", "mp db reset empties it"),
        ("say so with Workspace.adopt('jan')", "say so with mp db adopt jan"),
        ("write limit=20 in Python, --limit 20 in the shell", "write limit=20 in Python, --limit 20 in the shell"),
    ],
)
def test_python_and_sql_in_the_words_of_the_shell(said: str, in_the_shell: str) -> None:
    assert in_shell(said) == in_the_shell
    assert in_shell(said, speaks_sql=True) == said


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (("fetch", "events", "jan", *DAYS), "give --append, --replace, --resume or --sync"),
        (("fetch", "events", "jan", *DAYS, "--append", "--sync"), "give only one of --append and --sync"),
        (("fetch", "events", "other", *DAYS, "--append"), "leave --append out"),
        (("query", "segmentation", "Purchase", *DAYS, "--on", "user.plan"), """write --on 'user["plan"]'"""),
        (("query", "segmentation", "Purchas", *DAYS), "mp inspect events lists them all"),
        (("query", "saved-report", "4001"), "write mp query flows 4001"),
        (("db", "workspace", "switch", "test"), "mp db workspace create test makes it"),
        (("db", "export", "jan.csv", "jan"), "give --replace"),
        (("sql", "FROM mixpanel_segmentation('Purchas', '2024-01-01', '2024-01-02')"), "FROM mixpanel_events() lists"),
        (("sql", "FROM mixpanel_segmentation('Purchase', 'x', 'y')"), "write from_date := '2024-01-01'"),
    ],
)
def test_what_to_write_instead(
    command: tuple[str, ...], advice: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jan.csv").touch()
    assert run("--account", "sandbox", "fetch", "events", "jan", *DAYS).code == 0
    done = run("--account", "sandbox", *command)
    assert done.code in {1, 3, 4}
    assert advice in done.err
    assert done.err.count("\n") == 1
    as_json = run("--account", "sandbox", *command, "--format", "json")
    assert advice.replace('"', r"\"") in as_json.err


def test_sql_in_the_words_of_python() -> None:
    days = {"from_date": "2024-01-01", "to_date": "2024-01-02"}
    with Workspace.memory("sandbox") as ws:
        for ask, advice in (
            (lambda: ws.segmentation("Purchase", **days, on="user.plan"), """write on='user["plan"]'"""),
            (lambda: ws.segmentation("Purchase", **days, unit="year"), "write unit='month'"),
            (lambda: ws.segmentation("Purchas", **days), "events() lists them all"),
            (lambda: ws.saved_report(4001), "write flows(4001)"),
            (lambda: ws.sql("FROM mixpanel_segmentation('Purchase', 'x', 'y')"), "write from_date := '2024-01-01'"),
        ):
            with pytest.raises(MixpanelDataError) as refused:
                ask()
            assert advice in str(refused.value)
            assert refused.value.message == str(refused.value)
