"""What never reaches Mixpanel is told in plain words, and costs nothing of the budget."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from mixpanel_data.client import Api, Budget, Client, Endpoint, Reporter
from mixpanel_data.client.journal import machine_journal
from mixpanel_data.client.limits import HOUR
from mixpanel_data.credentials import Credentials
from mixpanel_data.exceptions import ConfigError, TransportError
from tests.servers import RawServer, answer, authority, json_answer, raw_server

NAMES = Endpoint(Api.QUERY, "/events/names")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("SSL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def ask(url: str | None) -> tuple[object, int]:
    """The answer, or the error, and how many requests were charged for."""

    async def once() -> tuple[object, int]:
        client = Client(Credentials(username="u", secret=SecretStr("s"), project_id="7", base_url=url))
        try:
            answered: object = await client.ask(NAMES, {}, Reporter("test"))
        except TransportError as error:
            answered = error.message
        await client.close()
        return answered, client.budgets.used(Budget.QUERY, HOUR)

    return asyncio.run(once())


def test_nobody_listens(closed_port: int) -> None:
    told = f"the connection to 127.0.0.1:{closed_port} failed: nobody listens there (connection refused)"
    assert ask(f"http://127.0.0.1:{closed_port}") == (told, 0)
    errors = [(row[9], row[10], row[14]) for row in machine_journal().rows()]
    assert errors == [(None, "transport", 0)] * 5, "all that was tried can be looked at"


def test_an_unknown_host() -> None:
    told, charged = ask("https://nowhere.invalid")
    assert str(told).startswith("the connection to nowhere.invalid failed: no such host is known, or there is no net")
    assert charged == 0


def test_a_dead_proxy(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://someone:hidden@127.0.0.1:{closed_port}")
    told = (
        f"the connection to the proxy 127.0.0.1:{closed_port} (HTTPS_PROXY, ALL_PROXY) failed: "
        "nobody listens there (connection refused)"
    )
    assert ask(None) == (told, 0)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (
            answer(b"", status="502 Bad Gateway"),
            "the proxy {} (HTTPS_PROXY, ALL_PROXY) did not let the request through to mixpanel.com: 502 Bad Gateway",
        ),
        (
            b"HTTP/1.1 200 Connected\r\n\r\n",
            "the connection to the proxy {} (HTTPS_PROXY, ALL_PROXY) failed: "
            "it was closed before https could begin: check the address and the port",
        ),
    ],
)
def test_a_proxy_that_leads_nowhere(reply: bytes, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda _: reply) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert ask(None) == (told.format(proxy.url.removeprefix("http://")), 0)
        assert proxy.targets == ["mixpanel.com:443"] * 5


def test_a_certificate_that_is_not_accepted_is_not_tried_again() -> None:
    with raw_server(lambda _: json_answer(["a"]), https=True) as server:
        told = (
            "the certificate of 127.0.0.1 is not accepted: unable to get local issuer certificate "
            "(behind a proxy that decrypts traffic, set SSL_CERT_FILE to a PEM file with its certificate)"
        )
        assert ask(server.url) == (told, 0)
        assert server.connections == 1


def test_a_certificate_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with raw_server(lambda _: json_answer(["a"]), https=True) as server:
        assert ask(server.url) == (["a"], 1)


@pytest.mark.parametrize(
    ("reply", "told", "tries"),
    [
        (answer(b"", status="400 Bad"), "{} does not speak https (WRONG_VERSION_NUMBER): check the address and the port", 1),
        (b"", "the connection to {} failed: it was closed before https could begin: check the address and the port", 5),
    ],
)  # fmt: skip
def test_plain_http_on_an_https_port(reply: bytes, told: str, tries: int, plain: Callable[..., RawServer]) -> None:
    server = plain(reply)
    assert ask(server.url.replace("http:", "https:")) == (told.format(server.url.removeprefix("http://")), 0)
    assert server.connections == tries


@pytest.fixture
def plain() -> Iterator[Callable[[bytes], RawServer]]:
    """A server that answers the first bytes that come, whatever they are."""

    class Hasty(RawServer):
        def answer(self, connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.sendall(self.reply(""))

    with raw_server(lambda _: b"") as server:

        def start(reply: bytes) -> RawServer:
            server.__class__, server.reply = Hasty, lambda _: reply
            return server

        yield start


@pytest.mark.parametrize("name", ["missing.pem", "."])
def test_certificates_that_cannot_be_read(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/{name}")
    with pytest.raises(ConfigError, match=rf"from SSL_CERT_FILE=.*{name} \(.*\): name a PEM file, or unset it$"):
        ask(None)


def test_certificates_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    with pytest.raises(ConfigError, match=r"it is no PEM file"):
        ask(None)


def test_what_was_sent_counts_though_no_answer_came() -> None:
    with raw_server(lambda _: b"") as server:
        told, charged = ask(server.url)
        assert str(told).startswith("the connection to 127.0.0.1 failed: ")
        assert charged == len(server.targets) == 5
