"""The command's entry, its global options, and how it ends."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated

import typer

from .failures import INTERRUPTED, exit_code, one_line
from .fetch import fetch
from .progress import Form
from .settings import Settings
from .sql import sql

app = typer.Typer(
    name="mp",
    help="Mixpanel as SQL. Try it without an account: mp --account sandbox sql 'FROM mixpanel_events()'",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(sql)
app.add_typer(fetch)


def _show_version(asked: bool) -> None:
    if asked:
        from .. import __version__  # noqa: PLC0415 - loads the whole package

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Account to read, or 'sandbox'.")] = None,
    path: Annotated[str | None, typer.Option(help="DuckDB database file; in memory unless given.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once when the request budget is spent, instead of waiting.")
    ] = False,
    progress: Annotated[
        Form | None, typer.Option(help="Progress on stderr; a line on a terminal unless given.", show_default=False)
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.obj = Settings(account, path, quiet, not no_wait, progress)
    if quiet:
        warnings.simplefilter("ignore")
    warnings.showwarning = _show_warning  # type: ignore[assignment]


def main() -> None:
    """Runs the command line; every failure is one line on stderr and an exit code that tells its kind."""
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing may complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _run() -> int:
    try:
        result = app(standalone_mode=False)
    except BrokenPipeError:
        return 1
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last stop
        print(f"mp: {one_line(error)}", file=sys.stderr)
        return exit_code(error)
    if result == INTERRUPTED:  # typer has made it of a KeyboardInterrupt
        print(f"mp: {one_line(KeyboardInterrupt())}", file=sys.stderr)
    return result if isinstance(result, int) else 0


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"mp: {message}", file=sys.stderr)
