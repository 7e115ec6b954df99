"""Arguments of a call, from the JSON they travel in to checked Python values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from ..exceptions import ArgumentError
from .answers import shortened, shown
from .declaration import Function, Parameter
from .parameters import TEXTS_OR_STRUCTS
from .relative import FORMS, DaysAgo, days_ago
from .saved import ID_OR_NAME

WHOLE_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([ T]00:00:00(\.0+)?([+-]\d{2}(:\d{2})?)?)?")
DIGITS = re.compile(r"-?\d+")


def read_arguments(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter's value: what was given, checked, else its default. Days may be told from today still.

    Raises:
        ArgumentError: one line that says what to write instead.
    """
    return {p.name: _read(function, p, given.get(p.name)) for p in function.parameters}


def _read(function: Function, parameter: Parameter, value: Any) -> Any:
    if value is None:
        if parameter.required:
            raise ArgumentError(
                f"mixpanel_{function.name} needs {parameter.name} ({parameter.doc}): write {function.example}",
                parameter=parameter.name,
            )
        return parameter.default
    try:
        return _one_of(parameter.choices, READERS[parameter.type](value))
    except (ValueError, TypeError) as error:
        expected = str(error) if isinstance(error, Refusal) else parameter.type
        raise ArgumentError(
            f"mixpanel_{function.name}: {parameter.name} must be {expected}, not {_shown(value)}: "
            f"write {parameter.name} := {parameter.example}",
            parameter=parameter.name,
        ) from None


def _one_of(choices: Sequence[str], value: Any) -> Any:
    if choices and value not in choices:
        raise Refusal(f"one of {', '.join(choices)}")
    return value


class Refusal(ValueError):  # noqa: N818 - becomes an ArgumentError at once
    """Says what kind of value would have been right."""


def day_of(name: str, value: str | date, today: date) -> date:
    """The day that an argument of a Python method names; ``today`` is the day that it is where the project is.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        found = read_day(str(value))
    except ValueError:
        raise ArgumentError(f"{name} must be a day: {FORMS}, not {value!r}") from None
    return found.on(today) if isinstance(found, DaysAgo) else found


def read_day(value: Any) -> date | DaysAgo:
    """A day as it may be written: ``2024-01-31``, alone or at midnight; or as it is told from today.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and (told := days_ago(value)):
        return told
    match = WHOLE_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Refusal(f"a whole day ({FORMS})")
    try:
        return date.fromisoformat(match[1])
    except ValueError as error:
        raise Refusal(f"a day that exists ({error})") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refusal("a string")
    return value


def _texts(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(item, str) for item in values):
        raise Refusal("a list of strings")
    return values


def _texts_or_structs(value: Any) -> list[str | dict[str, Any]]:
    """Texts and structs, one or a list; or either as JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        value = _json(value)
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str | dict) for item in values):
        raise Refusal("texts or structs")
    return values


def _days(value: Any) -> list[date | DaysAgo]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Refusal("a list of days")
    return [read_day(item) for item in values]


def _whole_number(value: Any) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not (is_whole or (isinstance(value, str) and DIGITS.fullmatch(value))):
        raise Refusal("a whole number")
    return int(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refusal("true or false")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refusal("a point in time in the form YYYY-MM-DD HH:MM:SS, in UTC") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _json(value: Any) -> Any:
    """A struct, a map or a list; or JSON as text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise Refusal("JSON, a struct or a list") from None


def _id_or_name(value: Any) -> int | str:
    if isinstance(value, str) and value.strip() and not DIGITS.fullmatch(value):
        return value
    try:
        return _whole_number(value)
    except Refusal:
        raise Refusal("an id or a name") from None


READERS: Mapping[str, Callable[[Any], Any]] = {
    "DATE": read_day,
    "DATE[]": _days,
    "VARCHAR": _text,
    "VARCHAR[]": _texts,
    "BIGINT": _whole_number,
    "BOOLEAN": _boolean,
    "TIMESTAMP": _moment,
    "JSON": _json,
    TEXTS_OR_STRUCTS: _texts_or_structs,
    ID_OR_NAME: _id_or_name,
}


def _shown(value: Any) -> str:
    return shortened(f"'{value}'") if isinstance(value, str) else shown(value)
