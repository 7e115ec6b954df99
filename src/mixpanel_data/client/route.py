"""A request's route to Mixpanel: when it leaves, and in plain words why it did not arrive."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from ..exceptions import IncompleteExportError, MixpanelDataError, TransportError

ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
ADVICE = "behind a proxy that decrypts traffic, set SSL_CERT_FILE to a PEM file with its certificate"


class Route:
    """One request on its way to the host. ``leave`` is called when its connection is open, before its first byte."""

    def __init__(self, host: str | None, leave: Callable[[], None]) -> None:
        self._host = host
        self._leave = leave
        self._at: tuple[str, int] | None = None

    async def trace(self, event: str, about: dict[str, Any]) -> None:
        """What httpcore calls at every step.

        Source: httpcore's documentation of the ``trace`` extension.
        """
        if event.endswith("connect_tcp.started"):
            self._at = (about["host"], about["port"])
        elif event.endswith("send_request_headers.started") and about["request"].method != b"CONNECT":
            self._leave()

    def error(self, error: httpx.RequestError, redacted: str) -> MixpanelDataError:
        """What the failure means, as one of our exceptions."""
        if isinstance(error, httpx.RemoteProtocolError) and "incomplete" in redacted:
            return IncompleteExportError(f"{self._host} closed the connection before the answer was complete")
        if isinstance(error, httpx.ConnectError):
            return self._not_connected(error)
        if isinstance(error, httpx.ProxyError):
            return TransportError(f"{self._where} did not let the request through to {self._host}: {redacted}")
        if isinstance(error, httpx.TimeoutException):
            who = self._where if isinstance(error, httpx.ConnectTimeout) else self._host
            return TransportError(f"{who} did not answer in time ({type(error).__name__})")
        return TransportError(f"the connection to {self._host} failed: {redacted or 'it broke'}")

    def _not_connected(self, error: httpx.ConnectError) -> TransportError:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                said = cause.verify_message.rstrip(".")
                return TransportError(f"the certificate of {self._host} is not accepted: {said} ({ADVICE})", tls=said)
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ENDED):
                said = f"{self._where} does not speak https ({cause.reason})"
                return TransportError(f"{said}: check the address and the port", tls=cause.reason)
        return TransportError(f"the connection to {self._where} failed: {_reason(causes)}")

    @property
    def _where(self) -> str:
        """The host, or what stands in between."""
        host, port = self._at or (self._host, None)
        address = host if port in (None, 443) else f"{host}:{port}"
        return address or "Mixpanel" if host == self._host else f"the proxy {address} (HTTPS_PROXY, ALL_PROXY)"


def _reason(causes: list[BaseException]) -> str:
    """Why there is no connection."""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"no such host is known, or there is no network ({cause.strerror})"
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens there (connection refused)"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ENDED):
            return cause.strerror
    return "it was closed before https could begin: check the address and the port"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it comes from."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from _causes(part)
        error = error.__cause__ or error.__context__
