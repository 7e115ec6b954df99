"""Parameters that several functions share, and how their values are written for Mixpanel."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..exceptions import ArgumentError
from .declaration import Call, Parameter

TEXTS_OR_STRUCTS = "VARCHAR[] or STRUCT[]"
"""The type of a parameter that takes either, or one alone."""
EVENT = Parameter("event", "VARCHAR", "name of the event", "'Purchase'", required=True)
PROPERTY = Parameter("property", "VARCHAR", "name of the property", "'plan'", required=True)
FROM_DATE = Parameter("from_date", "DATE", "first day, inclusive", "'2024-01-01'", required=True)
TO_DATE = Parameter("to_date", "DATE", "last day, inclusive", "'2024-01-31'", required=True)
DAYS = (FROM_DATE, TO_DATE)
FILTER = Parameter(
    "filter", "VARCHAR", "a Mixpanel expression; only events for which it is true", """'properties["plan"] == "pro"'"""
)
SEGMENT_BY = Parameter("segment_by", "VARCHAR", "the property to split by, or a Mixpanel expression", "'plan'")
MAX_SEGMENTS = Parameter("max_segments", "BIGINT", "only so many segments, the largest", "10")
TYPE = Parameter(
    "type",
    "VARCHAR",
    "what is counted: events, users who did them, or events for each user",
    "'unique'",
    default="general",
    choices=("general", "unique", "average"),
)
EXPRESSION = re.compile(r"""\b(properties|user|event)\s*\[\s*["']""")
PREFIX = "properties."
USERS = ("user", "users", "people", "profile", "profiles")
UNCLEAR = re.compile(
    rf"""({"|".join(USERS)})\s*\.\s*(?P<dotted>.+)|"""
    rf"""(?!(properties|user|event)\s*\[\s*["'])"""
    rf"""({"|".join(USERS)}|properties|property|props|prop|events?)\s*\[\s*["']?(?P<quoted>.*?)["']?\s*\]"""
)
"""What nobody writes who means a name, though one could be written so."""


def unit(*choices: str) -> Parameter:
    """The length of a period."""
    return Parameter("unit", "VARCHAR", "length of a period", f"'{choices[-1]}'", default="day", choices=choices)


def days(call: Call) -> Mapping[str, str]:
    """The range of days, as Mixpanel takes it."""
    return {"from_date": call["from_date"].isoformat(), "to_date": call["to_date"].isoformat()}


def split_by(call: Call, parameter: str = "segment_by") -> str | None:
    """The expression that a call splits or counts by.

    Raises:
        ArgumentError: it looks like an expression, but would be taken for a name.
    """
    if unclear := UNCLEAR.fullmatch(call[parameter] or ""):
        raise ArgumentError(f"mixpanel_{call.function}: {_what_to_write(parameter, unclear)}")
    return expression(call[parameter])


def expression(name: str | None) -> str | None:
    """The expression for a property: its bare name, ``properties.`` and the name, or an expression already.

    Source: Mixpanel's reference of segmentation expressions.
    """
    if name is None or EXPRESSION.search(name):
        return name
    bare = name.removeprefix(PREFIX)
    escaped = bare.replace("\\", "\\\\").replace('"', '\\"')
    return f'properties["{escaped}"]'


def property_name(call: Call) -> str:
    """The property of a call that takes its name only.

    Raises:
        ArgumentError: it is an expression.
    """
    name = str(call["property"])
    if written := EXPRESSION.match(name) or UNCLEAR.fullmatch(name):
        bare = re.sub(r"""^\w+\s*(\[\s*["']?|\.\s*)|["']?\s*\]$""", "", name)
        raise ArgumentError(
            f"mixpanel_{call.function}: property is the bare name of an event's property, not {written.string}: "
            f"write property := '{bare}'"
        )
    return name


def _what_to_write(parameter: str, unclear: re.Match[str]) -> str:
    name, said = unclear["dotted"] or unclear["quoted"], unclear.string
    is_users = said.startswith(USERS)
    written = f'user["{name}"]' if is_users else name
    kind = "a property of users" if is_users else "the event's property"
    return (
        f"{parameter} '{said}' would mean an event's property of that very name: write {parameter} := '{written}' for "
        f"{kind}, or 'properties[\"{said}\"]' if it is called so"
    )
