"""A project to measure against: every day of it is the same body, made once and served by another process."""

from __future__ import annotations

import http.server
import multiprocessing
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import parse_qs, urlsplit

from mixpanel_data.client.limits import LIMITS, Limits
from mixpanel_data.sandbox.dataset import Dataset


def day(events: int) -> bytes:
    """One gzipped body of about this many of the sandbox's events."""
    sessions = events // 5
    first = "DATE '2024-01-01'"
    line = """'{"event":' || to_json(event) || ',"properties":' || properties || '}' || chr(10)"""
    with Dataset(sessions).connect() as con:
        lines = con.sql(f"SELECT {line} FROM events({first}, {first}, {sessions})")
        deflate = zlib.compressobj(1, wbits=31)
        parts = [
            deflate.compress("".join(batch.column(0).to_pylist()).encode()) for batch in lines.to_arrow_reader(50_000)
        ]
        return b"".join([*parts, deflate.flush()])


@contextmanager
def project(content: bytes) -> Iterator[str]:
    """The address of a project whose every day is this body; credentials for it are in the environment."""
    with served(_serve, content) as environment:
        os.environ |= environment
        LIMITS.update(dict.fromkeys(LIMITS, Limits()))  # type: ignore[attr-defined]  # no budget to wait for
        yield environment["MP_API_BASE_URL"]


@contextmanager
def served(serve: Callable[..., None], content: object) -> Iterator[dict[str, str]]:
    """The environment in which a project is what another process serves of the content."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(content, port), daemon=True)
    server.start()
    credentials = {"MP_USERNAME": "u", "MP_SECRET": "s", "MP_PROJECT_ID": "1", "MP_TIMEZONE": "UTC"}
    with tempfile.TemporaryDirectory() as state:
        try:
            url = f"http://127.0.0.1:{port.get()}"
            yield {**credentials, "MP_API_BASE_URL": url, "MP_STATE_PATH": f"{state}/requests.db"}
        finally:
            server.terminate()


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass


def listen(handler: type[Handler], port: multiprocessing.Queue[int]) -> None:
    """Serves for ever, once the port is told."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who has enough hangs up
    port.put(server.server_address[1])
    server.serve_forever()


def seconds(work: object) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def _serve(content: bytes, port: multiprocessing.Queue[int]) -> None:
    class Days(Handler):
        def do_GET(self) -> None:
            given = parse_qs(urlsplit(self.path).query)
            first, last = (date.fromisoformat(given.get(name, ["2024-01-01"])[0]) for name in ("from_date", "to_date"))
            days = (last - first).days + 1
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content) * days))
            self.end_headers()
            for _ in range(days):
                self.wfile.write(content)

    listen(Days, port)
