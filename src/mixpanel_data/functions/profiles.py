"""User and group profiles: ``POST /api/query/engage``.

Source: Mixpanel's Query API reference. An id may come as a number, which the reference has and Mixpanel seldom sends.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..exceptions import ArgumentError
from .answers import json_text, moment, possible, text
from .cohorts import SAVED as COHORT
from .declaration import Call, Column, Parameter, table_function
from .pages import ENGAGE, pages_of
from .saved import ID_OR_NAME

MOST_IDS = 2000
"""Ids in one request."""
LAST_SEEN = "$last_seen"


@table_function(
    doc="The profiles of users, or of a group, with all their properties.",
    endpoint=ENGAGE,
    requests="one request, however many pages (one for every 2,000 where distinct_ids are given)",
    example="FROM mixpanel_profiles()",
    parameters=(
        Parameter("filter", "VARCHAR", "a Mixpanel expression over profiles", """'properties["plan"] == "pro"'"""),
        Parameter("cohort_id", ID_OR_NAME, "only members of this cohort: its id or its name, from mixpanel_cohorts()",
                  "1001", kind=COHORT),
        Parameter("properties", "VARCHAR[]", "only these properties: faster where they are many", "['$email']"),
        Parameter("distinct_ids", "VARCHAR[]", "only these users", "['user-0000001']"),
        Parameter("group_id", "VARCHAR", "profiles of this kind of group instead of users", "'-1405123841946871899'"),
        Parameter(
            "behaviors", "JSON", "what users did, for a filter to look at as behaviors[\"name\"]",
            """[{'window': '30d', 'name': 'bought', 'event_selectors': [{'event': 'Purchase'}]}]""",
        ),
        Parameter("as_of", "TIMESTAMP", "when behaviors are looked at, in UTC; now unless given", "'2024-02-01'"),
        Parameter(
            "include_all_users", "BOOLEAN", "of a cohort also members without a profile; true unless given", "false"
        ),
    ),
    columns=(
        Column("distinct_id", "VARCHAR", "the user, or the group"),
        Column("properties", "JSON", "the profile's properties"),
        Column("last_seen", "TIMESTAMP", "when Mixpanel last heard of them, in the project's time zone"),
    ),
)  # fmt: skip
async def profiles(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    wished = _properties(call)
    for ids in _portions(_ids(call)):
        async with aclosing(pages_of(call, {**_selection(call), **wished, "distinct_ids": json_text(ids)})) as pages:
            async for page in pages:
                call.reporter.add(profiles_done=len(page))
                yield [_row(profile, call["properties"]) for profile in page]


def _row(profile: Mapping[str, Any], wanted: Sequence[str] | None) -> tuple[Any, ...]:
    properties = possible(profile.get("$properties") or None)
    seen = moment(properties.get(LAST_SEEN))
    if wanted is not None and LAST_SEEN not in wanted:
        properties = {name: value for name, value in properties.items() if name != LAST_SEEN}
    return text(profile.get("$distinct_id")), json_text(properties), seen


def _selection(call: Call) -> dict[str, Any]:
    """Which profiles are asked for."""
    cohort, behaviors, everyone = call["cohort_id"], call["behaviors"], call["include_all_users"]
    if cohort is not None and behaviors is not None:
        raise ArgumentError("mixpanel_profiles: Mixpanel takes either cohort_id or behaviors: leave one out")
    if cohort is None and everyone is not None:
        raise ArgumentError("mixpanel_profiles: include_all_users is about a cohort: write cohort_id := 1001 too")
    if behaviors is None and call["as_of"] is not None:
        raise ArgumentError("mixpanel_profiles: as_of is about behaviors: write behaviors := [...] too")
    return {
        "where": call["filter"],
        "data_group_id": call["group_id"],
        "filter_by_cohort": json_text({"id": cohort}) if cohort is not None else None,
        "include_all_users": None if cohort is None else "false" if everyone is False else "true",
        "behaviors": json_text(behaviors),
        "as_of_timestamp": _as_of(call) if behaviors is not None else None,
    }


def _as_of(call: Call) -> int:
    """Behaviors without it could not be read beyond the first page."""
    return int(call["as_of"].timestamp() if call["as_of"] is not None else time.time())


def _properties(call: Call) -> dict[str, Any]:
    """Only what is needed of each profile."""
    wanted = call["properties"] if "properties" in call.columns else []
    if wanted is not None and ("last_seen" in call.columns or not wanted):
        wanted = [*wanted, *([LAST_SEEN] if LAST_SEEN not in wanted else [])]
    return {"output_properties": json_text(wanted)}


def _ids(call: Call) -> Sequence[str] | None:
    """The users asked for: those named, or those that the WHERE names; None for all."""
    named: list[str] | None = call["distinct_ids"]
    if named is None and call["cohort_id"] is None and call["behaviors"] is None:
        named = call.where.possible_values("distinct_id")
    return named and list(dict.fromkeys(named))


def _portions(ids: Sequence[str] | None) -> Iterator[Sequence[str] | None]:
    if ids is None:
        yield None
        return
    yield from (ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS))
