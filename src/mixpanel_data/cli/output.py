"""How rows are printed. Data goes out as it is: only a table on a person's terminal is laid out to its width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO

from ..atomic import atomic_write
from ..exceptions import QueryError, StorageError
from .rows import Answered, Objects, Rows


class Format(StrEnum):
    """How rows are printed."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"
    PLAIN = "plain"
    MARKDOWN = "markdown"
    ARROW = "arrow"


def write_rows(rows: Rows, form: Format, out: TextIO) -> None:
    """Writes the rows as they come."""
    WRITERS[form](rows.upright() if isinstance(rows, Objects) and rows.is_one and form in UPRIGHT else rows, out)


def write_file(rows: Answered, path: Path) -> None:
    """Writes the rows to a file of the kind its ending says; the file appears whole or not at all."""
    kind = path.suffix.lower()
    if kind not in {".parquet", *FILES}:
        raise QueryError(f"cannot write {path.name}: the name must end in .csv, .json, .jsonl or .parquet")
    try:
        with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as out:
            if kind == ".parquet":
                rows.write_parquet(str(part))
            else:
                write_rows(rows, FILES[kind], out)
    except OSError as error:
        raise QueryError(f"cannot write {path}: {error.strerror}") from None


def _json(rows: Rows, out: TextIO) -> None:
    if rows.is_one:
        _jsonl(rows, out)
        return
    separator = "[\n"
    for line in rows.jsons():
        out.write(f"{separator}{line}")
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _jsonl(rows: Rows, out: TextIO) -> None:
    for line in rows.jsons():
        out.write(f"{line}\n")


def _csv(rows: Rows, out: TextIO) -> None:
    import csv  # noqa: PLC0415 - only this format needs it

    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows.texts())


def _plain(rows: Rows, out: TextIO) -> None:
    escapes = str.maketrans({"\t": "\\t", "\n": "\\n"})
    for row in rows.texts():
        out.write("\t".join((value or "").translate(escapes) for value in row) + "\n")


def _markdown(rows: Rows, out: TextIO) -> None:
    def line(values: Iterable[str]) -> str:
        return "| " + " | ".join(v.replace("|", "\\|").replace("\n", "<br>") for v in values) + " |\n"

    out.write(line(rows.columns))
    out.write(line("---:" if is_number else "---" for is_number in rows.numeric))
    for row in rows.texts():
        out.write(line("" if value is None else value for value in row))


def _table(rows: Rows, out: TextIO) -> None:
    from .table import write_table  # noqa: PLC0415 - loads rich, which only tables need

    write_table(rows, out)


def _arrow(rows: Rows, out: TextIO) -> None:
    """An Arrow IPC stream. Its bytes go past the text layer."""
    import pyarrow as pa  # noqa: PLC0415

    if out.isatty():
        raise QueryError("arrow is no text for a terminal: send it on, as in mp … --format arrow > rows.arrows")
    out.flush()
    with rows.reader() as reader, pa.ipc.new_stream(_Sink(out.buffer), reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)


class _Sink:
    """Standard output; where it is full, it says that it is not the database."""

    closed = False

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        try:
            return self._out.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StorageError(f"cannot write the rows: {error.strerror}") from error

    def flush(self) -> None:
        self._out.flush()


WRITERS: Mapping[Format, Callable[[Rows, TextIO], None]] = {
    Format.JSON: _json,
    Format.JSONL: _jsonl,
    Format.CSV: _csv,
    Format.TABLE: _table,
    Format.PLAIN: _plain,
    Format.MARKDOWN: _markdown,
    Format.ARROW: _arrow,
}
FILES = {".csv": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}
UPRIGHT = {Format.TABLE, Format.PLAIN, Format.MARKDOWN}
