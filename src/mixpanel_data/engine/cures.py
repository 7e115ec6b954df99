"""What to write instead, where DuckDB refuses a statement before a function of ours is asked."""

from __future__ import annotations

import re
from collections.abc import Callable

Cure = Callable[[str], str | None]
"""Tells what to write instead, by the name that DuckDB did not know; None where it knows no better."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def with_cure(text: str) -> str:
    """DuckDB's message, and what to write instead."""
    for pattern, cure in CURES:
        if (found := pattern.search(text)) and (said := cure(found[1])):
            return f"{found[0]} ({said})"
    return text


def _of_column(name: str) -> str | None:
    if DAY.fullmatch(name):
        return f"text is written in single quotes: '{name}'"
    if name in _parameters():
        return f"an argument is named with :=, as in {name} := …"
    if not name.isidentifier():
        return None
    return f"a property is read as properties->>'$.{name}'; an argument takes its name as text, '{name}'"


def _of_table(name: str) -> str | None:
    return f"a function is called with brackets: FROM {name}()" if name in _functions() else None


def _of_arguments(name: str) -> str | None:
    taken = _functions().get(name)
    return f"it takes, in this order or by name with :=, {', '.join(taken)}" if taken else None


CURES: tuple[tuple[re.Pattern[str], Cure], ...] = (
    (re.compile(r'Binder Error: Referenced column "([^"]+)" not found in FROM clause!.*', re.DOTALL), _of_column),
    (re.compile(r"Catalog Error: Table with name (\w+) does not exist!"), _of_table),
    (re.compile(r"Binder Error: Macro (\w+)\(\) does not support the supplied arguments\."), _of_arguments),
)


def _functions() -> dict[str, list[str]]:
    """The functions and the reports, with the names of their parameters."""
    from ..functions import FUNCTIONS  # noqa: PLC0415 - who makes no mistake needs none of them
    from ..local import reports  # noqa: PLC0415

    functions = {f"mixpanel_{function.name}": [one.name for one in function.parameters] for function in FUNCTIONS}
    return functions | {report.short_name: [one.name for one in report.parameters] for report in reports()}


def _parameters() -> set[str]:
    return {name for taken in _functions().values() for name in taken}
