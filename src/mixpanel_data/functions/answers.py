"""Mixpanel's JSON, read: what must be in it, and values in whichever form they come.

Numbers come as strings at times, dates with a time and a zone or without, keys are missing where there is nothing to
say. What is missing becomes None; so does a single value that is not what it should be, with a warning. What
contradicts the shape of the answer is an error, never an empty result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from ..exceptions import ServerError, warn
from ..lenient import write_json

LONGEST_SHOWN = 80
FALSE = (False, 0, "0", "false", "False", "")
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
LARGEST = 2**63
"""No whole number of SQL's is as large."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def inside(answer: Any, *path: str) -> Any:
    """What stands at this path of keys.

    Raises:
        ServerError: the answer does not have it.
    """
    for place, key in enumerate(path):
        if not isinstance(answer, dict) or key not in answer:
            raise ServerError(f"Mixpanel's answer has no {'.'.join(path[: place + 1])}: {shown(answer)}")
        answer = answer[key]
    return answer


def unwrapped(answer: Any, *keys: str) -> Any:
    """The answer without the envelopes it may come in."""
    for key in keys:
        if isinstance(answer, dict) and key in answer:
            answer = answer[key]
    return answer


def entries(value: Any) -> Mapping[str, Any]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise ServerError(f"Mixpanel answered something else than an object: {shown(value)}")
    return value


def possible(value: Any) -> Mapping[str, Any]:
    """The value, where it is an object; an empty one where it is missing or, with a warning, something else."""
    if value is not None and not isinstance(value, dict):
        _warn_of(value, "an object")
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Sequence[Any]:
    """The value, which must be a list."""
    if not isinstance(value, list):
        raise ServerError(f"Mixpanel answered something else than a list: {shown(value)}")
    return value


def objects(value: Any) -> Sequence[Mapping[str, Any]]:
    """The value, which must be a list of objects."""
    return [entries(item) for item in items(value)]


def fields(entity: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> tuple[Any, ...]:
    """The values of these keys, each read in its own way; None for those that are missing."""
    return tuple(reader(entity.get(key)) for key, reader in readers.items())


def number(value: Any) -> float | None:
    """A number, which may come as text. What is none is None, with a warning."""
    if value is None or value == "":
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(without_commas(value))
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if math.isfinite(found):
        return found
    _warn_of(value, "a number")
    return None


def percent(value: Any) -> float | None:
    """A fraction in percent."""
    fraction = number(value)
    return None if fraction is None else fraction * 100


def whole(value: Any) -> int | None:
    """A whole number, which may come as text. Another number is rounded, and what is none is None, both with a
    warning."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError):
            exact = int(without_commas(value))  # not through float: ids have many digits
            if abs(exact) < LARGEST:
                return exact
            _warn_of(value, "a whole number that is not too large")
            return None
    found = number(value)
    if found is not None and not found.is_integer():
        warn(f"Mixpanel sent {shown(value)} where a whole number should be: it is rounded")
    return None if found is None else whole(round(found))


def without_commas(value: Any) -> Any:
    """The value; where it is text with a comma before every three digits, the text without."""
    if not isinstance(value, str) or not THOUSANDS.fullmatch(value):
        return value
    warn('Mixpanel sent numbers with commas, as in "1,000": they are taken for thousands')
    return value.replace(",", "")


def _warn_of(value: Any, expected: str) -> None:
    """Says that a value is not what it should be, and is left out: one of them is no reason to lose the answer."""
    warn(f"Mixpanel sent {shown(value)} where {expected} should be: it is left out")


def flag(value: Any) -> bool | None:
    """A truth value, which may come as 0 or 1, or as text."""
    return None if value is None else value not in FALSE


def text(value: Any) -> str | None:
    """Text; the JSON of what is no text."""
    return value if value is None or isinstance(value, str) else json_text(value)


def texts(value: Any) -> list[str | None] | None:
    """A list of texts; None where it is missing or, with a warning, something else."""
    if value is not None and not isinstance(value, list):
        _warn_of(value, "a list")
    return [text(item) for item in value] if isinstance(value, list) else None


def tags(value: Any) -> list[str | None] | None:
    """A list of names, or of objects that have one."""
    return texts(
        [tag.get("name") if isinstance(tag, dict) else tag for tag in value] if isinstance(value, list) else value
    )


def json_text(value: Any) -> str | None:
    """The value as JSON; None stays None."""
    return None if value is None else write_json(value)


def moment(value: Any) -> datetime | None:
    """A point in time as the clock on the wall shows it, which Mixpanel writes with its offset or without."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if DATE.match(value) else None
    except (TypeError, ValueError):
        return None


def label(value: str) -> datetime:
    """The start of a period, from the key that stands for it.

    Raises:
        ServerError: it is no date.
    """
    start = moment(value)
    if start is None:
        raise ServerError(f"Mixpanel sent {shown(value)} where a date should be")
    return start


def day(value: str) -> date:
    """The first day of a period, from the key that stands for it."""
    return label(value).date()


def shown(value: Any) -> str:
    """The value, short enough for a message."""
    return shortened(write_json(value))


def shortened(text: str) -> str:
    """The text, cut off where a message would grow too long."""
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
