"""The only place that speaks HTTP: one account's way to Mixpanel.

Service-account Basic authentication; ``project_id`` in the query string of the Query and Export APIs and in the
path of the App API. Source: Mixpanel's API reference.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from ..credentials import Credentials
from ..exceptions import ConfigError, IncompleteExportError, MixpanelDataError, ServerError
from ..lenient import read_json
from .budget import Budgets
from .endpoints import READ_TIMEOUT, Api, Endpoint
from .entry import Entry
from .errors import error_at_200, error_from_answer, no_json, redact, refusal_in
from .progress import Reporter
from .retry import attempts
from .route import Route
from .spool import Spool

Params = Mapping[str, Any]
T = TypeVar("T")
SCOPE = ("project_id", "workspace_id")
Check = Callable[[Any], None]
Proof = Callable[[Spool], int]
"""Reads a body through, while it comes, and says how many rows it holds; raises if it is not whole."""


class Client:
    """Requests to one Mixpanel project, with retries; connections are kept and reused."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.budgets = Budgets(credentials)
        self._http = _http(credentials)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, endpoint: Endpoint, params: Params, reporter: Reporter, check: Check | None = None) -> Any:
        """The JSON that Mixpanel answers, after as many tries as it takes or is worth.

        An answer that ``check`` raises at is one try that failed.
        """

        async def once(entry: Entry) -> Any:
            answer = await self._ask_once(endpoint, params, entry)
            if check is not None:
                check(answer)
            return answer

        return await self._try(endpoint, params, reporter, once)

    async def download(self, endpoint: Endpoint, params: Params, proof: Proof, reporter: Reporter) -> Spool:
        """The body of the answer in a spool, once ``proof`` has read it through without raising.

        A body that is cut off, damaged or refused by the proof is thrown away and fetched anew; but not one that is
        refused in the same way twice, or for a line that is no event.
        """

        async def once(entry: Entry) -> Spool:
            return await self._download_once(endpoint, params, proof, reporter, entry)

        return await self._try(endpoint, params, reporter, once)

    async def _try(
        self,
        endpoint: Endpoint,
        params: Params,
        reporter: Reporter,
        once: Callable[[Entry], Awaitable[T]],
    ) -> T:
        """What ``once`` gives, after as many tries as it takes or is worth; each is paid for."""
        async for attempt in attempts(reporter, is_free=endpoint.is_free(params)):
            with attempt:
                number = attempt.retry_state.attempt_number
                async with self.budgets.spend(endpoint, params, number, reporter) as entry:
                    return await once(entry)
        raise AssertionError("unreachable: attempts() raises the last error")

    async def _ask_once(self, endpoint: Endpoint, params: Params, entry: Entry) -> Any:
        with self._route(endpoint, entry) as route:
            request = self._request(endpoint, params, {"Accept": "application/json"}, route)
            response = await self._http.send(request)
        entry.status, entry.bytes = response.status_code, response.num_bytes_downloaded
        if response.status_code != 200:
            raise self._error(endpoint, response, response.content)
        try:
            answer = read_json(response.content)
        except ValueError:
            raise no_json(endpoint, self.credentials, response.content) from None
        if refusal := error_at_200(endpoint, self.credentials, answer, response.content):
            raise refusal
        entry.rows = len(answer) if isinstance(answer, list) else None
        return answer

    async def _download_once(
        self, endpoint: Endpoint, params: Params, proof: Proof, reporter: Reporter, entry: Entry
    ) -> Spool:
        headers = {"Accept": "text/plain", "Accept-Encoding": "gzip"}
        with self._route(endpoint, entry) as route:
            request = self._request(endpoint, params, headers, route)
            response = await self._http.send(request, stream=True)
            entry.status = response.status_code
            try:
                if response.status_code != 200:
                    raise self._error(endpoint, response, await response.aread())
                spool, entry.rows = await _receive(response, proof, reporter)
            finally:
                entry.bytes = response.num_bytes_downloaded
                await response.aclose()
        return spool

    def refusal(self, endpoint: Endpoint, body: bytes) -> MixpanelDataError | None:
        """What a body says instead of giving what was asked for; None where it is neither an error nor a web page."""
        return refusal_in(endpoint, self.credentials, body)

    @contextmanager
    def _route(self, endpoint: Endpoint, entry: Entry) -> Iterator[Route]:
        """Errors on the way are ours, without secrets and without the request, which has them in its headers."""
        route = Route(endpoint.host(self.credentials), lambda: self.budgets.leave(entry))
        try:
            yield route
        except httpx.RequestError as error:
            text = redact(str(error), self.credentials)
            raise route.error(error, text) from type(error)(text)

    def _request(self, endpoint: Endpoint, params: Params, headers: Mapping[str, str], route: Route) -> httpx.Request:
        scope = self._scope(endpoint, params)
        return self._http.build_request(
            endpoint.method,
            endpoint.url(self.credentials, params),
            **self._sent(endpoint, params, scope),
            headers=headers,
            timeout=httpx.Timeout(30.0, read=READ_TIMEOUT[endpoint.api], pool=None),
            extensions={"trace": route.trace},
        )

    def _sent(self, endpoint: Endpoint, params: Params, scope: dict[str, str | int]) -> dict[str, Any]:
        """What goes into the URL, and what into the body."""
        sent = {k: v for k, v in params.items() if v is not None and k not in {*SCOPE, *endpoint.in_path}}
        if endpoint.takes_json:
            return {"params": scope, "json": {"project_id": int(self.credentials.project_id), **sent}}
        return {"params": scope, "data": sent} if endpoint.method == "POST" else {"params": scope | sent}

    def _scope(self, endpoint: Endpoint, params: Params) -> dict[str, str | int]:
        """What part of Mixpanel is asked; always in the URL, also where the rest is in the body."""
        project = None if endpoint.api is Api.APP else self.credentials.project_id
        workspace = params.get("workspace_id")
        if workspace is None and endpoint.api is Api.QUERY:
            workspace = self.credentials.workspace_id
        return {name: value for name, value in zip(SCOPE, (project, workspace), strict=True) if value is not None}

    def _error(self, endpoint: Endpoint, response: httpx.Response, body: bytes) -> MixpanelDataError:
        return error_from_answer(endpoint, self.credentials, response.status_code, response.headers, body)


def _http(credentials: Credentials) -> httpx.AsyncClient:
    plain = urlsplit(credentials.base_url or "https:").scheme == "http"
    try:
        return httpx.AsyncClient(
            auth=httpx.BasicAuth(credentials.username, credentials.secret.get_secret_value()),
            headers={"User-Agent": "mixpanel_data"},
            follow_redirects=False,
            limits=httpx.Limits(max_connections=100, keepalive_expiry=60),
            verify=not plain,
            trust_env=not plain,  # a proxy has no business between us and this machine
        )
    except OSError as error:
        reason = "it is no PEM file" if isinstance(error, ssl.SSLError) else error.strerror
        msg = (
            f"no certificates can be read from SSL_CERT_FILE={os.environ.get('SSL_CERT_FILE')} ({reason}): name a PEM "
            "file, or unset it"
        )
    except ImportError:
        msg = "HTTPS_PROXY or ALL_PROXY names a SOCKS proxy, which needs one more package: pip install 'httpx[socks]'"
    raise ConfigError(msg)


async def _receive(response: httpx.Response, proof: Proof, reporter: Reporter) -> tuple[Spool, int]:
    """The body on disk, proven while it comes, and how many rows it holds."""
    spool = Spool(gzipped=_is_gzipped(response))
    proving = asyncio.create_task(asyncio.to_thread(proof, spool))
    try:
        async for chunk in response.aiter_raw():
            spool.write(chunk)
            reporter.add(bytes=len(chunk))
            if proving.done():  # it has found something it cannot accept
                break
        _refuse_unmarked_end(response, spool)
        spool.end()
        return spool, await proving
    except BaseException:
        spool.close()
        await asyncio.gather(proving, return_exceptions=True)
        raise


def _is_gzipped(response: httpx.Response) -> bool:
    """Whether the body is gzip; refuses bodies whose end nothing marks, since a cut would go unseen."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in {"gzip", "x-gzip", "identity"}:
        raise ServerError(f"the export came in an encoding that was not asked for: {encoding}")
    if encoding == "identity" and not _is_framed(response):
        raise IncompleteExportError("the export's end is not marked (no gzip, no length), so it cannot be proven whole")
    return bool(encoding != "identity")


def _refuse_unmarked_end(response: httpx.Response, spool: Spool) -> None:
    if not spool.size and not _is_framed(response):
        raise IncompleteExportError("the export's gzip stream is empty, and nothing says that it has ended")


def _is_framed(response: httpx.Response) -> bool:
    """Whether HTTP marks where the body ends."""
    return "content-length" in response.headers or "chunked" in response.headers.get("transfer-encoding", "")
