"""What is counted: events, the maths over them, and formulas, as people give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...exceptions import ArgumentError
from .clauses import Event, Formula, Measurement, Metric, Property
from .filters import NAME, read_filters, resource_and_name

COUNTS = ("total", "unique", "dau", "wau", "mau", "sessions", "cumulative_unique")
"""Maths over events or users alone."""
OF_NUMBERS = ("sum", "average", "median", "min", "max", "p25", "p75", "p90", "p99", "unique_values")
"""Maths over a property."""
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
PER_USER = ("total", "average", "min", "max", "unique_values")
ALL_EVENTS = "$all_events"
LETTERS = re.compile(r"[A-Za-z]+")
FORMULA = re.compile(r"[A-Z0-9_.+*/^() \t-]+", re.IGNORECASE)
FIELDS = ("event", "math", "property", "per_user", "filters", "name")


class Asked(NamedTuple):
    """One event and how it is counted, as it was given."""

    event: str
    math: str
    property: str | None
    per_user: str | None
    filters: Any = None
    name: str | None = None


def read_events(function: str, given: Any, math: str, property_: str | None, per_user: str | None) -> list[Asked]:
    """The events of a call, each with its own maths or with those of the call.

    Raises:
        ArgumentError: one line that says what to write instead.
    """
    listed = given if isinstance(given, list) else [given]
    if not listed:
        raise _refused(function, "there must be one at least")
    return [_asked(function, one, Asked("", math, property_, per_user)) for one in listed]


def _asked(function: str, given: Any, unless: Asked) -> Asked:
    if isinstance(given, str) and given:
        return unless._replace(event=given)
    if not isinstance(given, dict) or not given.get("event"):
        raise _refused(function, f"{given!r} is none")
    if unknown := given.keys() - {*FIELDS}:
        raise _refused(function, f"{min(unknown)} is none of {', '.join(FIELDS)}")
    return unless._replace(**{name: value for name, value in given.items() if value is not None})


def _refused(function: str, said: str) -> ArgumentError:
    return ArgumentError(
        f"mixpanel_{function}: events must be names, or structs that begin with event: {said}: write "
        "['Sign Up', 'Purchase'] or [{'event': 'Purchase', 'math': 'sum', 'property': 'amount'}]",
        parameter="events",
    )


def metric(function: str, asked: Asked, *, is_hidden: bool) -> Metric:
    """The clause for an event. Its name is ours, so that the answer's keys are known.

    Raises:
        ArgumentError: its maths, property and users do not go together.
    """
    math, percentile = _math(function, asked)
    counting: dict[str, Any] = {"math": math}
    if asked.property is not None:
        counting["property"] = _property(function, asked.property)
    if asked.per_user is not None:
        counting["per_user_aggregation"] = asked.per_user
    if percentile is not None:
        counting["percentile"] = percentile
    event = Event(
        type="event",
        name=asked.event,
        resource_type="events",
        filters_determiner="all",
        filters=read_filters(function, asked.filters),
    )
    return Metric(
        type="metric",
        name=asked.name or asked.event,
        behavior=event,
        measurement=Measurement(**counting),
        is_hidden=is_hidden,
    )


def _math(function: str, asked: Asked) -> tuple[str, float | None]:
    """Mixpanel's name of it, and its percentile where it has no name of its own."""
    _refuse_odd_pairs(function, asked)
    if asked.math == "sum":
        return "total", None
    if asked.math in COUNTS or asked.math in OF_NUMBERS:
        return asked.math, None
    return "custom_percentile", float(asked.math.removeprefix("p"))


def _refuse_odd_pairs(function: str, asked: Asked) -> None:
    """Mixpanel would answer something else, or a mere 500."""
    math, of_number = asked.math, asked.math in OF_NUMBERS or PERCENTILE.fullmatch(asked.math) is not None
    if math not in COUNTS and not of_number:
        known = ", ".join((*COUNTS, *OF_NUMBERS))
        raise ArgumentError(
            f"mixpanel_{function}: math must be one of {known}, or a percentile such as p95, not '{math}'",
            parameter="math",
        )
    if of_number and asked.property is None and asked.per_user is None:
        raise ArgumentError(f"mixpanel_{function}: {math} is of a number: write property := 'amount'", parameter="math")
    if asked.property is not None and not of_number and math != "total":
        raise ArgumentError(
            f"mixpanel_{function}: {math} counts users or sessions, not a property: leave property out, or write "
            "math := 'sum'",
            parameter="property",
        )
    if asked.per_user is not None and (not of_number or math in {"sum", "unique_values"}):
        raise ArgumentError(
            f"mixpanel_{function}: per_user makes a number of each user, and {math} is of no numbers: write "
            "math := 'average' or 'median'",
            parameter="per_user",
        )
    if asked.per_user not in {None, *PER_USER} or (asked.property is None and asked.per_user not in {None, "total"}):
        raise ArgumentError(
            f"mixpanel_{function}: per_user must be one of {', '.join(PER_USER)} with a property, or total for how "
            f"often a user did it, not '{asked.per_user}'",
            parameter="per_user",
        )


def _property(function: str, written: str) -> Property:
    name = NAME.fullmatch(written)
    if name is None:
        raise ArgumentError(f"mixpanel_{function}: property '{written}' is no name", parameter="property")
    plain, resource = resource_and_name(name)
    return Property(name=plain, resource_type=resource)


def formulas(function: str, written: Sequence[str], count: int) -> list[Formula]:
    """The clauses of formulas over so many metrics, A the first.

    Raises:
        ArgumentError: it has a letter that no metric has, or what is no formula.
    """
    return [_formula(function, one, {letter(place) for place in range(count)}) for one in written]


def _formula(function: str, written: str, known: set[str]) -> Formula:
    unknown = sorted({found.upper() for found in LETTERS.findall(written)} - known)
    if not FORMULA.fullmatch(written) or unknown or written.count("(") != written.count(")"):
        said = f"it speaks of {unknown[0]}" if unknown else "it can have letters, numbers and + - * / ^ ( )"
        raise ArgumentError(
            f"mixpanel_{function}: formula '{written}': {said}; the events are {', '.join(sorted(known))}: write "
            "formula := 'B / A'",
            parameter="formula",
        )
    return Formula(type="formula", name=written, definition=written.upper(), measurement={}, referenced_metrics=[])


def letter(place: int) -> str:
    """What a formula calls the metric at this place: A to Z, and then BA, BB and so on.

    Source: keys of answers seen by Mixpanel's own open clients.
    """
    high, low = divmod(place, 26)
    return (letter(high) if high else "") + chr(ord("A") + low)
