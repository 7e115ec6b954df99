"""How large a statement is for DuckDB.

It writes out what a statement names: a CTE wherever it stands, a macro's arguments wherever the macro uses them. So a
few lines can name so much that to plan them takes all time and memory, and nobody can stop DuckDB while it plans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .plain import MACROS

LARGEST = 1_000_000
"""Parts of a statement that is written out."""
TOO_LARGE = "the statement is too large, or nested too deeply, for mp serve: ask in several steps"
TIMES = 4
"""How often a macro uses an argument at most; and a lambda, in a lambda, is bound again."""


def written_out(node: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    """The size of a node of a parsed statement, from those of its parts."""
    size = 1 + sum(sizes.values())
    if node.get("class") == "LAMBDA" or node.get("function_name") in MACROS:
        return TIMES * size
    if node.get("type") == "SELECT_NODE":
        return size + sizes["from_table"] * (_repeated(node["select_list"]) - 1)
    return size


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
