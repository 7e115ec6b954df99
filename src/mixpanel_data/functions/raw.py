"""Anything else that Mixpanel lets be read: one request, its answer as JSON."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from ..client import PATHS, Api, Budget, Endpoint
from ..exceptions import ArgumentError
from .answers import json_text
from .declaration import Call, Column, Parameter, table_function

OLD = PATHS[Api.EXPORT]
"""Where the Query API was before, too."""
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
    answer = await call.ask(_endpoint(call["path"]), _params("mixpanel_get", call["params"]))
    yield [(json_text(answer) or "null",)]


@table_function(
    doc="The answer of any other endpoint of Mixpanel's Query API to a POST, as JSON. It can only read.",
    endpoint=Endpoint(Api.QUERY, "/…", method="POST"),
    requests="one request",
    example="FROM mixpanel_post('/api/query/engage', params := {'filter_by_cohort': {'id': 1001}})",
    parameters=(
        Parameter("path", "VARCHAR", "the path, beginning with /api/query/", "'/api/query/engage'", required=True),
        Parameter(
            "params", "JSON", "the form, as a struct or JSON; lists in it are sent as JSON", "{'page_size': 100}"
        ),
        Parameter(
            "as_json",
            "BOOLEAN",
            "send params as a JSON body, with project_id added, instead of a form",
            "true",
            default=False,
        ),
    ),
    columns=(Column("value", "JSON", "Mixpanel's whole answer"),),
)
async def post(call: Call) -> AsyncGenerator[list[tuple[str]]]:
    endpoint = _endpoint(call["path"], "mixpanel_post", (Api.QUERY,))
    given = _given("mixpanel_post", call["params"]) if call["as_json"] else _params("mixpanel_post", call["params"])
    answer = await call.ask(replace(endpoint, method="POST", takes_json=call["as_json"]), given)
    yield [(json_text(answer) or "null",)]


def _endpoint(path: str, function: str = "mixpanel_get", readable: Sequence[Api] = READABLE) -> Endpoint:
    """The endpoint at this path. Credentials go to Mixpanel's own hosts only, so it can be nothing but a path."""
    climbs = {".", ".."} & set(unquote(path).split("/"))
    is_old = path.startswith(f"{OLD}/") and path != f"{OLD}/export"
    today = path.replace(OLD, PATHS[Api.QUERY], 1) if is_old else path
    for api in readable:
        rest = today.removeprefix(PATHS[api])
        if rest not in (today, "/") and FORM.fullmatch(rest) and not climbs:
            return Endpoint(api, rest, own_budget=Budget.LEXICON if SCHEMAS.match(rest) else None)
    places = " or ".join(f"{PATHS[api]}/" for api in readable)
    raise ArgumentError(
        f"{function}: path must begin with {places} and have no parameters in it, not '{path[:80]}': "
        f"write {function}('/api/query/events/top', params := {{'type': 'general'}})"
    )


def _params(function: str, given: Any) -> dict[str, Any]:
    """The parameters as a form or an address takes them."""
    named = _given(function, given)
    return {name: value if isinstance(value, str | None) else json_text(value) for name, value in named.items()}


def _given(function: str, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ArgumentError(f"{function}: params must be a struct: write params := {{'type': 'general'}}")
    if scope := {"project_id", "workspace_id"} & set(given or {}):
        raise ArgumentError(
            f"{function}: {min(scope)} cannot be among the params: write workspace_id := 12345, or the account of "
            "another project as account := 'staging'"
        )
    return given or {}
