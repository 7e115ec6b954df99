"""Notes on points in time: ``GET /api/app/projects/<id>/annotations``.

Source: Mixpanel's Annotations API reference; its dates come in the documented form or in ISO 8601.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from ..client import Api, Endpoint
from .answers import fields, inside, moment, objects, possible, tags, text, whole
from .declaration import Call, Column, table_function
from .parameters import FROM_DATE, TO_DATE

LIST = Endpoint(Api.APP, "/projects/{project_id}/annotations")
SAID = {"id": whole, "date": moment, "description": text}


@table_function(
    doc="The annotations of the project: what happened when.",
    endpoint=LIST,
    example="FROM mixpanel_annotations()",
    parameters=(replace(FROM_DATE, required=False), replace(TO_DATE, required=False)),
    columns=(
        Column("id", "BIGINT", "its id"),
        Column("date", "TIMESTAMP", "what point in time it is about"),
        Column("description", "VARCHAR", "what it says"),
        Column("user", "VARCHAR", "who wrote it"),
        Column("tags", "VARCHAR[]", "its tags"),
    ),
)
async def annotations_(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    first, last = (day and day.isoformat() for day in (call["from_date"], call["to_date"]))
    answer = await call.ask(LIST, fromDate=first, toDate=last)
    yield [_row(annotation) for annotation in objects(inside(answer, "results"))]


def _row(annotation: Mapping[str, Any]) -> tuple[Any, ...]:
    user, tagged = _name(possible(annotation.get("user"))), tags(annotation.get("tags") or [])
    return *fields(annotation, SAID), user, tagged


def _name(user: Mapping[str, Any]) -> str | None:
    parts = [text(user.get(part)) for part in ("first_name", "last_name")]
    return " ".join(part for part in parts if part) or None
