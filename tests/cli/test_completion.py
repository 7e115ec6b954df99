"""Completion, as the shells ask for it."""

from __future__ import annotations

import subprocess

import pytest

from mixpanel_data import auth
from tests.shell import MP, environment, ok


def completed(words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    count = str(len(words.split(" ")) - 1)
    variables = {"_MP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
    done = subprocess.run(MP, env=environment(**variables), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def test_bash() -> None:
    auth.add_account("shop", "reader", "secret", "12345", "eu")
    assert completed("mp que") == ["query"]
    assert completed("mp inspect to") == ["top-events"]
    assert completed("mp query segmentation --unit ") == ["minute", "hour", "day", "week", "month"]
    assert completed("mp sql --form") == ["--format"]
    assert completed("mp --account ") == ["shop", "sandbox"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    script = ok(_MP_COMPLETE=f"source_{shell}")
    assert f"complete_{shell}" in script
