"""Anything else that Mixpanel lets be read: one GET, its answer as JSON."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import unquote

from ..client import PATHS, Api, Budget, Endpoint
from ..exceptions import ArgumentError
from .answers import json_text
from .declaration import Call, Column, Parameter, table_function

FORM = re.compile(r"(/[\w.~%:@$+-]+|/\{project_id\})+/?")
SCHEMAS = re.compile(r"/projects/[^/]+/schemas")
READABLE = (Api.QUERY, Api.APP)


@table_function(
    doc="The answer of any other endpoint of Mixpanel's Query and App APIs, as JSON. It can only read.",
    endpoint=Endpoint(Api.QUERY, "/…"),
    requests="one request (none where the path is of /api/app)",
    example="FROM mixpanel_get('/api/app/me')",
    parameters=(
        Parameter(
            "path", "VARCHAR", "the path, beginning with /api/query/ or /api/app/; {project_id} stands for the project",
            "'/api/app/projects/{project_id}/annotations'", required=True,
        ),
        Parameter("params", "JSON", "parameters, as a struct or JSON; a list in it is sent as JSON", "{'limit': 10}"),
    ),
    columns=(Column("value", "JSON", "Mixpanel's whole answer"),),
)  # fmt: skip
async def get(call: Call) -> AsyncGenerator[list[tuple[str]]]:
    answer = await call.ask(_endpoint(call["path"]), _params(call["params"]))
    yield [(json_text(answer) or "null",)]


def _endpoint(path: str) -> Endpoint:
    """The endpoint at this path. Credentials go to Mixpanel's own hosts only, so it can be nothing but a path."""
    climbs = {".", ".."} & set(unquote(path).split("/"))
    for api in READABLE:
        rest = path.removeprefix(PATHS[api])
        if rest not in (path, "/") and FORM.fullmatch(rest) and not climbs:
            return Endpoint(api, rest, own_budget=Budget.LEXICON if SCHEMAS.match(rest) else None)
    raise ArgumentError(
        f"mixpanel_get: path must begin with /api/query/ or /api/app/ and have no parameters in it, not '{path[:80]}': "
        "write mixpanel_get('/api/query/events/top', params := {'type': 'general'})"
    )


def _params(given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ArgumentError("mixpanel_get: params must be a struct: write params := {'type': 'general'}")
    if scope := {"project_id", "workspace_id"} & set(given or {}):
        raise ArgumentError(
            f"mixpanel_get: {min(scope)} cannot be among the params: write workspace_id := 12345, or the account of "
            "another project as account := 'staging'"
        )
    return {name: value if isinstance(value, str | None) else json_text(value) for name, value in (given or {}).items()}
