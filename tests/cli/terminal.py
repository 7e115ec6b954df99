"""A real terminal for a command to run in."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import sys
from collections.abc import Iterable, Mapping

PATIENCE = 5
"""Seconds after which somebody presses Ctrl-C again."""


def on_a_terminal(
    arguments: list[str],
    environment: Mapping[str, str],
    *,
    piped_into: str | None = None,
    interrupt_at: bytes | None = None,
    typed: Iterable[str] = (),
    columns: int = 120,
) -> tuple[int, str]:
    """Exit code and all that the terminal shows, stdout and stderr together.

    Args:
        piped_into: a program that reads standard output, and itself prints on the terminal.
        interrupt_at: press Ctrl-C when this is shown, and again while nothing comes of it: DuckDB may not hear it in the
            moment in which it begins a query.
        typed: what to answer to each question, which ends in a colon and a space.
        columns: how wide the terminal is.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment, TERM="xterm", COLUMNS=str(columns))
        _become([sys.executable, "-m", "mixpanel_data", *arguments], piped_into)
    shown, answers, interrupts = b"", iter(typed), False
    while part := _read(terminal):
        shown += part
        if shown.endswith(b": ") and (answer := next(answers, None)) is not None:
            os.write(terminal, f"{answer}\n".encode())
        if interrupt_at and interrupt_at in shown:
            interrupt_at, interrupts = None, True
            os.kill(pid, signal.SIGINT)
        while interrupts and not select.select([terminal], [], [], PATIENCE)[0]:
            os.kill(pid, signal.SIGINT)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def _become(command: list[str], piped_into: str | None) -> None:
    if piped_into is not None:
        command = ["bash", "-o", "pipefail", "-c", f"{shlex.join(command)} | {piped_into}"]
    os.execvp(command[0], command)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the command has ended
        return b""
