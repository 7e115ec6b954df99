"""Engage: profiles, filtered, in pages that belong to a session.

Source: Mixpanel's Query API reference (Engage).
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .dataset import Dataset
from .expressions import literal, to_sql
from .params import Answer, Params, Refused, compiled, integer, is_one_of, json_of, names, selected, truth
from .people import COHORTS, people

PAGE_SIZE = 1000
KEPT_SESSIONS = 8
SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
UNCACHED = "request for page in uncached query for params"


@dataclass(frozen=True)
class Session:
    """A query's whole result, and the query, since a session answers no other."""

    query: dict[str, str]
    results: list[tuple[str, str]]
    """Ids and properties, both JSON."""


class Sessions:
    """The last few; older ones are forgotten, as Mixpanel's are after a while."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, name: str, session: Session) -> None:
        with self._lock:
            self._kept[name] = session
            while len(self._kept) > KEPT_SESSIONS:
                self._kept.popitem(last=False)

    def find(self, name: str, query: dict[str, str]) -> Session:
        with self._lock:
            session = self._kept.get(name)
        if session is None or session.query != query:
            raise Refused(400, UNCACHED)
        return session


SESSIONS = Sessions()


def engage(data: Dataset, params: Params) -> Answer:
    page = integer(params, "page", 0, 1_000_000, default=0)
    query = {name: value for name, value in params.items() if name not in {"page", "session_id"}}
    name = params.get("session_id")
    if page and not name:
        raise Refused(400, "Missing required parameter: session_id")
    if name:
        return _page(name, SESSIONS.find(name, query), page, params)
    name, session = f"{int(time.time())}-{uuid.uuid4().hex[:8]}", Session(query, _results(data, params))
    # Counts of behavior up to now would differ from page to page, so Mixpanel keeps none.
    if "behaviors" not in params or "as_of_timestamp" in params:
        SESSIONS.keep(name, session)
    return _page(name, session, page, params)


def _page(name: str, session: Session, page: int, params: Params) -> Answer:
    wanted = set(names(params, "output_properties")) if "output_properties" in params else None
    results = session.results[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    answer = {
        "page": page,
        "page_size": PAGE_SIZE,
        "results": [_profile(json.loads(id_), json.loads(properties), wanted) for id_, properties in results],
        "session_id": name,
        "status": "ok",
    }
    return Answer.json(answer if page else answer | {"total": len(session.results)})


def _profile(id_: Any, properties: dict[str, Any], wanted: set[str] | None) -> dict[str, Any]:
    kept = properties if wanted is None else {name: properties[name] for name in properties if name in wanted}
    return {"$distinct_id": id_, "$properties": kept}


def _results(data: Dataset, params: Params) -> list[tuple[str, str]]:
    if params.get("data_group_id"):
        return []  # the sandbox has no groups
    query = f"""
        SELECT id::VARCHAR, properties::VARCHAR
        FROM (SELECT *, {_counts(params)} AS behaviors FROM {people(data)} {_behaving(data, params)})
        WHERE {_chosen(params)} AND {_where(params)} ORDER BY distinct_id
    """
    return data.rows(query)


def _chosen(params: Params) -> str:
    """Which ids are looked at, before the filter expression: in a cohort also those without a profile."""
    conditions = ["true"]
    if "distinct_id" in params:
        conditions.append(is_one_of("distinct_id", [params["distinct_id"]]))
    if "distinct_ids" in params:
        conditions.append(is_one_of("distinct_id", list(map(str, json_of(params, "distinct_ids", list)))))
    if "filter_by_cohort" in params:
        conditions.append(_in_cohort(params))
    if "filter_by_cohort" not in params or not truth(params, "include_all_users", default=True):
        conditions.append("has_profile")
    return " AND ".join(conditions)


def _in_cohort(params: Params) -> str:
    if "behaviors" in params:
        raise Refused(400, "behaviors and filter_by_cohort are mutually exclusive")
    cohort = COHORTS.get(json_of(params, "filter_by_cohort", dict).get("id"))
    if cohort is None:
        raise Refused(400, "Invalid value for filter_by_cohort")
    return f"({cohort.members})"


def _where(params: Params) -> str:
    expression = params.get("where") or params.get("selector")
    return f"coalesce({compiled(partial(to_sql, of_profiles=True), expression)}, false)" if expression else "true"


def _counts(params: Params) -> str:
    """How often each behavior was shown, as one JSON object."""
    found = _behaviors(params)
    pairs = ", ".join(f"{literal(one['name'])}, coalesce(n{k}, 0)" for k, one in enumerate(found))
    return f"json_object({pairs})"


def _behaving(data: Dataset, params: Params) -> str:
    """Joins of the people with their numbers of events in each behavior's window."""
    present = int(time.time())
    until = integer(params, "as_of_timestamp", 1, present, default=present)
    return " ".join(
        f"LEFT JOIN ({_counted(data, one, until)}) AS b{k}(distinct_id, n{k}) USING (distinct_id)"
        for k, one in enumerate(_behaviors(params))
    )


def _counted(data: Dataset, behavior: dict[str, Any], until: int) -> str:
    since = until - _window(behavior)
    first, last = (datetime.fromtimestamp(moment, UTC).date() for moment in (since, until))
    return f"""
        SELECT distinct_id, count(*) FROM {data.events(first, last)}
        WHERE time > {since} AND time <= {until} AND {selected(behavior["event_selectors"])} GROUP BY distinct_id
    """


def _window(behavior: dict[str, Any]) -> int:
    found = re.fullmatch(r"(\d{1,4})([mhdw])", str(behavior["window"]))
    if not found:
        raise Refused(400, "Invalid value for behaviors")
    return int(found[1]) * SECONDS[found[2]]


def _behaviors(params: Params) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json_of(params, "behaviors", list) if "behaviors" in params else []
    if not all(isinstance(one, dict) and {"window", "name", "event_selectors"} <= one.keys() for one in found):
        raise Refused(400, "Invalid value for behaviors")
    return found
