"""``mp sql``: any SQL, with the Mixpanel functions at hand."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..exceptions import QueryError
from .output import Format, write_file, write_rows
from .progress import progress_line
from .settings import Settings, credentials_of, refuse_unknown

if TYPE_CHECKING:
    from ..client import Watcher
    from ..workspace.session import Session


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
    refuse_unknown(settings.account)
    with progress_line(settings.progress, settings.quiet) as line, closing(_session(settings, line.show)) as session:
        _run(session, text, format, output or line.stdout())


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


def _run(session: Session, text: str, form: Format, output: Path | TextIO) -> None:
    """Prints each result as it comes; to a file, only that of the last statement is written."""
    with closing(session.script(text)) as answers:
        for answer in answers:
            if not isinstance(output, Path):
                write_rows(answer, form, output)
            elif answer.is_last:
                write_file(answer, output)
            else:
                deque(answer.rows(), maxlen=0)


def _session(settings: Settings, watch: Watcher) -> Session:
    """The database, whose functions are loaded only if the SQL uses them."""
    from ..workspace.database import Database, file_at  # noqa: PLC0415 - takes longer to load than --help to answer
    from ..workspace.session import Session  # noqa: PLC0415

    path = file_at(settings.path) if settings.path else None
    return Session(Database(path, lambda: credentials_of(settings.account), wait=settings.waits, watch=watch))
