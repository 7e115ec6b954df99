"""Databases: each project has one, and as many others as it is given names for.

They are in ``~/.mixpanel_data``, or where ``MP_DATA_DIR`` says: ``default`` is ``<project_id>.db``, any other one
``<project_id>.<name>.db``. The file ``<project_id>.current`` tells which of them ``Workspace()`` and ``mp`` use.

Every function raises ArgumentError where a project's id is no number or a database cannot be called like that,
NotFoundError where there is none of that name, and ConfigError where the file that tells the current one is nonsense.

>>> from mixpanel_data import databases
>>> databases.current_database("1").name
'1.db'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..atomic import atomic_write, path_of
from ..exceptions import ArgumentError, ConfigError, MixpanelDataError, NotFoundError, StorageError
from ..types import DatabaseInfo
from . import cleanup
from . import temporary as folders
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

    >>> _ = databases.create_database("1", "test")
    >>> [(database.name, database.is_current) for database in databases.list_databases("1")]
    [('default', True), ('test', False)]
    """
    found = _all_projects() if project_id is None else [Project(project_id)]
    return [project.info(name) for project in found for name in project.names()]


def current_database(project_id: str) -> Path:
    """Where the database is that ``Workspace()`` and ``mp`` use, be it there or not. In the shell: ``mp db path``.

    >>> databases.current_database("1").name
    '1.db'
    """
    project = Project(project_id)
    return project.file(project.current())


def create_database(project_id: str, name: str) -> Path:
    """Makes an empty database; :func:`switch_database` makes it the one that is used.
    In the shell: ``mp db workspace create``.

    Args:
        project_id: whose data it is for.
        name: letters, digits, ``-`` and ``_``.

    Raises:
        StorageError: there is one of that name, or it cannot be written.

    >>> databases.create_database("1", "test").name
    '1.test.db'
    """
    project = Project(project_id)
    path = project.file(name)
    # Also where only capitals differ: not every disk keeps such files apart.
    other = next((other for other in (DEFAULT, *project.files()) if other.lower() == name.lower()), None)
    if other is not None:
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
        StorageError: that cannot be written down.

    >>> _ = databases.create_database("1", "test")
    >>> databases.switch_database("1", "test").name
    '1.test.db'
    """
    project = Project(project_id)
    path = project.find(name)
    try:
        make_data_folder()
        with atomic_write(project.pointer, private=True) as part:
            part.write_text(f"{name}\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {project.pointer}: {error.strerror}") from error
    return path


def delete_database(project_id: str, name: str) -> None:
    """Removes a database. Where it was the current one, that is ``default`` again.
    In the shell: ``mp db workspace delete``.

    Raises:
        ArgumentError: it is ``default``, which is always there.
        StorageError: somebody has it open or fetches into it; or it cannot be opened, or removed.

    >>> _ = databases.create_database("1", "test")
    >>> databases.delete_database("1", "test")
    >>> [database.name for database in databases.list_databases("1")]
    ['default']
    """
    if name == DEFAULT:
        raise ArgumentError(f"{DEFAULT} is always there: reset_database({project_id!r}, {DEFAULT!r}) empties it")
    project = Project(project_id)
    project.find(name)
    project.remove(name)


def reset_database(project_id: str, name: str | None = None) -> Path:
    """Empties a database: tables, views and all else in it are gone, and its file is small again.

    Args:
        project_id: whose it is.
        name: the database; the current one unless given.

    Raises:
        StorageError: somebody has it open or fetches into it, or it cannot be opened or written.

    >>> path = databases.create_database("1", "test")
    >>> databases.reset_database("1", "test") == path
    True
    """
    path = Project(project_id).find(name) if name is not None else current_database(project_id)
    if path.exists():
        cleanup.remove(path)
        cleanup.create(path)
    return path


def prune(
    *,
    temporary: bool = True,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    path: str | Path | None = None,
) -> list[Path]:
    """Removes what is not needed any more; gives what was removed. What somebody uses is left alone.
    In the shell: ``mp db prune``.

    Args:
        temporary: what killed processes left: temporary folders, and what is beside the databases in the data folder.
        older_than: also databases in the data folder that were neither read nor written for so long.
        dry_run: remove nothing, and give what would be removed.
        path: a database elsewhere: what is beside that one is removed too.

    >>> from datetime import timedelta
    >>> databases.prune(temporary=False, older_than=timedelta(days=90), dry_run=True)
    []
    """
    if older_than is not None and older_than <= timedelta():
        raise ArgumentError(f"older_than must be some time, such as timedelta(days=90), not {older_than!r}")
    removed = []
    if temporary:
        removed += [*folders.sweep(dry_run=dry_run), *cleanup.sweep(data_folder(), dry_run=dry_run)]
        if path is not None:
            file = path_of(path).expanduser().absolute()
            removed += cleanup.sweep(file.parent, file.name, dry_run=dry_run)
    if older_than is not None:
        removed += _remove_unused(older_than, dry_run)
    return removed


@dataclass(frozen=True, order=True)
class Project:
    """The databases of one project."""

    id: str

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not PROJECT.fullmatch(self.id):
            raise ArgumentError(f"a project's id is a number, such as 12345, not {self.id!r}")

    @property
    def pointer(self) -> Path:
        """The file that tells the current one."""
        return data_folder() / f"{self.id}{POINTER}"

    def file(self, name: str) -> Path:
        """Where the database of this name is, or would be."""
        if not isinstance(name, str):
            raise ArgumentError(f"a database's name is text, such as 'test', not {name!r}")
        if not NAME.fullmatch(name):
            proposal = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "test"
            raise ArgumentError(f"a database's name has letters, digits, - and _, such as {proposal}, not {name!r}")
        return data_folder() / (f"{self.id}.db" if name == DEFAULT else f"{self.id}.{name}.db")

    def files(self) -> list[str]:
        """The names of those that are there."""
        return [name for project, name in _all_files() if project == self]

    def find(self, name: str) -> Path:
        """Where the database is, if there is one of this name; ``default`` always is."""
        path, names = self.file(name), {DEFAULT, *self.files()}
        if name not in names:
            raise NotFoundError(
                f"project {self.id} has no database {name}, but {', '.join(sorted(names))}: "
                f"create_database({self.id!r}, {name!r}) makes it"
            )
        return path

    def current(self) -> str:
        try:
            name = self.pointer.read_text(encoding="utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return DEFAULT
        except OSError as error:
            raise ConfigError(f"cannot read {self.pointer}: {error.strerror}") from error
        if not NAME.fullmatch(name):
            raise ConfigError(f"{self.pointer} has no name of a database: switch_database({self.id!r}, {DEFAULT!r})")
        return name

    def names(self) -> list[str]:
        """``default`` first; the current one also where it is not there yet."""
        return [DEFAULT, *sorted({self.current(), *self.files()} - {DEFAULT})]

    def info(self, name: str) -> DatabaseInfo:
        path = self.file(name)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
        return DatabaseInfo(name, self.id, path, round(size_of(path) / 1e6, 3), name == self.current(), changed)

    def remove(self, name: str) -> None:
        """Removes it; where it was the current one, ``default`` is."""
        is_current = self.current() == name
        cleanup.remove(self.file(name))
        if is_current:
            self.pointer.unlink(missing_ok=True)


def _all_files() -> Iterator[tuple[Project, str]]:
    for path in data_folder().glob("*.db"):
        found = FILE.fullmatch(path.name)
        if found and found["name"] != DEFAULT:
            yield Project(found["project"]), found["name"] or DEFAULT


def _all_projects() -> list[Project]:
    """Those that have a database, or of which one was made the current one."""
    stems = {path.stem for path in data_folder().glob(f"*{POINTER}")}
    return sorted(
        {project for project, _ in _all_files()} | {Project(stem) for stem in stems if PROJECT.fullmatch(stem)}
    )


def _remove_unused(age: timedelta, dry_run: bool) -> Iterator[Path]:
    """The databases that nobody has used for so long, nor uses now; they are gone, unless it is a dry run."""
    for project, name in sorted(_all_files()):
        path = project.file(name)
        with suppress(MixpanelDataError, OSError):
            if datetime.now(UTC) - cleanup.last_used(path) > age:
                cleanup.refuse_used(path) if dry_run else project.remove(name)
                yield path
