"""Progress for people, on stderr: on a terminal a line that moves while something runs.

Data goes to stdout, and a log gets no line that moves: there, it is said now and then how far a long fetch has come,
and what is being waited for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from .client import Progress, Watcher

AT_MOST_EVERY = 0.5
EVERY = 15.0
"""Seconds between two lines of a log."""


def is_watched() -> bool:
    """Whether a moving line would be seen: on a terminal, or in a notebook that can show one."""
    return sys.stderr.isatty() or ("ipykernel" in sys.modules and find_spec("ipywidgets") is not None)


def console(out: TextIO, width: int | None = None) -> Console:
    """Where rich prints; without any colour or style if ``NO_COLOR`` is set."""
    from rich.console import Console  # noqa: PLC0415 - only for a person's terminal

    return Console(file=out, width=width, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


class NoLine:
    """Where nobody would see a progress line."""

    def show(self, progress: Progress) -> None:
        pass

    def stdout(self) -> TextIO:
        return sys.stdout

    def stop(self) -> None:
        pass


class Notices(NoLine):
    """For a log: that something is being waited for, once; and how far a call has come that takes long.

    Args:
        every: seconds between two lines that say how far; without it none does.
    """

    def __init__(self, prefix: str = "", every: float | None = None) -> None:
        self._prefix = prefix
        self._every = every
        self._waiting: set[int] = set()
        self._next: dict[int, float] = {}

    def show(self, progress: Progress) -> None:
        call = id(progress)
        if progress.waiting is None:
            self._waiting.discard(call)
            self._tell_state(progress)
        elif call not in self._waiting:
            self._waiting.add(call)
            self._print(progress.waiting)

    def _tell_state(self, progress: Progress) -> None:
        if self._every is None or progress.seconds < self._next.setdefault(id(progress), self._every):
            return
        self._next[id(progress)] = progress.seconds + self._every
        if state := _state(progress):
            self._print(f"mixpanel_{progress.function}: {state}")

    def _print(self, text: str) -> None:
        print(f"{self._prefix}{text}", file=sys.stderr, flush=True)


class JsonLines(NoLine):
    """For programs: a JSON object a line, on stderr, twice a second at most, and one for the end of each window."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[float, int]] = {}

    def show(self, progress: Progress) -> None:
        seconds, days_done = self._told.get(id(progress), (-1.0, 0))
        if progress.days_done == days_done and progress.seconds < seconds + AT_MOST_EVERY:
            return
        import json  # noqa: PLC0415 - only programs ask for it

        self._told[id(progress)] = (progress.seconds, progress.days_done)
        print(json.dumps(progress.to_dict()), file=sys.stderr, flush=True)


class Line(NoLine):
    """One line that says how far each running call has come; gone when rows come."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - for people only

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console(sys.stderr),
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
        self._bar.update(task, total=progress.size or None, completed=progress.done, state=_state(progress))

    def stdout(self) -> TextIO:
        """Standard output; on a terminal, where rows and the line would mix, its first row ends the line."""
        return _Ending(self, sys.stdout) if sys.stdout.isatty() else sys.stdout  # type: ignore[return-value]

    def stop(self) -> None:
        self._stopped = True
        self._bar.stop()


class Watch:
    """What calls tell their progress to.

    Args:
        progress: True for a line while something is fetched, False for none, or a function to call.
    """

    def __init__(self, progress: bool | Watcher) -> None:
        self._progress = progress
        self._notices = Notices()

    def __call__(self, progress: Progress) -> None:
        """For calls that are not fetches: they are short, so it is only told what they wait for."""
        if callable(self._progress):
            self._progress(progress)
        else:
            self._notices.show(progress)

    @contextmanager
    def line(self, progress: bool | Watcher) -> Iterator[Watcher]:
        """What a fetch tells its progress to; True is what the workspace was told."""
        wanted = self._progress if progress is True else progress
        if callable(wanted):
            yield wanted
            return
        line = Line() if wanted and is_watched() else Notices(every=EVERY if wanted else None)
        try:
            yield line.show
        finally:
            line.stop()


class _Ending:
    def __init__(self, line: Line, out: TextIO) -> None:
        self._line = line
        self._out = out

    def write(self, text: str) -> int:
        self._line.stop()
        return self._out.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def _of_events(progress: Progress) -> list[str]:
    return [
        f"{progress.days_done}/{progress.days} days",
        f"{progress.events:,} events",
        f"{progress.bytes / 1e6:,.1f} MB",
        f"{progress.bytes / 1e6 / max(progress.seconds, 0.001):,.1f} MB/s",
    ]


def _state(progress: Progress) -> str:
    from .client.progress import span  # noqa: PLC0415 - whoever shows a progress has loaded it

    if progress.waiting:
        return progress.waiting
    if not progress.size:
        return ""
    parts = _of_events(progress) if progress.days else [f"{progress.done:,} of {progress.profiles:,} profiles"]
    if progress.seconds_left is not None:
        parts.append(f"{span(progress.seconds_left)} left" if progress.seconds_left >= 1 else "almost done")
    if progress.budget_left is not None:
        parts.append(f"{progress.budget_left:,} requests left")
    return ", ".join(parts)
