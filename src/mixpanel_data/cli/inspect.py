"""``mp inspect``: what there is in the project, and what is in the local tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exceptions import ArgumentError
from ..workspace import about, contents, discovery
from ..workspace import tables as local
from .asking import confirm
from .command import command, group
from .names import Yes
from .script import run_script
from .twins import twin

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

app = group(
    "mp --account sandbox inspect events",
    "Look at the project, and at the local tables.",
)
MP = "mp --account sandbox inspect"
EventOption = Annotated[str | None, typer.Option("--event", help="The event.")]


def _event(given: str | None, option: str | None) -> str:
    if (given is None) == (option is None):
        raise ArgumentError("give the event once, as in --event Purchase")
    return given or option or ""


twin(app, discovery.events, "inspect events")


@command(app, "properties", f"{MP} properties --event Purchase", twin="Workspace.properties")
def properties(
    workspace: Workspace,
    name: Annotated[str | None, typer.Argument(metavar="EVENT", help="The event.", show_default=False)] = None,
    event: EventOption = None,
) -> Any:
    """The names of an event's properties, in alphabetical order."""
    return workspace.properties(_event(name, event))


@command(app, "values", f"{MP} values plan --event Purchase", twin="Workspace.property_values")
def values(
    workspace: Workspace,
    property: Annotated[str, typer.Argument(help="The property.")],  # noqa: A002 - its name
    event: EventOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = discovery.VALUES,
) -> Any:
    """The values of a property, the most frequent first."""
    return workspace.property_values(_event(None, event), property, limit)


twin(app, discovery.funnels, "inspect funnels")
twin(app, discovery.cohorts, "inspect cohorts")
twin(app, discovery.bookmarks, "inspect bookmarks --type insights")
twin(app, discovery.top_events, "inspect top-events --limit 3")
twin(app, discovery.schemas, "inspect schemas --entity-type event")
twin(app, discovery.annotations, "inspect annotations")
twin(app, discovery.projects, "inspect projects")


@command(app, "info", f"{MP} info", twin="Workspace.info")
def info(workspace: Workspace) -> Any:
    """The account, the project and the database at a glance."""
    return workspace.info()


twin(app, local.tables, "inspect tables")


@command(app, "schema", f"{MP} schema january", twin="Workspace.schema")
def schema(workspace: Workspace, table: Annotated[str, typer.Argument(help="The table.")]) -> Any:
    """The columns of a local table."""
    return workspace.schema(table).columns


@command(app, "drop", f"{MP} drop january", twin="Workspace.drop")
def drop(
    workspace: Workspace,
    tables: Annotated[list[str] | None, typer.Argument(help="The tables.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All tables.")] = False,
    yes: Yes = False,
) -> Any:
    """Drop local tables: all that are named, or none where one is not there.

    With --all it asks first, or wants --yes where there is nobody to ask.
    """
    if every == bool(tables):
        raise ArgumentError("name the tables to drop, or give --all")
    names = tables or [table.name for table in workspace.tables()]
    if every and names:
        confirm(f"drop {', '.join(names)}", yes)
    if names:
        workspace.drop(*names)
    return {"dropped": names}


@command(app, "sample", f"{MP} sample january -n 3", twin="Workspace.sample")
def sample(
    workspace: Workspace,
    table: Annotated[str, typer.Argument(help="The table.")] = "events",
    n: Annotated[int, typer.Option("-n", "--rows", min=0, help="How many.")] = 10,
) -> Any:
    """Some rows of a local table, chosen at random."""
    session = workspace._session
    return run_script(session.database, local.sample_query(session, table, n))


twin(app, contents.summarize, "inspect summarize january")
twin(app, contents.event_breakdown, "inspect breakdown january", name="breakdown")
twin(app, contents.property_keys, "inspect keys january --event Purchase", name="keys")
twin(
    app,
    contents.column_stats,
    "inspect column january plan",
    name="column",
    asks=lambda _, method, given: method(**given).to_dict(),
)
twin(app, about.functions, "inspect functions --fields name,cost")
twin(app, about.requests, "inspect requests --limit 5")
twin(app, about.budget, "inspect budget")
