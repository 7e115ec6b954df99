"""Whether a table may be loaded: what has its name, what it holds, and whose it is."""

from __future__ import annotations

from typing import Literal

from ...exceptions import ArgumentError, TableExistsError, TableNotFoundError
from .ledger import LEDGER_TABLES, Entry, Ledger, Project

Policy = Literal["new", "append", "replace", "missing"]
"""``new`` makes a table; ``append`` adds days, and brings those that are there up to date; ``replace`` puts a new table
in the place of an old one; ``missing`` loads the days that are not there yet."""
OTHER_WAYS = {
    "view": "choose another name",
    "table": "drop it, choose another name, or give append=True, replace=True, resume=True or sync=True",
}


def resolve_table_name(ledger: Ledger, table: str) -> str:
    """The name as it is written, if there is such a table: names do not differ by capitals alone."""
    if not isinstance(table, str) or not table:
        raise ArgumentError(f"the table's name must be a string, not {table!r}")
    if table.lower() in LEDGER_TABLES:
        raise ArgumentError(f"{table} belongs to the ledger of the other tables: choose another name")
    found = ledger.find(table)
    return found[0] if found else table


def admit(
    ledger: Ledger, table: str, policy: Policy, kind: str, project: Project, file_project: str | None
) -> Entry | None:
    """What the ledger has of the table, if it may be loaded so.

    Args:
        kind: ``events`` or ``profiles``.
        project: whose data is to be loaded.
        file_project: the project that the database file is named after.
    """
    found = ledger.find(table)
    if found is None:
        if policy == "append":
            how = "leave append=True out to create it"
            raise TableNotFoundError(f"there is no table {table} to append to: {how}", table=table)
        return None
    if found[1] == "view" or policy == "new":
        raise TableExistsError(f"{found[1]} {table} exists: {OTHER_WAYS[found[1]]}", table=table)
    entry = ledger.entry(table)
    if entry is not None and entry.kind != kind:
        raise ArgumentError(f"table {table} holds {entry.kind}: choose another name")
    if policy == "replace":
        return entry
    if entry is None:
        how = "choose another name, or INSERT INTO it in SQL"
        raise TableNotFoundError(f"table {table} was not fetched by mixpanel_data: {how}", table=table)
    _check_project(table, entry, project, file_project)
    _check_columns(ledger, table, entry)
    return entry


def adopt_table(ledger: Ledger, name: str, project: Project) -> None:
    """Writes down that a table holds data of this project."""
    table = resolve_table_name(ledger, name)
    entry = ledger.entry(table)
    if entry is None:
        raise TableNotFoundError(f"table {name} was not fetched by mixpanel_data: nothing is known of it", table=name)
    if entry.project is None:
        ledger.adopt(table, project)
    else:
        _check_project(table, entry, project, None)


def _check_columns(ledger: Ledger, table: str, entry: Entry) -> None:
    """A table may have got more columns, but those that are loaded must be there."""
    there = {str(name).lower() for name, *_ in ledger.columns(table)}
    if missing := [name for name in entry.selection.column_names if name.lower() not in there]:
        raise ArgumentError(
            f"table {table} has lost the column {missing[0]} since it was fetched: give replace=True, or another name"
        )


def _check_project(table: str, entry: Entry, project: Project, file_project: str | None) -> None:
    """Tables of two projects are never mixed."""
    owner = entry.project
    if owner is None and file_project is not None:
        owner = Project(file_project, project.workspace_id)
    if owner is None:
        raise ArgumentError(
            f"table {table} was fetched before tables knew their project: if it holds {project}, say so once with "
            f"Workspace.adopt({table!r}); else choose another name"
        )
    if owner != project:
        raise ArgumentError(
            f"table {table} holds {owner}, and this account reads {project}: choose another table or database, or the "
            f"account of {owner}"
        )
