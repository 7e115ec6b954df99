"""How progress is told: the line for people, or JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from ..display import JsonLines, Line, NoLine, Notices


class Form(StrEnum):
    """How progress is told."""

    LINE = "line"
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
    return Line() if form is Form.LINE or sys.stderr.isatty() else Notices("mp: ")
