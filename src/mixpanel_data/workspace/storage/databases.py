"""Databases: each project has one, and as many others as it is given names for.

They are in ``~/.mixpanel_data``, or where ``MP_DATA_DIR`` says: ``default`` is ``<project_id>.db``, any other one
``<project_id>.<name>.db``. The file ``<project_id>.current`` tells which of them ``Workspace()`` and ``mp`` use.

>>> from mixpanel_data import databases
>>> databases.current_database("1").name
'1.db'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ...atomic import atomic_write
from ...exceptions import ArgumentError, ConfigError, MixpanelDataError, NotFoundError, StorageError
from ...types import DatabaseInfo
from . import cleanup
from . import temporary as temporary_folders
from .file import data_folder, make_data_folder
from .vacuum import size_of

__all__ = [
    "DatabaseInfo",
    "create_database",
    "current_database",
    "delete_database",
    "list_databases",
    "prune",
    "reset_database",
    "switch_database",
]
DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_-]+")
PROJECT = re.compile(r"[0-9]+")
FILE = re.compile(rf"(?P<project>{PROJECT.pattern})(?:\.(?P<name>{NAME.pattern}))?\.db")
POINTER = ".current"


def list_databases(project_id: str | None = None) -> list[DatabaseInfo]:
    """The databases of a project, or of all; ``default`` and the current one also where they have no file yet.

    In the shell: ``mp db workspace list``.

    Raises:
        ArgumentError: the project's id is no number.
        ConfigError: the file that tells which one is current cannot be used.

    Example:
        >>> from mixpanel_data import databases
        >>> _ = databases.create_database("1", "test")
        >>> [(database.name, database.is_current) for database in databases.list_databases("1")]
        [('default', True), ('test', False)]
        >>> databases.delete_database("1", "test")
    """
    projects = {project for project, _ in _files()} | set(_pointers()) if project_id is None else {project_id}
    return [_info(project, name) for project in sorted(projects) for name in _names(project)]


def current_database(project_id: str) -> Path:
    """Where the database is that ``Workspace()`` and ``mp`` use, be it there or not.

    In the shell: ``mp db path``.

    Raises:
        ArgumentError: the project's id is no number.
        ConfigError: the file that tells which one it is cannot be used.

    Example:
        >>> from mixpanel_data import databases
        >>> databases.current_database("1").name
        '1.db'
    """
    return _file(project_id, _current_name(project_id))


def create_database(project_id: str, name: str) -> Path:
    """Makes an empty database; :func:`switch_database` makes it the one that is used.

    In the shell: ``mp db workspace create``.

    Args:
        project_id: whose data it is for.
        name: letters, digits, ``-`` and ``_``.

    Raises:
        ArgumentError: it cannot be called that.
        StorageError: there is one of that name, or it cannot be written.

    Example:
        >>> from mixpanel_data import databases
        >>> databases.create_database("1", "test").name
        '1.test.db'
        >>> databases.delete_database("1", "test")
    """
    path = _file(project_id, name)
    # Also where only capitals differ: not every disk keeps such files apart.
    taken = {other.lower(): other for project, other in [*_files(), (project_id, DEFAULT)] if project == project_id}
    if (other := taken.get(name.lower())) is not None:
        raise StorageError(
            f"project {project_id} has a database {other} already: choose another name, or switch_database("
            f"{project_id!r}, {other!r})"
        )
    cleanup.create(path)
    return path


def switch_database(project_id: str, name: str) -> Path:
    """Makes a database the one that ``Workspace()`` and ``mp`` use from now on.

    In the shell: ``mp db workspace switch``.

    Raises:
        NotFoundError: there is none of that name.
        StorageError: that cannot be written down.

    Example:
        >>> from mixpanel_data import databases
        >>> _ = databases.create_database("1", "test")
        >>> databases.switch_database("1", "test").name
        '1.test.db'
        >>> databases.delete_database("1", "test")
        >>> databases.current_database("1").name
        '1.db'
    """
    path = _existing(project_id, name)
    pointer = _pointer(project_id)
    try:
        make_data_folder()
        with atomic_write(pointer, private=True) as part:
            part.write_text(f"{name}\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {pointer}: {error.strerror}") from error
    return path


def delete_database(project_id: str, name: str) -> None:
    """Removes a database. Where it was the current one, that is ``default`` again.

    In the shell: ``mp db workspace delete``.

    Raises:
        NotFoundError: there is none of that name.
        ArgumentError: it is ``default``, which is always there.
        StorageError: somebody has it open or fetches into it; or it cannot be opened, or removed.

    Example:
        >>> from mixpanel_data import databases
        >>> _ = databases.create_database("1", "test")
        >>> databases.delete_database("1", "test")
        >>> [database.name for database in databases.list_databases("1")]
        ['default']
    """
    if name == DEFAULT:
        raise ArgumentError(f"{DEFAULT} is always there: reset_database({project_id!r}, {DEFAULT!r}) empties it")
    _remove(project_id, name, _existing(project_id, name))


def reset_database(project_id: str, name: str | None = None) -> Path:
    """Empties a database: tables, views and all else in it are gone, and its file is small again.

    Args:
        project_id: whose it is.
        name: the database; the current one unless given.

    Raises:
        NotFoundError: there is none of that name.
        StorageError: somebody has it open or fetches into it, or it cannot be opened or written.

    Example:
        >>> from mixpanel_data import Workspace, databases
        >>> with Workspace("sandbox") as ws:
        ...     _ = ws.sql("CREATE OR REPLACE TABLE t AS SELECT 1 AS one")
        >>> _ = databases.reset_database("1")
        >>> with Workspace("sandbox") as ws:
        ...     ws.tables()
        []
    """
    path = _existing(project_id, name) if name is not None else current_database(project_id)
    if path.exists():
        cleanup.remove(path)
        cleanup.create(path)
    return path


def prune(*, temporary: bool = True, older_than: timedelta | None = None, dry_run: bool = False) -> list[Path]:
    """Removes what is not needed any more; gives what was removed. What somebody uses is left alone.

    In the shell: ``mp db prune``.

    Args:
        temporary: what killed processes left: temporary folders, and what is beside the databases in the data folder.
        older_than: also databases in the data folder that were neither read nor written for so long.
        dry_run: remove nothing, and give what would be removed.

    Raises:
        ArgumentError: ``older_than`` is no length of time.

    Example:
        >>> from datetime import timedelta
        >>> from mixpanel_data import databases
        >>> databases.prune(temporary=False, older_than=timedelta(days=90), dry_run=True)
        []
    """
    if older_than is not None and older_than <= timedelta():
        raise ArgumentError(f"older_than must be some time, such as timedelta(days=90), not {older_than!r}")
    removed = []
    if temporary:
        removed += [*temporary_folders.sweep(dry_run=dry_run), *cleanup.sweep(data_folder(), dry_run=dry_run)]
    if older_than is not None:
        removed += _forsaken(older_than, dry_run)
    return removed


def _forsaken(age: timedelta, dry_run: bool) -> Iterator[Path]:
    """The databases that nobody has used for so long, nor uses now; they are gone, unless it is a dry run."""
    for project, name in sorted(_files()):
        path = _file(project, name)
        with suppress(MixpanelDataError, OSError):
            if datetime.now(UTC) - cleanup.last_used(path) > age:
                cleanup.refuse_used(path) if dry_run else _remove(project, name, path)
                yield path


def _files() -> Iterator[tuple[str, str]]:
    """The project and the name of each database that is there."""
    for path in data_folder().glob("*.db"):
        found = FILE.fullmatch(path.name)
        if found and found["name"] != DEFAULT:
            yield found["project"], found["name"] or DEFAULT


def _pointers() -> Iterator[str]:
    """The projects of which one database was made the current one."""
    for path in data_folder().glob(f"*{POINTER}"):
        if PROJECT.fullmatch(path.stem):
            yield path.stem


def _names(project_id: str) -> list[str]:
    """``default`` and the current one, and whatever else is there."""
    names = {DEFAULT, _current_name(project_id), *(name for project, name in _files() if project == project_id)}
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def _info(project_id: str, name: str) -> DatabaseInfo:
    path = _file(project_id, name)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
    is_current = name == _current_name(project_id)
    return DatabaseInfo(name, project_id, path, round(size_of(path) / 1e6, 3), is_current, changed)


def _file(project_id: str, name: str) -> Path:
    """Where the database is.

    Raises:
        ArgumentError: it cannot be called that.
    """
    if not NAME.fullmatch(name):
        raise ArgumentError(f"a database's name has letters, digits, - and _, such as {_proposed(name)}, not {name!r}")
    project = _project(project_id)
    return data_folder() / (f"{project}.db" if name == DEFAULT else f"{project}.{name}.db")


def _existing(project_id: str, name: str) -> Path:
    """The same of one that is there; ``default`` always is.

    Raises:
        NotFoundError: it is not; the message says which are.
    """
    path = _file(project_id, name)
    names = {DEFAULT, *(other for project, other in _files() if project == project_id)}
    if name not in names:
        raise NotFoundError(
            f"project {project_id} has no database {name}, but {', '.join(sorted(names))}: "
            f"create_database({project_id!r}, {name!r}) makes it"
        )
    return path


def _project(project_id: str) -> str:
    if not PROJECT.fullmatch(project_id):
        raise ArgumentError(f"a project's id is a number, such as 12345, not {project_id!r}")
    return project_id


def _proposed(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "test"


def _pointer(project_id: str) -> Path:
    return data_folder() / f"{_project(project_id)}{POINTER}"


def _current_name(project_id: str) -> str:
    pointer = _pointer(project_id)
    try:
        name = pointer.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return DEFAULT
    except OSError as error:
        raise ConfigError(f"cannot read {pointer}: {error.strerror}") from error
    if not NAME.fullmatch(name):
        raise ConfigError(f"{pointer} has no name of a database: switch_database({project_id!r}, {DEFAULT!r})")
    return name


def _remove(project_id: str, name: str, path: Path) -> None:
    """Removes it; where it was the current one, ``default`` is."""
    is_current = _current_name(project_id) == name
    cleanup.remove(path)
    if is_current:
        _pointer(project_id).unlink(missing_ok=True)
