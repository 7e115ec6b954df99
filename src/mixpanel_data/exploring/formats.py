"""Cells as the files of two notebook programs."""

from __future__ import annotations

import json
import symtable
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import Any

from .cells import Cell

MARIMO = """\
import marimo

__generated_with = "0.25.0"
app = marimo.App()
"""
IMPORT_MARIMO = "import marimo as mo\n"


def as_jupyter(cells: Iterable[Cell]) -> str:
    """The document of a Jupyter notebook (nbformat 4.5), not run yet."""
    document = {
        "cells": [part for number, cell in enumerate(cells, 1) for part in _jupyter_cells(number, cell)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _jupyter_cells(number: int, cell: Cell) -> Iterator[dict[str, Any]]:
    yield {"cell_type": "markdown", "id": f"text-{number}", "metadata": {}, "source": cell.says}
    if cell.code:
        lines = cell.code.rstrip().splitlines(keepends=True)
        running: dict[str, Any] = {"execution_count": None, "outputs": []}
        yield {"cell_type": "code", "id": f"code-{number}", "metadata": {}, "source": lines, **running}


def as_marimo(cells: Iterable[Cell]) -> str:
    """The program that is a marimo notebook."""
    codes = [IMPORT_MARIMO]
    for cell in cells:
        codes += [_marimo_text(cell.says), *([cell.code] if cell.code else [])]
    functions = "".join(_marimo_cell(code, codes) for code in codes)
    return f'{MARIMO}{functions}\n\nif __name__ == "__main__":\n    app.run()\n'


def _marimo_text(says: str) -> str:
    # A raw string, as marimo itself writes it; nothing that is said may end it.
    return 'mo.md(r"""\n' + says.replace('"""', "'''") + '\n""")\n'


def _marimo_cell(code: str, cells: Sequence[str]) -> str:
    """A function that takes what the cell uses of other cells, and returns what it gives to them."""
    others = [other for other in cells if other != code]
    taken = _used(code) & set[str]().union(*map(_defined, others))
    given = sorted(_defined(code) & set[str]().union(*map(_used, others)))
    result = f"return ({given[0]},)" if len(given) == 1 else f"return {', '.join(given)}".rstrip()
    decorator = "@app.cell(hide_code=True)" if code.startswith("mo.md(") else "@app.cell"
    return f"\n\n{decorator}\ndef _({', '.join(sorted(taken))}):\n{indent(code, '    ')}    {result}\n"


def _defined(code: str) -> set[str]:
    return {symbol.get_name() for symbol in _symbols(code) if symbol.is_assigned() or symbol.is_imported()}


def _used(code: str) -> set[str]:
    return {symbol.get_name() for symbol in _symbols(code) if symbol.is_referenced()}


def _symbols(code: str) -> list[symtable.Symbol]:
    return symtable.symtable(code, "cell", "exec").get_symbols()
