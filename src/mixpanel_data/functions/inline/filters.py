"""Filters as people write them: ``plan = pro``, ``amount > 100``, ``user.country in (DE, AT)``.

A filter is a property, an operator and a value. The value says the type: ``100`` is a number, ``true`` a truth value,
``2024-01-31`` a day, and anything else, or what stands in quotes, is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from ...exceptions import ArgumentError
from .clauses import Filter, Resource

EXAMPLE = "'plan = pro', 'amount > 100', 'country in (DE, AT)', 'user.email is set'"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
ITEM = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|[^,'"]+)\s*(?:,|$)""")
NAME = re.compile(r"""(?P<user>user\.)?(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[^"]+))""", re.DOTALL)
OPERATOR = re.compile(
    r"""\s*(?P<sign><=|>=|!=|<>|==|=|<|>)\s*(?=\S)|
    \s+(?P<list>not\s+in|in)\s*(?=[(\[])|
    \s+(?P<cohort>not\s+in\s+cohort|in\s+cohort)\s+(?=\d)|
    \s+(?P<text>not\s+contains|contains|starts\s+with|ends\s+with|not\s+has|has)\s+(?=\S)|
    \s+(?P<range>not\s+between|between)\s+(?=\S)|
    \s+(?P<day>before|since|on)\s+(?=\d)|
    \s+(?P<alone>is\s+not\s+set|is\s+set|is\s+true|is\s+false)\s*$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
SIGNS = {"==": "=", "<>": "!="}
TEXT = {
    "=": "equals",
    "!=": "does not equal",
    "contains": "contains",
    "not contains": "does not contain",
    "starts with": "starts with",
    "ends with": "ends with",
}
NUMERIC = {
    "=": "is equal to",
    "!=": "is not equal to",
    ">": "is greater than",
    "<": "is less than",
    ">=": "is at least",
    "<=": "is at most",
}
OF_DAYS = {"=": "was on", "on": "was on", "!=": "was not on", "<": "was before", "before": "was before",
           ">=": "was since", "since": "was since"}  # fmt: skip
NEXT_DAY = {">": "was since", "<=": "was before"}
"""Mixpanel knows days before one, and from one on."""


class Term(NamedTuple):
    """A filter, taken apart."""

    name: str
    resource: Resource
    operator: str
    value: str


class Refusal(ValueError):  # noqa: N818 - becomes an ArgumentError at once
    """Says what is wrong."""


def read_filters(function: str, written: Any) -> list[Filter]:
    """The filters of a call: texts, and structs of property, operator and value; one or a list.

    Raises:
        ArgumentError: one line that says what to write instead.
    """
    given = written if isinstance(written, list) else [] if written is None else [written]
    return [_read(function, one) for one in given]


def _read(function: str, written: Any) -> Filter:
    try:
        return _filter(_term(_sentence(written)))
    except ValueError as error:
        said = str(error) if isinstance(error, Refusal) else "it cannot be understood"
        raise ArgumentError(
            f"mixpanel_{function}: filter {_shown(written)}: {said}: write filters := [{EXAMPLE}]", parameter="filters"
        ) from None


def _sentence(written: Any) -> str:
    """The filter as a text; a struct says the same in three fields."""
    if isinstance(written, str):
        return written
    if isinstance(written, dict) and written.keys() == {"property", "operator", "value"}:
        return f"{written['property']} {written['operator']} {written['value']}"
    raise Refusal("it must be a text, or a struct of property, operator and value")


def _term(sentence: str) -> Term:
    """The first operator that has a property before it and a value after it."""
    for found in _operators(sentence):
        name = NAME.fullmatch(sentence[: found.start()].strip())
        if name:
            operator = re.sub(r"\s+", " ", next(filter(None, found.groups()))).lower()
            return Term(*resource_and_name(name), SIGNS.get(operator, operator), sentence[found.end() :].strip())
    raise Refusal("it has no operator (=, !=, >, >=, <, <=, in, contains, between, is set …)")


def _operators(sentence: str) -> Iterator[re.Match[str]]:
    """What may be the operator, from left to right; nothing within the quotes of a name."""
    start = sentence.find('"', sentence.find('"') + 1) if re.match(r'\s*(user\.)?"', sentence) else 1
    while found := OPERATOR.search(sentence, max(start, 1)):
        yield found
        start = found.start() + 1


def resource_and_name(name: re.Match[str]) -> tuple[str, Resource]:
    quoted = name["quoted"]
    plain = quoted.replace('""', '"') if quoted else name["bare"].strip()
    return plain, "people" if name["user"] else "events"


def _filter(term: Term) -> Filter:
    if "cohort" in term.operator:
        return _cohort(term)
    if term.operator.startswith("is "):
        return _alone(term)
    if term.operator in {"in", "not in"}:
        sign = "=" if term.operator == "in" else "!="
        return _clause(term, "string", TEXT[sign], [_plain(item) for item in _items(term.value.strip("()[] \t\n"))])
    if term.operator.endswith("between"):
        return _between(term)
    if term.operator.endswith("has"):
        operator = "does not contain" if term.operator.startswith("not") else "contains"
        return _clause(term, "list", operator, _plain(term.value))
    return _compared(term)


def _compared(term: Term) -> Filter:
    if DAY.fullmatch(term.value):
        return _of_day(term, _day(term.value))
    if NUMBER.fullmatch(term.value) and term.operator in NUMERIC:
        return _clause(term, "number", NUMERIC[term.operator], _number(term.value))
    if term.value.lower() in {"true", "false"} and term.operator in {"=", "!="}:
        is_true = (term.value.lower() == "true") == (term.operator == "=")
        return _clause(term, "boolean", "true" if is_true else "false", None)
    if term.operator not in TEXT:
        raise Refusal(f"{term.operator} needs a number or a day, not {term.value}")
    value = _plain(term.value)
    return _clause(term, "string", TEXT[term.operator], [value] if term.operator in {"=", "!="} else value)


def _of_day(term: Term, day: date) -> Filter:
    if term.operator in NEXT_DAY:
        return _clause(term, "datetime", NEXT_DAY[term.operator], (day + timedelta(days=1)).isoformat())
    if term.operator not in OF_DAYS:
        raise Refusal(f"{term.operator} does not go with a day")
    return _clause(term, "datetime", OF_DAYS[term.operator], day.isoformat())


def _between(term: Term) -> Filter:
    bounds = re.split(r"\s+and\s+", term.value, flags=re.IGNORECASE)
    is_not = term.operator.startswith("not")
    if len(bounds) == 2 and all(map(NUMBER.fullmatch, bounds)):
        return _clause(term, "number", "not between" if is_not else "is between", [_number(bound) for bound in bounds])
    if len(bounds) == 2 and all(map(DAY.fullmatch, bounds)):
        days = [_day(bound).isoformat() for bound in bounds]
        return _clause(term, "datetime", "was not between" if is_not else "was between", days)
    raise Refusal("between needs two numbers or two days, as in between 10 and 20")


def _alone(term: Term) -> Filter:
    if term.operator in {"is true", "is false"}:
        return _clause(term, "boolean", term.operator.removeprefix("is "), None)
    return _clause(term, "string", term.operator, None)


def _cohort(term: Term) -> Filter:
    if term.name.lower() not in {"user", "users"}:
        raise Refusal("it is users who are in a cohort, as in user in cohort 1001")
    if not term.value.isdecimal():
        raise Refusal("a cohort is told by its id, as in user in cohort 1001")
    cohort = {"id": int(term.value), "name": f"cohort {term.value}", "negated": False}
    operator = "does not contain" if term.operator.startswith("not") else "contains"
    about = term._replace(name="$cohorts", resource="events")
    return _clause(about, "list", operator, [{"cohort": cohort}])


def _clause(term: Term, kind: Any, operator: str, value: Any) -> Filter:
    return Filter(
        resource_type=term.resource,
        value=term.name,
        filter_type=kind,
        default_type=kind,
        filter_operator=operator,
        filter_value=value,
    )


def _items(written: str) -> Sequence[str]:
    found, place = [], 0
    while place < len(written):
        item = ITEM.match(written, place)
        if item is None:
            raise Refusal("its list cannot be read: write in (a, b), with quotes around what has commas")
        found.append(item[1].strip())
        place = item.end()
    if not found:
        raise Refusal("its list is empty")
    return found


def _plain(value: str) -> str:
    """Text without the quotes that it may stand in."""
    quote = value[:1]
    if quote in {"'", '"'} and len(value) > 1 and value.endswith(quote):
        return value[1:-1].replace(quote * 2, quote)
    return value


def _number(written: str) -> float:
    found = float(written)
    return int(found) if found.is_integer() else found


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise Refusal(f"{written} is no day that exists ({error})") from None


def _shown(written: Any) -> str:
    return f"'{written}'" if isinstance(written, str) else str(written)
