"""Saved cohorts: ``POST /api/query/cohorts/list``.

Source: Mixpanel's Query API reference. Their members come from ``mixpanel_profiles(cohort_id := …)``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from ..client import Api, Endpoint
from .answers import fields, flag, moment, objects, text, whole
from .declaration import Call, Column, table_function
from .saved import Kind

LIST = Endpoint(Api.QUERY, "/cohorts/list", method="POST")
SAID = {
    "id": whole,
    "name": text,
    "count": whole,
    "description": text,
    "created": moment,
    "is_visible": flag,
    "project_id": whole,
    "data_group_id": text,
}
NAMED = {"id": whole, "name": text}


@table_function(
    doc="The saved cohorts.",
    endpoint=LIST,
    keeps=True,
    example="FROM mixpanel_cohorts()",
    columns=(
        Column("id", "BIGINT", "what to give to mixpanel_profiles as cohort_id"),
        Column("name", "VARCHAR", "name of the cohort"),
        Column("count", "BIGINT", "members when Mixpanel last counted them"),
        Column("description", "VARCHAR", "what its makers say of it"),
        Column("created", "TIMESTAMP", "when it was made"),
        Column("is_visible", "BOOLEAN", "whether Mixpanel's own pages show it"),
        Column("project_id", "BIGINT", "the project it belongs to"),
        Column("group_id", "VARCHAR", "the kind of group it is made of; NULL for users"),
    ),
)
async def cohorts(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    yield [fields(cohort, SAID) for cohort in objects(await call.recall(LIST))]


async def _saved_cohorts(call: Call) -> list[tuple[Any, ...]]:
    return [fields(cohort, NAMED) for cohort in objects(await call.recall(LIST))]


SAVED = Kind("cohort", "mixpanel_cohorts()", _saved_cohorts)
