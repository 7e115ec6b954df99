"""Commands run in this process: as a shell would run them, without its wait for Python to start."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from mixpanel_data.cli import app


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["mp", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        out, err = io.StringIO(), io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
            code = app.run()
        return Done(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def ok(run: Run) -> Callable[..., str]:
    """What a command prints that goes well, and has nothing to complain of."""

    def ok(*arguments: str, **given: Any) -> str:
        done = run(*arguments, **given)
        assert (done.code, done.err) == (0, "")
        return done.out

    return ok
