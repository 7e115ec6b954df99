"""What the sandbox answers: each of Mixpanel's endpoints as a query over the one data set.

Source: Mixpanel's API reference and OpenAPI files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from .dataset import FIRST_DAY, Dataset
from .expressions import BadExpression, to_sql
from .faults import Fault

PROJECT = "1"
Params = Mapping[str, str]


@dataclass
class Answer:
    """An answer before it is sent: a whole JSON body, or the lines of an export."""

    status: int = 200
    body: bytes = b""
    lines: Iterator[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(value: Any, status: int = 200) -> Answer:
        body = json.dumps(value, ensure_ascii=False).encode()
        return Answer(status, body, headers={"Content-Type": "application/json"})


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """A request that Mixpanel would not answer with 200."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def export(data: Dataset, params: Params, fault: Fault) -> Answer:
    first, last = _days(params)
    condition, values = _event_condition(params)
    limit = _integer(params, "limit", 1, 100_000)
    query = f"""
        SELECT '{{"event":' || to_json(event) || ',"properties":' || properties || '}}' || chr(10) AS line
        FROM events(?::DATE, ?::DATE, ?) WHERE {condition} {f"LIMIT {limit}" if limit else ""}
    """
    rows = _lines(data, query, [first, last, data.sessions, *values])
    if params.get("time_in_ms") == "true":
        raise Refused(400, "time_in_ms is not part of the sandbox")
    return Answer(lines=_spoil(rows, fault), headers={"Content-Type": "text/plain"})


def event_names(data: Dataset, params: Params, _: Fault) -> Answer:
    if params.get("type") not in {"general", "unique", "average"}:
        raise Refused(400, "Missing required parameter: type")
    with data.connect() as engine:
        # A day has every event but for chance; a week has them all.
        query = "SELECT DISTINCT event FROM events(?::DATE, ?::DATE + 6, ?) ORDER BY hash(event)"
        names = engine.execute(query, [FIRST_DAY, FIRST_DAY, data.sessions]).fetchall()
    return Answer.json([name for (name,) in names][: _integer(params, "limit", 1, 5000) or 255])


def me(_: Dataset, __: Params, ___: Fault) -> Answer:
    project = {"name": "Sandbox", "organization_id": 1, "timezone": "UTC", "has_workspaces": False}
    results = {"user_id": 1, "user_email": "sandbox@example.com", "projects": {PROJECT: project}}
    return Answer.json({"status": "ok", "results": results})


ROUTES: dict[tuple[str, str], Callable[[Dataset, Params, Fault], Answer]] = {
    ("GET", "/api/2.0/export"): export,
    ("GET", "/api/query/events/names"): event_names,
    ("GET", "/api/app/me"): me,
}


def answer(data: Dataset, method: str, path: str, params: Params, fault: Fault) -> Answer:
    """The answer to an authenticated request."""
    if fault.status is not None:
        return Answer(fault.status, fault.body.encode(), headers={"Content-Type": "text/html", **fault.headers})
    route = ROUTES.get((method, path))
    try:
        if route is None:
            raise Refused(404, f"no such endpoint: {method} {path}")
        if not path.startswith("/api/app/") and params.get("project_id") != PROJECT:
            raise Refused(401, "Unable to authenticate request")
        return route(data, params, fault)
    except Refused as refused:
        return Answer.json({"error": str(refused), "request": path}, refused.status)
    except duckdb.Error as error:
        return Answer.json({"error": f"the sandbox failed: {error}", "request": path}, 500)


def _days(params: Params) -> tuple[date, date]:
    first, last = _day(params, "from_date"), _day(params, "to_date")
    if last > datetime.now(UTC).date():
        raise Refused(400, "to_date cannot be later than today")
    if first > last:
        raise Refused(400, "from_date cannot be later than to_date")
    return first, last


def _day(params: Params, name: str) -> date:
    try:
        day = date.fromisoformat(params[name])
    except KeyError:
        raise Refused(400, f"Missing required parameter: {name}") from None
    except ValueError:
        raise Refused(400, f"Error in {name}: invalid date") from None
    if day.year < 2000:
        raise Refused(400, f"Error in {name}: invalid date, bad year")
    return day


def _event_condition(params: Params) -> tuple[str, list[Any]]:
    conditions, values = ["true"], []
    if "event" in params:
        conditions.append("list_contains(?::VARCHAR[], event)")
        values.append(_names(params["event"]))
    if "where" in params:
        try:
            conditions.append(to_sql(params["where"]))
        except BadExpression as error:
            raise Refused(400, str(error)) from None
    return " AND ".join(conditions), values


def _names(text: str) -> list[str]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(400, "Invalid JSON Format: event")
    return names


def _integer(params: Params, name: str, low: int, high: int) -> int | None:
    if name not in params:
        return None
    if not params[name].isdigit() or not low <= int(params[name]) <= high:
        raise Refused(400, f"Invalid value for {name}")
    return int(params[name])


def _lines(data: Dataset, query: str, values: list[Any]) -> Iterator[bytes]:
    """The query's one text column, in large pieces: the text buffers of the Arrow batches are the body itself."""
    with data.connect() as engine:
        for batch in engine.sql(query, params=values).to_arrow_reader(50_000):
            column = batch.column(0)
            offsets, text = memoryview(column.buffers()[1]).cast("i"), column.buffers()[2]
            yield (text[offsets[column.offset] : offsets[column.offset + len(column)]].to_pybytes() if text else b"")


def _spoil(lines: Iterator[bytes], fault: Fault) -> Iterator[bytes]:
    if fault.first_line is not None:
        yield fault.first_line.encode() + b"\n"
    yield from lines
    if fault.last_line is not None:
        yield fault.last_line.encode()
