"""Ctrl-C at any moment of the ``mp`` command: one line on stderr, and exit code 130.

Python would raise it wherever it strikes: in an import, at exit, where something is freed. So it is raised only while
the command runs; before that the process ends at once, and afterwards with what became of the command.
"""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
from contextlib import contextmanager
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from sys import UnraisableHookArgs
    from types import FrameType
    from typing import Any

EXIT_CODE = 130
IMPORTS = "<frozen importlib._bootstrap>"
LINE = "mp: interrupted"
AS_JSON = '{"code": "interrupted", "message": "interrupted", "details": {}}'
strikes: list[int] = []
"""Those that were raised: what they are raised in may make another error of them, or forget them."""


def end_at_once() -> None:
    """From now on Ctrl-C ends the process; not where a shell's background job ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
        # The last thing done at exit: Python would then have the system kill the process.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


@contextmanager
def raised() -> Iterator[None]:
    """Ctrl-C is a KeyboardInterrupt within the block."""
    strikes.clear()
    before = signal.getsignal(signal.SIGINT)
    if before is _end:
        signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        if before is _end:
            signal.signal(signal.SIGINT, _end)


def end_with(code: int) -> None:
    """From now on Ctrl-C ends the process with this code and without a word: what there is to say was said."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, lambda *_: os._exit(code))


def asks_for_json(command_line: Sequence[str]) -> bool:
    """Whether errors are to be JSON. A command line that cannot be understood, or is not read yet, has no options."""
    given = [*(f"{one}={other}" for one, other in pairwise(command_line)), *command_line]
    return any(f"--format={form}" in given for form in ("json", "jsonl"))


def strike_after(unraisable: UnraisableHookArgs) -> None:
    """Ctrl-C may strike while something is freed, where Python can raise nothing: then it strikes again, when that is
    over. What else fails there after it says nothing more."""
    if unraisable.exc_type is KeyboardInterrupt:
        _strike_later()
    elif not strikes:
        sys.__unraisablehook__(unraisable)


def _raise(number: int, frame: FrameType | None) -> None:
    """Raises it, but not in an import: modules that are not Python's may end the process with a traceback."""
    strikes.append(number)
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS:
            return _strike_later()
        frame = frame.f_back
    raise KeyboardInterrupt


def _strike_later() -> None:
    import threading  # noqa: PLC0415 - would be loaded before Ctrl-C can be answered

    threading.Timer(0.01, _thread.interrupt_main).start()


def _end(*_: Any) -> None:
    if strikes:
        return  # the command was interrupted, and is about to say so
    if sys.stderr is not None:
        print(AS_JSON if asks_for_json(sys.argv) else LINE, file=sys.stderr, flush=True)
    os._exit(EXIT_CODE)
