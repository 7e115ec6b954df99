"""Whatever form Mixpanel's answer comes in, the rows are the same; what is no answer is an error, never no rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from mixpanel_data import MixpanelDataWarning, Workspace
from tests.servers import answer, json_answer

DAYS = "'2024-01-01', '2024-01-03'"
ONE, TWO, THREE = (datetime(2024, 1, day) for day in (1, 2, 3))
FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)
STEPS = [
    {"count": 10, "step_conv_ratio": 1, "overall_conv_ratio": 1, "avg_time": None, "goal": "Open", "event": "Open"},
    {
        "count": "4",
        "step_conv_ratio": 0.4,
        "overall_conv_ratio": 0.4,
        "avg_time": 133,
        "avg_time_from_start": 133.5,
        "goal": "$custom_event:5",
        "step_label": "Played",
        "custom_event": True,
        "event": "$custom_event:5",
    },
]
STEP_ROWS = [
    ("Open", "Open", 10, 1.0, 1.0, None, None),
    ("$custom_event:5", "Played", 4, 0.4, 0.4, 133.0, 133.5),
]
REPORT = "SELECT metric, breakdown, date, measure, period, value FROM mixpanel_saved_report(1)"

CASES: dict[str, tuple[str, Any, str, list[tuple[Any, ...]]]] = {
    "sparse and unsorted dates": (
        "/api/query/segmentation",
        {
            "data": {
                "series": ["2024-01-03", "2024-01-01", "2024-01-02"],
                "values": {"US": {"2024-01-03": 5}, "FR": {"2024-01-01": "2"}},
            },
            "legend_size": 2,
        },
        f"FROM mixpanel_segmentation('e', {DAYS}, segment_by := 'country')",
        [(ONE, "US", 0), (ONE, "FR", 2), (TWO, "US", 0), (TWO, "FR", 0), (THREE, "US", 5), (THREE, "FR", 0)],
    ),
    "hours": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01 05:00:00"], "values": {"e": {"2024-01-01 05:00:00": 1}}}},
        f"FROM mixpanel_segmentation('e', {DAYS}, unit := 'hour')",
        [(datetime(2024, 1, 1, 5), "e", 1)],
    ),
    "dates with a zone are the wall's": (
        "/api/query/events",
        {"data": {"series": [], "values": {"e": {"2024-01-01T00:00:00-08:00": 1.5}}}},
        f"FROM mixpanel_event_counts(['e'], {DAYS}, type := 'average')",
        [(ONE, "e", 1.5)],
    ),
    "an event that did not happen counts zero": (
        "/api/query/events",
        {"data": {"series": ["2024-01-01"], "values": {"e": {"2024-01-01": 1}}}},
        f"FROM mixpanel_event_counts(['e', 'f', 'f'], {DAYS})",
        [(ONE, "e", 1), (ONE, "f", 0)],
    ),
    "a custom event under its own name": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01"], "values": {"Played": {"2024-01-01": 5}}}},
        f"FROM mixpanel_segmentation('$custom_event:5', {DAYS})",
        [(ONE, "Played", 5)],
    ),
    "an event without a single count": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01"], "values": {}}},
        f"FROM mixpanel_segmentation('$custom_event:5', {DAYS})",
        [(ONE, "$custom_event:5", 0)],
    ),
    "a property called error": (
        "/api/query/events/properties/top",
        {"error": {"count": 295}, "amount": {"count": 5}},
        "FROM mixpanel_properties('e')",
        [("error", 295), ("amount", 5)],
    ),
    "a segment called steps": (
        "/api/query/funnels",
        {"data": {"2024-01-01": {"$overall": STEPS[:1], "steps": STEPS[:1], "analysis": {}}}},
        f"SELECT segment, step FROM mixpanel_funnel(1, {DAYS}, segment_by := 'x')",
        [("$overall", 1), ("steps", 1)],
    ),
    "numbers and truth as text": (
        "/api/query/cohorts/list",
        [{"id": "9007199254740993", "count": "1.0", "is_visible": "0"}, {"id": 5.0, "is_visible": "false"}, {"is_visible": "1"}],
        "SELECT id, count, is_visible FROM mixpanel_cohorts()",
        [(9007199254740993, 1, False), (5, None, False), (None, None, True)],
    ),
    "one bare schema": (
        "/api/app/projects/1/schemas/event",
        {"description": "d", "properties": {}},
        "SELECT entity_type, name, description FROM mixpanel_schemas(name := 'Purchase')",
        [("event", "Purchase", "d")],
    ),
    "tags in either form": (
        "/api/app/projects/1/schemas",
        {"results": [{"name": "a", "schemaJson": {"metadata": {"com.mixpanel": {"tags": ["x", {"id": 1, "name": "y"}]}}}}]},
        "SELECT tags FROM mixpanel_schemas()",
        [(["x", "y"],)],
    ),
    "nothing where an object may be": (
        "/api/app/projects/1/schemas",
        {"results": [{"name": "a", "schemaJson": None}, {"name": "b", "schemaJson": {"metadata": {"com.mixpanel": None}}}]},
        "SELECT name, tags FROM mixpanel_schemas()",
        [("a", None), ("b", None)],
    ),
    "numbers without an end": (
        "/api/query/jql", answer(b'[1e400, NaN, -Infinity, 1.5]'), "FROM mixpanel_jql('s')",
        [("1e400",), ("null",), ("null",), ("1.5",)],
    ),
    "a number beyond all numbers in an event": (
        "/api/query/stream/query", answer(b'{"results": {"events": [{"event": "A", "properties": {"n": 1e999}}]}}'),
        f"SELECT properties, properties->>'$.n' FROM mixpanel_activity('x', {DAYS})",
        [('{"n": 1e999}', "1e999")],
    ),
    "a number beyond all numbers in a profile": (
        "/api/query/engage", answer(b'{"total": 1, "results": [{"$distinct_id": "x", "$properties": {"n": -1E+999}}]}'),
        "SELECT properties, properties->>'$.n' FROM mixpanel_profiles()",
        [('{"n": -1E+999}', "-1E+999")],
    ),
    "a number beyond all numbers in a report": (
        "/api/query/insights", answer(b'{"headers": ["$metric"], "series": {"m": {"all": 1e999}}}'),
        "SELECT value, text FROM mixpanel_saved_report(1)",
        [(None, "1e999")],
    ),
    "an event without properties": (
        "/api/query/stream/query", {"results": {"events": [{"event": "A", "properties": None}]}},
        f"SELECT event_name, event_time, distinct_id, properties FROM mixpanel_activity('x', {DAYS})",
        [("A", None, None, "{}")],
    ),
    "buckets": (
        "/api/query/segmentation/numeric",
        {"data": {"series": ["2024-01-01"], "values": {"2,000 - 2,100": {"2024-01-01": 3}}}, "legend_size": 5},
        f"FROM mixpanel_segmentation_numeric('e', {DAYS}, 'amount')",
        [(ONE, "2,000 - 2,100", 3)],
    ),
    "sums": (
        "/api/query/segmentation/sum",
        {"status": "ok", "results": {"2024-01-02": 4, "2024-01-01": 15432.5}},
        f"FROM mixpanel_segmentation_sum('e', {DAYS}, 'amount')",
        [(ONE, 15432.5), (TWO, 4)],
    ),
    "averages": (
        "/api/query/segmentation/average",
        {"results": {"2024-01-01": 8.647, "2024-01-02": None}, "status": "ok"},
        f"FROM mixpanel_segmentation_average('e', {DAYS}, 'amount')",
        [(ONE, 8.647), (TWO, None)],
    ),
    "property names with a count, without, and as a number": (
        "/api/query/events/properties/top",
        {"ad version": {"count": 295}, "user type": {}, "plan": 100.0},
        "FROM mixpanel_properties('e')",
        [("ad version", 295), ("user type", None), ("plan", 100)],
    ),
    "property values of any kind": (
        "/api/query/events/properties/values",
        ["cat", "undefined", 5, True, None, "\ud800"],
        "FROM mixpanel_property_values('e', 'p')",
        [("cat",), ("undefined",), ("5",), ("true",), (None,), ("\ufffd",)],
    ),
    "top events": (
        "/api/query/events/top",
        {"events": [{"amount": 2, "event": "funnel", "percent_change": -0.35635745999582824}], "type": "unique"},
        "FROM mixpanel_top_events(type := 'unique')",
        [("funnel", 2, -35.635745999582824)],
    ),
    "funnels": (
        "/api/query/funnels/list",
        [{"funnel_id": 7509, "name": "Signup funnel"}, {"funnel_id": "9070", "name": "Funnel tutorial"}],
        "FROM mixpanel_funnels()",
        [(7509, "Signup funnel"), (9070, "Funnel tutorial")],
    ),
    "a funnel": (
        "/api/query/funnels",
        {"meta": {"dates": ["2024-01-01"]}, "data": {"2024-01-01": {"steps": STEPS, "analysis": {"steps": 2}}}},
        f"FROM mixpanel_funnel(1, {DAYS})",
        [(FIRST, "$overall", step, *row) for step, row in enumerate(STEP_ROWS, 1)],
    ),
    "a funnel whose segments come as objects": (
        "/api/query/funnels",
        {"data": {"2024-01-01": {"$overall": {"steps": STEPS, "analysis": {}}, "Chrome": {"steps": STEPS[:1]}}}},
        f"SELECT segment, step, count FROM mixpanel_funnel(1, {DAYS}, segment_by := '$browser')",
        [("$overall", 1, 10), ("$overall", 2, 4), ("Chrome", 1, 10)],
    ),
    "a funnel with its own steps beside its segments": (
        "/api/query/funnels",
        {"data": {"2024-01-01": {"steps": STEPS[:1], "analysis": {}, "Chrome": {"steps": STEPS[:1]}}}},
        f"SELECT segment, step FROM mixpanel_funnel(1, {DAYS}, segment_by := '$browser')",
        [("$overall", 1), ("Chrome", 1)],
    ),
    "a funnel in segments has no steps of its own": (
        "/api/query/funnels",
        {"meta": {}, "data": {"2024-01-02": {"$overall": STEPS}, "2024-01-01": {"$overall": STEPS, "Chrome": STEPS}}},
        f"SELECT date, segment, step FROM mixpanel_funnel(1, {DAYS}, segment_by := '$browser')",
        [
            (day, segment, step)
            for day, segment in ((FIRST, "$overall"), (FIRST, "Chrome"), (SECOND, "$overall"))
            for step in (1, 2)
        ],
    ),
    "retention": (
        "/api/query/retention",
        {"2024-01-02": {"counts": [9], "first": 10}, "2024-01-01": {"counts": [2, 1], "first": 4}},
        f"FROM mixpanel_retention('a', 'b', {DAYS})",
        [(FIRST, "$overall", 4, 0, 2, 0.5), (FIRST, "$overall", 4, 1, 1, 0.25), (SECOND, "$overall", 10, 0, 9, 0.9)],
    ),
    "retention in segments": (
        "/api/query/retention",
        {"2024-01-01": {"$overall": {"first": 10, "counts": [5]}, "US": {"first": 0, "counts": [0]}}},
        f"FROM mixpanel_retention('a', 'b', {DAYS}, segment_by := 'country')",
        [(FIRST, "$overall", 10, 0, 5, 0.5), (FIRST, "US", 0, 0, 0, None)],
    ),
    "retention without periods": (
        "/api/query/retention",
        {"2024-01-01": {"first": 10, "counts": []}, "2024-01-02": {"first": 4, "counts": [1]}},
        f"FROM mixpanel_retention('a', 'b', {DAYS})",
        [(FIRST, "$overall", 10, 0, None, None), (SECOND, "$overall", 4, 0, 1, 0.25)],
    ),
    "retention in segments that are dates": (
        "/api/query/retention",
        {"2024-01-01": {"2023-05-01": {"first": 10, "counts": [5]}, "2023-05-02": {"first": 4, "counts": [4]}}},
        f"SELECT cohort_date, segment, cohort_size FROM mixpanel_retention('a', 'b', {DAYS}, segment_by := 'day')",
        [(FIRST, "2023-05-01", 10), (FIRST, "2023-05-02", 4)],
    ),
    "retention in segments that are dates, turned": (
        "/api/query/retention",
        {"2023-05-01": {"2024-01-01": {"first": 10, "counts": [5]}, "2024-01-02": {"first": 4, "counts": [4]}}, "2024-05-01": {}},
        f"SELECT cohort_date, segment, cohort_size FROM mixpanel_retention('a', 'b', {DAYS}, segment_by := 'day')",
        [(FIRST, "2023-05-01", 10), (SECOND, "2023-05-01", 4)],
    ),
    "retention by week in segments that are dates, turned": (
        "/api/query/retention",
        {"2023-05-01": {"2023-12-31": {"first": 10, "counts": [5]}}, "2024-01-02": {"2023-12-31": {"first": 4, "counts": [4]}}},
        f"SELECT cohort_date, segment, cohort_size FROM mixpanel_retention('a', 'b', {DAYS}, unit := 'week', segment_by := 'day')",
        [(date(2023, 12, 31), "2023-05-01", 10), (date(2023, 12, 31), "2024-01-02", 4)],
    ),
    "frequency in segments that are dates, turned": (
        "/api/query/retention/addiction",
        {"data": {"2023-05-01": {"2024-01-01": [5]}}},
        f"FROM mixpanel_frequency({DAYS}, segment_by := 'day')",
        [(FIRST, "2023-05-01", 1, 5)],
    ),
    "retention in segments, turned": (
        "/api/query/retention",
        {"US": {"2024-01-01T00:00:00": {"first": 10, "counts": [5]}}, "FR": {"2024-01-01T00:00:00": {"first": 4, "counts": [4]}}},
        f"FROM mixpanel_retention('a', 'b', {DAYS}, segment_by := 'country')",
        [(FIRST, "US", 10, 0, 5, 0.5), (FIRST, "FR", 4, 0, 4, 1.0)],
    ),
    "retention with an average beside its dates": (
        "/api/query/retention",
        {"2024-01-01": {"counts": [2], "first": 4}, "$average": {"counts": [2.5], "first": 4}},
        f"FROM mixpanel_retention('a', 'b', {DAYS})",
        [(FIRST, "$overall", 4, 0, 2, 0.5)],
    ),
    "frequency": (
        "/api/query/retention/addiction",
        {"data": {"2024-01-01": [305, 107, 60]}},
        f"FROM mixpanel_frequency({DAYS})",
        [(FIRST, "$overall", 1, 305), (FIRST, "$overall", 2, 107), (FIRST, "$overall", 3, 60)],
    ),
    "frequency without an envelope": (
        "/api/query/retention/addiction",
        {"2024-01-01": [1]},
        f"FROM mixpanel_frequency({DAYS})",
        [(FIRST, "$overall", 1, 1)],
    ),
    "frequency in segments": (
        "/api/query/retention/addiction",
        {"data": {"2024-01-01": {"US": [3, 1], "FR": [2]}}},
        f"FROM mixpanel_frequency({DAYS}, segment_by := 'country')",
        [(FIRST, "US", 1, 3), (FIRST, "US", 2, 1), (FIRST, "FR", 1, 2)],
    ),
    "cohorts": (
        "/api/query/cohorts/list",
        [{"count": 150, "is_visible": 1, "description": "d", "created": "2019-03-19 23:49:51", "project_id": 1, "id": 1000,
          "name": "Cohort One"}, {"id": 2000, "name": "Two", "is_visible": 0, "data_group_id": -1405123841946871899}],
        "FROM mixpanel_cohorts()",
        [
            (1000, "Cohort One", 150, "d", datetime(2019, 3, 19, 23, 49, 51), True, 1, None),
            (2000, "Two", None, None, None, False, None, "-1405123841946871899"),
        ],
    ),
    "bookmarks in one envelope": (
        "/api/app/projects/1/bookmarks",
        {"status": "ok", "results": [{"id": 5, "name": "r", "type": "insights"}]},
        "SELECT id, name, type, params FROM mixpanel_bookmarks()",
        [(5, "r", "insights", None)],
    ),
    "bookmarks in two": (
        "/api/app/projects/1/bookmarks",
        {"results": {"results": [{"id": 63877017, "name": "MRR", "type": "insights", "workspace_id": None, "dashboard_id": 3,
         "created": "2024-09-18T16:39:49", "modified": "2025-08-26T05:16:50", "creator_name": "J", "params": {"a": [1]}}]}},
        "FROM mixpanel_bookmarks()",
        [(63877017, "MRR", "insights", None, datetime(2024, 9, 18, 16, 39, 49), datetime(2025, 8, 26, 5, 16, 50), "J",
          None, 3, '{"a": [1]}')],
    ),
    "an insights report": (
        "/api/query/insights",
        {"headers": ["$event"], "series": {"Sign Up": {"2024-01-01T00:00:00-08:00": 150, "2024-01-02T00:00:00-08:00": 7}}},
        REPORT,
        [("Sign Up", [], ONE, None, None, 150), ("Sign Up", [], TWO, None, None, 7)],
    ),
    "an insights report broken down": (
        "/api/query/insights",
        {"headers": ["$event", "c", "p"], "series": {"e": {"US": {"pro": {"2024-01-01T00:00:00+00:00": 1}}}}},
        REPORT,
        [("e", ["US", "pro"], ONE, None, None, 1)],
    ),
    "a breakdown by dates": (
        "/api/query/insights",
        {"headers": ["$event", "signup"], "series": {"e": {"2023-05-01": {"2024-01-01": 1}, "20230502": {"2024-01-01": 2}}}},
        REPORT,
        [("e", ["2023-05-01"], ONE, None, None, 1), ("e", ["20230502"], ONE, None, None, 2)],
    ),
    "retention by a property that holds dates": (
        "/api/query/insights",
        {"headers": ["$retention", "segment"], "series": {"r": {"2024-01-01": {"2023-05-01": {"first": 4}}}}},
        REPORT,
        [("r", ["2023-05-01"], ONE, "first", None, 4)],
    ),
    "a breakdown called first": (
        "/api/query/insights",
        {"headers": ["$event", "place"], "series": {"e": {"first": {"2024-01-01": 1}}, "f": {"first": {"all": 2}}}},
        REPORT,
        [("e", ["first"], ONE, None, None, 1), ("f", ["first"], None, None, None, 2)],
    ),
    "an insights report without dates": (
        "/api/query/insights",
        {"headers": ["$metric"], "series": {"users": {"all": 6030}}},
        REPORT,
        [("users", [], None, None, None, 6030)],
    ),
    "a funnel report": (
        "/api/query/insights",
        {"headers": ["$funnel"], "series": {"count": {"1. open": {"all": 10}, "2. buy": {"all": 4}}, "avg_time": {"2. buy": {"all": None}}}},
        REPORT,
        [("count", ["1. open"], None, None, None, 10), ("count", ["2. buy"], None, None, None, 4),
         ("avg_time", ["2. buy"], None, None, None, None)],
    ),
    "a retention report": (
        "/api/query/insights",
        {"headers": ["$retention", "segment"],
         "series": {"a and then b": {"2024-01-01T00:00:00-07:00": {"SMB": {"first": 4, "counts": [2, 1], "rates": [0.5, 0.25]}}}}},
        REPORT,
        [("a and then b", ["SMB"], ONE, "first", None, 4), ("a and then b", ["SMB"], ONE, "counts", 0, 2),
         ("a and then b", ["SMB"], ONE, "counts", 1, 1), ("a and then b", ["SMB"], ONE, "rates", 0, 0.5),
         ("a and then b", ["SMB"], ONE, "rates", 1, 0.25)],
    ),
    "flows count in text": (
        "/api/query/arb_funnels",
        {"steps": [{"nodes": [{"event": "Login", "type": "ANCHOR", "totalCount": "100", "edges": [
            {"event": "Search", "type": "NORMAL", "step": 1, "totalCount": "80", "segments": []}]}]}, {"nodes": []}]},
        "FROM mixpanel_flows(1)",
        [(1, "Login", "ANCHOR", 100, '[{"event": "Search", "type": "NORMAL", "step": 1, "count": 80}]')],
    ),
    "activity under either name of the id": (
        "/api/query/stream/query",
        {"status": "ok", "results": {"events": [
            {"event": "A", "properties": {"time": 1704067200, "$distinct_id": "x", "$insert_id": "i", "n": 12345678901234567890}},
            {"event": "B", "properties": {"time": 1704067201000, "distinct_id": "y", "$insert_id": "j"}}]}},
        f"FROM mixpanel_activity(['x'], {DAYS})",
        [("A", ONE, "x", "i", '{"time": 1704067200, "$distinct_id": "x", "$insert_id": "i", "n": 12345678901234567890}'),
         ("B", datetime(2024, 1, 1, 0, 0, 1), "y", "j", '{"time": 1704067201000, "distinct_id": "y", "$insert_id": "j"}')],
    ),
    "no activity": (
        "/api/query/stream/query", {"status": "ok", "results": {"events": []}}, f"FROM mixpanel_activity('x', {DAYS})", [],
    ),
    "schemas": (
        "/api/app/projects/1/schemas",
        {"results": [{"entityType": "event", "name": "Purchase", "schemaJson": {"description": "d", "properties": {},
         "metadata": {"com.mixpanel": {"displayName": "P", "tags": ["core"], "hidden": False, "dropped": True,
         "contacts": ["o@c.com"], "teamContacts": []}}}}, {"entityType": "profile", "name": "u", "schemaJson": {}}], "status": "ok"},
        "SELECT * EXCLUDE (schema) FROM mixpanel_schemas()",
        [("event", "Purchase", "P", "d", "{}", ["core"], False, True, ["o@c.com"], []),
         ("profile", "u", None, None, None, None, None, None, None, None)],
    ),
    "one schema as an object": (
        "/api/app/projects/1/schemas/event",
        {"results": {"description": "d", "properties": {"a": {"type": "number"}}}, "status": "ok"},
        "SELECT entity_type, name, description, properties FROM mixpanel_schemas(name := 'Purchase')",
        [("event", "Purchase", "d", '{"a": {"type": "number"}}')],
    ),
    "nothing in the Lexicon": (
        "/api/app/elsewhere", {}, "FROM mixpanel_schemas(entity_type := 'profile', name := 'nobody')", [],
    ),
    "annotations in both forms": (
        "/api/app/projects/1/annotations",
        {"status": "ok", "results": [
            {"id": 1, "date": "2022-02-15 12:00:00", "description": "a", "user": {"id": 1, "first_name": "A", "last_name": "B"},
             "tags": [{"id": 1, "name": "t"}]},
            {"id": 2, "date": "2023-01-15T12:00:00+01:00", "description": "b", "user": None}]},
        "FROM mixpanel_annotations()",
        [(1, datetime(2022, 2, 15, 12), "a", "A B", ["t"]), (2, datetime(2023, 1, 15, 12), "b", None, [])],
    ),
    "projects": (
        "/api/app/me",
        {"status": "ok", "results": {"organizations": {"100": {"id": 100, "name": "Acme"}}, "projects": {
            "123": {"name": "Demo", "organization_id": 100, "timezone": "US/Pacific", "has_workspaces": True, "domain": "mixpanel.com"},
            "124": {"name": "Bare"}}}},
        "FROM mixpanel_projects()",
        [(123, "Demo", "US/Pacific", 100, "Acme", "mixpanel.com", True), (124, "Bare", None, None, None, None, None)],
    ),
    "workspaces": (
        "/api/app/projects/1/workspaces/public",
        {"status": "ok", "results": [{"id": 344, "name": "All Project Data", "is_default": True, "is_global": True}]},
        "FROM mixpanel_workspaces()",
        [(344, "All Project Data", None, True, True)],
    ),
    "a list from JQL": (
        "/api/query/jql", [{"key": ["US"], "value": 100}, None, "x"], "FROM mixpanel_jql('s')",
        [('{"key": ["US"], "value": 100}',), ("null",), ('"x"',)],
    ),
    "anything else from JQL": ("/api/query/jql", 5, "FROM mixpanel_jql('s')", [("5",)]),
    "anything": ("/api/app/projects/1/x", {"a": [1.5, "é"]}, "FROM mixpanel_get('/api/app/projects/{project_id}/x')",
                 [('{"a": [1.5, "é"]}',)]),
    "profiles, ids as numbers": (
        "/api/query/engage",
        {"page": 0, "page_size": 1000, "status": "ok", "total": 2, "session_id": "s", "results": [
            {"$distinct_id": 4, "$properties": {"$last_seen": "2008-06-09T23:08:40", "plan": "pro"}}, {"$distinct_id": "x"}]},
        "FROM mixpanel_profiles()",
        [("4", '{"$last_seen": "2008-06-09T23:08:40", "plan": "pro"}', datetime(2008, 6, 9, 23, 8, 40)), ("x", "{}", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_rows(answering: Any, case: str) -> None:
    path, body, sql, rows = CASES[case]
    con, _ = answering({path: body})
    assert con.execute(sql).fetchall() == rows


BROKEN = {
    "a list for profiles": ("/api/query/engage", [], "FROM mixpanel_profiles()", "something else than an object: []"),
    "a cohort without counts": (
        "/api/query/retention", {"2024-01-01": {"first": 0}}, f"FROM mixpanel_retention('a', 'b', {DAYS})", "has no counts",
    ),
    "a segment of a funnel without steps": (
        "/api/query/funnels", {"data": {"2024-01-01": {"$overall": {"count": 5}}}}, f"FROM mixpanel_funnel(1, {DAYS})", "has no steps",
    ),
    "a segment of a funnel that is nothing": (
        "/api/query/funnels", {"data": {"2024-01-01": {"$overall": [], "x": None}}}, f"FROM mixpanel_funnel(1, {DAYS})", "something else than a list",
    ),
    "no segment": (
        "/api/query/retention", {"2024-01-01": {"US": None}}, f"FROM mixpanel_retention('a', 'b', {DAYS})", "something else than an object",
    ),
    "dates that are none": (
        "/api/query/segmentation", {"data": {"series": [[]], "values": {}}}, f"FROM mixpanel_segmentation('e', {DAYS})",
        "where a date should be",
    ),
    "no data": ("/api/query/segmentation", {"status": "ok"}, f"FROM mixpanel_segmentation('e', {DAYS})", "has no data"),
    "a list": ("/api/query/funnels", [], f"FROM mixpanel_funnel(1, {DAYS})", "has no data"),
    "no date": (
        "/api/query/segmentation/sum",
        {"results": {"total": 5}},
        f"FROM mixpanel_segmentation_sum('e', {DAYS}, 'a')",
        """sent "total" where a date should be""",
    ),
    "no cohort": (
        "/api/query/retention",
        {"2024-01-01": {"US": {"first": 3}}},
        f"FROM mixpanel_retention('a', 'b', {DAYS})",
        "has no counts",
    ),
    "a kind that does not exist": (
        "/api/app/elsewhere", {}, "FROM mixpanel_schemas(entity_type := 'evnt')", "Mixpanel knows nothing at GET /api/app/projects",
    ),
    "a kind that leads elsewhere": (
        "/api/app/projects/1", {"results": []}, "FROM mixpanel_schemas(entity_type := '..')", "there is no entity_type '..'",
    ),
    "no list": ("/api/query/cohorts/list", {"cohorts": []}, "FROM mixpanel_cohorts()", "something else than a list"),
    "no objects": ("/api/query/funnels/list", ["a"], "FROM mixpanel_funnels()", "something else than an object"),
    "no JSON": ("/api/query/jql", answer(b"<html>"), "FROM mixpanel_jql('s')", "something that is not JSON"),
    "an error at 200": (
        "/api/query/funnels/list",
        {"error": "Invalid project", "request": "/api/query"},
        "FROM mixpanel_funnels()",
        "Mixpanel refused the request: Invalid project",
    ),
    "an error of the App API at 200": (
        "/api/app/projects/1/annotations",
        {"status": "error", "error": ["a", {"b": 1}]},
        "FROM mixpanel_annotations()",
        'Mixpanel refused the request: ["a", {"b": 1}]',
    ),
    "a plan without the API": (
        "/api/query/events/top",
        json_answer({"error": "upgrade"}, "402 Payment Required"),
        "FROM mixpanel_top_events()",
        "the plan of project 1 in region us does not include this API: upgrade",
    ),
    "a script that fails": (
        "/api/query/jql",
        json_answer(
            {"error": "Uncaught exception TypeError: x is not a function\n  .limit(10);"}, "412 Precondition Failed"
        ),
        "FROM mixpanel_jql('s')",
        "Mixpanel refused the request: Uncaught exception TypeError: x is not a function .limit(10);",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_answer_is_an_error(answering: Any, case: str) -> None:
    path, body, sql, message = BROKEN[case]
    con, _ = answering({path: body})
    with pytest.raises(duckdb.Error) as caught:
        con.execute(f"CREATE TABLE t AS {sql}")
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_a_secret_that_a_server_sends_back_is_not_repeated(answering: Any) -> None:
    con, _ = answering({"/api/query/cohorts/list": {"you sent": "s3cr3t-välue"}})
    with pytest.raises(duckdb.Error) as caught:
        con.execute("FROM mixpanel_cohorts()").fetchall()
    assert "s3cr3t" not in str(caught.value)
    assert "***" in str(caught.value)


HUGE = "7" * 5000
DEEP = "[" * 3000 + "]" * 3000
ODD = {
    "a control character": (b"Acme\x06", "Acme\x06"),
    "a backslash that escapes nothing": (rb"C:\Users", r"C:\Users"),
    "bytes that are no UTF-8": (b"caf\xe9", "caf\ufffd"),
    "half a pair": (rb"\ud83d!", "\ufffd!"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_characters_cost_nothing_of_the_rest(answering: Any, case: str) -> None:
    sent, value = ODD[case]
    event = b'{"event": "A", "properties": {"time": 1704067200, "distinct_id": "x", "p": "%s"}}' % sent
    con, _ = answering(
        {
            "/api/query/engage": answer(
                b'{"page": 0, "page_size": 9, "total": 2, "results": [{"$distinct_id": "a", "$properties": {"p": "%s"}}, '
                b'{"$distinct_id": "b", "$properties": {"p": "plain"}}]}' % sent
            ),
            "/api/query/stream/query": answer(
                b'{"results": {"events": [%s, {"event": "B", "properties": {}}]}}' % event
            ),
            "/api/query/events/properties/values": answer(b'["plain", "%s"]' % sent),
            "/api/query/jql": answer(b'[{"p": "%s"}, 1]' % sent),
            "/api/query/segmentation": answer(
                b'{"data": {"series": ["2024-01-01"], "values": {"plain": {"2024-01-01": 1}, "%s": {"2024-01-01": 2}}}}'
                % sent
            ),
        }
    )
    people = "SELECT distinct_id, properties->>'$.p', json_valid(properties) FROM mixpanel_profiles()"
    assert con.execute(people).fetchall() == [("a", value, True), ("b", "plain", True)]
    events = f"SELECT event_name, properties->>'$.p', json_valid(properties) FROM mixpanel_activity('x', {DAYS})"
    assert con.execute(events).fetchall() == [("A", value, True), ("B", None, True)]
    assert con.execute("FROM mixpanel_property_values('e', 'p')").fetchall() == [("plain",), (value,)]
    assert con.execute("SELECT value->>'$.p' FROM mixpanel_jql('s')").fetchall() == [(value,), (None,)]
    segments = f"SELECT segment FROM mixpanel_segmentation('e', {DAYS}, segment_by := 'p')"
    assert con.execute(segments).fetchall() == [("plain",), (value,)]


CUT_IN_A_CHARACTER = (b"S\xc3", b"S\xe2\x80")
BOTH = ("S\ufffd", "S\ufffd (2)")
SAME_TEXT: dict[str, tuple[str, bytes, str]] = {
    "segments": (
        "/api/query/segmentation",
        b'{"data": {"series": ["2024-01-01"], "values": {"%s": {"2024-01-01": 1}, "%s": {"2024-01-01": 2}}}}',
        f"SELECT segment, count FROM mixpanel_segmentation('e', {DAYS}, segment_by := 'p')",
    ),
    "segments of a funnel": (
        "/api/query/funnels",
        b'{"data": {"2024-01-01": {"$overall": [], "%s": [{"count": 1}], "%s": [{"count": 2}]}}}',
        f"SELECT segment, count FROM mixpanel_funnel(1, {DAYS}, segment_by := 'p')",
    ),
    "segments of a retention": (
        "/api/query/retention",
        b'{"2024-01-01": {"$overall": {"first": 9, "counts": []}, "%s": {"first": 1, "counts": [1]}, "%s": {"first": 2, "counts": [2]}}}',
        f"SELECT segment, retained FROM mixpanel_retention('a', 'b', {DAYS}, segment_by := 'p') WHERE segment[1] = 'S'",
    ),
    "segments of a saved report": (
        "/api/query/insights", b'{"headers": ["$event", "p"], "series": {"e": {"%s": {"all": 1}, "%s": {"all": 2}}}}',
        "SELECT breakdown[1], value FROM mixpanel_saved_report(1)",
    ),
    "properties of an event": (
        "/api/query/events/properties/top", b'{"%s": {"count": 1}, "%s": {"count": 2}}', "FROM mixpanel_properties('e')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME_TEXT)
@pytest.mark.parametrize("keys", [CUT_IN_A_CHARACTER, (rb"S\ud83d", rb"S\ud83e"), ("S\ufffd".encode(),) * 2])
def test_keys_that_are_the_same_text_lose_no_row(answering: Any, case: str, keys: tuple[bytes, bytes]) -> None:
    path, body, sql = SAME_TEXT[case]
    con, _ = answering({path: answer(body % keys)})
    assert con.execute(sql).fetchall() == [(name, number) for number, name in enumerate(BOTH, 1)]


def test_values_that_are_the_same_text_have_a_column_each(answering: Any) -> None:
    body = b'{"data": {"series": ["2024-01-01"], "values": {"%s": {"2024-01-01": 1}, "%s": {"2024-01-01": 2}}}}'
    answering({"/api/query/events/properties": answer(body % CUT_IN_A_CHARACTER)})
    with Workspace.memory() as ws:
        counts = ws.property_counts("e", "p", from_date="2024-01-01", to_date="2024-01-01")
    assert counts.df.iloc[0, 1:].tolist() == [1, 2]
    assert tuple(counts.series) == BOTH


def test_a_profile_keeps_what_it_has_twice(answering: Any) -> None:
    body = b'{"total": 1, "results": [{"$distinct_id": "a", "$properties": {"plan": "free", "plan": "pro"}}]}'
    con, _ = answering({"/api/query/engage": answer(body)})
    rows = con.execute("SELECT properties FROM mixpanel_profiles()").fetchall()
    assert rows == [('{"plan": "free", "plan (2)": "pro"}',)]


@pytest.mark.parametrize("said", [HUGE, DEEP])
def test_numbers_of_any_length_and_any_depth_are_kept(answering: Any, said: str) -> None:
    con, _ = answering(
        {
            "/api/query/engage": answer(
                f'{{"page_size": 9, "total": 2, "results": [{{"$distinct_id": "a", "$properties": {{"p": {said}, "q": 5}}}}, '
                '{"$distinct_id": "b"}]}'.encode()
            ),
            "/api/query/stream/query": answer(
                f'{{"results": {{"events": [{{"event": "A", "properties": {{"p": {said}, "$insert_id": "i", "time": 1704067200}}}}]}}}}'.encode()
            ),
            "/api/query/jql": answer(f"[{said}]".encode()),
            "/api/query/events/properties/values": answer(f'["a", {said}]'.encode()),
        }
    )
    assert con.execute("SELECT properties::VARCHAR FROM mixpanel_profiles()").fetchall() == [
        (f'{{"p": {said}, "q": 5}}',),
        ("{}",),
    ]
    events = f"SELECT event_name, event_time, properties::VARCHAR FROM mixpanel_activity('x', {DAYS})"
    assert con.execute(events).fetchall() == [("A", ONE, f'{{"p": {said}, "$insert_id": "i", "time": 1704067200}}')]
    assert con.execute("SELECT value::VARCHAR FROM mixpanel_jql('s')").fetchall() == [(said,)]
    assert con.execute("FROM mixpanel_property_values('e', 'p')").fetchall() == [("a",), (said,)]


def test_a_number_of_any_length_is_no_count(answering: Any) -> None:
    con, _ = answering({"/api/query/cohorts/list": answer(f'[{{"id": {HUGE}, "name": "a"}}]'.encode())})
    with pytest.warns(MixpanelDataWarning, match=r"Mixpanel sent 7{79}… where a number should be: it is left out"):
        assert con.execute("SELECT id, name FROM mixpanel_cohorts()").fetchall() == [(None, "a")]


LEFT_OUT = {
    "counts": (
        "/api/query/segmentation",
        {"data": {"series": ["2024-01-01", "2024-01-02", "2024-01-03"], "values": {"e": {"2024-01-01": "1,000", "2024-01-02": "many", "2024-01-03": 10**30}}}},
        f"SELECT count FROM mixpanel_segmentation('e', {DAYS})",
        [(1000,), (None,), (None,)],
    ),
    "sums": (
        "/api/query/segmentation/sum", {"results": {"2024-01-01": "many", "2024-01-02": 10**400, "2024-01-03": "1,000.5"}},
        f"SELECT sum FROM mixpanel_segmentation_sum('e', {DAYS}, 'a')", [(None,), (None,), (1000.5,)],
    ),
    "steps of a funnel": (
        "/api/query/funnels", {"data": {"2024-01-01": {"steps": [{"event": None, "count": "1,000"}, {"event": "b", "count": {}, "avg_time": "soon"}]}}},
        f"SELECT event_name, label, count, avg_time FROM mixpanel_funnel(1, {DAYS})", [(None, None, 1000, None), ("b", "b", None, None)],
    ),
    "retention": (
        "/api/query/retention", {"2024-01-01": {"first": "1,000", "counts": ["1,000", "x", 5]}},
        f"SELECT cohort_size, retained, rate FROM mixpanel_retention('a', 'b', {DAYS})",
        [(1000, 1000, 1.0), (1000, None, None), (1000, 5, 0.005)],
    ),
    "a saved report": (
        "/api/query/insights", {"headers": ["$event"], "series": {"e": {"2024-01-01": "1,000"}}},
        "SELECT value, text FROM mixpanel_saved_report(1)", [(1000.0, "1,000")],
    ),
    "a profile's properties": (
        "/api/query/engage", {"page_size": 3, "total": 3, "results": [{"$distinct_id": "a", "$properties": [1]}, {"$distinct_id": "b", "$properties": "x"}, {"$distinct_id": "c", "$properties": {"p": 1}}]},
        "SELECT distinct_id, properties FROM mixpanel_profiles()", [("a", "{}"), ("b", "{}"), ("c", '{"p": 1}')],
    ),
    "an event's properties": (
        "/api/query/stream/query", {"results": {"events": [{"event": None, "properties": []}, {"event": "A", "properties": {"p": 1}}]}},
        f"SELECT event_name, properties FROM mixpanel_activity('x', {DAYS})", [(None, "{}"), ("A", '{"p": 1}')],
    ),
    "a schema": (
        "/api/app/projects/1/schemas", {"results": [{"name": "a", "schemaJson": "x"}, {"name": "b", "schemaJson": {"metadata": {"com.mixpanel": {"tags": "x"}}}}]},
        "SELECT name, tags FROM mixpanel_schemas()", [("a", None), ("b", None)],
    ),
    "the user of an annotation": (
        "/api/app/projects/1/annotations", {"results": [{"id": 1, "user": "x"}]},
        'SELECT id, "user" FROM mixpanel_annotations()', [(1, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT)
def test_one_odd_value_costs_nothing_of_the_rest(answering: Any, case: str) -> None:
    path, body, sql, rows = LEFT_OUT[case]
    con, _ = answering({path: body})
    with pytest.warns(MixpanelDataWarning, match="should be: it is left out|are taken for thousands"):
        assert con.execute(sql).fetchall() == rows


def test_a_cohort_without_periods_has_its_size_in_python(answering: Any) -> None:
    cohorts = {"2024-01-01": {"first": 10, "counts": []}, "2024-01-02": {"first": 4, "counts": [1, 2]}}
    answering({"/api/query/retention": cohorts})
    with Workspace.memory() as ws:
        back = ws.retention("a", "b", from_date="2024-01-01", to_date="2024-01-02")
    assert [(cohort.size, cohort.retained) for cohort in back.cohorts] == [(10, [None]), (4, [1, 2])]
    assert back.df["cohort_size"].tolist() == [10, 4]
    assert back.df[0].isna().tolist() == [True, False]


def test_one_odd_count_costs_nothing_of_the_rest_in_python(answering: Any) -> None:
    values = {"e": {"2024-01-01": "many", "2024-01-02": 5}}
    answering({"/api/query/events": {"data": {"series": ["2024-01-01", "2024-01-02"], "values": values}}})
    with Workspace.memory() as ws:
        with pytest.warns(MixpanelDataWarning, match='sent "many" where a number should be'):
            counts = ws.event_counts(["e"], from_date="2024-01-01", to_date="2024-01-02")
        assert counts.series == {"e": {"2024-01-01": None, "2024-01-02": 5}}
