"""Every status and error body Mixpanel is known to send, as the exception a user meets."""

from __future__ import annotations

import base64
import json

import pytest
from pydantic import SecretStr

from mixpanel_data.client.endpoints import Api, Endpoint
from mixpanel_data.client.errors import error_from_answer, error_in_success, error_text
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import (
    AccessDeniedError,
    AuthenticationError,
    MixpanelDataError,
    NotFoundError,
    QueryError,
    RateLimitError,
    ServerError,
)

ENDPOINT = Endpoint(Api.QUERY, "/segmentation")
CREDENTIALS = Credentials(username="u", secret=SecretStr("topsecret"), project_id="42", region="eu")


def error(status: int, body: str = "", **headers: str) -> MixpanelDataError:
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_answer(ENDPOINT, CREDENTIALS, status, lower, body.encode())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, QueryError),
        (401, AuthenticationError),
        (402, AccessDeniedError),
        (403, AccessDeniedError),
        (404, NotFoundError),
        (412, QueryError),
        (413, QueryError),
        (422, QueryError),
        (429, RateLimitError),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (302, ServerError),
    ],
)
def test_each_status_has_its_exception(status: int, kind: type[MixpanelDataError]) -> None:
    found = error(status, '{"error": "no such thing", "request": "/api/2.0/segmentation"}')
    assert type(found) is kind
    assert found.details["status"] == status
    assert found.details["endpoint"] == "GET /api/query/segmentation"
    assert "no such thing" in found.message or status == 302


def test_credentials_errors_name_project_and_region() -> None:
    assert "project 42 in region eu" in error(401).message
    assert "region is refused in the same way" in error(401).message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error":"bad"}', "bad"),
        ('{"status":"error","error":"bad"}', "bad"),
        ('{"error":["a",{"b":1}]}', '["a", {"b": 1}]'),
        ("plain  text\nover lines", "plain text over lines"),
        ("<html><head><title>502 Bad Gateway</title></head></html>", 'a web page titled "502 Bad Gateway"'),
        ("<p>hi</p>", "a web page"),
        ("", ""),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_error_text_of_any_body(body: str, text: str) -> None:
    assert error_text(body.encode()) == text


def test_error_text_of_bytes_that_are_no_text() -> None:
    assert error_text(b"\xff\xfe") == "\ufffd\ufffd"


def test_timeout_at_400_may_be_tried_again() -> None:
    assert isinstance(error(400, '{"error":"Timeout Error."}'), ServerError)


def test_rate_limit_carries_the_wait_and_the_limits() -> None:
    found = error(
        429,
        "",
        retry_after="3600",
        ratelimit='"project";r=0;t=3600',
        ratelimit_policy='"project";q=60;w=3600',
    )
    assert isinstance(found, RateLimitError)
    assert found.retry_after == 3600
    assert "it frees in 3,600 s" in found.message
    assert found.details["limits"] == '"project";r=0;t=3600'


@pytest.mark.parametrize("value", ["NaN", "inf", "-30", "soon", ""])
def test_senseless_retry_after_is_ignored(value: str) -> None:
    found = error(429, "", retry_after=value)
    assert isinstance(found, RateLimitError)
    assert found.retry_after is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_an_echoed_secret_is_blotted_out() -> None:
    found = error(400, '{"error": "cannot parse Basic u:topsecret"}')
    assert "topsecret" not in str(found.to_dict())
    assert "***" in found.message


def test_a_secret_is_blotted_out_in_every_form_in_which_it_is_sent() -> None:
    sent = base64.b64encode(b"u:topsecret").decode()
    found = error(401, json.dumps({"error": f"bad header: Basic {sent}"}))
    assert sent not in str(found.to_dict())


def test_error_with_status_200() -> None:
    assert error_in_success({"error": "no"}) == "no"
    assert error_in_success({"error": None, "results": []}) is None
    assert error_in_success(["error"]) is None


def test_days_too_far_back_are_no_missing_permission() -> None:
    found = error(403, '{"error": "Date range exceeds 90 days into the past"}')
    assert type(found) is QueryError
    assert "goes back 90 days only: Date range exceeds 90 days into the past" in found.message
    assert "may not" not in found.message


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 412, 429, 500, 503])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Project has been disabled", "Project has been disabled"),
        ('{"status": "error", "error": "Project has been disabled"}', "Project has been disabled"),
        ("<html><title>Login</title></html>", 'a web page titled "Login"'),
    ],
)
def test_what_mixpanel_says_is_always_shown(status: int, body: str, said: str) -> None:
    assert said in error(status, body).message


@pytest.mark.parametrize("answer", [{"status": "error"}, {"status": "error", "results": []}])
def test_an_error_without_a_text_is_one(answer: dict[str, object]) -> None:
    assert '"status": "error"' in (error_in_success(answer) or "")
