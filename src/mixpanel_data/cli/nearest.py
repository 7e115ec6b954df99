"""Which command may have been meant by one that there is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

NO_COMMAND = re.compile(r"No such command '(.*?)'")
GUESS = "Did you mean"
"""How typer names a near one of the same group."""
MOST = 3


def nearest_command(text: str, context: Any) -> str | None:
    """The error with the commands that are called so elsewhere, or nearly so, or what the group has.

    Args:
        text: the error.
        context: typer's, of the group that was asked.
    """
    if (found := NO_COMMAND.match(text)) is None:
        return None
    commands = list(_commands(context.find_root()))
    if near := _called(found[1], commands) or ([] if GUESS in text else _near(found[1], commands)):
        return f"{found[0]}: did you mean {' or '.join(near)}?"
    if GUESS in text:
        return None
    names = context.command.list_commands(context)
    return f"{found[0]}: there are {', '.join(names)}; see {context.command_path} --help"


def _near(name: str, commands: list[str]) -> list[str]:
    """Those whose last word is nearly the name."""
    words = {command.rpartition(" ")[2] for command in commands}
    wanted = difflib.get_close_matches(name.lower(), words, n=1, cutoff=0.75)
    return _called(wanted[0], commands) if wanted else []


def _called(word: str, commands: list[str]) -> list[str]:
    """Those whose last word it is, what only looks at things first."""
    found = [command for command in commands if command.endswith(f" {word}")]
    return sorted(found, key=lambda command: " inspect " not in command)[:MOST]


def _commands(context: Any, group: Any = None, path: str = "mp") -> Iterator[str]:
    group = group or context.command
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from _commands(context, command, f"{path} {name}")
        else:
            yield f"{path} {name}"
