"""Which of Mixpanel's endpoints the sandbox answers, and with what.

Source: Mixpanel's API reference and OpenAPI files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from . import (
    activity,
    engage,
    events,
    funnels,
    insights,
    jql,
    lexicon,
    people,
    project,
    reports,
    retention,
    segmentation,
)
from .dataset import Dataset
from .faults import Fault
from .params import PROJECT, Answer, Params, Refused

Route = Callable[[Dataset, Params], Answer]
APP = f"/api/app/projects/{PROJECT}"

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/2.0/export"): events.export,
    ("GET", "/api/query/events"): events.event_counts,
    ("GET", "/api/query/events/names"): events.event_names,
    ("GET", "/api/query/events/top"): events.top_events,
    ("GET", "/api/query/events/properties"): events.property_counts,
    ("GET", "/api/query/events/properties/top"): events.top_properties,
    ("GET", "/api/query/events/properties/values"): events.property_values,
    ("GET", "/api/query/segmentation"): segmentation.segmentation,
    ("GET", "/api/query/segmentation/numeric"): segmentation.numeric,
    ("GET", "/api/query/segmentation/sum"): segmentation.total,
    ("GET", "/api/query/segmentation/average"): segmentation.average,
    ("GET", "/api/query/funnels"): funnels.funnel,
    ("GET", "/api/query/funnels/list"): funnels.saved_funnels,
    ("GET", "/api/query/retention"): retention.retention,
    ("GET", "/api/query/retention/addiction"): retention.addiction,
    ("GET", "/api/query/insights"): reports.insights,
    ("POST", "/api/query/insights"): insights.insights,
    ("GET", "/api/query/arb_funnels"): reports.saved_flows,
    ("GET", "/api/query/stream/query"): activity.feed,
    ("POST", "/api/query/jql"): jql.jql,
    ("POST", "/api/query/engage"): engage.engage,
    ("POST", "/api/query/cohorts/list"): people.cohorts,
    ("GET", "/api/app/me"): project.me,
    ("GET", f"{APP}/workspaces/public"): project.workspaces,
    ("GET", f"{APP}/bookmarks"): reports.bookmarks,
    ("GET", f"{APP}/annotations"): project.all_annotations,
    ("GET", f"{APP}/annotations/{{id}}"): project.annotation,
    ("GET", f"{APP}/schemas"): lexicon.schemas,
    ("GET", f"{APP}/schemas/{{type}}"): lexicon.schemas,
    ("GET", f"{APP}/schemas/{{type}}/{{name}}"): lexicon.schema,
}
INLINE = {("POST", "/api/query/insights")}
"""Questions without a saved report, which word it otherwise when they are told no project."""
PATTERNS = {key: re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", key[1])) for key in ROUTES}


def answer(data: Dataset, method: str, path: str, params: Params, fault: Fault) -> Answer:
    """The answer to an authenticated request."""
    if fault.status is not None:
        return _faulty(fault)
    try:
        route, parts = _route(method, path)
        if (method, path) in INLINE and "project_id" not in params:
            raise Refused(400, "project_id is a required parameter")
        if not path.startswith("/api/app/") and params.get("project_id") != PROJECT:
            raise Refused(401, "Unable to authenticate request")
        reply = route(data, {**params, **parts})
    except Refused as refused:
        return refusal(path, refused.status, str(refused))
    except Exception as error:  # noqa: BLE001 - a thread that dies answers nothing
        return refusal(path, 500, f"the sandbox failed: {error}")
    if reply.lines is not None:
        reply.lines = _spoil(reply.lines, fault)
    return reply


def refusal(path: str, status: int, error: str) -> Answer:
    """An error in the form of the API that the path belongs to."""
    is_app = path.startswith("/api/app/")
    return Answer.json({"status": "error", "error": error} if is_app else {"error": error, "request": path}, status)


def _route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    for key, pattern in PATTERNS.items():
        found = pattern.fullmatch(path)
        if found and key[0] == method:
            return ROUTES[key], {name: unquote(part) for name, part in found.groupdict().items()}
    raise Refused(404, f"no such endpoint: {method} {path}")


def _faulty(fault: Fault) -> Answer:
    is_json = fault.body.lstrip()[:1] in {"{", "["}
    kind = "application/json" if is_json else "text/html"
    return Answer(fault.status or 200, fault.body.encode(), headers={"Content-Type": kind, **fault.headers})


def _spoil(lines: Iterator[bytes], fault: Fault) -> Iterator[bytes]:
    if fault.first_line is not None:
        yield fault.first_line.encode() + b"\n"
    yield from lines
    if fault.last_line is not None:
        yield fault.last_line.encode()
