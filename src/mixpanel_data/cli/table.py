"""Rows as a table: on a person's terminal rounded and laid out to its width, elsewhere exact and as wide as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..display import console
from .rows import Rows, Texts

ENDLESS = 1_000_000
GAP = 3
"""Between two columns."""
NARROWEST = 6
"""Text may be folded to this."""
NUMBER_OR_TIME = re.compile(r"[-+]?\d[-+:.\deTZ ]*")
NULL = "NULL"
CONTROLS = {code: f"\\x{code:02x}" for code in [*range(9), *range(11, 32), *range(127, 160)]}
"""What events may hold that would have a terminal do something: shown, and not done."""


def write_table(rows: Rows, out: TextIO) -> None:
    columns = rows.columns
    if not out.isatty():
        _print(columns, rows.numeric, rows.texts(), [None] * len(columns), out)
        return
    columns = [name.translate(CONTROLS) for name in columns]
    texts = [tuple(value and value.translate(CONTROLS) for value in row) for row in rows.readable()]
    room = console(out).width - GAP * len(columns) + 1
    _print(columns, rows.numeric, texts, fitted(columns, texts, room), out)


def fitted(columns: Sequence[str], rows: Sequence[Texts], room: int) -> list[int]:
    """How wide each column is to be. Where there is not room for all, heads and text are folded; a number, a date or a
    time never is: rather the table is wider than the terminal."""
    cells = [[row[place] or NULL for row in rows] for place in range(len(columns))]
    wished = [_width([name, *texts]) for name, texts in zip(columns, cells, strict=True)]
    needed = [_width(filter(NUMBER_OR_TIME.fullmatch, texts)) for texts in cells]
    widths = wished
    for widest in range(max(room, NARROWEST), NARROWEST - 1, -1):
        widths = [min(wish, max(need, widest)) for wish, need in zip(wished, needed, strict=True)]
        if sum(widths) <= room:
            break
    return widths


def _width(texts: Iterable[str]) -> int:
    return max((cell_len(line.expandtabs()) for text in texts for line in text.splitlines()), default=1)


def _print(
    columns: Sequence[str],
    numeric: Sequence[bool],
    rows: Iterable[Texts],
    widths: Sequence[int | None],
    out: TextIO,
) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, is_number, width in zip(columns, numeric, widths, strict=True):
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(NULL, style="dim") if value is None else Text(value) for value in row))
    console(out, width=ENDLESS).print(table, crop=False)
