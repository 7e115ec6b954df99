"""``mp raw``: what Mixpanel sends, as it is, to standard output; no database is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exceptions import ArgumentError
from .command import command, group
from .names import Cohort, Event, Events, From, Limit, Property, SkipBadLines, To, Where, names_in, number_or_name
from .rows import Document, Lines
from .scripts import Params, Script, ScriptFile, params_of, script_of

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

app = group(
    "mp --account sandbox raw export --from 2024-01-01 --to 2024-01-01 --limit 3",
    "Print what Mixpanel sends, as it is, keeping nothing.",
)


@command(
    app,
    "export",
    "mp --account sandbox raw export --from 2024-01-01 --to 2024-01-01 --event Purchase --limit 3",
    twin="Workspace.event_lines",
)
def export(
    workspace: Workspace,
    from_date: From,
    to_date: To,
    events: Events = None,
    event: Event = None,
    where: Where = None,
    limit: Limit = None,
    skip_bad_lines: SkipBadLines = False,
) -> Any:
    """Raw events as JSON lines.

    A window of days comes out only once its whole body is proven.
    """
    lines = workspace.event_lines(
        from_date=from_date, to_date=to_date, events=names_in(events, event), where=where, limit=limit, raw=True,
        on_bad_line="skip" if skip_bad_lines else "error",
    )  # fmt: skip
    return Lines(lines, ("event", "properties"))


@command(
    app,
    "engage",
    """mp --account sandbox raw engage --where 'properties["plan"] == "pro"' --property plan""",
    twin="Workspace.profile_lines",
)
def engage(
    workspace: Workspace,
    where: Where = None,
    cohort: Cohort = None,
    property: Property = None,  # noqa: A002 - the option's name
) -> Any:
    """Profiles as JSON lines."""
    lines = workspace.profile_lines(where=where, cohort=number_or_name(cohort), properties=property or None, raw=True)
    return Lines(lines, ("$distinct_id", "$properties"))


@command(
    app,
    "jql",
    "mp --account sandbox raw jql 'function main() { return Events(params).reduce(mixpanel.reducer.count()) }' "
    '--params \'{"from_date": "2024-01-01", "to_date": "2024-01-02"}\'',
    twin="Workspace.jql",
)
def jql(workspace: Workspace, script: Script = None, file: ScriptFile = None, params: Params = None) -> Any:
    """What a JQL script returns, as JSON."""
    return Document(workspace.jql(script_of(script, file), params_of(params)).raw)


@command(
    app, "get", "mp --account sandbox raw get /api/query/events/top --param type=general --param limit=3",
    twin="Workspace.api.get",
)  # fmt: skip
def get(
    workspace: Workspace,
    path: Annotated[str, typer.Argument(help="As in /api/query/events/top; {project_id} stands for the project.")],
    param: Annotated[list[str] | None, typer.Option(help="A parameter, as in limit=3; may be given again.")] = None,
) -> Any:
    """The answer of any endpoint that only reads, as JSON."""
    return Document(workspace.api.get(path, dict(_pair(text) for text in param or [])))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentError(f"--param {text}: write a name, = and a value, as in limit=3")
    return name, value
