"""Rows as text. Data goes out as it is: nothing wraps it, colours it or cuts it."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..exceptions import QueryError
from ..quoting import quoted

if TYPE_CHECKING:
    from ..workspace.session import Answer

Row = tuple[str | None, ...]


class Format(StrEnum):
    """How rows are printed."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"
    PLAIN = "plain"
    MARKDOWN = "markdown"


def write_rows(result: Answer, form: Format, out: TextIO) -> None:
    """Writes the rows as they come."""
    WRITERS[form](result, out)


def write_file(result: Answer, path: Path) -> None:
    """Writes the rows to a file of the kind its ending says; the file appears whole or not at all."""
    kind = path.suffix.lower()
    if kind not in {".parquet", *FILES}:
        raise QueryError(f"cannot write {path.name}: the name must end in .csv, .json, .jsonl or .parquet")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise QueryError(f"cannot write {path}: {error.strerror}") from None
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            if kind == ".parquet":
                result.write_parquet(name)
            else:
                write_rows(result, FILES[kind], out)
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _json(result: Answer, out: TextIO) -> None:
    separator = "[\n"
    for line in _json_rows(result):
        out.write(f"{separator}{line}")
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _jsonl(result: Answer, out: TextIO) -> None:
    for line in _json_rows(result):
        out.write(f"{line}\n")


def _csv(result: Answer, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(_text_rows(result))


def _plain(result: Answer, out: TextIO) -> None:
    escapes = str.maketrans({"\t": "\\t", "\n": "\\n"})
    for row in _text_rows(result):
        out.write("\t".join((value or "").translate(escapes) for value in row) + "\n")


def _markdown(result: Answer, out: TextIO) -> None:
    def line(values: Iterator[str]) -> str:
        return "| " + " | ".join(v.replace("|", "\\|").replace("\n", "<br>") for v in values) + " |\n"

    out.write(line(iter(result.columns)))
    out.write(line("---:" if _is_number(kind) else "---" for kind in result.types))
    for row in _text_rows(result):
        out.write(line("" if value is None else value for value in row))


def _table(result: Answer, out: TextIO) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only tables need it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in zip(result.columns, result.types, strict=True):
        table.add_column(Text(name), justify="right" if _is_number(kind) else "left", overflow="fold")
    for row in _text_rows(result):
        table.add_row(*(Text("NULL", style="dim") if value is None else Text(value) for value in row))
    width = None if out.isatty() else 1_000_000
    Console(file=out, width=width, highlight=False).print(table, crop=False)


WRITERS: Mapping[Format, Callable[[Answer, TextIO], None]] = {
    Format.JSON: _json,
    Format.JSONL: _jsonl,
    Format.CSV: _csv,
    Format.TABLE: _table,
    Format.PLAIN: _plain,
    Format.MARKDOWN: _markdown,
}
FILES = {".csv": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}


def _json_rows(result: Answer) -> Iterator[str]:
    """Each row as a JSON object, NaN and infinities as null: JSON has no word for them."""
    doubles = [name for name, kind in zip(result.columns, result.types, strict=True) if kind in {"DOUBLE", "FLOAT"}]
    finite = (f"CASE WHEN isfinite({name}) THEN {name} END AS {name}" for name in map(quoted, doubles))
    return (text for (text,) in result.rows("to_json(_rows)::VARCHAR", ", ".join(finite)))


def _text_rows(result: Answer) -> Iterator[Row]:
    return result.rows("COLUMNS(*)::VARCHAR")


def _is_number(kind: str) -> bool:
    return kind.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL"))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
