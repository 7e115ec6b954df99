"""``mp sql``: any SQL, with the Mixpanel functions at hand."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..exceptions import ConfigError, QueryError
from .output import Format, write_file, write_rows
from .progress import progress_line
from .settings import Settings

if TYPE_CHECKING:
    import duckdb

    from ..client import Watcher

# What DuckDB answers to statements that return no rows of their own.
NO_ROWS = (["Count"], ["Success"])
VIEW = "__mp_result"


def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="The SQL; from standard input unless given.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from this file.")] = None,
    format: Annotated[Format, typer.Option(help="How to print rows.")] = Format.JSON,  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the last result here: .csv, .json, .jsonl, .parquet"),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Account to read, or 'sandbox'.")] = None,
    path: Annotated[str | None, typer.Option(help="DuckDB database file; in memory unless given.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Run SQL and print the rows.

    Example: mp --account sandbox sql "SELECT event_name, count(*) FROM mixpanel_export('2024-01-01', '2024-01-07')
    GROUP BY ALL" --format table
    """
    given: Settings = context.obj
    settings = replace(given, account=account or given.account, path=path or given.path, quiet=quiet or given.quiet)
    text = _text(query, file)
    with progress_line(settings.progress, settings.quiet) as line, _session(settings, line.show) as con:
        _run(con, text, format, output or line.stdout())


def _text(query: str | None, file: Path | None) -> str:
    if query is not None and file is not None:
        raise QueryError("give the SQL either as an argument or with --file, not both")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None
    if query is None and sys.stdin.isatty():
        raise QueryError('no SQL given: write mp sql "SELECT …", mp sql -f FILE, or pipe SQL into mp sql')
    return query if query is not None else sys.stdin.read()


def _run(con: duckdb.DuckDBPyConnection, text: str, form: Format, output: Path | TextIO) -> None:
    """Runs the statements in order, printing each result as it comes; to a file, only the last is written."""
    statements = con.extract_statements(text)
    for number, statement in enumerate(statements, 1):
        result = con.sql(statement)
        if result is None or result.columns in NO_ROWS:
            continue
        with _as_view(con, result) as rows:
            if not isinstance(output, Path):
                write_rows(rows, form, output)
            elif number == len(statements):
                write_file(rows, output)
            else:
                deque(rows.to_arrow_reader(), maxlen=0)


@contextmanager
def _as_view(con: duckdb.DuckDBPyConnection, result: duckdb.DuckDBPyRelation) -> Iterator[duckdb.DuckDBPyRelation]:
    """The result as a view: DuckDB 2.0 cannot build on a relation whose text ends in a semicolon and a comment."""
    con.register(VIEW, result)
    try:
        yield con.view(VIEW)
    finally:
        con.unregister(VIEW)


@contextmanager
def _session(settings: Settings, watch: Watcher) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the functions; failures leave it as our own errors, without the engine's wrapping."""
    from ..binding import register  # noqa: PLC0415 - takes longer to load than --help to answer
    from ..workspace.errors import as_ours  # noqa: PLC0415

    with (
        _connect(settings.path) as con,
        as_ours(register(con, account=settings.account, watch=watch, wait=settings.waits)),
    ):
        yield con


def _connect(path: str | None) -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415

    try:
        return duckdb.connect(path or ":memory:")
    except duckdb.Error as error:
        reason = str(error)
    raise ConfigError(f"cannot open {path}: {reason}")
