"""Tables written to files of other formats: all of them, or none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import duckdb

from ..atomic import atomic_write
from ..exceptions import ArgumentError, StorageError
from ..quoting import literal

Format: TypeAlias = Literal["parquet", "csv", "json", "jsonl", "ndjson"]
FORMATS: tuple[Format, ...] = get_args(Format)
OPTIONS: dict[Format, str] = {
    "parquet": "FORMAT parquet",
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY",
    "jsonl": "FORMAT json",
    "ndjson": "FORMAT json",
}
NOT_IN_NAMES = re.compile(r'^\.|[\x00-\x1f\x7f"%*/:<>?\\|]|[. ]$')
"""What some system does not allow in the name of a file, or takes for something else."""


@dataclass(frozen=True)
class Copy:
    """A table that becomes a file."""

    place: str
    """The table's whole name, as SQL."""
    file: Path
    format: Format

    def sql(self, file: Path) -> str:
        return f"COPY (FROM {self.place}) TO {literal(str(file))} ({OPTIONS[self.format]})"


def plan_copies(target: Path, tables: Mapping[str, str], wish: str | None) -> list[Copy]:
    """Which file each table becomes: the target, or one in the folder that it is.

    Args:
        tables: for each name the whole one, as SQL.
        wish: the format of files in a folder.
    """
    format = _format(wish) if wish is not None else None  # noqa: A001
    ending = next((name for name in FORMATS if target.suffix.lower() == f".{name}"), None)
    if ending is None or target.is_dir():
        chosen = format or "parquet"
        return [Copy(place, target / f"{_file_name(name)}.{chosen}", chosen) for name, place in tables.items()]
    if len(tables) != 1:
        raise ArgumentError(
            f"{target} is one file, for one table, and not for {len(tables)}: name a folder, or one table"
        )
    if format not in {None, ending}:
        raise ArgumentError(f"{target} would not be {format}: write {target.with_suffix(f'.{format}')}")
    return [Copy(place, target, ending) for place in tables.values()]


def _format(wish: str) -> Format:
    for name in FORMATS:
        if wish == name:
            return name
    raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, not {wish!r}")


def _file_name(table: str) -> str:
    """The table's name with %2F for / and so on: no two tables become the same file."""
    return NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", table)


def refuse_existing(copies: Sequence[Copy]) -> None:
    for copy in copies:
        if os.path.lexists(copy.file):
            raise StorageError(f"{copy.file} exists: give replace=True, or another place")


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {folder}: {error.strerror}") from error


def write(con: duckdb.DuckDBPyConnection, copies: Sequence[Copy]) -> None:
    """Writes all files, then puts them where they belong; none of them if one cannot be written."""
    try:
        with ExitStack() as parts:
            for copy in copies:
                con.execute(copy.sql(parts.enter_context(atomic_write(copy.file))))
    except duckdb.IOException as error:
        raise StorageError(f"cannot write {copy.file}: {error}") from error
    except OSError as error:
        raise StorageError(f"cannot write {error.filename2 or error.filename}: {error.strerror}") from error
