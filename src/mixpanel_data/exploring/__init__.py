"""Starter notebooks, written for an account and its project: they connect, fetch some days once, and draw first charts.

>>> from mixpanel_data import Workspace, exploring
>>> with Workspace.memory("sandbox") as ws:
...     exploring.write_notebook(ws, "january.ipynb", replace=True).name
'january.ipynb'
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

from ..atomic import atomic_write, path_of
from ..config import SANDBOX
from ..exceptions import AccessDeniedError, ArgumentError, AuthenticationError, StorageError
from ..functions.arguments import day_of
from ..storage.databases import current_database
from ..types import FunnelInfo
from ..workspace.session import Day
from ..workspace.workspace import Workspace
from .cells import Cell, Subject, cells
from .formats import as_jupyter, as_marimo

__all__ = ["write_marimo", "write_notebook"]
JANUARY = date(2024, 1, 1), date(2024, 1, 31)
"""Of the sandbox, whose days are long past."""


def write_notebook(
    workspace: Workspace,
    file: str | Path = "exploration.ipynb",
    *,
    from_date: Day | None = None,
    to_date: Day | None = None,
    replace: bool = False,
) -> Path:
    """Writes a Jupyter notebook that explores the workspace's project.

    In the shell: ``mp explore notebook``.

    It holds the account's name and no secret. Writing it asks Mixpanel for the saved funnels, and nothing else.

    Args:
        workspace: whose account, project and database file the notebook is to use.
        file: where to write it.
        from_date: first day; thirty days in all unless given (of the sandbox, January 2024).
        to_date: last day, inclusive; yesterday unless given.
        replace: whether a file that exists is replaced.

    Raises:
        ArgumentError: the file's name does not end in .ipynb, or a day cannot be understood.
        AuthenticationError: the workspace has no credentials.
        StorageError: the file exists, or cannot be written.

    Example:
        >>> from mixpanel_data import Workspace, exploring
        >>> with Workspace.memory("sandbox") as ws:
        ...     exploring.write_notebook(ws, from_date="2024-01-01", to_date="2024-01-07", replace=True).name
        'exploration.ipynb'
    """
    return _write(workspace, path_of(file), ".ipynb", as_jupyter, from_date, to_date, replace=replace)


def write_marimo(
    workspace: Workspace,
    file: str | Path = "exploration.py",
    *,
    from_date: Day | None = None,
    to_date: Day | None = None,
    replace: bool = False,
) -> Path:
    """Writes a marimo notebook that explores the workspace's project.

    In the shell: ``mp explore marimo``.

    It has the same cells as that of :func:`write_notebook`.

    Args:
        workspace: whose account, project and database file the notebook is to use.
        file: where to write it.
        from_date: first day; thirty days in all unless given (of the sandbox, January 2024).
        to_date: last day, inclusive; yesterday unless given.
        replace: whether a file that exists is replaced.

    Raises:
        ArgumentError: the file's name does not end in .py, or a day cannot be understood.
        AuthenticationError: the workspace has no credentials.
        StorageError: the file exists, or cannot be written.

    Example:
        >>> from mixpanel_data import Workspace, exploring
        >>> with Workspace.memory("sandbox") as ws:
        ...     exploring.write_marimo(ws, from_date="2024-01-01", to_date="2024-01-07", replace=True).name
        'exploration.py'
    """
    return _write(workspace, path_of(file), ".py", as_marimo, from_date, to_date, replace=replace)


def _write(
    workspace: Workspace,
    file: Path,
    ending: str,
    form: Callable[[Iterable[Cell]], str],
    from_date: Day | None,
    to_date: Day | None,
    *,
    replace: bool,
) -> Path:
    if file.suffix != ending:
        raise ArgumentError(f"{file} should end in {ending}: write {file.stem}{ending}")
    if os.path.lexists(file) and not replace:
        raise StorageError(f"{file} exists: give replace=True, or another place")
    document = form(cells(_subject(workspace, from_date, to_date)))
    try:
        with atomic_write(file, private=not file.exists()) as part:
            part.write_text(document, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror}") from error
    return file


def _subject(workspace: Workspace, from_date: Day | None, to_date: Day | None) -> Subject:
    info = workspace.info()
    if info.project_id is None:
        raise AuthenticationError("a notebook needs an account: open the workspace with one")
    today: date = workspace.sql_scalar("SELECT day FROM mixpanel_days('today')")
    first, last = _range(from_date, to_date, today, *(JANUARY if info.account == SANDBOX else _last_days(today)))
    is_usual = info.path in {None, current_database(info.project_id)}
    return Subject(
        info.account, info.project_id, None if is_usual else info.path, first, last, _first_funnel(workspace)
    )


def _last_days(today: date) -> tuple[date, date]:
    yesterday = today - timedelta(days=1)
    return yesterday - timedelta(days=29), yesterday


def _range(from_date: Day | None, to_date: Day | None, today: date, first: date, last: date) -> tuple[date, date]:
    """The days that are given, and in the place of one that is not, what makes them as many as usual."""
    end = last if to_date is None else day_of("to_date", to_date, today)
    begin = end - (last - first) if from_date is None else day_of("from_date", from_date, today)
    if begin > end:
        raise ArgumentError(f"from_date {begin} is after to_date {end}: give an earlier from_date, or a later to_date")
    return begin, end


def _first_funnel(workspace: Workspace) -> FunnelInfo | None:
    """The project's first saved funnel, if it has one and the plan allows to ask."""
    try:
        return next(iter(workspace.funnels()), None)
    except AccessDeniedError:
        return None
