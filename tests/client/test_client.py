"""The client over real sockets: what it sends, what it tries again, what it never does."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from mixpanel_data.client import Api, Client, Endpoint, Progress, Reporter
from mixpanel_data.client import endpoints as endpoint_data
from mixpanel_data.client.endpoints import HOSTS
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import (
    AuthenticationError,
    MixpanelDataError,
    QueryError,
    RateLimitError,
    ServerError,
    TransportError,
)
from tests.servers import answer, json_answer, raw_server

NAMES = Endpoint(Api.QUERY, "/events/names")
ME = Endpoint(Api.APP, "/me")
SECRET = "s3cr3t-välue"


def ask(
    url: str | None,
    endpoint: Endpoint = NAMES,
    watcher: Callable[[Progress], None] | None = None,
    **given: Any,
) -> Any:
    async def once() -> Any:
        params, waits = given.pop("params", {}), given.pop("waits", True)
        fields: dict[str, Any] = {"username": "robot", "secret": SECRET, "project_id": "7", "base_url": url}
        client = Client(Credentials.model_validate(fields | given))
        try:
            return await client.ask(endpoint, params, Reporter("test", watcher, waits=waits))
        finally:
            await client.close()

    return asyncio.run(once())


def test_basic_auth_project_and_workspace_are_sent() -> None:
    with raw_server(lambda _: json_answer(["a"])) as server:
        assert ask(server.url, params={"type": "general", "none": None}, workspace_id=9) == ["a"]
    url = urlsplit(server.targets[0])
    assert url.path == "/api/query/events/names"
    assert parse_qs(url.query) == {"type": ["general"], "project_id": ["7"], "workspace_id": ["9"]}
    expected = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    assert f"authorization: basic {expected}".lower() in server.heads[0].lower()


def test_app_api_has_no_project_parameter() -> None:
    with raw_server(lambda _: json_answer({"status": "ok"})) as server:
        ask(server.url, ME, workspace_id=9)
    assert server.targets == ["/api/app/me"]


@pytest.mark.parametrize("region", ["us", "eu", "in"])
@pytest.mark.parametrize("api", list(Api))
def test_each_region_has_its_hosts(api: Api, region: Any) -> None:
    with respx.mock as mock:
        route = mock.get(url__startswith=HOSTS[api][region] + "/x").mock(return_value=httpx.Response(200, json=[]))
        assert ask(None, Endpoint(api, "/x"), region=region) == []
        assert route.called


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "402 Pay", "403 No", "404 No", "302 Found"])
def test_what_will_not_pass_is_not_tried_again(status: str) -> None:
    with raw_server(lambda _: json_answer({"error": "no"}, status)) as server:
        with pytest.raises(MixpanelDataError):
            ask(server.url)
        assert len(server.targets) == 1


@pytest.mark.parametrize("status", ["429 Slow down", "500 Oops", "502 Bad", "503 Busy", "504 Late"])
def test_what_may_pass_is_tried_again(status: str) -> None:
    tries = count()
    with raw_server(lambda _: json_answer(["a"]) if next(tries) == 2 else json_answer({}, status)) as server:
        assert ask(server.url) == ["a"]
        assert len(server.targets) == 3


def test_tries_end_with_the_last_error() -> None:
    with raw_server(lambda _: json_answer({"error": "still down"}, "503 Busy")) as server:
        with pytest.raises(ServerError, match="failed with status 503: still down"):
            ask(server.url)
        assert len(server.targets) == 5


def test_a_broken_connection_is_tried_again() -> None:
    tries = count()
    with raw_server(lambda _: json_answer(["a"]) if next(tries) else b"") as server:
        assert ask(server.url) == ["a"]


def test_a_short_body_is_tried_again() -> None:
    tries = count()
    with raw_server(lambda _: json_answer(["a"]) if next(tries) else answer(b"[", length=50)) as server:
        assert ask(server.url) == ["a"]


def test_nobody_listening() -> None:
    with pytest.raises(TransportError, match=r"the connection to 127\.0\.0\.1:9 failed"):
        ask("http://127.0.0.1:9")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(endpoint_data.READ_TIMEOUT, Api.QUERY, 0.05)
    with raw_server(lambda _: answer(b"", length=5)[:10]) as server:
        monkeypatch.setattr(server, "reply", lambda _: asyncio.run(asyncio.sleep(1)) or b"")
        with pytest.raises(TransportError, match="did not answer in time"):
            ask(server.url)


def test_retry_after_is_waited_for_and_shown() -> None:
    seen: list[str] = []
    tries = count()

    def reply(_: str) -> bytes:
        return json_answer(["a"]) if next(tries) else json_answer({}, "429 No", "Retry-After: 0\r\n")

    def watch(progress: Progress) -> None:
        if progress.waiting:
            seen.append(progress.waiting)

    with raw_server(reply) as server:
        assert ask(server.url, watcher=watch) == ["a"]
    assert seen == ["waiting 0 s, then try 2: the request budget of project 7 in region us is spent; it frees in 0 s"]


def test_who_does_not_want_to_wait_an_hour_is_told_at_once() -> None:
    with raw_server(lambda _: json_answer({}, "429 No", "Retry-After: 3600\r\n")) as server:
        with pytest.raises(RateLimitError) as caught:
            ask(server.url, waits=False)
        assert caught.value.retry_after == 3600
        assert len(server.targets) == 1


def test_a_redirect_is_not_followed() -> None:
    with raw_server(lambda _: json_answer(["stolen"])) as elsewhere:
        location = f"Location: {elsewhere.url}/api\r\n"
        with raw_server(lambda _: answer(b"", status="302 Found", headers=location)) as server:
            with pytest.raises(ServerError, match="credentials are sent to no other address"):
                ask(server.url)
        assert elsewhere.heads == []


def test_an_error_inside_a_200_is_an_error() -> None:
    with (
        raw_server(lambda _: json_answer({"error": "Invalid insights_id"})) as server,
        pytest.raises(QueryError, match="Invalid insights_id"),
    ):
        ask(server.url)


def test_a_page_at_200_is_an_error_that_names_it() -> None:
    page = answer(b"<!DOCTYPE html><html><head><title>\n Login </title></head></html>")
    with (
        raw_server(lambda _: page) as server,
        pytest.raises(ServerError, match='Mixpanel answered a web page titled "Login"'),
    ):
        ask(server.url)


@pytest.mark.parametrize(
    ("body", "said"), [(b"upstream went away", "upstream went away"), (b"", "nothing"), (b"[1", r"\[1")]
)
def test_text_at_200_is_an_error_that_shows_it(body: bytes, said: str) -> None:
    with raw_server(lambda _: answer(body)) as server, pytest.raises(ServerError, match=f"not JSON: {said}"):
        ask(server.url)


def test_a_body_that_is_no_answer_and_comes_again_is_not_asked_for_a_third_time() -> None:
    number = count()

    def login(_: str) -> bytes:
        return answer(f"<html><title>Login</title><input name=csrf value={next(number)}></html>".encode())

    for reply in (lambda _: answer(b"[1, 2"), login):
        with raw_server(reply) as server:
            with pytest.raises(ServerError):
                ask(server.url)
            assert len(server.targets) == 2


def test_bodies_that_are_cut_in_other_places_are_asked_for_again() -> None:
    bodies = [b"[1, 2", b"[1", b"[1, 2, ", b"[1, 2]"]
    with raw_server(lambda _: answer(bodies.pop(0))) as server:
        assert ask(server.url) == [1, 2]


def test_an_error_inside_a_200_costs_one_request() -> None:
    with raw_server(lambda _: json_answer({"error": "Project has been disabled"})) as server:
        with pytest.raises(QueryError, match="Project has been disabled"):
            ask(server.url)
        assert len(server.targets) == 1


def test_connections_are_reused(sandbox: Any) -> None:
    async def twice() -> int:
        fields = {"username": "sandbox", "secret": "sandbox-secret", "project_id": "1", "base_url": sandbox.url}
        client = Client(Credentials.model_validate(fields))
        ports = set()
        original = client._http.send

        async def send(request: httpx.Request, **kwargs: Any) -> httpx.Response:
            response = await original(request, **kwargs)
            ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
            return response

        client._http.send = send  # type: ignore[method-assign]
        for _ in range(3):
            await client.ask(NAMES, {"type": "general"}, Reporter("test"))
        await client.close()
        return len(ports)

    assert asyncio.run(twice()) == 1


def test_the_secret_is_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"error": f"Basic robot:{SECRET} is wrong"}
    with (
        raw_server(lambda _: json_answer(echo, "401 No")) as server,
        pytest.raises(AuthenticationError) as caught,
    ):
        ask(server.url)
    encoded = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    for text in (str(caught.value), repr(caught.value), str(caught.value.to_dict()), caplog.text):
        assert SECRET not in text
        assert encoded not in text
    assert caught.value.__cause__ is None
