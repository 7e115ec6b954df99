"""What a failure is to a shell: a line and an exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

from ..exceptions import (
    AuthenticationError,
    ConfigError,
    MixpanelDataError,
    NotFoundError,
    QueryError,
    RateLimitError,
    TableNotFoundError,
)
from ..interrupts import EXIT_CODE as INTERRUPTED
from ..interrupts import asks_for_json
from .nearest import nearest_command
from .words import in_shell

GENERAL, CREDENTIALS, USAGE, NOT_FOUND, RATE_LIMIT = 1, 2, 3, 4, 5
UNCLEAR = re.compile(r"(Missing|No such|Got unexpected)(?!.*Did you mean)")
"""What says only that something is wrong."""
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


def told(error: BaseException, command_line: Sequence[str]) -> str:
    """What stderr says of it: a line, or a JSON object where JSON is asked for."""
    import json  # noqa: PLC0415 - what goes well needs it not

    line = in_shell(one_line(error), speaks_sql=speaks_sql(command_line))
    if not asks_for_json(command_line):
        return f"mp: {line}"
    if isinstance(error, MixpanelDataError):
        return json.dumps({**error.to_dict(), "message": line}, ensure_ascii=False)
    code = "interrupted" if exit_code(error) == INTERRUPTED else "usage" if exit_code(error) == USAGE else "error"
    return json.dumps({"code": code, "message": line, "details": {}}, ensure_ascii=False)


def speaks_sql(command_line: Sequence[str]) -> bool:
    """Whether it is a command whose user writes SQL."""
    return "sql" in command_line


def one_line(error: BaseException) -> str:
    """What went wrong, for a person."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted"
    text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
    if near := getattr(error, "possibilities", None):
        text = f"No such option: {error.option_name}; did you mean {' or '.join(near)}?"  # type: ignore[attr-defined]
    elif (context := getattr(error, "ctx", None)) and (said := nearest_command(text, context)):
        text = said
    elif context and UNCLEAR.match(text):
        text = f"{text.rstrip('.')}: see {context.command_path} --help"
    return " ".join(text.split()) or type(error).__name__
