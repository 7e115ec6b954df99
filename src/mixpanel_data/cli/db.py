"""``mp db``: the local database as a file, and the databases of a project."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..exceptions import ArgumentError, NotFoundError
from .asking import confirm
from .command import command, group
from .names import Yes
from .settings import Settings

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

MP = "mp --account sandbox db"
app = group(f"{MP} path", "Look after the local database.")
workspaces = group(
    f"{MP} workspace list", "Several databases for one project, of which one is used (no data views of Mixpanel's)."
)
app.add_typer(workspaces, name="workspace")
SPAN = re.compile(r"(\d+)([dhw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}
Name = Annotated[str, typer.Argument(help="Letters, digits, - and _; 'default' is the one that is always there.")]
Files = Literal["parquet", "csv", "json", "jsonl"]


@command(app, "path", f"{MP} path", twin="databases.current_database")
def path(settings: Settings) -> Any:
    """Where the database file is, be it there or not: the bare path, unless a format is asked for."""
    file = str(_file(settings))
    return {"path": file} if settings.format or settings.fields or settings.jq else file


@command(app, "size", f"{MP} size", twin="Workspace.info")
def size(workspace: Workspace) -> Any:
    """How large the database file is."""
    info = workspace.info()
    return {"path": str(info.path), "size_mb": info.size_mb, "tables": len(info.tables)}


@command(app, "export", f"{MP} export january.parquet january --replace", twin="Workspace.export")
def export(
    workspace: Workspace,
    target: Annotated[Path, typer.Argument(help="A file for one table, else a folder.")],
    tables: Annotated[
        list[str] | None, typer.Argument(help="The tables; all unless given.", show_default=False)
    ] = None,
    kind: Annotated[
        Files | None, typer.Option(help="Of the files in a folder; Parquet unless given.", show_default=False)
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace files that exist.")] = False,
) -> Any:
    """Write tables to files: Parquet, CSV or JSON, all of them or none."""
    files = workspace.export(target, *(tables or ()), format=kind, replace=replace)
    return {"files": [str(file) for file in files]}


@command(app, "adopt", f"{MP} adopt january", twin="Workspace.adopt")
def adopt(
    workspace: Workspace, table: Annotated[str, typer.Argument(help="One that an earlier version fetched.")]
) -> Any:
    """Say that a table holds data of the account's project, where that is not known."""
    workspace.adopt(table)
    return {"table": table, "project_id": workspace.info().project_id}


@command(app, "vacuum", f"{MP} vacuum", twin="Workspace.vacuum")
def vacuum(workspace: Workspace) -> Any:
    """Make the database file as small as what is in it."""
    return {"saved_bytes": workspace.vacuum()}


@command(app, "prune", f"{MP} prune --temp --older-than 30d --dry-run", twin="databases.prune")
def prune(
    settings: Settings,
    temp: Annotated[
        bool, typer.Option("--temp", help="What killed processes left; this unless told otherwise.")
    ] = False,
    older_than: Annotated[
        str | None, typer.Option(help="Databases that nobody has used for so long: 30d, 12h, 8w.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Yes = False,
) -> Any:
    """Remove what is not needed any more; what somebody uses is left alone."""
    from .. import databases  # noqa: PLC0415 - loads DuckDB

    age, is_temporary = _span(older_than), temp or older_than is None
    found = databases.prune(temporary=is_temporary, older_than=age, dry_run=True, path=settings.path)
    if dry_run:
        return {"would_be_removed": [str(file) for file in found]}
    if age is not None and found:
        confirm(f"remove {', '.join(map(str, found))}", yes)
    removed = databases.prune(temporary=is_temporary, older_than=age, path=settings.path)
    return {"removed": [str(file) for file in removed]}


@command(app, "reset", f"{MP} reset --yes", twin="Workspace.drop_all")
def reset(workspace: Workspace, yes: Yes = False) -> Any:
    """Drop all tables of the database, and make its file small again."""
    names = [table.name for table in workspace.tables()]
    if names:
        confirm(f"drop {', '.join(names)}", yes)
        workspace.drop_all()
    return {"dropped": names, "saved_bytes": workspace.vacuum() if names else 0}


@command(workspaces, "list", f"{MP} workspace list", twin="databases.list_databases")
def list_(settings: Settings) -> Any:
    """The databases of the project."""
    from .. import databases  # noqa: PLC0415

    return databases.list_databases(settings.project_id())


@command(workspaces, "create", f"{MP} workspace create trial", twin="databases.create_database")
def create(settings: Settings, name: Name) -> Any:
    """Make another database for the project, empty and not yet in use."""
    from .. import databases  # noqa: PLC0415

    return {"created": str(databases.create_database(settings.project_id(), name))}


@command(workspaces, "switch", f"{MP} workspace switch default", twin="databases.switch_database")
def switch(settings: Settings, name: Name) -> Any:
    """Make a database the one that mp and Workspace() use."""
    from .. import databases  # noqa: PLC0415

    return {"current": str(databases.switch_database(settings.project_id(), name))}


@command(workspaces, "delete", f"{MP} workspace delete trial --yes", twin="databases.delete_database")
def delete(settings: Settings, name: Name, yes: Yes = False) -> Any:
    """Delete a database of the project."""
    from .. import databases  # noqa: PLC0415

    project = settings.project_id()
    if all(database.name != name for database in databases.list_databases(project)):
        raise NotFoundError(f"project {project} has no database {name}: mp db workspace list shows them")
    confirm(f"delete the database {name}", yes)
    databases.delete_database(project, name)
    return {"deleted": name}


def _file(settings: Settings) -> Path:
    file = settings.database_file()
    if file is None:
        raise ArgumentError("without an account, and without --path, tables are in memory: add --account or --path")
    return file


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = SPAN.fullmatch(text)
    if found is None:
        raise ArgumentError(f"--older-than {text}: write a number with d, h or w, as in 30d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
