"""Commands that are methods of the workspace: options are their parameters, and help what their docstrings say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from ..exceptions import ArgumentError
from .command import command, parameters
from .names import names_in, number_or_name
from .words import FLAGS, flag

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

SAYS = {
    "event": "name of the event",
    "events": "names of events, separated by commas",
    "property_name": "name of the property",
    "from_date": "first day: 2024-01-01, yesterday, 7d (seven days ago)",
    "to_date": "last day, inclusive",
    "on": "the property, or an expression",
    "unit": "length of a period",
    "where": "a Mixpanel filter expression",
    "type": "what counts: events, users (unique), or events for each user (average)",
    "limit": "only so many, the most frequent",
    "table": "the table",
    "bookmark_id": "the report's id or its name, as mp inspect bookmarks has them",
    "funnel_id": "the funnel's id or its name, as mp inspect funnels has them",
    "distinct_ids": "the users",
}
"""Parameters that mean the same everywhere; a docstring may say more."""
SECTION = re.compile(r"(Args|Raises|Example):|>{3} ")
TWIN = re.compile(r"\s*In the shell: .*?``\.(?=\s|$)", re.DOTALL)
ARGUMENT = re.compile(r"^ {4}(\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)
Asking = Callable[["Workspace", Callable[..., Any], dict[str, Any]], Any]


def twin(
    group: typer.Typer,
    method: Callable[..., Any],
    example: str,
    *,
    name: str | None = None,
    asks: Asking = lambda _, method, given: method(**given),
    more: Callable[..., None] | None = None,
    optional: Sequence[str] = (),
    says: Mapping[str, str] | None = None,
) -> None:
    """Makes a method of the workspace a command.

    Args:
        example: the command line behind ``mp --account sandbox`` that help opens with.
        name: of the command; the method's unless given.
        method: or the function behind it, whose first parameter is not given either.
        asks: what to do with the method instead of just calling it.
        more: a function that has the options which the method has not.
        optional: parameters that need not be given here.
        says: what parameters mean, where the docstring does not tell.
    """
    documented = {**SAYS, **_arguments(method), **(says or {})}
    own = [
        option
        for parameter in parameters(method)[1:]
        for option in _options(_optional(parameter) if parameter.name in optional else parameter, documented)
    ]

    def call(workspace: Workspace, **given: Any) -> Any:
        if "event" in given and "events" in given:
            given["events"] = _needed(names_in(given["events"], given.pop("event")))
        given = {key: number_or_name(value) if key in numbered else value for key, value in given.items()}
        return asks(workspace, getattr(workspace, method.__name__), given)

    numbered = {parameter.name for parameter in parameters(method) if parameter.annotation == int | str}
    call.__doc__ = _says(method)
    title = name or method.__name__.replace("_", "-")
    twins = f"Workspace.{method.__name__}"
    options = [*own, *(parameters(more) if more else [])]
    command(group, title, f"mp --account sandbox {example}", twin=twins, own=options)(call)


def _options(parameter: inspect.Parameter, documented: Mapping[str, str]) -> list[inspect.Parameter]:
    """The argument, or the option, that gives the parameter its value; a list of names has two."""
    says = sentence(documented.get(parameter.name, ""))
    if parameter.name == "events":
        listed = Annotated[str | None, typer.Option("--events", help=says)]
        each = Annotated[list[str] | None, typer.Option("--event", help="One of the events; may be given again.")]
        return [
            parameter.replace(annotation=listed, default=None),
            parameter.replace(name="event", annotation=each, default=None),
        ]
    option = flag(parameter.name)
    if _is_argument(parameter):
        info: Any = typer.Argument(help=says, metavar=parameter.name.upper())
    else:
        info = typer.Option(option, help=says, metavar="DATE" if option in {"--from", "--to"} else None)
    return [parameter.replace(annotation=Annotated[_kind(parameter.annotation), info])]


def _is_argument(parameter: inspect.Parameter) -> bool:
    """Whether it has its place; of those that may be left out only the table has."""
    has_place = parameter.kind is not inspect.Parameter.KEYWORD_ONLY and parameter.name not in FLAGS
    return has_place and (parameter.name == "table" or parameter.default is inspect.Parameter.empty)


def _kind(annotation: Any) -> Any:
    """The type, as a command line can give it."""
    if get_origin(annotation) is not Literal and (date in get_args(annotation) or annotation == int | str):
        return str
    return list[str] if annotation == Sequence[str] else annotation


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=parameter.annotation | None, default=None)


def _needed(names: list[str] | None) -> list[str]:
    if names is None:
        raise ArgumentError("no events are given: write --events 'Sign Up,Purchase'")
    return names


def sentence(text: str) -> str:
    text = text.replace("``", "")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _says(method: Callable[..., Any]) -> str:
    """What the docstring says of the method itself."""
    paragraphs = takewhile(lambda text: not SECTION.match(text), (inspect.getdoc(method) or "").split("\n\n"))
    without_twin = (TWIN.sub("", text) for text in paragraphs)
    return "\n\n".join(text for text in without_twin if text).replace("``", "")


def _arguments(method: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each argument."""
    _, _, section = (inspect.getdoc(method) or "").partition("Args:\n")
    return {name: " ".join(text.split()) for name, text in ARGUMENT.findall(section.split("\n\n")[0])}
