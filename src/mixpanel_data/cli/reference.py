"""Every command's help as a page: ``python -m mixpanel_data.cli.reference > docs/cli.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from .app import app

WIDTH = 100
HEAD = """# The mp command

Every command with its help, written by `just reference`. Options of every command (`mp --help`) may stand before it or
after it. Rows go to standard output, everything else to standard error.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Each command, groups before what is in them, with all its words."""
    yield from _under("mp", typer.main.get_command(app))


def help_of(words: str, command: Any) -> str:
    """What ``--help`` prints."""
    return str(command.get_help(typer.Context(command, info_name=words, terminal_width=WIDTH))).rstrip()


def page() -> str:
    """The whole page."""
    sections = (f"## {words}\n\n```text\n{help_of(words, command)}\n```\n" for words, command in commands())
    return "\n".join([HEAD, *sections])


def _under(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _under(f"{words} {name}", command.get_command(None, name))


if __name__ == "__main__":
    sys.stdout.write(page())
