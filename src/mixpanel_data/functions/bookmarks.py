"""Saved reports, listed: ``GET /api/app/projects/<id>/bookmarks``.

Mixpanel does not document it; source: answers that Mixpanel's own open client reads. The list may come in one more
envelope than other answers of the App API, and takes half a minute where there are thousands.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from ..client import Api, Endpoint
from .answers import fields, json_text, moment, objects, text, unwrapped, whole
from .declaration import Call, Column, Parameter, table_function

LIST = Endpoint(Api.APP, "/projects/{project_id}/bookmarks")
SAID = {
    "id": whole,
    "name": text,
    "type": text,
    "description": text,
    "created": moment,
    "modified": moment,
    "creator_name": text,
    "workspace_id": whole,
    "dashboard_id": whole,
    "params": json_text,
}
KINDS = ("insights", "funnels", "retention", "flows", "launch-analysis")


@table_function(
    doc="The saved reports.",
    endpoint=LIST,
    keeps=True,
    example="FROM mixpanel_bookmarks()",
    parameters=(Parameter("type", "VARCHAR", "only reports of this kind", "'insights'", choices=KINDS),),
    columns=(
        Column("id", "BIGINT", "what to give to mixpanel_saved_report or mixpanel_flows"),
        Column("name", "VARCHAR", "name of the report"),
        Column("type", "VARCHAR", "kind of the report"),
        Column("description", "VARCHAR", "what its maker says of it"),
        Column("created", "TIMESTAMP", "when it was made"),
        Column("modified", "TIMESTAMP", "when it was last changed"),
        Column("creator", "VARCHAR", "who made it"),
        Column("workspace_id", "BIGINT", "the data view it belongs to"),
        Column("dashboard_id", "BIGINT", "the board it stands on"),
        Column("params", "JSON", "what the report asks"),
    ),
)
async def bookmarks(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    yield [fields(report, SAID) for report in await saved_reports(call, call["type"])]


async def saved_reports(
    call: Call, kind: str | None = None, longest: float | None = None
) -> Sequence[Mapping[str, Any]]:
    """What Mixpanel says of each saved report, or has said less than ``longest`` seconds ago."""
    answer = await call.keep((LIST, kind), lambda: call.ask(LIST, v=2, type=kind), longest)
    return objects(unwrapped(answer, "results", "results"))
