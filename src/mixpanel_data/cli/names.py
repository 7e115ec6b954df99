"""Options that several commands have, and lists as a shell writes them."""

from __future__ import annotations

from typing import Annotated

import typer

from ..exceptions import ArgumentError

From = Annotated[str, typer.Option("--from", help="First day: 2024-01-01, yesterday, 7d (seven days ago).")]
To = Annotated[str, typer.Option("--to", help="Last day, inclusive.")]
Events = Annotated[str | None, typer.Option("--events", help="Only these events, separated by commas.")]
Event = Annotated[list[str] | None, typer.Option("--event", help="Only this event; may be given again.")]
Where = Annotated[str | None, typer.Option(help="A Mixpanel filter expression.")]
Cohort = Annotated[str | None, typer.Option(help="Only members of this cohort: its id, or its name.")]
Property = Annotated[list[str] | None, typer.Option("--property", help="Only this property; may be given again.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many.")]
SkipBadLines = Annotated[
    bool, typer.Option("--skip-bad-lines", help="Leave lines that are no events out, and say how many.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def names_in(listed: str | None, more: list[str] | None = None) -> list[str] | None:
    """The names between commas, and those given one by one; None where none are given.

    Raises:
        ArgumentError: there are only commas, which must not be taken for all.
    """
    names = [*(name.strip() for name in (listed or "").split(",") if name.strip()), *(more or [])]
    if listed is not None and not names:
        raise ArgumentError("--events names no event: write --events 'Sign Up,Purchase', or leave it out")
    return names or None


def number_or_name(given: str | None) -> int | str | None:
    """An id, or a name."""
    return int(given) if given and given.isascii() and given.isdigit() else given
