"""``mp query``: questions that Mixpanel answers itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exceptions import ArgumentError
from ..questions import counts, insights, reports
from .command import command, group, parameters
from .scripts import Params, Script, ScriptFile, params_of, script_of
from .sql import app as sql
from .twins import twin

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

app = group(
    "mp --account sandbox query segmentation Purchase --from 2024-01-01 --to 2024-01-07",
    "Ask Mixpanel: segmentation, funnels, retention and so on; each call costs a request.",
)
app.add_typer(sql)
JANUARY = "--from 2024-01-01 --to 2024-01-31"
WEEK = "--from 2024-01-01 --to 2024-01-07"


def keeping(
    into: Annotated[str | None, typer.Option("--into", help="Keep the rows in this local table.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --into: in the place of a table of that name.")
    ] = False,
    show_sql: Annotated[bool, typer.Option("--show-sql", help="Print the SQL instead of asking.")] = False,
) -> None:
    """The options of every question."""


def asked(workspace: Workspace, method: Callable[..., Any], given: dict[str, Any]) -> Any:
    """The answer; or the SQL, or the table in which the answer is kept, if that is wished."""
    into, replace, show_sql = (given.pop(name) for name in inspect.signature(keeping).parameters)
    if replace and into is None:
        raise ArgumentError("--replace is for --into: add --into TABLE")
    if show_sql:
        return workspace.sql_of(method, **given)
    if into is None:
        return method(**given)
    return workspace.keep(lambda: method(**given), into, replace=replace)


def jql(
    workspace: Workspace,
    script: Script = None,
    file: ScriptFile = None,
    params: Params = None,
    **kept: Any,
) -> Any:
    """Run a script in Mixpanel's JavaScript query language."""
    return asked(workspace, workspace.jql, {"script": script_of(script, file), "params": params_of(params), **kept})


for method, example in (
    (insights.insights, f"insights --events Purchase {JANUARY} --math unique --unit week --on plan"),
    (counts.segmentation, f"segmentation Purchase {JANUARY} --on plan --unit month"),
    (reports.funnel, f"funnel 7509 {JANUARY}"),
    (reports.retention, f"retention --born 'Sign Up' --return Purchase {WEEK} --interval-count 4"),
    (reports.frequency, f"frequency {WEEK} --unit week --event Purchase"),
    (counts.event_counts, f"event-counts --events 'Sign Up,Purchase' {WEEK}"),
    (counts.property_counts, f"property-counts Purchase plan {JANUARY} --unit month"),
    (counts.segmentation_numeric, f"segmentation-numeric Purchase {WEEK} --on amount"),
    (counts.segmentation_sum, f"segmentation-sum Purchase {WEEK} --on amount"),
    (counts.segmentation_average, f"segmentation-average Purchase {WEEK} --on amount"),
    (reports.saved_report, "saved-report 2001"),
    (reports.flows, "flows 4001"),
    (reports.activity_feed, f"activity-feed user-0000001 {JANUARY}"),
):
    twin(app, method, f"query {example}", asks=asked, more=keeping)
command(
    app,
    "jql",
    "mp --account sandbox query jql "
    "'function main() { return Events(params).groupBy([\"name\"], mixpanel.reducer.count()) }' "
    '--params \'{"from_date": "2024-01-01", "to_date": "2024-01-02"}\'',
    twin="Workspace.jql",
    own=[*parameters(jql)[1:-1], *parameters(keeping)],
)(jql)
