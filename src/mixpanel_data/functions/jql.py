"""Scripts of the caller's own, run by Mixpanel: ``POST /api/query/jql``.

Source: Mixpanel's JQL reference.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ..client import Api, Endpoint
from .answers import json_text
from .declaration import Call, Column, Parameter, table_function

JQL = Endpoint(Api.QUERY, "/jql", method="POST")
SCRIPT = """\
'function main() {
  return Events(params).groupBy(["name"], mixpanel.reducer.count())
}'"""


@table_function(
    doc="What a JQL script returns, a row for each item.",
    endpoint=JQL,
    maintained_only=True,
    example=f"FROM mixpanel_jql({SCRIPT}, params := {{'from_date': '2024-01-01', 'to_date': '2024-01-31'}})",
    parameters=(
        Parameter("script", "VARCHAR", "a script that defines main", "'function main() { return [1] }'", required=True),
        Parameter("params", "JSON", "what the script finds as params: a struct or JSON", "{'from_date': '2024-01-01'}"),
    ),
    columns=(Column("value", "JSON", "one item of the result; the whole result where it is no list"),),
)  # fmt: skip
async def jql(call: Call) -> AsyncGenerator[list[tuple[str]]]:
    answer = await call.ask(JQL, {"script": call["script"], "params": json_text(call["params"])})
    yield [(json_text(item) or "null",) for item in (answer if isinstance(answer, list) else [answer])]
