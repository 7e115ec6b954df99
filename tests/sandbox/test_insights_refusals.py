"""Insights refuses what Mixpanel refuses, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Shop
from .questions import between, formula, group, kept, metric, question

UNKNOWN = (500, "An unknown error occurred.")


def without(clause: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in clause.items() if name != key}


def test_a_project_is_required(shop: Shop) -> None:
    asked = without(question(metric()), "project_id")
    assert shop.insights_refusal(asked) == (400, "project_id is a required parameter")
    assert shop.insights_refusal({**asked, "project_id": 2}) == (401, "Unable to authenticate request")


def test_the_request_is_told(shop: Shop) -> None:
    response = shop.http.post("/api/query/insights", json={})
    assert response.json() == {"error": "project_id is a required parameter", "request": "/api/query/insights"}


def test_what_is_no_json_says_nothing(shop: Shop) -> None:
    response = shop.http.post("/api/query/insights", content="{", params={"project_id": "1"})
    assert (response.status_code, response.json()["error"]) == (400, "Missing required parameter: bookmark")


@pytest.mark.parametrize("key", ["queryLimits", "measurement", "show"])
def test_unknown_keys_of_the_bookmark(shop: Shop, key: str) -> None:
    refused = shop.insights_refusal(question(metric(), **{key: {"limit": 3}}))
    assert refused == (400, f"Extra inputs are not permitted at {key}")


def test_presentation_is_ignored(shop: Shop) -> None:
    assert shop.insights(question(metric(), title="Sales", sorting={}, columnWidths={}))["series"]


@pytest.mark.parametrize("limit", [50_001, 1_000_000])
def test_no_more_than_50000_segments(shop: Shop, limit: int) -> None:
    refused = shop.insights_refusal(question(metric(), limit=limit))
    assert refused == (400, f"Query limit exceeds max limit of 50000 ({limit} was given)")
    assert shop.insights(question(metric(), limit=50_000))["series"]


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        ("string", "is greater than"),
        ("string", "was on"),
        ("number", "contains"),
        ("boolean", "contains"),
        ("datetime", "equals"),
        ("datetime", "does not equal"),
        ("list", "equals"),
        ("number", "no such"),
    ],
)
def test_operators_that_do_not_fit(shop: Shop, kind: str, operator: str) -> None:
    refused = (400, f"Unsupported operator for filter_type {kind}")
    wrong = kept("plan", kind, operator, "x")
    assert shop.insights_refusal(question(metric(), filters=[wrong])) == refused
    assert shop.insights_refusal(question(metric(filters=[wrong]))) == refused


@pytest.mark.parametrize(
    ("first", "last"), [("2024-01-01", "2024-01-02"), ("2024-01-01T06:00:00", "2024-01-03T06:00:00")]
)
def test_minutes_of_two_days(shop: Shop, first: str, last: str) -> None:
    error = "UserVisibleParamsError: Date range must be less than 48 hours for minute charts."
    time = between(first, last, "minute")
    assert shop.insights_refusal(question(metric(), time=time)) == (400, error)
    assert shop.insights(question(metric(), time=time, chart="bar"))["series"]


PRO = kept("plan", "string", "equals", ["pro"])


@pytest.mark.parametrize(
    "wrong",
    [
        *(kept("plan", "string", "equals", value) for value in ("pro", None, [1])),
        *(without(PRO, key) for key in ("filterType", "filterOperator", "value", "resourceType")),
        kept("plan", "text", "equals", ["pro"]),
        kept("plan", "string", "is set", "pro"),
        kept("age", "number", "equals", "22"),
        kept("age", "number", "is between", 22),
        kept("age", "boolean", "true", True),
        kept("$time", "datetime", "was on", "yesterday"),
        kept("$time", "datetime", "was in the", 3),
        kept("$cohorts", "list", "contains", [{"cohort": {"id": 999}}]),
        {**PRO, "resourceType": "groups"},
    ],
)
def test_malformed_filters(shop: Shop, wrong: dict[str, Any]) -> None:
    assert shop.insights_refusal(question(metric(), filters=[wrong])) == UNKNOWN


@pytest.mark.parametrize(
    "wrong",
    [
        metric(math="no such"),
        *(metric(math=math) for math in ("average", "median", "min", "p99", "unique_values")),
        metric(math="custom_percentile", of="amount"),
        metric(math="custom_percentile", of="amount", percentile=101),
        metric(math="average", property="amount"),
        metric(math="unique", of="amount", perUserAggregation="total"),
        metric(math="average", of="amount", perUserAggregation="most"),
        metric(math="average", perUserAggregation="max"),
        metric(determiner="some"),
        metric(math="unique", segmentMethod="no such"),
        without(metric(), "type"),
        without(metric(), "behavior"),
        without(metric(), "measurement"),
    ],
)
def test_malformed_metrics(shop: Shop, wrong: dict[str, Any]) -> None:
    assert shop.insights_refusal(question(wrong)) == UNKNOWN


@pytest.mark.parametrize(
    "definition", ["A +", "A ** 2", "A // 2", "A % 2", "Z", "f(A)", "A if B else A", "'A'", "True", "A; B", "A < 2"]
)
def test_malformed_formulas(shop: Shop, definition: str) -> None:
    assert shop.insights_refusal(question(metric(), formula(definition))) == UNKNOWN


@pytest.mark.parametrize(
    "more",
    [
        {"groups": [without(group("plan"), "propertyType")]},
        {"groups": [without(group("plan"), "value")]},
        {"groups": [group("plan", "no such")]},
        {"groups": [group("age", "number", customBucket={"bucketSize": 0})]},
        {"time": between("2024-01-01", "2024-01-31", "fortnight")},
        {"time": {"dateRangeType": "between", "unit": "day", "value": ["2024-01-01"]}},
        {"time": {"dateRangeType": "between", "unit": "day", "value": ["1 January", "2024-01-31"]}},
        {"time": {"dateRangeType": "in the last", "unit": "day", "window": {"unit": "day"}}},
        {"display": {"analysis": "no such"}},
        {"display": {"analysis": "rolling"}},
        {"timeComparison": {"type": "relative", "unit": "month"}},
    ],
)
def test_other_malformed_clauses(shop: Shop, more: dict[str, Any]) -> None:
    assert shop.insights_refusal(question(metric(), **more)) == UNKNOWN


@pytest.mark.parametrize("part", ["show", "time"])
def test_sections_are_required(shop: Shop, part: str) -> None:
    for sections in ({part: []}, {}):
        asked = question(metric())
        del asked["bookmark"]["sections"][part]
        asked["bookmark"]["sections"] |= sections
        assert shop.insights_refusal(asked) == UNKNOWN


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"chart": "histogram"}, "chartType histogram"),
        ({"groups": [group("plan", customPropertyId=1)]}, "customPropertyId"),
        ({"filters": [{**PRO, "customProperty": {"displayFormula": "A"}}]}, "customProperty"),
    ],
)
def test_what_the_sandbox_does_not_answer(shop: Shop, more: dict[str, Any], what: str) -> None:
    assert shop.insights_refusal(question(metric(), **more)) == (400, f"{what} is not part of the sandbox")


def test_other_behaviors_are_not_answered(shop: Shop) -> None:
    asked = metric()
    asked["behavior"]["type"] = "addiction"
    assert shop.insights_refusal(question(asked)) == (400, "behavior addiction is not part of the sandbox")
    assert shop.insights_refusal(question(metric(cumulative=True))) == (
        400,
        "cumulative is not part of the sandbox",
    )
    assert shop.insights_refusal(question({"type": "metric", "id": 7})) == (
        400,
        "a saved metric is not part of the sandbox",
    )
    assert shop.insights_refusal({**question(metric()), "format": "csv"}) == (400, "format is not part of the sandbox")
