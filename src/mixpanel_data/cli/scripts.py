"""JQL scripts as a shell gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..exceptions import ArgumentError
from .files import read_text

Script = Annotated[str | None, typer.Argument(help="JavaScript that defines main.", show_default=False)]
ScriptFile = Annotated[Path | None, typer.Option("--file", "-f", help="Read the script from this file.")]
Params = Annotated[str | None, typer.Option("--params", help="What the script finds as params: a JSON object.")]


def script_of(script: str | None, file: Path | None) -> str:
    """The script that is given.

    Raises:
        ArgumentError: there is none, or two.
    """
    if (script is None) == (file is None):
        raise ArgumentError("give the script either as an argument or with --file")
    return script if script is not None else read_text(file)  # type: ignore[arg-type]


def params_of(given: str | None) -> Mapping[str, Any] | None:
    """The parameters of the script.

    Raises:
        ArgumentError: they are no JSON object.
    """
    if given is None:
        return None
    try:
        params = json.loads(given)
    except ValueError as error:
        raise ArgumentError(f"--params is no JSON: {error}") from None
    if not isinstance(params, dict):
        raise ArgumentError("""--params must be a JSON object, as in '{"from_date": "2024-01-01"}'""")
    return params
