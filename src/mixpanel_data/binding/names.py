"""Names in calls of local reports that are nowhere in their table: a warning with the nearest ones, as for Mixpanel's.

A report's file is plain SQL, which can warn of nothing. So where it is registered, its rows are looked at on their way:
only where they say nothing of an event, or of an expression such as ``by``, are the table's own names collected, and
given to a function of ours, which DuckDB calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import duckdb

from ..exceptions import warn
from ..functions.spelling import suggestion
from ..local import Report
from ..quoting import literal, quoted
from ..storage.file import IS_1

FUNCTION = "__mixpanel_names"
NO_ROWS = "count(*) = 0"
EVENTS = {
    "active_users": ("[event]", "coalesce(max(users), 0) = 0"),
    "attribution": ("[event]", NO_ROWS),
    # An excluded or hidden event that is nowhere leaves every row as it would be without it.
    "flows": ("[from_event] || hidden::VARCHAR[]", f"{NO_ROWS} OR len(hidden) > 0"),
    "frequency": ("[event]", "coalesce(max(users), 0) = 0"),
    "funnel": ("steps", "coalesce(min(count), 0) = 0"),
    "funnel_counted": (
        "steps || exclude::VARCHAR[] || hidden::VARCHAR[]",
        "coalesce(min(count), 0) = 0 OR len(exclude) > 0 OR len(hidden) > 0",
    ),
    "lifecycle": ("[event]", "coalesce(max(users), 0) = 0"),
    "numbers": ("[event]", "coalesce(max(count), 0) = 0"),
    "paths": ("[from_event] || hidden::VARCHAR[]", f"{NO_ROWS} OR len(hidden) > 0"),
    "property_keys": ("[event]", NO_ROWS),
    "property_values": ("[event]", NO_ROWS),
    "ranges": ("[event]", "coalesce(max(count), 0) = 0"),
    "retention": ("[born_event, return_event]", "coalesce(least(max(cohort_size), max(retained)), 0) = 0"),
    "retention_average": ("[born_event, return_event]", "coalesce(max(retained), 0) = 0"),
    "retention_value": ("[born_event, return_event]", "coalesce(least(max(cohort_size), max(retained)), 0) = 0"),
    "revenue": ("[event]", "coalesce(max(count), 0) = 0"),
    "segmentation": ("[event]", "coalesce(max(count), 0) = 0"),
    "sessions": ("hidden::VARCHAR[]", "bool_or(len(hidden) > 0)"),
    "sessions_by_events": (
        "[start_event, end_event] || hidden::VARCHAR[]",
        "count(seconds) = 0 OR len(hidden) > 0",
    ),
    "sessions_by_property": ("hidden::VARCHAR[]", "bool_or(len(hidden) > 0)"),
    "stickiness": ("[event]", "coalesce(max(mau), 0) = 0"),
    "trend": ("[event]", "coalesce(max(count), 0) = 0"),
    "users_once": ("[event]", NO_ROWS),
}
"""The events that a report is asked about, and what its rows are where one of them may not be there."""
EXPRESSIONS = {
    "by": "bool_and(segment IN ('undefined', '$overall')) AND bool_or(segment = 'undefined')",
    # Whatever it is, a report says as much of it as of a value that all events have.
    "constant": "coalesce((SELECT alias(constant) <> 'NULL' FROM given LIMIT 1), false)",
}
"""What the rows of a report are where an expression may speak of a property that is nowhere."""
OWN_EXPRESSIONS = {
    "attribution": {"by": "count(touch) = 0"},
    "first_touch": {"by": "count(touch) = 0"},
    "numbers": {"amount": "coalesce(max(abs(total)), 0) = 0"},
    "ranges": {"amount": "coalesce(max(count) FILTER (range NOT IN ('(non-numeric)', '(not set)')), 0) = 0"},
    "retention_value": {"amount": "coalesce(max(abs(value)), 0) = 0"},
    "revenue": {"amount": "coalesce(max(abs(revenue)), 0) = 0"},
    "sessions_by_property": {"by": NO_ROWS},
}
"""The same where it is so in one report."""
SEEN = 10_000
"""Events whose properties are looked at."""
PROPERTY = re.compile(r"""properties(?:,| ->>) '(?:\$\.(?:"([^"]+)"|([^'".\[]+))|([^'$]+)')""")
"""The property that an expression speaks of, as DuckDB writes it: one name, with a path, or verbatim."""
KNOWN = """
    SELECT list(DISTINCT event_name::VARCHAR)
    FROM (SELECT event_name FROM given LIMIT (SELECT if(on_events, NULL, 0) FROM __silent))
  """
"""The names of the table's events."""
EVENTS_SEEN = f"""
    SELECT list(to_json(__event)::VARCHAR)
    FROM (
      SELECT {{written}} AS written, try_cast(COLUMNS('^(event_name|properties)$') AS JSON)
      FROM given
      LIMIT (SELECT if(on_expressions, {SEEN}, 0) FROM __silent)
    ) AS __event
  """
"""How the expressions are written, beside the properties of some events; a table may have none."""


def render_checked(report: Report, name: str) -> str:
    """The statement that makes the report under another name, with a look at its names if it takes any."""
    code = report.named(name)
    if report.name not in EVENTS and not _expressions(report):
        return code
    before, _, last = code.rstrip(";\n").rpartition("\n)\nSELECT\n")
    rows, _, order = last.rpartition("\nORDER BY ")
    return f"""{before}
), __report AS MATERIALIZED (
SELECT
{rows}
), {_look(report)}
ORDER BY {order}"""


def _look(report: Report) -> str:
    """All rows of the report; and, where they are silent, a call of the function with what the table has."""
    asked, on_events = EVENTS.get(report.name, ("[]", "false"))
    expressions = _expressions(report)
    on_expressions = " OR ".join(f"({condition})" for condition in expressions.values()) or "false"
    written = ", ".join(f"concat(alias({quoted(name)}))" for name in expressions)
    seen = EVENTS_SEEN.format(written=f"[{written}]") if expressions else "NULL"
    return f"""__silent AS (
  SELECT {on_events} AS on_events, {on_expressions} AS on_expressions FROM __report
)
FROM __report
WHERE coalesce((
  SELECT {FUNCTION}({literal(report.short_name)}, {asked}::VARCHAR[], ({KNOWN}), ({seen}))
  FROM __silent
  WHERE on_events OR on_expressions
), true)"""


def _expressions(report: Report) -> dict[str, str]:
    """Those that the report takes, and what its rows are where one may speak of nothing."""
    conditions = EXPRESSIONS | OWN_EXPRESSIONS.get(report.name, {})
    taken = {parameter.name for parameter in report.parameters}
    return {name: condition for name, condition in conditions.items() if name in taken}


def add_names(con: duckdb.DuckDBPyConnection) -> None:
    """Makes the function known that reports give names to; on DuckDB 1.5 none does."""
    if IS_1:
        return
    kinds: list[Any] = ["VARCHAR", "VARCHAR[]", "VARCHAR[]", "VARCHAR[]"]
    volatile: dict[str, Any] = {"null_handling": "special", "side_effects": True}
    with suppress(duckdb.CatalogException, duckdb.NotImplementedException):  # it is there already
        con.create_function(FUNCTION, look_at, kinds, "BOOLEAN", **volatile)


def remove_names(con: duckdb.DuckDBPyConnection) -> None:
    """Takes the function away. Only the connection can that made it known; elsewhere it stays, and is harmless."""
    with suppress(duckdb.InvalidInputException):
        con.remove_function(FUNCTION)


def look_at(
    report: str,
    asked: Sequence[str | None] | None,
    events: Sequence[str | None] | None,
    seen: Sequence[str] | None,
) -> bool:
    """Warns of each name that is not there. What DuckDB calls; a function of a module, since DuckDB does not own it."""
    for said in (*_unknown_events(asked or (), events or ()), *_unknown_properties(seen or ())):
        warn(f"{report}: {said}")
    return True


def _unknown_events(asked: Sequence[str | None], events: Sequence[str | None]) -> Iterator[str]:
    known = {name for name in events if name is not None}
    for name in dict.fromkeys(name for name in asked if name is not None and name not in known):
        if known:
            near = suggestion(name, known, "SELECT DISTINCT event_name lists them all")
            yield f"the table has no event {name!r}: {near}"


def _unknown_properties(events: Sequence[str]) -> Iterator[str]:
    seen = [json.loads(event) for event in events]
    known = {name for event in seen for name in event.get("properties") or ()}
    expressions = " ".join(seen[0]["written"]) if seen else ""
    for found in PROPERTY.finditer(expressions):
        name = next(filter(None, found.groups()))
        if known and name not in known:
            near = suggestion(name, known, "FROM local_property_keys(…) lists them all")
            yield f"no event that was counted has a property {name!r}: {near}"
