"""Flows: the first four events of the sessions in the export."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

import pytest

from .conftest import Event, Shop

PATHS = {"bookmark_id": "4001", "query_type": "flows_top_paths"}
SANKEY = {"bookmark_id": "4001", "query_type": "flows_sankey"}


def paths(shop: Shop) -> Counter[tuple[str, ...]]:
    """Of each person, from the first time that they open the app. Who drops out does so in the place of an event."""
    theirs: dict[str, list[Event]] = {}
    for event in sorted(shop.exported(last="2024-03-01"), key=lambda event: (event.time, event.name)):
        theirs.setdefault(event.person, []).append(event)
    found = (path(events) for events in theirs.values())
    return Counter((*names, "DROPOFF")[:4] for names in found if names)


def path(events: list[Event]) -> tuple[str, ...]:
    first = next((n for n, event in enumerate(events) if event.name == "App Open"), None)
    if first is None or events[first].day > "2024-01-31":
        return ()
    later = takewhile(lambda event: event.name != "App Open", events[first + 1 :])
    return ("App Open", *(event.name for event in later if event.time <= events[first].time + 30 * 86400))


def test_steps_and_what_follows_them(shop: Shop) -> None:
    found, answer = paths(shop), shop.ask("arb_funnels", **SANKEY)
    assert len(answer["steps"]) == 4
    for step, column in enumerate(answer["steps"]):
        counts, edges = Counter[str](), Counter[tuple[str, str]]()
        for path, n in found.items():
            if step < len(path):
                counts[path[step]] += n
            if step + 1 < len(path):
                edges[path[step], path[step + 1]] += n
        nodes = column["nodes"]
        assert {node["event"]: node["totalCount"] for node in nodes} == {name: str(n) for name, n in counts.items()}
        assert {
            (node["event"], edge["event"]): (edge["totalCount"], edge["step"])
            for node in nodes
            for edge in node["edges"]
        } == {names: (str(n), step + 1) for names, n in edges.items()}
    finished = sum(n for path, n in found.items() if len(path) == 4 and path[3] != "DROPOFF")
    assert answer["overallConversionRate"] == pytest.approx(finished / found.total())


def test_kinds_of_nodes(shop: Shop) -> None:
    steps = shop.ask("arb_funnels", **SANKEY)["steps"]
    assert [node["type"] for node in steps[0]["nodes"]] == ["ANCHOR"]
    for step in steps[1:]:
        assert all(node["type"] == ("DROPOFF" if node["event"] == "DROPOFF" else "NORMAL") for node in step["nodes"])


def test_top_paths(shop: Shop) -> None:
    found, flows = paths(shop), shop.ask("arb_funnels", **PATHS)["flows"]
    assert len(flows) == min(50, len(found))
    counts = []
    for flow in flows:
        (count,) = {int(step["totalCount"]) for step in flow["flowSteps"]}
        assert found[tuple(step["event"] for step in flow["flowSteps"])] == count
        counts.append(count)
    assert counts == sorted(found.values(), reverse=True)[:50]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"bookmark_id": "2001", "query_type": "flows_sankey"}, "Invalid bookmark_id: 2001"),
        ({"bookmark_id": "4001"}, "Missing required parameter: query_type"),
        ({"bookmark_id": "4001", "query_type": "funnel"}, "Invalid value for query_type"),
    ],
)
def test_refusals(shop: Shop, params: dict[str, str], error: str) -> None:
    assert shop.refusal("arb_funnels", **params) == (400, error)
