"""SQL with its values beside it: they are bound when it runs, and written into it only to be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from ..quoting import CATALOG, literal, quoted

if TYPE_CHECKING:
    import duckdb

PLACE = re.compile(r""""(?:[^"]|"")*"|'(?:[^']|'')*'|\$(\w+)""")
"""A value's place, or a name or text in quotes, where what looks like one is none."""
KEYWORDS = {"interval"}
"""Parameters whose name DuckDB 1.5 takes for something else."""


@dataclass(frozen=True)
class Statement:
    """SQL in which ``$name`` stands for a value."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The SQL as a person would write it, to be shown and never run by us."""
        return PLACE.sub(lambda m: _render(self.values[m[1]]) if m[1] in self.values else m[0], self.text)

    def run(self, con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        """The rows it gives on this connection, with its values bound."""
        return con.execute(self.text, self.values or None).fetchall()

    def wrap(self, head: str, tail: str = "", **more: Any) -> Statement:
        """Other SQL around this one, and with values of its own."""
        return Statement(f"{head}{self.text}{tail}", {**self.values, **more})


def call(function: str, **arguments: Any) -> Statement:
    """A call of a table function with those arguments that are not None."""
    given = {name: value for name, value in arguments.items() if value is not None}
    listed = ", ".join(f"{quoted(name) if name in KEYWORDS else name} := ${name}" for name in given)
    return Statement(f"{CATALOG}.{function}({listed})", given)


def _render(value: Any) -> str:
    match value:
        case bool() | int() | float():
            return _as_json(value)
        case str() | date():
            return literal(str(value))
        case Sequence():
            return f"[{', '.join(map(_render, value))}]"
    return "NULL" if value is None else literal(_as_json(value))


def _as_json(value: Any) -> str:
    import json  # noqa: PLC0415 - most values are texts

    return json.dumps(value, ensure_ascii=False, default=str)
