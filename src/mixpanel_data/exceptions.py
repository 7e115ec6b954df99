"""Every error this package raises, under one base, each with a stable code for programs."""

from __future__ import annotations

import copy
import warnings
from datetime import date
from typing import Any, ClassVar


class MixpanelDataWarning(UserWarning):
    """Something worth knowing that does not stop the work."""


def warn(text: str, stacklevel: int = 2) -> None:
    """Tells something worth knowing: Python shows with it the line that many calls above the one that warns, as in
    ``warnings.warn``."""
    warnings.warn(text, MixpanelDataWarning, stacklevel=stacklevel + 1)


def warn_if_full(asked: str, name: str, found: int, limit: int, default: int) -> None:
    """Says so if as much has come as is asked for unless a limit of this name is given."""
    if found >= limit == default:
        more = limit * 10
        warn(
            f"{asked}: as many came as are asked for unless a limit is given, {limit}, so there may be more: write "
            f"{name} := {more} in SQL, limit={more} in Python, --limit {more} in the shell"
        )


class MixpanelDataError(Exception):
    """Base of all errors here.

    ``code`` is a stable word for programs, ``message`` one line for people (what failed and what to do),
    ``details`` plain JSON values. None of them ever holds a secret.
    """

    code: ClassVar[str] = "error"
    answer: str | None = None
    """What tells a body that was no answer from others: if it comes again, it will come each time."""

    def __init__(self, message: str, **details: Any) -> None:
        # Half a character, as in "\\ud800", could not be printed.
        self.message = " ".join(message.encode(errors="backslashreplace").decode().split())
        self.details = {name: value for name, value in details.items() if value is not None}
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """``{"code": …, "message": …, "details": …}``, ready for JSON."""
        return {"code": self.code, "message": self.message, "details": self.details}


class ConfigError(MixpanelDataError):
    """The configuration file or an environment variable cannot be used."""

    code = "config"


class AccountNotFoundError(ConfigError):
    """No account of that name is configured."""

    code = "account_not_found"


class AccountExistsError(ConfigError):
    """An account of that name is configured already."""

    code = "account_exists"


class AuthenticationError(MixpanelDataError):
    """Credentials are missing, wrong, expired, or for another region (HTTP 401)."""

    code = "authentication"


class AccessDeniedError(AuthenticationError):
    """The credentials are good but the plan (402) or the role (403) does not allow this."""

    code = "access_denied"


class RateLimitError(MixpanelDataError):
    """Mixpanel's request budget is spent (HTTP 429). ``retry_after`` is in seconds, where Mixpanel said so."""

    code = "rate_limit"

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, retry_after=retry_after, **details)
        self.retry_after = retry_after


class QueryError(MixpanelDataError):
    """A SQL statement or a Mixpanel query was refused (HTTP 400, 412, 422)."""

    code = "query"


class ArgumentError(QueryError):
    """An argument of a table function is missing or cannot be understood."""

    code = "argument"


class NotFoundError(QueryError):
    """Mixpanel has nothing under that id or name (HTTP 404)."""

    code = "not_found"


class ServerError(MixpanelDataError):
    """Mixpanel failed (HTTP 5xx) or answered with something that is not an answer."""

    code = "server"


class TransportError(MixpanelDataError):
    """Mixpanel could not be reached, or the connection broke or hung."""

    code = "transport"


class IncompleteExportError(MixpanelDataError):
    """An export's body could not be proven whole; none of its rows were used."""

    code = "incomplete_export"


class BadLineError(IncompleteExportError):
    """A line of an export is no event. Mixpanel sends it each time; ``on_bad_line := 'skip'`` leaves it out."""

    code = "bad_line"
    excerpt: str
    """The place of the line that cannot be read."""
    days: tuple[date, date] | None = None
    """The first and the last day of the events near it, as far as they are known."""
    is_skippable: bool = True
    """Whether it can be left out: not where it may say that the export is not whole."""


class StorageError(MixpanelDataError):
    """A disk is full or cannot be written, or another process holds the database or the file that counts requests."""

    code = "storage"


class TableExistsError(MixpanelDataError):
    """A table of that name exists already."""

    code = "table_exists"


class TableNotFoundError(MixpanelDataError):
    """No table of that name exists."""

    code = "table_not_found"


def bare_copy(error: BaseException) -> BaseException:
    """The error and its cause without their tracebacks, which keep alive all that has been seen on the way."""
    try:
        fresh, cause = copy.copy(error), copy.copy(error.__cause__)
    except TypeError:  # it is made of more than Python keeps of its arguments
        return error.with_traceback(None)
    fresh.__cause__ = cause
    return fresh
