"""Flows: what people do next after they first open the app in January, each of them counted once.

What they do counts for thirty days, also after the month, until they open the app again: whether Mixpanel goes on from
there is not known. Events of the same second are in the order of their names, since an export tells no other.

Source: Mixpanel's help on flows; the form is what other clients have seen.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from .dataset import Dataset
from .expressions import literal
from .params import Answer, Params, choice, now
from .people import FIRST, LAST

ANCHOR = "App Open"
STEPS = 4
"""The anchor and what follows."""
WINDOW = timedelta(days=30)
"""Time for all of them, from the anchor."""
PATHS_TOLD = 50
DROPPED = "DROPOFF"
Path = tuple[str, ...]


def flows(data: Dataset, params: Params) -> Answer:
    kind = choice(params, "query_type", ("flows_sankey", "flows_top_paths"))
    paths = _paths(data)
    return Answer.json(_sankey(paths) if kind == "flows_sankey" else _top_paths(paths))


def _paths(data: Dataset) -> Counter[Path]:
    """How often each sequence of events came first."""
    query = f"""
        WITH people AS (
          SELECT list(event ORDER BY time, event) AS events, list(time ORDER BY time, event) AS times
          FROM {data.events(FIRST, LAST + WINDOW)} GROUP BY distinct_id
        ), begun AS (
          SELECT events[first + 1:] AS later, times[first] AS began,
                 len(list_filter(times[first + 1:], lambda t : t <= began + {WINDOW.total_seconds()})) AS in_time
          FROM (SELECT *, list_position(events, {literal(ANCHOR)}) AS first FROM people)
          WHERE first > 0 AND make_timestamp(times[first] * 1000000)::DATE <= DATE '{LAST}'
        ), ended AS (
          SELECT later, least(in_time, coalesce(nullif(list_position(later, {literal(ANCHOR)}), 0) - 1, in_time)) AS n
          FROM begun
        )
        SELECT list_prepend({literal(ANCHOR)}, later[:least(n, {STEPS - 1})]) AS path, count(*)
        FROM ended GROUP BY path ORDER BY count(*) DESC, path
    """
    return Counter({tuple(path): n for path, n in data.rows(query)})


def _sankey(paths: Counter[Path]) -> dict[str, Any]:
    started = paths.total()
    finished = sum(n for path, n in paths.items() if len(path) == STEPS)
    return {
        "computed_at": now(),
        "metadata": {"min_sampling_factor": 1.0},
        "overallConversionRate": finished / started,
        "breakdowns": [],
        "steps": [{"nodes": _nodes(paths, step)} for step in range(STEPS)],
    }


def _nodes(paths: Counter[Path], step: int) -> list[dict[str, Any]]:
    counts, edges = Counter[str](), dict[str, Counter[str]]()
    for path, n in paths.items():
        event = _event(path, step)
        if event is not None:
            counts[event] += n
            following = _event(path, step + 1) if step + 1 < STEPS else None
            if following is not None:
                edges.setdefault(event, Counter())[following] += n
    return [_node(event, n, step, edges.get(event, Counter())) for event, n in counts.most_common()]


def _event(path: Path, step: int) -> str | None:
    """What happened at the step; dropping out happens once."""
    return path[step] if step < len(path) else DROPPED if step == len(path) else None


def _node(event: str, n: int, step: int, edges: Counter[str]) -> dict[str, Any]:
    return {
        "event": event,
        "type": "ANCHOR" if step == 0 else _kind(event),
        "anchorType": "NORMAL",
        "totalCount": str(n),
        "isComputed": event == DROPPED,
        "isCustomEvent": False,
        "segments": [],
        "conversionRateChange": 0.0,
        "breakdowns": [],
        "edges": [
            {"event": to, "type": _kind(to), "step": step + 1, "totalCount": str(count), "segments": []}
            for to, count in edges.most_common()
        ],
    }


def _kind(event: str) -> str:
    return DROPPED if event == DROPPED else "NORMAL"


def _top_paths(paths: Counter[Path]) -> dict[str, Any]:
    told = [{"flowSteps": _told(path, n), "segments": []} for path, n in paths.most_common(PATHS_TOLD)]
    return {"computed_at": now(), "metadata": {"min_sampling_factor": 1.0}, "flows": told}


def _told(path: Path, n: int) -> list[dict[str, str]]:
    events = path if len(path) == STEPS else (*path, DROPPED)
    return [
        {"event": event, "type": "ANCHOR" if step == 0 else _kind(event), "totalCount": str(n)}
        for step, event in enumerate(events)
    ]
