"""Tables into files: which file each becomes, and in which format."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import duckdb

from ...atomic import atomic_write
from ...exceptions import ArgumentError, StorageError
from ...quoting import literal

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
class Export:
    """A table that becomes a file."""

    place: str
    """The table's whole name, as SQL."""
    file: Path
    format: Format

    def sql(self, file: Path) -> str:
        return f"COPY (FROM {self.place}) TO {literal(str(file))} ({OPTIONS[self.format]})"

    def __str__(self) -> str:
        return self.sql(self.file)


def planned(target: Path, places: dict[str, str], wish: str | None) -> list[Export]:
    """Which file each table becomes: the target, or one in the folder that it is.

    Args:
        target: where to.
        places: the tables, and the whole name of each, as SQL.
        wish: the format.

    Raises:
        ArgumentError: there is no such format, or it is not that of the file; or several tables are to become one file.
    """
    format = _known(wish) if wish is not None else None  # noqa: A001
    ending = next((name for name in FORMATS if target.suffix.lower() == f".{name}"), None)
    if ending is None or target.is_dir():
        chosen = format or "parquet"
        return [Export(place, target / f"{_file_name(name)}.{chosen}", chosen) for name, place in places.items()]
    if len(places) != 1:
        raise ArgumentError(
            f"{target} is one file, for one table, and not for {len(places)}: name a folder, or one table"
        )
    if format not in {None, ending}:
        raise ArgumentError(f"{target} would not be {format}: write {target.with_suffix(f'.{format}')}")
    return [Export(place, target, ending) for place in places.values()]


def refuse_existing_files(exports: Sequence[Export]) -> None:
    for export in exports:
        if os.path.lexists(export.file):
            raise StorageError(f"{export.file} exists: replace it, or choose another place")


def write(con: duckdb.DuckDBPyConnection, exports: Sequence[Export]) -> None:
    """Writes all files, then puts them where they belong; none of them if one cannot be written.

    Raises:
        StorageError: one cannot be written.
    """
    try:
        with ExitStack() as parts:
            for export in exports:
                con.execute(export.sql(parts.enter_context(atomic_write(export.file))))
    except duckdb.IOException as error:
        raise StorageError(f"cannot write {export.file}: {error}") from error
    except OSError as error:
        raise StorageError(f"cannot write {error.filename2 or error.filename}: {error.strerror}") from error


def _known(wish: str) -> Format:
    for name in FORMATS:
        if wish == name:
            return name
    raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, not {wish!r}")


def _file_name(table: str) -> str:
    """The table's name with %2F for / and so on: no two tables become the same file."""
    return NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):02X}", table)
