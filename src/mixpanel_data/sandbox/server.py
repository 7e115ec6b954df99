"""A small Mixpanel on a loopback port, over real HTTP."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from .dataset import DEFAULT_SESSIONS, Dataset
from .faults import Fault, Faults
from .params import PROJECT, Answer
from .routes import answer, refusal

USERNAME, SECRET = "sandbox", "sandbox-secret"
# The secret is no word of its own: clients blot theirs out wherever it is said.
CHUNK = 64 << 10
GZIP_FROM = 1400
"""Bytes from which Mixpanel gzips an export."""


@dataclass(frozen=True)
class Request:
    """A request as it arrived, without its credentials."""

    method: str
    path: str
    params: dict[str, str]


class Sandbox:
    """The server. ``with Sandbox() as sandbox: …`` or start and stop it by hand.

    ``sessions`` a day sets the size of the data set (about five events each); see ``dataset``.
    """

    def __init__(self, sessions: int = DEFAULT_SESSIONS, port: int = 0) -> None:
        self.data = Dataset(sessions)
        self.faults = Faults()
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self.answering: set[int] = set()
        """Numbers of the threads that are answering a request now."""
        handler = type("Handler", (_Handler,), {"sandbox": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.project_id, self.username, self.secret = PROJECT, USERNAME, SECRET

    def start(self) -> Sandbox:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True).start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self.data.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """A thread for each connection; on ``hang_up`` they all end."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request_thread(request, client_address)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, timeout=5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    sandbox: Sandbox

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        thread = threading.get_ident()
        self.sandbox.answering.add(thread)
        try:
            self._serve(method)
        finally:
            self.sandbox.answering.discard(thread)

    def log_message(self, *_: object) -> None:
        """Silence: the sandbox often shares a terminal with the command that uses it."""

    def _serve(self, method: str) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        params = dict(parse_qsl(url.query, keep_blank_values=True)) | _said(body)
        if url.path.startswith("/sandbox/"):
            return self._send(self._control(method, url.path, body), Fault())
        self.sandbox.requests.append(Request(method, url.path, params))
        fault = self.sandbox.faults.take(unquote_plus(f"{self.path} {body}"))
        if self._is_authorized():
            self._send(answer(self.sandbox.data, method, url.path, params, fault), fault)
        else:
            self._send(refusal(url.path, 401, "Unable to authenticate request"), fault)
        return None

    def _control(self, method: str, path: str, body: str) -> Answer:
        """The sandbox's own endpoints: what was asked, and what is to go wrong."""
        match method, path:
            case "GET", "/sandbox/requests":
                return Answer.json([vars(request) for request in self.sandbox.requests])
            case "POST", "/sandbox/faults":
                self.sandbox.faults.add(Fault(**json.loads(body)))
                return Answer.json({"status": "ok"})
        return Answer.json({"error": "no such endpoint"}, 404)

    def _is_authorized(self) -> bool:
        expected = base64.b64encode(f"{USERNAME}:{SECRET}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _send(self, reply: Answer, fault: Fault) -> None:
        self.sandbox.stopping.wait(fault.latency)
        chunks, headers = self._encode(reply, fault)
        self.send_response(reply.status)
        for name, value in (reply.headers | headers).items():
            self.send_header(name, value)
        chunked = reply.lines is not None and not fault.unmarked_end
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.lines is None:
            self.send_header("Content-Length", str(len(reply.body)))
        if fault.unmarked_end:
            self.close_connection = True
        self.end_headers()
        finished = self._send_body(chunks, fault, chunked)
        if finished and chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send_body(self, chunks: Iterator[bytes], fault: Fault, chunked: bool) -> bool:
        """Sends what the fault lets through; False where the answer is not to be ended well."""
        sent = 0
        limits = [limit for limit in (fault.cut, fault.close, fault.reset) if limit is not None]
        end = min(limits) if limits else None
        for chunk in chunks:
            part = chunk if end is None else chunk[: max(0, end - sent)]
            part = _corrupted(part, fault.corrupt, sent)
            self._write(part, chunked)
            sent += len(part)
            if fault.bytes_per_second:
                self.sandbox.stopping.wait(len(part) / fault.bytes_per_second)
            if end is not None and sent >= end:
                break
        if fault.hang:
            self._hang()
        if fault.reset is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if fault.reset is not None or fault.close is not None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.close() if fault.reset is not None else self.connection.shutdown(socket.SHUT_RDWR)
            return False
        return True

    def _write(self, part: bytes, chunked: bool) -> None:
        if part:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)

    def _hang(self) -> None:
        """Sends nothing more until the client goes away or the sandbox stops."""
        self.connection.settimeout(0.2)
        while not self.sandbox.stopping.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return

    def _encode(self, reply: Answer, fault: Fault) -> tuple[Iterator[bytes], dict[str, str]]:
        """The body in chunks, and the headers that say how it is encoded."""
        if reply.lines is None:
            return _chunks(iter([reply.body])), {}
        first = next(reply.lines, b"")
        lines = chain([first], reply.lines)
        accepts = "gzip" in self.headers.get("Accept-Encoding", "")
        if not accepts or fault.encoding == "identity" or len(first) <= GZIP_FROM:
            return _chunks(lines), {}
        return _chunks(_gzip(lines, members=fault.encoding == "members")), {"Content-Encoding": "gzip"}


def _said(body: str) -> dict[str, str]:
    """The parameters in a body, which is a form or a JSON object, whatever its content type says.

    Values of JSON that are no texts stay JSON.
    """
    if not body.lstrip().startswith("{"):
        return dict(parse_qsl(body, keep_blank_values=True))
    with suppress(ValueError):
        return {name: one if isinstance(one, str) else json.dumps(one) for name, one in json.loads(body).items()}
    return {}


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), CHUNK):
            yield piece[start : start + CHUNK]


def _gzip(pieces: Iterator[bytes], *, members: bool) -> Iterator[bytes]:
    deflate = zlib.compressobj(1, wbits=31)
    for piece in pieces:
        yield deflate.compress(piece)
        if members:
            yield deflate.flush()
            deflate = zlib.compressobj(1, wbits=31)
    yield deflate.flush()


def _corrupted(part: bytes, position: int | None, sent: int) -> bytes:
    if position is None or not sent <= position < sent + len(part):
        return part
    place = position - sent
    return part[:place] + bytes([part[place] ^ 0xFF]) + part[place + 1 :]
