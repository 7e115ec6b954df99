"""The sandbox over HTTP: it refuses what Mixpanel refuses, tells what it was asked, and can be told to fail."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mixpanel_data.sandbox import Fault, Sandbox

AUTH = ("sandbox", "sandbox-secret")
DAY = {"project_id": "1", "from_date": "2024-01-01", "to_date": "2024-01-01"}


def get(sandbox: Sandbox, path: str, params: dict[str, str] | None = None, **kwargs: Any) -> httpx.Response:
    return httpx.get(sandbox.url + path, params=params, **{"auth": AUTH, "trust_env": False, **kwargs})


def export(sandbox: Sandbox, **params: str) -> httpx.Response:
    return get(sandbox, "/api/2.0/export", {**DAY, **params})


@pytest.mark.parametrize("auth", [None, ("sandbox", "wrong"), ("nobody", "sandbox")])
def test_credentials_are_checked(sandbox: Sandbox, auth: tuple[str, str] | None) -> None:
    response = get(sandbox, "/api/2.0/export", DAY, auth=auth)
    assert response.status_code == 401
    assert response.json()["error"] == "Unable to authenticate request"


def test_the_project_is_checked(sandbox: Sandbox) -> None:
    assert export(sandbox, project_id="2").status_code == 401
    assert get(sandbox, "/api/app/me").json()["results"]["projects"]["1"]["timezone"] == "UTC"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"from_date": ""}, "Error in from_date: invalid date"),
        ({"from_date": "1999-01-01"}, "Error in from_date: invalid date, bad year"),
        (
            {"to_date": (datetime.now(UTC) + timedelta(days=2)).date().isoformat()},
            "to_date cannot be later than today",
        ),
        ({"event": "Purchase"}, "Invalid JSON Format: event"),
        ({"where": "a b"}, "invalid expression: 'a b'"),
        ({"limit": "100001"}, "Invalid value for limit"),
    ],
)
def test_bad_requests(sandbox: Sandbox, params: dict[str, str], error: str) -> None:
    response = export(sandbox, **params)
    assert response.status_code == 400
    assert response.json() == {"error": error, "request": "/api/2.0/export"}


def test_unknown_paths(sandbox: Sandbox) -> None:
    assert get(sandbox, "/api/query/nothing", {"project_id": "1"}).status_code == 404


def test_an_export_is_gzipped_json_lines(sandbox: Sandbox) -> None:
    with httpx.stream(
        "GET", sandbox.url + "/api/2.0/export", params=DAY, auth=AUTH, headers={"Accept-Encoding": "gzip"}
    ) as response:
        body = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["transfer-encoding"] == "chunked"
    lines = gzip.decompress(body).split(b"\n")
    assert lines[-1] == b""
    events = [json.loads(line) for line in lines[:-1]]
    assert all(list(event) == ["event", "properties"] for event in events)
    assert len(events) > 3000


def test_export_narrowed(sandbox: Sandbox) -> None:
    every = [json.loads(line) for line in export(sandbox).text.split("\n") if line]
    purchases = [json.loads(line) for line in export(sandbox, event='["Purchase"]').text.split("\n") if line]
    assert purchases == [event for event in every if event["event"] == "Purchase"]
    pro = export(sandbox, where='properties["plan"] == "pro"').text.split("\n")[:-1]
    assert len(pro) == sum(event["properties"]["plan"] == "pro" for event in every)
    assert len(export(sandbox, limit="7").text.split("\n")) == 8


def test_an_empty_day_is_an_empty_body(sandbox: Sandbox) -> None:
    response = export(sandbox, from_date="2023-05-01", to_date="2023-05-01")
    assert (response.status_code, response.content) == (200, b"")


def test_requests_are_told_without_credentials(sandbox: Sandbox) -> None:
    export(sandbox, limit="5")
    told = get(sandbox, "/sandbox/requests", auth=None)
    assert told.json() == [{"method": "GET", "path": "/api/2.0/export", "params": {**DAY, "limit": "5"}}]
    assert "Basic" not in told.text


def test_faults_over_http(sandbox: Sandbox) -> None:
    fault = {"match": "/export", "status": 503, "body": "busy"}
    assert httpx.post(sandbox.url + "/sandbox/faults", json=fault).status_code == 200
    assert export(sandbox).status_code == 503
    assert export(sandbox).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"), [('{"results": []}', "application/json"), ("<h1>Busy</h1>", "text/html"), ("", "text/html")]
)
def test_an_answer_of_the_test_s_own(sandbox: Sandbox, body: str, kind: str) -> None:
    sandbox.faults.add(Fault(match="/events/names", status=200, body=body))
    assert get(sandbox, "/api/app/me").json()["status"] == "ok"
    response = get(sandbox, "/api/query/events/names")
    assert (response.status_code, response.text, response.headers["content-type"]) == (200, body, kind)


def test_a_fault_for_one_page_of_a_form(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="page=1", status=500))
    url = f"{sandbox.url}/api/query/engage"
    with httpx.Client(auth=AUTH, params={"project_id": "1"}, trust_env=False) as client:
        session = client.post(url, data={"page": "0"}).json()["session_id"]
        assert client.post(url, data={"page": "1", "session_id": session}).status_code == 500
        assert client.post(url, data={"page": "1", "session_id": session}).status_code == 200


def test_two_sandboxes_side_by_side() -> None:
    with Sandbox(sessions=10) as one, Sandbox(sessions=20) as two:
        assert one.url != two.url
        assert len(export(one).text) < len(export(two).text)
    with pytest.raises(httpx.ConnectError):
        export(one)
