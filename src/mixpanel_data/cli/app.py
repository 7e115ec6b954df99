"""The command's entry, its global options, and how it ends."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer

from .. import interrupts
from ..interrupts import EXIT_CODE as INTERRUPTED
from .command import CONTEXT, Group, everywhere, from_environment, keyword, parameters
from .failures import exit_code, speaks_sql, told
from .settings import Settings
from .words import in_shell

COMMANDS = ("sql", "query", "inspect", "fetch", "auth", "db", "raw", "explore", "serve", "sandbox")


class Loading(Mapping[str, Any]):
    """The commands by name, each loaded from the module of its name when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        command = typer.main.get_command(import_module(f".{name}", __package__).app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Root(Group):
    """The root, which loads only the command that runs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Loading()  # type: ignore[assignment]  # none is ever added

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)


app = typer.Typer(
    name="mp",
    cls=Root,
    help="\b\nmp --account sandbox sql 'FROM mixpanel_events()'\n\nMixpanel as SQL. The sandbox needs no account.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        from .. import __version__  # noqa: PLC0415 - loads the whole package

        typer.echo(__version__)
        raise typer.Exit


VERSION = inspect.Parameter(
    "version",
    inspect.Parameter.KEYWORD_ONLY,
    default=typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
    annotation=bool,
)


def _start(context: typer.Context, **given: Any) -> None:
    written = {name: value for name, value in given.items() if name in Settings._fields and not _is_from(context, name)}
    environment = {name: given[name] for name in Settings._fields if name in given and name not in written}
    context.obj = Settings().with_given(environment).with_given(written)
    warnings.showwarning = _show_warning  # type: ignore[assignment]


def _is_from(context: typer.Context, name: str) -> bool:
    """Whether an option comes from the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


OPTIONS = [keyword(from_environment(parameter)) for parameter in parameters(everywhere)]
_start.__signature__ = inspect.Signature([CONTEXT, *OPTIONS, VERSION])  # type: ignore[attr-defined]
app.callback()(_start)


class WithoutPandas:
    """Says that there is no pandas: no command makes a frame, but pyarrow would load it for its first array, and that
    takes a third of a second."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def main() -> None:
    """Runs the command line; every failure is one line on stderr and an exit code that tells its kind."""
    sys.meta_path.insert(0, WithoutPandas())
    sys.unraisablehook = interrupts.strike_after
    # A shell may have closed them: Python has None in their places then.
    sys.stdin, sys.stdout, sys.stderr = (
        open(os.devnull, mode) if stream is None else stream  # noqa: PTH123, SIM115 - for as long as the process lives
        for stream, mode in ((sys.stdin, "r"), (sys.stdout, "w"), (sys.stderr, "w"))
    )
    code = run()
    interrupts.end_with(code)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing may complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def run() -> int:
    """Runs the command line, says what is wrong, and gives the exit code."""
    try:
        with interrupts.raised():
            result = app(prog_name="mp", standalone_mode=False)
            sys.stdout.flush()
    except BrokenPipeError:
        return 1
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last stop
        return _fail(KeyboardInterrupt() if interrupts.strikes else error)
    if result == INTERRUPTED or interrupts.strikes:  # typer has made it of a KeyboardInterrupt, or somebody forgot it
        return _fail(KeyboardInterrupt())
    return result if isinstance(result, int) else 0


def _fail(error: BaseException) -> int:
    print(told(error, sys.argv), file=sys.stderr)
    return exit_code(error)


def _show_warning(message: Warning | str, *_: object) -> None:
    if interrupts.strikes:
        return  # it only tells what was left undone
    print(f"mp: {in_shell(str(message), speaks_sql=speaks_sql(sys.argv))}", file=sys.stderr)
