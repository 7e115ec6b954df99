"""JQL: the few scripts that are understood count what the export has; the others fail as scripts do."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from .conftest import Shop

COUNT = "mixpanel.reducer.count()"
DAYS = '{from_date: "2024-01-02", to_date: "2024-01-04"}'


def run(shop: Shop, body: str, **params: object) -> Any:
    return shop.post("jql", script=f"function main() {{ return {body}; }}", params=json.dumps(params))


def test_counting_everything(shop: Shop) -> None:
    total = len(shop.exported("2024-01-02", "2024-01-04"))
    assert run(shop, f"Events({DAYS}).reduce({COUNT})") == [total]
    dates = {"from_date": "2024-01-02T00:00:00.000Z", "to_date": "2024-01-04"}
    assert run(shop, f"Events(params).reduce({COUNT})", **dates) == [total]
    members = "{from_date: params.since, to_date: params.until}"
    assert run(shop, f"Events({members})\n  .reduce( {COUNT} )", since="2024-01-02", until="2024-01-04") == [total]


def test_counting_by_keys(shop: Shop) -> None:
    events = shop.exported("2024-01-02", "2024-01-04")
    names = Counter(event.name for event in events)
    found = run(shop, f'Events({DAYS}).groupBy(["name"], {COUNT})')
    assert {one["key"][0]: one["value"] for one in found} == names
    found = run(shop, f"Events({DAYS}).groupBy(['properties.age', 'properties.coupon'], {COUNT})")
    pairs = Counter((event.properties["age"], event.properties.get("coupon")) for event in events)
    assert {tuple(one["key"]): one["value"] for one in found} == pairs


def test_some_events(shop: Shop) -> None:
    events = shop.exported("2024-01-02", "2024-01-04")
    selectors = '[{event: "Search", selector: "properties[\\"age\\"] > 30"}, {event: params.other}]'
    query = f'{{from_date: "2024-01-02", to_date: "2024-01-04", event_selectors: {selectors}}}'
    expected = sum(e.name == "Purchase" or (e.name == "Search" and e.properties["age"] > 30) for e in events)
    assert run(shop, f"Events({query}).reduce({COUNT})", other="Purchase") == [expected]


@pytest.mark.parametrize(
    "script",
    [
        "function main() { return 1 }",
        "return Events(params)",
        "function main() { return People() }",
        f"function main() {{ return Events({DAYS}).filter(e => true).reduce({COUNT}) }}",
        f"function main() {{ return Events({DAYS}).groupBy(['nonsense'], {COUNT}) }}",
        f"function main() {{ return Events({DAYS}).groupBy([name], {COUNT}) }}",
        f"function main() {{ return Events(params).reduce({COUNT}) }}",
        f"function main() {{ return Events({{from_date: params.no, to_date: '2024-01-01'}}).reduce({COUNT}) }}",
    ],
)
def test_what_is_not_understood(shop: Shop, script: str) -> None:
    status, error = shop.refusal("jql", "POST", script=script)
    assert status == 412
    assert error.startswith("UserVisiblePreconditionFailedError: ")


def test_a_script_is_required(shop: Shop) -> None:
    assert shop.refusal("jql", "POST") == (400, "Missing required parameter: script")
    assert shop.refusal("jql")[0] == 404
