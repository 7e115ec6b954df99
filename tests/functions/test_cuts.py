"""An answer that is not all there is comes with a warning that says so; any other comes without."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data.exceptions import MixpanelDataWarning

DAYS = "'2024-01-01', '2024-01-03'"
SERIES = {"data": {"series": ["2024-01-01"], "values": {"e": {"2024-01-01": 1}}}}
CUT: dict[str, tuple[str, Any, str, str]] = {
    "segments of a report": (
        "/api/query/insights", {"series": {"m": {"all": 1}}, "meta": {"is_segmentation_limit_hit": True}},
        "mixpanel_saved_report(1)", "only the largest segments",
    ),
    "a sample in a report": (
        "/api/query/insights", {"series": {"m": {"all": 1}}, "meta": {"min_sampling_factor": 0.1}},
        "mixpanel_saved_report(1)", "sample of 10% of the users",
    ),
    "a sample in flows": (
        "/api/query/arb_funnels", {"steps": [{"nodes": [{}]}], "metadata": {"min_sampling_factor": "0.25"}},
        "mixpanel_flows(1)", "sample of 25% of the users",
    ),
    "a sample in a funnel": (
        "/api/query/funnels", {"data": {"2024-01-01": {"steps": [{"count": 1}]}}, "meta": {"min_sampling_factor": 0.5}},
        f"mixpanel_funnel(1, {DAYS})", "sample of 50% of the users",
    ),
    "a sample in a segmentation": (
        "/api/query/segmentation", {**SERIES, "min_sampling_factor": 0.1}, f"mixpanel_segmentation('e', {DAYS})", "sample of 10%",
    ),
    "a truncated segmentation": (
        "/api/query/segmentation", {"data": {**SERIES["data"], "truncated": True}}, f"mixpanel_segmentation('e', {DAYS})",
        "was cut off",
    ),
    "a truncated script": (
        "/api/query/jql", {"data": {"rows": [1], "truncated": True}}, "mixpanel_jql('s')", "was cut off",
    ),
    "a page in two envelopes": (
        "/api/app/projects/1/bookmarks", {"results": {"results": [{"id": 1}], "pagination": {"has_more": "true"}}},
        "mixpanel_bookmarks()", "not all there is",
    ),
    "more activity": (
        "/api/query/stream/query", {"results": {"events": [{"event": "e", "properties": {}}], "has_more": True}},
        f"mixpanel_activity('x', {DAYS})", "not all there is",
    ),
    "more annotations": (
        "/api/app/projects/1/annotations", {"results": [{"id": 1}], "pagination": {"page_size": 1, "next_cursor": "x"}},
        "mixpanel_annotations()", "one page of several",
    ),
    "a truncated list": (
        "/api/query/cohorts/list", [{"id": 1}], "mixpanel_get('/api/app/x')", "was cut off",
    ),
    "as many values as are asked for": (
        "/api/query/events/properties/values", [str(n) for n in range(255)], "mixpanel_property_values('e', 'p')",
        "there may be more: write max_rows := 2550",
    ),
    "as many segments as are asked for": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01"], "values": {str(n): {"2024-01-01": 1} for n in range(60)}}},
        f"mixpanel_segmentation('e', {DAYS}, segment_by := 'p')", "write max_segments := 600",
    ),
    "all the names that Mixpanel tells": (
        "/api/query/events/names", [str(n) for n in range(5000)], "mixpanel_events()", "no more than 5,000 names",
    ),
}  # fmt: skip
WHOLE: dict[str, tuple[str, Any, str]] = {
    "a whole report": (
        "/api/query/insights",
        {"series": {"m": {"all": 1}}, "meta": {"min_sampling_factor": 1.0, "is_segmentation_limit_hit": False}},
        "mixpanel_saved_report(1)",
    ),
    "properties of such names": (
        "/api/query/events/properties/top", {"has_more": {"count": 1}, "min_sampling_factor": {}, "truncated": {"count": 1}},
        "mixpanel_properties('e')",
    ),
    "profiles with properties of such names": (
        "/api/query/engage",
        {"total": 1, "results": [{"$distinct_id": "x", "$properties": {"truncated": True, "has_more": True}}]},
        "mixpanel_profiles()",
    ),
    "a number of segments that was asked for": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01"], "values": {str(n): {"2024-01-01": 1} for n in range(2)}}},
        f"mixpanel_segmentation('e', {DAYS}, segment_by := 'p', max_segments := 2)",
    ),
    "the last page": (
        "/api/app/projects/1/annotations", {"results": [{"id": 1}], "pagination": {"next_cursor": None}}, "mixpanel_annotations()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT)
def test_a_cut_is_told_and_the_rows_are_given(answering: Any, case: str) -> None:
    path, body, call, told = CUT[case]
    con, _ = answering({path: body, "/api/app/x": {"results": [], "truncated": True}})
    with pytest.warns(MixpanelDataWarning, match=f"^{call.split('(')[0]}: .*{told}"):
        assert con.execute(f"FROM {call}").fetchall()


@pytest.mark.parametrize("case", WHOLE)
def test_nothing_is_told_of_what_is_whole(answering: Any, case: str) -> None:
    path, body, call = WHOLE[case]
    con, _ = answering({path: body})
    assert con.execute(f"FROM {call}").fetchall()


def test_each_cut_of_an_answer_is_told(answering: Any) -> None:
    meta = {"min_sampling_factor": 0.1, "is_segmentation_limit_hit": True}
    con, _ = answering({"/api/query/insights": {"series": {"m": {"all": 1}}, "meta": meta}})
    with pytest.warns(MixpanelDataWarning) as told:
        con.execute("FROM mixpanel_saved_report(1)").fetchall()
    assert len(told) == 2
