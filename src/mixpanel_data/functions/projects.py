"""Projects and their data views: ``GET /api/app/me`` and ``/api/app/projects/<id>/workspaces/public``.

Mixpanel does not document either; source: answers that Mixpanel's own open client reads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ..client import Api, Endpoint
from .answers import entries, fields, flag, inside, objects, possible, text, whole
from .declaration import Call, Column, table_function
from .zones import ME

WORKSPACES = Endpoint(Api.APP, "/projects/{project_id}/workspaces/public")
PROJECT = {"name": text, "timezone": text, "organization_id": whole}
SERVED = {"domain": text, "has_workspaces": flag}
WORKSPACE = {"id": whole, "name": text, "description": text, "is_default": flag, "is_global": flag}


@table_function(
    doc="The projects that the account may read.",
    endpoint=ME,
    keeps=True,
    example="FROM mixpanel_projects()",
    columns=(
        Column("id", "BIGINT", "id of the project"),
        Column("name", "VARCHAR", "name of the project"),
        Column("timezone", "VARCHAR", "the project's time zone"),
        Column("organization_id", "BIGINT", "the organization it belongs to"),
        Column("organization", "VARCHAR", "name of the organization"),
        Column("domain", "VARCHAR", "the host that serves it, where Mixpanel says so"),
        Column("has_workspaces", "BOOLEAN", "whether it has data views"),
    ),
)
async def projects(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    results = inside(await call.recall(ME, include_workspace_users="false"), "results")
    yield [
        (whole(key), *fields(project, PROJECT), _organization(results, project), *fields(project, SERVED))
        for key, project in ((key, possible(said)) for key, said in entries(inside(results, "projects")).items())
    ]


def _organization(results: Mapping[str, Any], project: Mapping[str, Any]) -> str | None:
    organizations = possible(results.get("organizations"))
    return text(possible(organizations.get(str(project.get("organization_id")))).get("name"))


@table_function(
    doc="The data views of the project.",
    endpoint=WORKSPACES,
    keeps=True,
    example="FROM mixpanel_workspaces()",
    columns=(
        Column("id", "BIGINT", "what to give as workspace_id"),
        Column("name", "VARCHAR", "name of the data view"),
        Column("description", "VARCHAR", "what its makers say of it"),
        Column("is_default", "BOOLEAN", "whether it is the one people see first"),
        Column("is_global", "BOOLEAN", "whether it shows all data"),
    ),
)
async def workspaces(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    found = objects(inside(await call.recall(WORKSPACES), "results"))
    yield [fields(workspace, WORKSPACE) for workspace in found]
