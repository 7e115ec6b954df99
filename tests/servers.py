"""Servers that know nothing of the package: what they send is what the test wrote, byte for byte."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import trustme

authority = cache(trustme.CA)
"""Who has signed the certificate of 127.0.0.1; nobody trusts it unless told to."""


@dataclass
class RawServer:
    """Answers each request with the bytes ``reply(target)`` gives, then closes the connection."""

    reply: Callable[[str], bytes]
    targets: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    url: str = ""
    tls: ssl.SSLContext | None = None
    connections: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.take, args=(connection,), daemon=True).start()

    def take(self, connection: socket.socket) -> None:
        try:
            self.answer(connection if self.tls is None else self.tls.wrap_socket(connection, server_side=True))
        except OSError:
            connection.close()

    def answer(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65536)
                if not received:
                    return
                head += received
            self.heads.append(head.decode())
            self.targets.append(head.split(b" ", 2)[1].decode())
            try:
                connection.sendall(self.reply(self.targets[-1]))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass


@contextmanager
def raw_server(reply: Callable[[str], bytes], *, https: bool = False) -> Iterator[RawServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(reply, url=f"http{'s' * https}://127.0.0.1:{listener.getsockname()[1]}")
        if https:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority().issue_cert("127.0.0.1").configure_cert(server.tls)
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """A whole HTTP answer with a Content-Length."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def json_answer(value: Any, status: str = "200 OK", headers: str = "") -> bytes:
    return answer(json.dumps(value).encode(), status=status, headers=headers)


def gzip_answer(body: bytes, **kwargs: Any) -> bytes:
    return answer(gzip.compress(body), headers="Content-Encoding: gzip\r\n", **kwargs)


def chunked_answer(body: bytes, *, headers: str = "", end: bytes = b"0\r\n\r\n") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{headers}\r\n".encode()
    return head + b"%x\r\n" % len(body) + body + b"\r\n" + end


def lines(events: list[dict[str, Any]]) -> bytes:
    """Events as an export writes them."""
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)
