"""JQL: no JavaScript runs here, but counting the events of some days is understood.

Source: Mixpanel's JQL reference.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from .dataset import Dataset
from .expressions import property_as_json
from .params import Answer, Params, Refused, json_of, required, selected, today

UNDERSTOOD = """the sandbox runs no JavaScript; it understands only
  function main() { return Events({from_date: …, to_date: …, event_selectors: [{event: …}]}).groupBy(
    ["name", "properties.…"], mixpanel.reducer.count()) }
  and .reduce(mixpanel.reducer.count()), with texts, params or members of params for values"""
COUNT = r"mixpanel\s*\.\s*reducer\s*\.\s*count\s*\(\s*\)"
SCRIPT = re.compile(
    r"\s*function\s+main\s*\(\s*\)\s*\{\s*return\s+Events\s*\((?P<events>[^)]*)\)\s*"
    rf"\.\s*(?:reduce\s*\(\s*{COUNT}\s*\)|groupBy\s*\(\s*(?P<keys>\[[^\]]*\])\s*,\s*{COUNT}\s*\))\s*;?\s*\}}\s*;?\s*"
)
TOKEN = re.compile(r"""("(?:[^"\\]|\\.)*")|'([^'"\\]*)'|\bparams\b(?:\.(\w+))?|(\w+)(?=\s*:)""")


def jql(data: Dataset, params: Params) -> Answer:
    script = SCRIPT.fullmatch(required(params, "script"))
    if script is None:
        raise _refused(UNDERSTOOD)
    given = json_of(params, "params", dict) if params.get("params") else {}
    source = _source(data, _read(script["events"], given))
    if script["keys"] is None:
        return Answer.json([n for (n,) in data.rows(f"SELECT count(*) FROM {source}")])
    keys = [_key(name) for name in _read(script["keys"], given)]
    query = f"SELECT [{', '.join(keys)}] AS keys, count(*) FROM {source} GROUP BY ALL ORDER BY ALL"
    return Answer.json([{"key": [_parsed(key) for key in keys], "value": n} for keys, n in data.rows(query)])


def _source(data: Dataset, query: Any) -> str:
    try:
        first, last = (date.fromisoformat(query[name][:10]) for name in ("from_date", "to_date"))
        return f"(FROM {data.events(first, min(last, today()))} WHERE {selected(query.get('event_selectors', []))})"
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _refused("Uncaught exception Error: Events() takes from_date, to_date and event_selectors") from None


def _key(name: str) -> str:
    """A key as JSON text: the event's name or one of its properties."""
    match str(name).split(".", 1):
        case ["name"]:
            return "to_json(event)::VARCHAR"
        case ["distinct_id" | "time" as inherent]:
            return f"to_json({inherent})::VARCHAR"
        case ["properties", inner]:
            return f"{property_as_json(inner)}::VARCHAR"
    raise _refused(UNDERSTOOD)


def _parsed(key: str | None) -> Any:
    return None if key is None else json.loads(key)


def _read(source: str, given: dict[str, Any]) -> Any:
    """An object or a list of the script as Python has it."""

    def as_json(token: re.Match[str]) -> str:
        double, single, member, name = token.groups()
        if double is not None:
            return str(double)
        if single is not None or name is not None:
            return json.dumps(single if name is None else name)
        return json.dumps(given.get(member) if member else given)

    try:
        return json.loads(TOKEN.sub(as_json, source))
    except ValueError:
        raise _refused(UNDERSTOOD) from None


def _refused(error: str) -> Refused:
    return Refused(412, f"UserVisiblePreconditionFailedError: {error}\n")
