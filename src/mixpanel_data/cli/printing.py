"""What a command has found goes out: picked, cut where that is wished, and in the format that is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from ..exceptions import ArgumentError
from .output import Format, write_rows
from .rows import Answered, Lines, Names, Objects, Rows, Texts, as_json

if TYPE_CHECKING:
    import pyarrow as pa

    from .settings import Settings

AGENTS = ("AI_AGENT", "AGENT", "CLAUDECODE", "CODEX_SANDBOX", "CURSOR_AGENT", "GEMINI_CLI", "OPENCODE")
"""Variables that programs set which run commands for a language model, and read all that is printed."""
ENOUGH_ROWS = 200
ENOUGH_CHARACTERS = 40_000
"""About ten thousand tokens."""


def show(value: Any, settings: Settings, out: TextIO) -> None:
    """Prints what a command returns; None is nothing to print."""
    if isinstance(value, str):
        out.write(f"{value}\n")
    elif isinstance(value, Generator):
        with closing(value) as answers:
            for answer in answers:
                write(Answered(answer, settings.picked), settings, out)
    elif value is not None:
        write(rows_of(value, settings.picked), settings, out)


def comes_bit_by_bit(value: Any) -> bool:
    """Whether it is still being fetched while it is printed."""
    return isinstance(value, Generator | Lines)


def write(rows: Rows, settings: Settings, out: TextIO) -> None:
    """Prints rows as the options say."""
    form = settings.format or _usual(rows, out)
    most, characters = _enough(settings, form, out)
    if rows.is_one and settings.jq is None:
        _write_one(rows, form, out, characters)
        return
    cut = Cut(rows, most, characters)
    if settings.jq is None:
        write_rows(cut, form, out)
    else:
        for line in cut.limited(_piped(rows, settings.jq), len):
            out.write(f"{line}\n")
    _tell(out, cut.left_out, "rows")


def _write_one(rows: Rows, form: Format, out: TextIO, characters: int) -> None:
    """Prints an object; so much of it as is enough."""
    if not characters:
        write_rows(rows, form, out)
        return
    write_rows(rows, form, whole := StringIO())
    text = whole.getvalue()
    out.write(text[:characters])
    _tell(out, len(text) - characters, "characters")


def _tell(out: TextIO, left_out: int, what: str) -> None:
    """Says that more was left out, if it was."""
    if left_out > 0:
        out.flush()
        print(f"mp: {left_out:,} more {what} left out: --max-rows 0 prints all, --jq picks", file=sys.stderr)


def rows_of(value: Any, picked: Sequence[str] = ()) -> Rows:
    """What a method of the workspace returns, as rows."""
    from ..results import Result  # noqa: PLC0415 - mp sql needs none of them
    from ..types import Shown  # noqa: PLC0415

    if isinstance(value, Rows):
        return _without_fields(value, picked)
    if isinstance(value, Result):
        return Objects(value.records(), picked, named=value.columns)
    if isinstance(value, Shown):
        return Objects([value.to_dict()], picked, is_one=True)
    if isinstance(value, dict):
        return Objects([value], picked, is_one=True)
    items = list(value)
    if items and isinstance(items[0], str):
        return _without_fields(Names(items), picked)
    return Objects([item.to_dict() if isinstance(item, Shown) else item for item in items], picked)


def _without_fields(rows: Rows, picked: Sequence[str]) -> Rows:
    """All of it: names, and what goes out as it comes, have no fields to pick.

    Raises:
        ArgumentError: fields were asked for.
    """
    if picked:
        raise ArgumentError("there are no fields to pick here: leave --fields out, or pick with --jq")
    return rows


class Cut(Rows):
    """Rows of which only so many are let through, and the others counted."""

    def __init__(self, rows: Rows, most: int, characters: int) -> None:
        self.rows = rows
        self.most = most
        self.characters = characters
        self.left_out = 0

    @property
    def columns(self) -> Sequence[str]:
        return self.rows.columns

    @property
    def numeric(self) -> Sequence[bool]:
        return self.rows.numeric

    def texts(self) -> Iterator[Texts]:
        return self.limited(self.rows.texts(), lambda row: sum(len(value or "") for value in row))

    def jsons(self) -> Iterator[str]:
        return self.limited(self.rows.jsons(), len)

    @contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa  # noqa: PLC0415 - only Arrow needs it

        with self.rows.reader() as reader:
            yield pa.RecordBatchReader.from_batches(reader.schema, self._slices(reader)) if self.most else reader

    def _slices(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        left = self.most
        for batch in batches:
            taken = min(left, batch.num_rows)
            left, self.left_out = left - taken, self.left_out + batch.num_rows - taken
            yield batch.slice(0, taken)

    def limited(self, rows: Iterable[Any], size: Any) -> Iterator[Any]:
        """The rows until there are enough."""
        count = characters = 0
        for row in rows:
            count, characters = count + 1, characters + size(row)
            is_long = count > 1 and characters > self.characters
            if (self.most and count > self.most) or (self.characters and is_long):
                self.left_out += 1
            else:
                yield row


def _usual(rows: Rows, out: TextIO) -> Format:
    """The format, unless one is asked for."""
    return Format.JSONL if isinstance(rows, Lines) else Format.TABLE if out.isatty() else Format.JSON


def _enough(settings: Settings, form: Format, out: TextIO) -> tuple[int, int]:
    """How many rows and characters are enough; 0 where there is no end."""
    if settings.max_rows is not None:
        return settings.max_rows, 0
    is_for_an_agent = form is not Format.ARROW and not out.isatty() and any(os.environ.get(name) for name in AGENTS)
    return (ENOUGH_ROWS, ENOUGH_CHARACTERS) if is_for_an_agent else (0, 0)


def _piped(rows: Rows, program: str) -> Iterator[str]:
    """What a jq program makes of the rows as one JSON value; strings without their quotes, as jq -r has them."""
    import jq  # noqa: PLC0415 - only who asks for it pays for it

    texts = rows.jsons()
    text = next(texts) if rows.is_one else f"[{','.join(texts)}]"
    try:
        for value in jq.compile(program).input_text(text):
            yield value if isinstance(value, str) else as_json(value)
    except ValueError as error:
        raise ArgumentError(f"--jq {program}: {error}") from None
