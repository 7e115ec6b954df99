"""How a function becomes a command: its options, those of every command, its help, and what becomes of its answer."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from .output import Format
from .printing import comes_bit_by_bit, show
from .progress import Form, progress_line
from .settings import Settings

SUBJECTS = ("workspace", "settings")
"""What a function's first parameter may be called, to be given the open workspace, or only the options."""
CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


def accounts() -> list[str]:
    """The names that --account can be given."""
    from ..config import SANDBOX, ConfigManager  # noqa: PLC0415 - only a shell that completes asks for it

    return [*ConfigManager().read().accounts, SANDBOX]


def everywhere(
    account: Annotated[str | None, typer.Option(help="Account to read, or 'sandbox'.", autocompletion=accounts)] = None,
    path: Annotated[
        str | None, typer.Option(help="DuckDB database file; ~/.mixpanel_data/PROJECT_ID.db unless given.")
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="A database of its own, gone when the command ends.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell the SQL that runs, on stderr.")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once when the request budget is spent, instead of waiting.")
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait so long for a database that another process holds; mp sql 60, others until it is free.",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[
        Form | None,
        typer.Option(
            help="Progress on stderr; on a terminal a line that moves, else (plain) a line now and then.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The options of every command; they may stand before it, too."""


def where_rows_are_printed(
    format: Annotated[  # noqa: A002
        Format | None, typer.Option(help="How to print; a table on a terminal, else JSON.", show_default=False)
    ] = None,
    fields: Annotated[str | None, typer.Option(help="Only these fields, separated by commas.")] = None,
    jq: Annotated[str | None, typer.Option(help="What this jq program makes of the JSON.")] = None,
    max_rows: Annotated[
        int | None, typer.Option(min=0, help="Print at most so many rows; 0 for all.", show_default=False)
    ] = None,
) -> None:
    """The options of every command that prints rows."""


class Group(TyperGroup):
    """Commands that belong together; alone it says what they are, as --help does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])


def group(example: str, says: str) -> typer.Typer:
    """Commands that belong together."""
    return typer.Typer(
        cls=Group,
        help=_help(example, says, None),
        short_help=says,
        add_completion=False,
        rich_markup_mode=None,
    )


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """A function's parameters, their annotations no text any more; those that are only for type checkers stay."""
    return [_evaluated(parameter, function) for parameter in inspect.signature(function).parameters.values()]


def shared(*, prints: bool) -> list[inspect.Parameter]:
    """The options that are not a command's own."""
    common = [_hidden(parameter) for parameter in parameters(everywhere)]
    return [*common, *(parameters(where_rows_are_printed) if prints else [])]


def command(
    group: typer.Typer,
    name: str,
    example: str,
    *,
    twin: str | None = None,
    prints: bool = True,
    own: Sequence[inspect.Parameter] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a command of the group; what it returns is printed.

    Args:
        example: a command line that works on the sandbox; help opens with it.
        twin: what does the same in Python.
        prints: whether it prints rows, and so has options for that.
        own: its parameters, where the function does not say them itself.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        first = next(iter(inspect.signature(function).parameters), "")
        subject = first if first in SUBJECTS else ""
        declared = parameters(function)[1:] if subject else parameters(function)
        given = declared if own is None else list(own)

        def run(context: typer.Context, **arguments: Any) -> None:
            more = {name: arguments.pop(name) for name in Settings._fields if name in arguments and name not in mine}
            settings = context.obj.with_given(more)
            if settings.quiet:
                warnings.simplefilter("ignore")
            _run(function, subject, settings, arguments)

        mine = {parameter.name for parameter in given}
        others = [parameter for parameter in shared(prints=prints) if parameter.name not in mine]
        run.__signature__ = inspect.Signature([CONTEXT, *map(keyword, [*given, *others])])  # type: ignore[attr-defined]
        says = inspect.getdoc(function) or ""
        group.command(name, help=_help(example, says, twin), short_help=says.split("\n\n")[0].replace("\n", " "))(run)
        return function

    return register


def _run(function: Callable[..., Any], subject: str, settings: Settings, arguments: Mapping[str, Any]) -> None:
    if subject != "workspace":
        show(function(*([settings] if subject else []), **arguments), settings, sys.stdout)
        return
    with (
        progress_line(settings.progress, settings.quiet) as line,
        settings.workspace(line.show) as workspace,
    ):
        found = function(workspace, **arguments)
        if not comes_bit_by_bit(found):
            line.stop()
        show(found, settings, line.stdout())
        if settings.verbose and workspace.last_sql:
            print(f"mp: {workspace.last_sql}", file=sys.stderr)


def _help(example: str, says: str, twin: str | None) -> str:
    """The example first, in a paragraph that is not to be wrapped."""
    in_python = [f"In Python: {twin}"] if twin else []
    return "\n\n".join([f"\b\n{example}", says, *in_python])


def _evaluated(parameter: inspect.Parameter, function: Callable[..., Any]) -> inspect.Parameter:
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return parameter
    try:
        return parameter.replace(annotation=eval(annotation, vars(sys.modules[function.__module__])))  # noqa: S307
    except NameError:
        return parameter


def keyword(parameter: inspect.Parameter) -> inspect.Parameter:
    """The same parameter, given by its name only."""
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _hidden(parameter: inspect.Parameter) -> inspect.Parameter:
    """The same option, which help does not repeat for every command."""
    return _changed(parameter, hidden=True)


def from_environment(parameter: inspect.Parameter) -> inspect.Parameter:
    """The same option, which a variable can give too: ``MP_PATH`` for ``--path``."""
    return _changed(parameter, envvar=f"MP_{parameter.name.upper()}")


def _changed(parameter: inspect.Parameter, **changes: Any) -> inspect.Parameter:
    kind, info = get_args(parameter.annotation)
    info = copy(info)
    vars(info).update(changes)
    return parameter.replace(annotation=Annotated[kind, info])
