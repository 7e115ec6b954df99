"""What a request asks for, read and refused as Mixpanel does, and what it is answered with.

Source: Mixpanel's API reference and OpenAPI files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from .expressions import BadExpression, items_of, literal, number_of, to_sql

PROJECT = "1"
Params = Mapping[str, str]


@dataclass
class Answer:
    """An answer before it is sent: a whole JSON body, or the lines of an export."""

    status: int = 200
    body: bytes = b""
    lines: Iterator[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(value: Any, status: int = 200) -> Answer:
        body = json.dumps(value, ensure_ascii=False).encode()
        return Answer(status, body, headers={"Content-Type": "application/json"})


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """A request that Mixpanel would not answer with 200."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def now() -> str:
    """The present moment, as Mixpanel's ``computed_at`` has it."""
    return datetime.now(UTC).isoformat()


def today() -> date:
    return datetime.now(UTC).date()


def required(params: Params, name: str) -> str:
    if name not in params:
        raise Refused(400, f"Missing required parameter: {name}")
    return params[name]


def choice(params: Params, name: str, options: Collection[str], default: str | None = None) -> str:
    """One of the options; a parameter without a default is required."""
    value = required(params, name) if default is None else params.get(name, default)
    if value not in options:
        raise Refused(400, f"Invalid value for {name}")
    return value


def integer(params: Params, name: str, low: int, high: int, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise Refused(400, f"Invalid value for {name}")
    return int(text)


def truth(params: Params, name: str, *, default: bool) -> bool:
    return choice(params, name, ("true", "false"), str(default).lower()) == "true"


def json_of(params: Params, name: str, kind: type) -> Any:
    """A parameter that is JSON, and of this kind."""
    try:
        value = json.loads(required(params, name))
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise Refused(400, f"Invalid JSON Format: {name}")
    return value


def names(params: Params, name: str) -> list[str]:
    """A JSON array of texts."""
    values: list[str] = json_of(params, name, list)
    if not all(isinstance(value, str) for value in values):
        raise Refused(400, f"Invalid JSON Format: {name}")
    return values


def days(params: Params) -> tuple[date, date]:
    first, last = day(params, "from_date"), day(params, "to_date")
    if last > today():
        raise Refused(400, "to_date cannot be later than today")
    if first > last:
        raise Refused(400, "from_date cannot be later than to_date")
    return first, last


def day(params: Params, name: str) -> date:
    try:
        value = date.fromisoformat(required(params, name))
    except ValueError:
        raise Refused(400, f"Error in {name}: invalid date") from None
    if value.year < 2000:
        raise Refused(400, f"Error in {name}: invalid date, bad year")
    return value


def condition(params: Params, name: str = "where") -> str:
    """The filter expression as a SQL condition, true where none is given."""
    return compiled(to_sql, params[name]) if params.get(name) else "true"


def segments(params: Params) -> str | None:
    """What ``on`` says, as SQL text: a row for each item where it is a list."""
    return compiled(items_of, params["on"]) if params.get("on") else None


def number(params: Params) -> str:
    """What ``on`` says, as a SQL number; here it is required."""
    return compiled(number_of, required(params, "on"))


def is_event(*names: str) -> str:
    """The SQL condition that an event has one of the names."""
    return is_one_of("event", names)


def is_one_of(column: str, values: Sequence[str]) -> str:
    """The SQL condition that a text is one of the values."""
    return f"{column} IN ({', '.join(map(literal, values))})" if values else "false"


def selected(selectors: list[dict[str, str]]) -> str:
    """The SQL condition that one of the event selectors, as of behaviors and JQL, chooses an event."""
    if not all(isinstance(one, dict) and isinstance(one.get("event"), str) for one in selectors):
        raise Refused(400, "Invalid value for event_selectors")
    choices = [f"({is_event(one['event'])} AND {condition(one, 'selector')})" for one in selectors]
    return f"({' OR '.join(choices)})" if choices else "true"


def compiled(form: Callable[[str], str], expression: str) -> str:
    """An expression of the request as SQL of this form."""
    try:
        return form(expression)
    except BadExpression as error:
        raise Refused(400, str(error)) from None
