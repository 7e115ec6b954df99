"""Before something is gone for good."""

from __future__ import annotations

import sys

import typer

from ..exceptions import ArgumentError


def confirm(what: str, yes: bool) -> None:
    """Goes on only if it is wished: on a terminal by an answer, else by ``--yes``.

    Raises:
        ArgumentError: there is nobody to ask.
        typer.Exit: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ArgumentError(f"this would {what}: add --yes")
    if not typer.confirm(f"This will {what}. Go on?", err=True):
        raise typer.Exit(1)
