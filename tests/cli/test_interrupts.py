"""Ctrl-C is one line and exit code 130 wherever it strikes; too late for that, it changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

PRELUDE = """
import atexit, os, runpy, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without one

def strike():
    os.kill(os.getpid(), signal.SIGINT)
    return [None]

def run():
    runpy.run_module("mixpanel_data", run_name="__main__")
"""
IN_AN_IMPORT = """
class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                strike()
            except BaseException:
                os.abort()  # as modules that are not Python's do

sys.meta_path.insert(0, Finder())
run()
"""
MADE_INTO_ANOTHER_ERROR = """
from mixpanel_data.cli import app

def command(**_):
    try:
        strike()
    except KeyboardInterrupt as error:
        raise RuntimeError("the source failed") from error

app.app = command
run()
"""
FORGOTTEN = MADE_INTO_ANOTHER_ERROR.replace('raise RuntimeError("the source failed") from error', "return")
FREED_IN_VAIN = """
from mixpanel_data.cli import app

def rows():
    try:
        yield
    finally:
        raise RuntimeError("the connection is closed")

def command(**_):
    left = rows()
    next(left)
    strike()

app.app = command
run()
"""
A_WARNING_AFTER_IT = """
import warnings
from mixpanel_data.cli import app

def command(**_):
    warnings.showwarning = app._show_warning
    try:
        strike()
    finally:
        warnings.warn("a coroutine was never awaited", RuntimeWarning)

app.app = command
run()
"""
WHILE_IT_IS_SAID = """
from mixpanel_data.cli import app

def command(**_):
    strike()

def say(line, file):
    file.write(line)
    strike()
    file.write("\\n")

app.app, app.print = command, say
run()
"""
AT_EXIT = "atexit.register(strike); run()"
TWICE = """
from mixpanel_data.cli import app

def command(**_):
    try:
        strike()
    finally:
        atexit.register(strike)

app.app = command
run()
"""


def strikes(how: str, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", PRELUDE + how, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "how",
    [
        IN_AN_IMPORT.format(module="mixpanel_data.cli.app"),
        IN_AN_IMPORT.format(module="typer"),
        IN_AN_IMPORT.format(module="mixpanel_data.cli.sql"),
        IN_AN_IMPORT.format(module="duckdb"),
        MADE_INTO_ANOTHER_ERROR,
        FORGOTTEN,
        FREED_IN_VAIN,
        WHILE_IT_IS_SAID,
        A_WARNING_AFTER_IT,
        TWICE,
    ],
)
def test_one_line_and_130(how: str) -> None:
    code, _, said = strikes(how, "sql", "SELECT 1 AS a")
    assert (code, said) == (130, "mp: interrupted\n")


@pytest.mark.parametrize("module", ["typer", "duckdb"])
def test_one_line_of_json_where_that_is_asked_for(module: str) -> None:
    code, _, said = strikes(IN_AN_IMPORT.format(module=module), "sql", "SELECT 1 AS a", "--format", "json")
    assert (code, said) == (130, '{"code": "interrupted", "message": "interrupted", "details": {}}\n')


def test_what_is_done_stays_done() -> None:
    assert strikes(AT_EXIT, "sql", "SELECT 1 AS a") == (0, '[\n{"a":1}\n]\n', "")
    code, _, said = strikes(AT_EXIT, "sql", "SELECT")
    assert (code, said.count("\n")) == (3, 1)


def test_a_background_job_that_ignores_it_goes_on() -> None:
    ignoring = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    how = ignoring + IN_AN_IMPORT.format(module="typer")
    assert strikes(how, "--version") == (0, "0.1.0\n", "")
