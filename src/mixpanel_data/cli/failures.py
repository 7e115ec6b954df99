"""What a failure is to a shell: a line and an exit code."""

from __future__ import annotations

import typer

from ..exceptions import (
    AuthenticationError,
    ConfigError,
    NotFoundError,
    QueryError,
    RateLimitError,
    TableNotFoundError,
)

GENERAL, CREDENTIALS, USAGE, NOT_FOUND, RATE_LIMIT, INTERRUPTED = 1, 2, 3, 4, 5, 130
CODES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyboardInterrupt, INTERRUPTED),
    (typer.Abort, INTERRUPTED),
    (ConfigError, CREDENTIALS),
    (AuthenticationError, CREDENTIALS),
    (NotFoundError, NOT_FOUND),
    (TableNotFoundError, NOT_FOUND),
    (QueryError, USAGE),
    (RateLimitError, RATE_LIMIT),
    (typer.TyperException, USAGE),
)


def exit_code(error: BaseException) -> int:
    return next((code for kind, code in CODES if isinstance(error, kind)), GENERAL)


def one_line(error: BaseException) -> str:
    """What went wrong, for a person."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted"
    text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
    return " ".join(text.split()) or type(error).__name__
