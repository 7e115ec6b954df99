"""The filters of Insights as SQL conditions over events and profiles.

A filter that is made of the negation of another holds where the property is missing, too.

Source: answers and stored reports seen by Mixpanel's own open clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from .expressions import literal, named_property, number_in, seconds_in, segments_of
from .params import Refused, is_one_of
from .people import COHORTS
from .spans import clock, day_of, moved

COLUMNS = {"events": "properties", "event": "properties", "people": "profile", "user": "profile"}
ITEM = "item"
"""The column in which an object of a list is while its properties are looked at."""
ELSEWHERE = ("customPropertyId", "customProperty", "behavior", "dataGroupId")
Condition = Callable[[str, Any], str]
"""Makes SQL of a property's value, which is SQL of type JSON, and of what the filter says."""


def conditions(clauses: list[dict[str, Any]], determiner: str = "all", column: str | None = None) -> str:
    """The SQL condition that all or any of the filters hold, true where there is none.

    They stand over the columns ``properties``, ``profile`` and ``distinct_id`` and the table ``people``, or over the
    one column given. Malformed clauses raise KeyError, TypeError or ValueError.
    """
    word = {"all": " AND ", "any": " OR "}[determiner]
    return f"({word.join(_condition(clause, column) for clause in clauses)})" if clauses else "true"


def not_here(what: str) -> Refused:
    return Refused(400, f"{what} is not part of the sandbox")


def check(clause: dict[str, Any], others: Iterable[str]) -> None:
    """Refuses what Mixpanel would answer and the sandbox does not."""
    for key in others:
        if clause.get(key):
            raise not_here(key)


def value_of(clause: dict[str, Any], column: str | None = None) -> str:
    """The property that a clause is about, as SQL of type JSON."""
    if not isinstance(clause["value"], str):
        raise TypeError(clause)
    return named_property(clause["value"], column or COLUMNS[clause["resourceType"]])


def objects_in(value: str) -> str:
    """The items of a list of objects, as a SQL list of JSON; of what is no list, none."""
    return f"json_extract({value}, '$[*]')"  # After IN of a comprehension, an arrow would be that of a lambda.


def is_member(cohort: dict[str, Any]) -> str:
    """The condition that an event's user is in the cohort, or is not where it is negated."""
    members = f"distinct_id IN (SELECT distinct_id FROM people WHERE {COHORTS[cohort['id']].members})"
    return f"(NOT {members})" if cohort.get("negated") else members


def _condition(clause: dict[str, Any], column: str | None) -> str:
    check(clause, ELSEWHERE)
    if clause["filterType"] == "object" and column is None:
        return _has_objects(clause)
    kind, operator = clause["filterType"], clause["filterOperator"]
    positive = OPPOSITES.get(operator, operator)
    if positive not in OPERATORS[kind]:
        raise Refused(400, f"Unsupported operator for filter_type {kind}")
    said: Any = clause.get("filterValue")
    if positive == "was in the":
        said = said, clause["filterDateUnit"]
    if clause["value"] == "$cohorts":
        holds = " OR ".join(is_member(one["cohort"]) for one in said)
    else:
        holds = OPERATORS[kind][positive](value_of(clause, column), said)
    return f"(NOT coalesce({holds}, false))" if positive != operator else f"coalesce({holds}, false)"


def _has_objects(clause: dict[str, Any]) -> str:
    """Whether any, or all, of the objects in a list pass filters of their own; none do where there is none."""
    if (clause["filterOperator"], clause["filterValue"]) != ("true", True):
        raise ValueError(clause)
    objects, passes = objects_in(value_of(clause)), conditions(clause["listItemFilters"], column=ITEM)
    passing = f"len([1 FOR {ITEM} IN {objects} IF {passes}])"
    least = {"any": "1", "all": f"len({objects})"}[clause["listQuantifier"]]
    return f"coalesce({passing} >= greatest(1, {least}), false)"


def _text(value: str) -> str:
    return f"({value}->>'$')"


def _is_set(value: str, said: Any) -> str:
    return f"{_text(value)} IS NOT NULL AND {_nothing(said)}"


def _nothing(said: Any) -> str:
    """The condition true, where the filter says no value, as it must not."""
    if said is not None:
        raise TypeError(said)
    return "true"


def _equals(value: str, said: list[str]) -> str:
    if not isinstance(said, list):
        raise TypeError(said)
    return is_one_of(_text(value), said)


def _by(function: str) -> Condition:
    return lambda value, said: f"{function}({_text(value)}, {literal(said)})"


def _compares(sign: str) -> Condition:
    return lambda value, said: f"{number_in(value)} {sign} {_number(said)}"


def _between(value: str, said: list[float]) -> str:
    low, high = map(_number, said)
    return f"{number_in(value)} BETWEEN {low} AND {high}"


def _number(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise TypeError(said)
    return said


def _is(truth: str) -> Condition:
    return lambda value, said: f"{value}::VARCHAR = '{truth}' AND {_nothing(said)}"


def _is_said(value: str, said: str) -> str:
    if said not in {"true", "false"}:
        raise ValueError(said)
    return _is(said)(value, None)


def _has_item(value: str, said: Any) -> str:
    """Any of several."""
    items = [said] if isinstance(said, str) else said
    return f"list_has_any({segments_of(value)}, [{', '.join(map(literal, items))}])"


def _within(value: str, first: str, last: str) -> str:
    """Whole days, both included."""
    since, until = day_of(first), day_of(last) + timedelta(days=1)
    return f"{seconds_in(value)} >= {since.timestamp()} AND {seconds_in(value)} < {until.timestamp()}"


def _before(value: str, said: str) -> str:
    return f"{seconds_in(value)} < {day_of(said).timestamp()}"


def _since(value: str, said: str) -> str:
    return f"{seconds_in(value)} >= {day_of(said).timestamp()}"


def _was_in_the(value: str, said: tuple[int, str]) -> str:
    count, unit = said
    now = clock()
    since = moved(now, unit, -count)
    return f"{seconds_in(value)} BETWEEN {since.timestamp()} AND {now.timestamp()}"


OPPOSITES = {
    "does not equal": "equals",
    "is not equal to": "is equal to",
    "does not contain": "contains",
    "is not set": "is set",
    "not between": "between",
    "was not on": "was on",
    "was not between": "was between",
    "was not in the": "was in the",
}
OPERATORS: Mapping[str, Mapping[str, Condition]] = {
    "string": {
        "equals": _equals,
        "contains": _by("contains"),
        "starts with": _by("starts_with"),
        "ends with": _by("ends_with"),
        "is set": _is_set,
    },
    "number": {
        "equals": _compares("="),
        "is equal to": _compares("="),
        "is greater than": _compares(">"),
        "is less than": _compares("<"),
        "is at least": _compares(">="),
        "is greater than or equal to": _compares(">="),
        "is at most": _compares("<="),
        "is between": _between,
        "between": _between,
        "is set": _is_set,
    },
    "boolean": {
        "true": _is("true"),
        "false": _is("false"),
        "is true": _is("true"),
        "is false": _is("false"),
        "equals": _is_said,
    },
    "datetime": {
        "was on": lambda value, said: _within(value, said, said),
        "was between": lambda value, said: _within(value, *said),
        "was before": _before,
        "was since": _since,
        "was in the": _was_in_the,
    },
    "list": {"contains": _has_item},
}
