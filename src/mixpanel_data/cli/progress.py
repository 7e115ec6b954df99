"""The progress line: on stderr, on a terminal, for calls that take a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

    from ..client import Progress


class NoLine:
    """Where nobody would see a progress line."""

    def show(self, progress: Progress) -> None:
        pass

    def stdout(self) -> TextIO:
        return sys.stdout

    def stop(self) -> None:
        pass


class Line(NoLine):
    """One line that says how far each running call has come; gone when rows come."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only for a person's terminal
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[int, TaskID] = {}
        self._stopped = False

    def show(self, progress: Progress) -> None:
        if self._stopped:
            return
        self._bar.start()
        task = self._tasks.get(id(progress))
        if task is None:
            task = self._bar.add_task(f"mixpanel_{progress.function}", state="")
            self._tasks[id(progress)] = task
        self._bar.update(task, total=progress.days or None, completed=progress.days_done, state=_state(progress))

    def stdout(self) -> TextIO:
        """Standard output; on a terminal, where rows and the line would mix, its first row ends the line."""
        return _Ending(self, sys.stdout) if sys.stdout.isatty() else sys.stdout  # type: ignore[return-value]

    def stop(self) -> None:
        self._stopped = True
        self._bar.stop()


class _Ending:
    def __init__(self, line: Line, out: TextIO) -> None:
        self._line = line
        self._out = out

    def write(self, text: str) -> int:
        self._line.stop()
        return self._out.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


@contextmanager
def progress_line(quiet: bool) -> Iterator[NoLine]:
    """The line to show progress on, erased at the end."""
    line = NoLine() if quiet or not sys.stderr.isatty() else Line()
    try:
        yield line
    finally:
        line.stop()


def _state(progress: Progress) -> str:
    if progress.waiting:
        return progress.waiting
    if not progress.days:
        return ""
    return (
        f"{progress.days_done}/{progress.days} days, {progress.events:,} events, "
        f"{progress.bytes / 1e6:,.1f} MB received"
    )
