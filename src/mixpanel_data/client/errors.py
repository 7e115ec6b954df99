"""What an answer that is not a success means, as one of our exceptions.

Mixpanel answers errors as ``{"error": …, "request": …}``, ``{"status": "error", "error": …}``, plain text or
HTML, depending on the API; and sometimes as ``{"error": …}`` with status 200.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..credentials import Credentials
from ..exceptions import (
    AccessDeniedError,
    AuthenticationError,
    MixpanelDataError,
    NotFoundError,
    QueryError,
    RateLimitError,
    ServerError,
)
from ..lenient import read_json, write_json
from .endpoints import Endpoint

LONGEST_TEXT = 300
HISTORY = re.compile(r"Date range exceeds (\d+) days")
"""What Mixpanel says of days that lie further back than the project may look."""
PAGE = "a web page"


def error_from_answer(
    endpoint: Endpoint, credentials: Credentials, status: int, headers: Mapping[str, str], body: bytes
) -> MixpanelDataError:
    """The exception for an answer with this status and body."""
    text = redact(error_text(body), credentials)
    details: dict[str, Any] = {"status": status, "endpoint": str(endpoint), "mixpanel_says": text or None}
    said = f": {text}" if text else ""
    project = f"project {credentials.project_id} in region {credentials.region}"
    match status:
        case 401:
            return AuthenticationError(
                f"Mixpanel refused the credentials for {project}{said} (check username, secret, project_id; "
                "a wrong region is refused in the same way)",
                **details,
            )
        case 402:
            return AccessDeniedError(f"the plan of {project} does not include this API{said}", **details)
        case 403:
            return _denied(project, text, details)
        case 404:
            return NotFoundError(f"Mixpanel knows nothing at {endpoint}{said}", **details)
        case 429:
            return _rate_limit(project, said, headers, details)
        case 400 if "Timeout Error" in text:
            return ServerError(f"Mixpanel ran out of time{said}", **details)
        case _ if 300 <= status < 400:
            return ServerError(
                f"Mixpanel answered {endpoint} with a redirect ({status}), which is not followed: credentials "
                f"are sent to no other address{f' (it said: {text})' if text else ''}",
                **details,
            )
        case _ if 400 <= status < 500:
            return QueryError(f"Mixpanel refused the request{said or f' with status {status}'}", **details)
        case _:
            return ServerError(f"Mixpanel failed with status {status}{said}", **details)


def _denied(project: str, text: str, details: dict[str, Any]) -> MixpanelDataError:
    """What 403 means: that the account lacks a permission, unless Mixpanel says something else."""
    if history := HISTORY.search(text):
        return QueryError(f"{project} goes back {history[1]} days only: {text} (write a later from_date)", **details)
    if text.startswith(PAGE):
        return AccessDeniedError(
            f"Mixpanel answered {text} (403) for {project}: the service account may not read this, or the way there is "
            "blocked",
            **details,
        )
    said = f": {text}" if text else ""
    return AccessDeniedError(f"the service account may not read this in {project}{said}", **details)


def error_at_200(endpoint: Endpoint, credentials: Credentials, answer: Any, body: bytes) -> QueryError | None:
    """The exception for an answer that is an error though its status is 200, or None."""
    said = error_in_success(answer)
    if said is None:
        return None
    text = redact(said, credentials)
    error = QueryError(f"Mixpanel refused the request: {text}", status=200, endpoint=str(endpoint), mixpanel_says=text)
    error.answer = _digest(body)
    return error


def no_json(endpoint: Endpoint, credentials: Credentials, body: bytes) -> ServerError:
    """The exception for a body that should be JSON."""
    text = redact(error_text(body), credentials)
    is_page = text.startswith(PAGE)
    message = (
        f"Mixpanel answered {text}: something that is not JSON came from {endpoint}"
        if is_page
        else f"{endpoint} answered with something that is not JSON: {text or 'nothing'}"
    )
    error = ServerError(message, status=200, endpoint=str(endpoint), mixpanel_says=text or None)
    # A page of a login or a firewall has other tokens in it each time, and is the same one nevertheless.
    error.answer = text if is_page else _digest(body)
    return error


def refusal_in(endpoint: Endpoint, credentials: Credentials, body: bytes) -> MixpanelDataError | None:
    """The exception for a body at status 200 that is an error, a web page or one line of plain words; None where it is
    none of them."""
    try:
        return error_at_200(endpoint, credentials, json.loads(body), body)
    except (ValueError, RecursionError):
        said = body.strip()
        is_other = said[:1] == b"<" or (b"\n" not in said and said[:1] != b"{")
        return no_json(endpoint, credentials, body) if is_other else None


def error_in_success(answer: Any) -> str | None:
    """The text of an error that came with status 200, or None. A property may be called ``error``, too."""
    if not isinstance(answer, dict):
        return None
    is_error = answer.get("status") == "error" or (
        bool(answer.get("error")) and (isinstance(answer["error"], str) or isinstance(answer.get("request"), str))
    )
    return _text_of(answer) if is_error else None


def error_text(body: bytes) -> str:
    """The one line a person should read out of an error body of any form."""
    text = body.decode("utf-8", "replace").strip()
    try:
        answer = read_json(body)
    except ValueError:
        return _shorten(_without_html(text))
    return _text_of(answer)


def _text_of(answer: Any) -> str:
    if isinstance(answer, dict):
        answer = answer.get("error") or answer.get("message") or answer or ""
    return _shorten(answer if isinstance(answer, str) else write_json(answer))


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def redact(text: str, credentials: Credentials) -> str:
    """The text with the secret blotted out in every form in which it is sent, should a server or proxy echo it."""
    secret = credentials.secret.get_secret_value()
    sent = base64.b64encode(f"{credentials.username}:{secret}".encode()).decode()
    for form in (sent, secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
        text = text.replace(form, "***")
    return text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from ``Retry-After``, or None where it is absent or makes no sense (negative, NaN)."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _rate_limit(project: str, said: str, headers: Mapping[str, str], details: dict[str, Any]) -> RateLimitError:
    wait = retry_after(headers)
    when = f"; it frees in {wait:,.0f} s" if wait is not None else ""
    return RateLimitError(
        f"the request budget of {project} is spent{when}{said}",
        retry_after=wait,
        limits=headers.get("ratelimit"),
        policy=headers.get("ratelimit-policy"),
        **details,
    )


def _without_html(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return text
    title = re.search(r"<title\b[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return f'{PAGE} titled "{title[1].strip()}"' if title else PAGE


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
