"""Event names: ``GET /api/query/events/names``.

Source: Mixpanel's Query API reference. Undocumented but honoured: ``from_date``, without which only the last 31
days count, and a ``limit`` of up to 5,000; a project with a shorter history refuses a date too far back and says
how many days it has.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from ..client import Api, Endpoint
from ..exceptions import AccessDeniedError, ServerError
from .declaration import Call, Column, table_function

ENDPOINT = Endpoint(Api.QUERY, "/events/names")
EARLIEST = "2000-01-01"
HISTORY = re.compile(r"Date range exceeds (\d+) days")


@table_function(
    doc="The names of all events of the project, in alphabetical order.",
    endpoint=ENDPOINT,
    requests="one request (two where the plan limits the history)",
    example="FROM mixpanel_events()",
    columns=(Column("event_name", "VARCHAR", "name of the event"),),
)
async def events(call: Call) -> AsyncGenerator[list[tuple[str]]]:
    try:
        names = await _names(call, EARLIEST)
    except AccessDeniedError as error:
        history = HISTORY.search(str(error.details.get("mixpanel_says")))
        if history is None:
            raise
        earliest = datetime.now(UTC).date() - timedelta(days=int(history[1]))
        names = await _names(call, earliest.isoformat())
    yield [(name,) for name in sorted(names)]


async def _names(call: Call, from_date: str) -> list[str]:
    to_date = datetime.now(UTC).date().isoformat()
    names = await call.ask(
        ENDPOINT,
        type="general",
        limit=5000,
        from_date=from_date,
        to_date=to_date,
        workspace_id=call["workspace_id"],
    )
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ServerError("Mixpanel did not answer with a list of event names")
    return names
