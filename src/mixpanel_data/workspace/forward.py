"""How ``Workspace`` gets its methods: each is a function of one of the parts, which says by its first parameter what it
needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..engine.errors import half_character

if TYPE_CHECKING:
    from .session import Session
    from .workspace import Workspace

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)


def forward(
    function: Callable[Concatenate[Session, Parameters], Result],
) -> Callable[Concatenate[Workspace, Parameters], Result]:
    """A method of the workspace that gives its session to the function, and has its name, parameters and docstring."""

    @wraps(function)
    def method(self: Workspace, /, *arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return function(self._session, *arguments, **named)
        except UnicodeEncodeError as error:
            raise half_character(error) from None

    signature = inspect.signature(function)
    _, *others = signature.parameters.values()
    method.__signature__ = signature.replace(parameters=[SELF, *others])  # type: ignore[attr-defined]
    method.__qualname__ = f"Workspace.{function.__name__}"
    return method
