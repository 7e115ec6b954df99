"""A small shop, asked over HTTP, and all it exports, to compute the same answers from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import httpx
import pytest

from mixpanel_data.sandbox import Sandbox

JANUARY = {"from_date": "2024-01-01", "to_date": "2024-01-31"}


@dataclass(frozen=True)
class Event:
    """A line of the export."""

    name: str
    properties: dict[str, Any]

    @property
    def time(self) -> int:
        return self.properties["time"]

    @property
    def person(self) -> str:
        return self.properties["distinct_id"]

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    @property
    def day(self) -> str:
        return self.moment.date().isoformat()


class Shop:
    """The small sandbox, and its answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.url, auth=("sandbox", "sandbox-secret"), trust_env=False, timeout=30)
        self.exported = cache(self._exported)

    def send(self, path: str, method: str = "GET", **params: str) -> httpx.Response:
        project = {} if path.startswith("/api/app/") else {"project_id": "1"}
        if method == "POST":
            return self.http.post(path, params=project, data=params)
        return self.http.get(path, params={**project, **params})

    def ask(self, path: str, **params: str) -> Any:
        """What the Query API answers."""
        return self._good(self.send(f"/api/query/{path}", **params))

    def post(self, path: str, **params: str) -> Any:
        return self._good(self.send(f"/api/query/{path}", "POST", **params))

    def insights(self, question: dict[str, Any]) -> Any:
        """What Insights answers to a question without a saved report."""
        return self._good(self.http.post("/api/query/insights", json=question))

    def insights_refusal(self, question: dict[str, Any]) -> tuple[int, str]:
        response = self.http.post("/api/query/insights", json=question)
        return response.status_code, response.json()["error"]

    def app(self, path: str, **params: str) -> Any:
        return self._good(self.send(f"/api/app/projects/1/{path}", **params))

    def refusal(self, path: str, method: str = "GET", **params: str) -> tuple[int, str]:
        response = self.send(path if path.startswith("/") else f"/api/query/{path}", method, **params)
        return response.status_code, response.json()["error"]

    def _good(self, response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()

    def _exported(self, first: str = "2024-01-01", last: str = "2024-01-31") -> list[Event]:
        response = self.send("/api/2.0/export", from_date=first, to_date=last)
        lines = [json.loads(line) for line in response.text.split("\n") if line]
        return [Event(line["event"], line["properties"]) for line in lines]


@pytest.fixture(scope="package")
def shop() -> Iterator[Shop]:
    with Sandbox(sessions=60) as sandbox:
        shop = Shop(sandbox)
        yield shop
        shop.http.close()


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    """A day on which the shop believes to be, so that midnight disturbs no test."""
    from mixpanel_data.sandbox import events, funnels, params, retention

    day = date(2024, 1, 24)
    for module in (params, events, funnels, retention):
        monkeypatch.setattr(module, "today", lambda: day)
    return day
