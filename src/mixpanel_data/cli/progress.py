"""How progress is told: the line for people, a line now and then for a log, or JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from ..display import EVERY, JsonLines, Line, NoLine, Notices


class Form(StrEnum):
    """How progress is told."""

    LINE = "line"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


@contextmanager
def progress_line(form: Form | None, quiet: bool) -> Iterator[NoLine]:
    """Where to show progress, erased at the end; unless asked otherwise, a line on a person's terminal."""
    line = _line(form, quiet)
    try:
        yield line
    finally:
        line.stop()


def _line(form: Form | None, quiet: bool) -> NoLine:
    if form is Form.JSON:
        return JsonLines()
    if quiet or form is Form.NONE:
        return NoLine()
    moves = form is Form.LINE or (form is None and sys.stderr.isatty())
    return Line() if moves else Notices("mp: ", EVERY)
