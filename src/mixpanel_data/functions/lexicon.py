"""What the Lexicon says of events, profiles and their properties: ``GET /api/app/projects/<id>/schemas``.

Source: Mixpanel's Lexicon Schemas API reference. Only what somebody has described is in it, so this is no list of all
events. An answer about one entity may be an object instead of a list.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from ..client import Api, Budget, Endpoint
from ..exceptions import ArgumentError, NotFoundError
from .answers import fields, flag, inside, json_text, objects, possible, tags, text, texts, unwrapped
from .declaration import Call, Column, Parameter, table_function

SCHEMAS = Endpoint(Api.APP, "/projects/{project_id}/schemas", own_budget=Budget.LEXICON)
OF_TYPE = Endpoint(Api.APP, "/projects/{project_id}/schemas/{entity_type}", own_budget=Budget.LEXICON)
ENTITY = {"entityType": text, "name": text}
SCHEMA = {"description": text, "properties": json_text}
OWN = {
    "displayName": text,
    "tags": tags,
    "hidden": flag,
    "dropped": flag,
    "contacts": texts,
    "teamContacts": texts,
}
KIND = re.compile(r"[\w$-]+")


@table_function(
    doc="What the Lexicon says of events and profiles: descriptions, properties, tags.",
    endpoint=SCHEMAS,
    keeps=True,
    example="FROM mixpanel_schemas()",
    parameters=(
        Parameter("entity_type", "VARCHAR", "only entities of this kind", "'event'"),
        Parameter("name", "VARCHAR", "only this entity; an event unless entity_type says otherwise", "'Purchase'"),
    ),
    columns=(
        Column("entity_type", "VARCHAR", "event, profile and so on"),
        Column("name", "VARCHAR", "name of the entity"),
        Column("display_name", "VARCHAR", "what Mixpanel's own pages call it"),
        Column("description", "VARCHAR", "what it means"),
        Column("properties", "JSON", "each property with its type and description"),
        Column("tags", "VARCHAR[]", "its tags"),
        Column("hidden", "BOOLEAN", "whether Mixpanel's own pages hide it"),
        Column("dropped", "BOOLEAN", "whether Mixpanel throws it away when it arrives"),
        Column("contacts", "VARCHAR[]", "people responsible for it"),
        Column("team_contacts", "VARCHAR[]", "teams responsible for it"),
        Column("schema", "JSON", "all that the Lexicon says"),
    ),
)  # fmt: skip
async def schemas(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    yield [_row(entity) for entity in await _entities(call)]


async def _entities(call: Call) -> Sequence[Mapping[str, Any]]:
    name, kind = call["name"], call["entity_type"]
    if name is None and kind is None:
        return objects(inside(await call.recall(SCHEMAS), "results"))
    kind = "event" if kind is None else kind
    if not KIND.fullmatch(kind):
        raise ArgumentError(f"mixpanel_schemas: there is no entity_type {kind!r}: write entity_type := 'event'")
    try:
        answer = await call.recall(OF_TYPE, entity_type=kind, entity_name=name)
    except NotFoundError:
        if name is None:
            raise
        return []  # nobody has described it
    results = unwrapped(answer, "results")
    if isinstance(results, dict):
        return [{"entityType": kind, "name": name, "schemaJson": results, **results}]
    return [entity for entity in objects(results) if name in (None, entity.get("name"))]


def _row(entity: Mapping[str, Any]) -> tuple[Any, ...]:
    schema = possible(entity.get("schemaJson"))
    own = possible(possible(schema.get("metadata")).get("com.mixpanel"))
    display_name, *others = fields(own, OWN)
    return *fields(entity, ENTITY), display_name, *fields(schema, SCHEMA), *others, json_text(schema)
