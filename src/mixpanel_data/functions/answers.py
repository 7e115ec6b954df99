"""Mixpanel's JSON, read: what must be in it, and values in whichever form they come.

Numbers come as strings at times, dates with a time and a zone or without, keys are missing where there is nothing to
say. What is missing becomes None; what contradicts the shape of the answer is an error, never an empty result.
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
    """The value, which must be an object if it is there at all."""
    return {} if value is None else entries(value)


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
    """A number, which may come as text. What no DOUBLE can hold is None, with a warning: the rest of the answer is not
    to be lost."""
    if value is None or value == "":
        return None
    found = _float(value)
    if math.isfinite(found):
        return found
    warn(f"Mixpanel sent {shown(value)} where a number should be: no DOUBLE can hold it, so it is left out")
    return None


def percent(value: Any) -> float | None:
    """A fraction in percent."""
    fraction = number(value)
    return None if fraction is None else fraction * 100


def whole(value: Any) -> int | None:
    """A whole number, which may come as text. Where another number comes it is rounded, with a warning: the rest of the
    answer is not to be lost."""
    if value is None or value == "":
        return None
    if not isinstance(value, float | bool):
        with suppress(TypeError, ValueError):
            return int(value)  # not through float: ids have many digits
    found = math.nan if isinstance(value, bool) else _float(value)
    if not math.isfinite(found):
        raise ServerError(f"Mixpanel sent {shown(value)} where a whole number should be")
    if not found.is_integer():
        warn(f"Mixpanel sent {shown(value)} where a whole number should be: it is rounded")
    return round(found)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        raise ServerError(f"Mixpanel sent {shown(value)} where a number should be") from None


def flag(value: Any) -> bool | None:
    """A truth value, which may come as 0 or 1, or as text."""
    return None if value is None else value not in FALSE


def text(value: Any) -> str | None:
    """Text; the JSON of what is no text."""
    return value if value is None or isinstance(value, str) else json_text(value)


def texts(value: Any) -> list[str | None] | None:
    """A list of texts."""
    return None if value is None else [text(item) for item in items(value)]


def tags(value: Any) -> list[str | None] | None:
    """A list of names, or of objects that have one."""
    return None if value is None else [text(tag.get("name") if isinstance(tag, dict) else tag) for tag in items(value)]


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
