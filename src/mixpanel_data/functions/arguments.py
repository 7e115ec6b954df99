"""Arguments of a call, from the JSON they travel in to checked Python values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ..exceptions import ArgumentError
from .declaration import Function, Parameter

WHOLE_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([ T]00:00:00(\.0+)?)?")


def read_arguments(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter's value: what was given, checked, else its default.

    Raises:
        ArgumentError: one line that says what to write instead.
    """
    return {parameter.name: _read(function, parameter, given.get(parameter.name)) for parameter in function.parameters}


def _read(function: Function, parameter: Parameter, value: Any) -> Any:
    if value is None:
        if parameter.required:
            raise ArgumentError(
                f"mixpanel_{function.name} needs {parameter.name} ({parameter.doc}): write {function.example}",
                parameter=parameter.name,
            )
        return parameter.default
    try:
        return READERS[parameter.type](value)
    except (ValueError, TypeError) as error:
        expected = str(error) if isinstance(error, Refusal) else parameter.type
        raise ArgumentError(
            f"mixpanel_{function.name}: {parameter.name} must be {expected}, not {_shown(value)}: "
            f"write {parameter.name} := {parameter.example}",
            parameter=parameter.name,
        ) from None


class Refusal(ValueError):  # noqa: N818 - becomes an ArgumentError at once
    """Says what kind of value would have been right."""


def _date(value: Any) -> date:
    match = WHOLE_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Refusal("a whole day in the form YYYY-MM-DD")
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


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal("a whole number")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refusal("true or false")
    return value


READERS: Mapping[str, Callable[[Any], Any]] = {
    "DATE": _date,
    "VARCHAR": _text,
    "VARCHAR[]": _texts,
    "BIGINT": _whole_number,
    "BOOLEAN": _boolean,
}


def _shown(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
