"""A Mixpanel that enforces its limits: it looks at its own clock when a request has come, and knows nothing of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

EVENT = '{{"event":"Seen","properties":{{"time":{time},"distinct_id":"a","$insert_id":"{time}"}}}}\n'
NAMES = b'["Seen"]'
LASTS = {"query": 0.02, "export": 1.5}
"""Seconds that an answer takes, so that several are under way at once; of exports, more than may be."""


@dataclass(frozen=True)
class Enforced:
    """So many requests in so many seconds, in windows that roll, and so many at once."""

    rates: tuple[tuple[int, float], ...]
    at_once: int


EXPORT = Enforced(((3, 1.0), (60, 3600.0)), at_once=5)
QUERY = Enforced(((60, 3600.0),), at_once=5)


@dataclass
class Counter:
    """What has come to one API. A request counts from its arrival, and those that are refused do not."""

    enforced: Enforced
    arrivals: list[float] = field(default_factory=list)
    running: int = 0
    refused: int = 0

    def admit(self) -> bool:
        now = time.monotonic()
        spent = any(sum(now - at < seconds for at in self.arrivals) >= most for most, seconds in self.enforced.rates)
        if spent or self.running >= self.enforced.at_once:
            self.refused += 1
            return False
        self.arrivals.append(now)
        self.running += 1
        return True


@dataclass
class StrictServer:
    """What it has let through and what it has refused, by the first part of the path."""

    counters: Mapping[str, Counter]
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def refused(self) -> int:
        return sum(counter.refused for counter in self.counters.values())

    def arrived(self, api: str) -> int:
        return len(self.counters[api].arrivals)


class Handler(BaseHTTPRequestHandler):
    """Keeps connections, and frees a request's place with the last byte of its answer."""

    protocol_version = "HTTP/1.1"
    mixpanel: StrictServer

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        api = "export" if target.path == "/api/2.0/export" else "query"
        with self.mixpanel.lock:
            admitted = self.mixpanel.counters[api].admit()
        if not admitted:
            self._answer(b'{"error": "Query rate limit exceeded"}', 429)
            return
        first = parse_qs(target.query).get("from_date", ["1970-01-01"])[0]
        body = _events(first) if api == "export" else NAMES
        time.sleep(LASTS[api])
        self._answer(body[:-1], 200, len(body))
        with self.mixpanel.lock:
            self.wfile.write(body[-1:])
            self.mixpanel.counters[api].running -= 1

    def _answer(self, body: bytes, status: int, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Listener(ThreadingHTTPServer):
    request_queue_size = 128


def _events(day: str) -> bytes:
    noon = int(time.mktime(time.strptime(f"{day} 12 UTC", "%Y-%m-%d %H %Z")))
    return EVENT.format(time=noon).encode()


@contextmanager
def strict_server(*, export: Enforced = EXPORT, query: Enforced = QUERY) -> Iterator[StrictServer]:
    counters = {"export": Counter(export), "query": Counter(query)}
    mixpanel = StrictServer(counters)
    with Listener(("127.0.0.1", 0), type("Strict", (Handler,), {"mixpanel": mixpanel})) as listener:
        mixpanel.url = f"http://127.0.0.1:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        yield mixpanel
        listener.shutdown()
