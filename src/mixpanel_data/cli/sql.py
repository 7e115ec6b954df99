"""``mp sql``: any SQL, with the Mixpanel functions at hand."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..exceptions import QueryError
from .command import command
from .files import read_text
from .output import write_file
from .printing import write
from .progress import progress_line
from .rows import Answered
from .settings import Settings, credentials_of

if TYPE_CHECKING:
    from ..client import Watcher
    from ..engine.database import Database

NO_SQL = 'no SQL given: write mp sql "SELECT …", mp sql -f FILE, or pipe SQL into mp sql'
WAIT = 60.0
"""Seconds to wait for a database that another process holds: SQL may as well be run again."""
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(
    app,
    "sql",
    "mp --account sandbox sql \"SELECT count(*) AS n FROM mixpanel_export('2024-01-01', '2024-01-07')\"",
    twin="Workspace.sql",
)
def sql(
    settings: Settings,
    query: Annotated[str | None, typer.Argument(help="The SQL; from standard input unless given.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from this file.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the last result here: .csv, .json, .jsonl, .parquet"),
    ] = None,
) -> None:
    """Run SQL and print the rows.

    The local tables are those of --path, or of the project; without any account they are in memory. Where another
    process holds the database file, it is named, and waited for: 60 seconds, or as --wait says.
    """
    text = _text(query, file)
    if not text.strip():
        raise QueryError(NO_SQL)
    with progress_line(settings.progress, settings.quiet) as line, closing(_database(settings, line.show)) as database:
        _run(database, text, settings, output or line.stdout())


def _text(query: str | None, file: Path | None) -> str:
    if query is not None and file is not None:
        raise QueryError("give the SQL either as an argument or with --file, not both")
    if file is not None:
        return read_text(file)
    if query is None and sys.stdin.isatty():
        raise QueryError(NO_SQL)
    if query is not None:
        return query
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise QueryError(f"standard input is no text in UTF-8: {error}") from None


def _run(database: Database, text: str, settings: Settings, output: Path | TextIO) -> None:
    """Prints each result as it comes; to a file, only that of the last statement is written.

    Raises:
        QueryError: the last statement has no rows for the file.
    """
    is_written = not isinstance(output, Path)
    from .script import run_script  # noqa: PLC0415

    with closing(run_script(database, text)) as answers:
        for answer in answers:
            if not isinstance(output, Path):
                write(Answered(answer, settings.picked), settings, output)
            elif answer.is_last:
                write_file(Answered(answer, settings.picked), output)
                is_written = True
            else:
                deque(answer.rows(), maxlen=0)
    if not is_written:
        raise QueryError(f"the last statement gives no rows: nothing was written to {output}")


def _database(settings: Settings, watch: Watcher) -> Database:
    """The database, whose functions are loaded only if the SQL uses them."""
    from ..engine.database import Database  # noqa: PLC0415 - takes longer to load than --help to answer
    from ..storage.file import File, Memory  # noqa: PLC0415

    account, file = settings.account, settings.database_file()
    storage = File(file) if file else Memory()
    return Database(storage, lambda: credentials_of(account), wait=settings.patience(WAIT), watch=watch)
