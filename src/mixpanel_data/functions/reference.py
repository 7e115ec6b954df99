"""The reference page, from the declarations: ``python -m mixpanel_data.functions.reference > docs/functions.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import FUNCTIONS, Function
from .declaration import Parameter

INTRODUCTION = """\
# Functions

Each is a table function: `FROM mixpanel_events()` on the connection that was registered, `FROM mixpanel.events()` on
any connection of the same DuckDB. Arguments are given by position or by name (`max_rows := 1000`); each must be a
constant, a `?` parameter or `getvariable(…)`. A day is a date, or `today`, `yesterday`, `7d` (seven days ago) in the
project's time zone: the account's `timezone`, else UTC.

This page is written from the declarations; `FROM mixpanel_functions()` says the same.
"""
HEADS = {
    "function": ("",),
    "parameter": ("type", "", "meaning", "example"),
    "column": ("type", "meaning"),
    "report": ("",),
    "argument": ("unless given", "meaning"),
    "result": ("meaning",),
}


def page() -> str:
    """The page as Markdown."""
    contents = "\n".join(table("function", ((_link(function), function.doc) for function in FUNCTIONS)))
    return INTRODUCTION + "\n" + contents + "".join(_section(function) for function in FUNCTIONS)


def _link(function: Function) -> str:
    name = f"mixpanel_{function.name}"
    return f"[`{name}`](#{name})"


def _section(function: Function) -> str:
    return "\n".join([
        f"\n## mixpanel_{function.name}\n",
        f"{function.doc}\n",
        f"```sql\n{function.example};\n```\n",
        f"Endpoint: {f'`{function.endpoint}`' if function.endpoint else 'none'}. Cost: {function.cost}.\n",
        *table("parameter", ((p.name, p.type, _need(p), p.meaning, f"`{p.example}`") for p in function.parameters)),
        *table("column", ((c.name, c.type, c.doc) for c in function.columns)),
    ])  # fmt: skip


def _need(parameter: Parameter) -> str:
    return "required" if parameter.required else "optional"


def table(kind: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table of the rows, if there are any."""
    heads = (kind, *HEADS[kind])
    lines = [_line(row) for row in rows]
    if lines:
        yield "\n".join([_line(heads), _line(("---",) * len(heads)), *lines, ""])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(page(), end="")
