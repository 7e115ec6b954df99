"""How large a statement is for DuckDB.

It writes out what a statement names: a CTE wherever it stands, a macro's arguments wherever the macro uses them. So a
few lines can name so much that to plan them takes all time and memory, and nobody can stop DuckDB while it plans.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .plain import MACROS

LARGEST = 100_000
"""Parts of a statement that is written out."""
TOO_LARGE = "the statement is too large, or nested too deeply, for mp serve: ask in several steps"
TIMES = 4
"""How often a macro uses an argument at most."""
ELEMENTS = 100
"""How often what a lambda gives is counted: it is made for each element of a list."""
LONGEST = 1_000
"""Characters or elements of what a function makes of a number."""
FORMATS = frozenset({"format", "printf"})
HOW_LONG = f"wants a length that is written as a number, of up to {LONGEST:,}; for rows there is FROM range(…)"
SIZED = {
    **dict.fromkeys(("repeat", "lpad", "rpad", "list_resize", "array_resize"), slice(1, 2)),
    **dict.fromkeys(("range", "generate_series"), slice(None)),
    "bar": slice(3, None),
    **dict.fromkeys(FORMATS, slice(1)),
}
"""Functions that make a text or a list of any length, and where the arguments are that say so."""
WIDE = re.compile(r"\d{4}|\*|{[^}]*{")
"""A width in a format that is large, or not written there."""


def written_out(node: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    """The size of a node of a parsed statement, from those of its parts."""
    size = (length(node) or 1) * (1 + sum(sizes.values()))
    if node.get("class") == "LAMBDA":
        return ELEMENTS * size
    if node.get("function_name") in MACROS:
        return TIMES * size
    if node.get("type") == "SELECT_NODE":
        return size + sizes["from_table"] * (_repeated(node["select_list"]) - 1)
    return size


def length(node: Mapping[str, Any]) -> int | None:
    """How long a value a function makes beyond its arguments; None if the statement does not say, or it is too long.

    DuckDB makes a value in one go, whatever its length: it counts no memory meanwhile, and cannot be interrupted.
    """
    name = str(node.get("function_name", "")).lower()
    if name not in SIZED:
        return 1
    if node["schema"]:  # x.repeat(9) is repeat(x, 9)
        return None
    given = [_constant(one) for one in node["children"][SIZED[name]]]
    if name in FORMATS:
        return 1 if all(isinstance(text, str) and not WIDE.search(text) for text in given) else None
    numbers = [number for number in given if isinstance(number, int) and number <= LONGEST]
    return max([1, *numbers]) if numbers == given else None


def _constant(node: Mapping[str, Any]) -> Any:
    return node["value"].get("value") if node["class"] == "CONSTANT" else None


def _repeated(columns: Any) -> int:
    """How often one column of FROM is named at most: it may hold a value that is as large as all that it is made of."""
    names = Counter(_columns(columns))
    every = names.pop("*", 0)
    return max(1, every + max(names.values(), default=0))


def _columns(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _columns(one)
    elif isinstance(part, dict):
        if part.get("class") == "COLUMN_REF":
            yield part["column_names"][-1].lower()
        elif part.get("class") == "STAR":
            yield "*"
        for value in part.values():
            yield from _columns(value)
