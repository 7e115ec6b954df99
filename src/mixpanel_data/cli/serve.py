"""``mp serve``: the functions for other DuckDBs, over Quack."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

import typer

from .command import command
from .progress import progress_line
from .settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "serve", "mp --account sandbox serve --port 9494", twin="mixpanel_data.serve", prints=False)
def serve(
    settings: Settings,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 9494,
    host: Annotated[str, typer.Option(help="Where to listen; other machines cannot reach this one.")] = "localhost",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input; a random one unless given.")
    ] = False,
    memory_limit: Annotated[
        str, typer.Option(help="Memory for all clients together; an answer that needs more is refused.")
    ] = "2GB",
    max_seconds: Annotated[
        float,
        typer.Option(help="Seconds that a statement may run until all of its rows are there; a longer one is refused."),
    ] = 600,
    max_rows: Annotated[
        int, typer.Option(help="Rows that one answer may have; one with more is refused, not cut.")
    ] = 10_000_000,
) -> None:
    """Serve the functions and the local tables to other DuckDBs, until Ctrl-C or SIGTERM.

    It prints what a client pastes. Clients may SELECT from the mixpanel_…() functions, the local_…() reports, the
    local tables, VALUES, range(), generate_series() and unnest(), with DuckDB's plain functions and aggregates, and
    only from this account. Whatever else they ask is refused in one line. The database is open for reading meanwhile.
    """
    from ..serving import serve as serving  # noqa: PLC0415 - takes longer to load than --help to answer

    settings.refuse_unknown_account()
    token = sys.stdin.readline().strip() if token_stdin else None
    path = ":memory:" if settings.ephemeral else settings.path
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    with (
        progress_line(settings.progress, settings.quiet) as line,
        serving(
            settings.account,
            path,
            host=host,
            port=port,
            token=token,
            memory_limit=memory_limit,
            max_seconds=max_seconds,
            max_rows=max_rows,
            wait=not settings.no_wait,
            watch=line.show,
        ) as server,
    ):
        print(server.client_lines("…" if token_stdin else None), flush=True)
        told_to_end.wait()
