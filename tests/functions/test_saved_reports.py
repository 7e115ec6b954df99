"""Saved reports: what a key means is the same in every form an answer may come in, and nothing of an answer is lost."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from mixpanel_data.exceptions import MixpanelDataWarning
from tests.servers import json_answer

INSIGHTS = "/api/query/insights"
BOOKMARKS = "/api/app/projects/1/bookmarks"
DAY, NEXT = "2024-01-01T00:00:00-07:00", "2024-01-02"
ONE, TWO = datetime(2024, 1, 1), datetime(2024, 1, 2)
COHORT = {"first": 100, "counts": [50, 20], "rates": [0.5, 0.2]}
STEPS = {
    "count": {"1. Sign Up": {"all": 1000}, "2. Purchase": {"all": 120}},
    "avg_time": {"1. Sign Up": {"all": None}, "2. Purchase": {"all": 86400}},
}
FUNNEL_AT_HOME = [
    {"count": 1000, "goal": "Sign Up", "event": "Sign Up"},
    {"count": 120, "avg_time": 86400, "goal": "Purchase", "event": "Purchase"},
]


def asked(answering: Any, series: Any, *headers: str, select: str = "*", **more: Any) -> list[tuple[Any, ...]]:
    con, _ = answering({INSIGHTS: {"headers": list(headers), "series": series, **more}})
    rows: list[tuple[Any, ...]] = con.execute(f"SELECT {select} FROM mixpanel_saved_report(1)").fetchall()
    return rows


# Retention: dates may stand outside the segments or inside.

BY_SEGMENT = {"A and then B": {"$overall": {DAY: COHORT, "$average": COHORT}, "iOS": {DAY: COHORT}}}
BY_DATE = {"A and then B": {DAY: {"$overall": COHORT, "iOS": COHORT}, "$average": {"$overall": COHORT}}}


@pytest.mark.parametrize("series", [BY_SEGMENT, BY_DATE, BY_SEGMENT["A and then B"], BY_DATE["A and then B"]])
@pytest.mark.parametrize("headers", [("$retention", "segment"), ("$retention", "$os"), ()])
def test_a_cohort_is_the_same_however_it_is_nested(answering: Any, series: Any, headers: tuple[str, ...]) -> None:
    rows = asked(answering, series, *headers, select="date, breakdown, measure, period, value, is_total, label")
    cohorts = [row for row in rows if row[0] == ONE]
    assert len(cohorts) == 10
    assert sorted(row[1:6] for row in cohorts if row[2] == "rates") == [
        (["$overall"], "rates", 0, 0.5, True),
        (["$overall"], "rates", 1, 0.2, True),
        (["iOS"], "rates", 0, 0.5, False),
        (["iOS"], "rates", 1, 0.2, False),
    ]
    averages = [row for row in rows if row[0] is None]
    assert {(row[1][0], row[6]) for row in averages} == {("$overall", "$average")}
    assert [row[2] for row in averages] == ["first", "counts", "counts", "rates", "rates"]


def test_retention_without_segments(answering: Any) -> None:
    rows = asked(
        answering, {"A and then B": {DAY: COHORT, "$average": COHORT}}, "$retention", select="metric, breakdown, label"
    )
    assert rows[0] == ("A and then B", [], DAY)
    assert {row[2] for row in rows} == {DAY, "$average"}


def test_segments_of_retention_that_are_dates(answering: Any) -> None:
    series = {"r": {"2023-05-01": {DAY: COHORT, "$average": COHORT}}}
    rows = asked(answering, series, "$retention", "signup", select="DISTINCT breakdown, date")
    assert sorted(rows, key=str) == [(["2023-05-01"], None), (["2023-05-01"], ONE)]


IN_2024 = {"from_date": "2024-01-01T00:00:00-07:00", "to_date": "2024-01-31T23:59:59.999000-07:00"}


@pytest.mark.parametrize(
    ("nested", "more"),
    [
        ({"2023-05-01": {DAY: COHORT}, "2023-05-02": {DAY: COHORT}}, {}),
        ({DAY: {"2023-05-01": COHORT, "2023-05-02": COHORT}}, {}),
        ({"2023-05-01": {"2024-01-01": COHORT}, "2023-05-02": {"2024-01-01": COHORT}}, {"date_range": IN_2024}),
        ({"2024-01-01": {"2023-05-01": COHORT, "2023-05-02": COHORT}}, {"date_range": IN_2024}),
    ],
)
@pytest.mark.parametrize("name", ["A and then B", None])
def test_the_dates_of_retention_are_those_of_the_report(
    answering: Any, nested: Any, more: Any, name: str | None
) -> None:
    series = {name: nested} if name else nested
    rows = asked(answering, series, "$retention", "signup", select="DISTINCT date, breakdown, name", **more)
    assert sorted(rows) == [(ONE, ["2023-05-01"], name), (ONE, ["2023-05-02"], name)]


def test_a_segment_of_retention_that_is_called_like_the_average(answering: Any) -> None:
    series = {"r": {DAY: {"$average": COHORT, "iOS": COHORT}}}
    rows = asked(answering, series, "$retention", "kind", select="DISTINCT breakdown, date, label")
    assert sorted(rows) == [(["$average"], ONE, DAY), (["iOS"], ONE, DAY)]


# Funnels: with a name or without, by segment, by date, in the form of the funnels API.


@pytest.mark.parametrize(
    ("series", "headers"),
    [
        (STEPS, ("$funnel",)),
        ({"Sign Up through Purchase": STEPS}, ("$funnel",)),
        ({"Sign Up through Purchase": STEPS}, ("$funnel", "Metric", "Step")),
        ({"Sign Up through Purchase": STEPS}, ()),
    ],
)
def test_the_steps_of_a_funnel_are_found_by_the_metric(answering: Any, series: Any, headers: tuple[str, ...]) -> None:
    rows = asked(answering, series, *headers, select="metric, breakdown, step, date, measure, value")
    assert rows == [
        ("count", ["1. Sign Up"], 1, None, None, 1000),
        ("count", ["2. Purchase"], 2, None, None, 120),
        ("avg_time", ["1. Sign Up"], 1, None, None, None),
        ("avg_time", ["2. Purchase"], 2, None, None, 86400),
    ]


@pytest.mark.parametrize("headers", [("$funnel", "$browser"), ("$funnel", "$browser", "Metric", "Step"), ()])
@pytest.mark.parametrize("name", ["Sign Up through Purchase", None])
def test_a_funnel_by_segment(answering: Any, headers: tuple[str, ...], name: str | None) -> None:
    by_segment = {"$overall": STEPS, "Chrome": {"count": STEPS["count"]}}
    series = by_segment if name is None else {name: by_segment}
    rows = asked(answering, series, *headers, select="breakdown, value, name, is_total, metric")
    assert [row[:4] for row in rows if row[4] == "count"] == [
        (["1. Sign Up", "$overall"], 1000, name, True),
        (["2. Purchase", "$overall"], 120, name, True),
        (["1. Sign Up", "Chrome"], 1000, name, False),
        (["2. Purchase", "Chrome"], 120, name, False),
    ]


FUNNELS_BY_DATE = {
    "dates outside": {"A through B": {DAY: STEPS, NEXT: STEPS}},
    "dates below the steps": {
        "A through B": {"count": {step: {DAY: said["all"], NEXT: said["all"]} for step, said in STEPS["count"].items()}}
    },
    "totals below the dates": {
        "A through B": {"count": {step: {DAY: said, NEXT: said} for step, said in STEPS["count"].items()}}
    },
    "no name": {DAY: STEPS, NEXT: STEPS},
}


@pytest.mark.parametrize("form", FUNNELS_BY_DATE)
@pytest.mark.parametrize("headers", [("$funnel",), ()])
def test_a_funnel_by_date(answering: Any, form: str, headers: tuple[str, ...]) -> None:
    rows = asked(answering, FUNNELS_BY_DATE[form], *headers, select="date, breakdown, value, metric")
    assert sorted(row[:3] for row in rows if row[3] == "count") == [
        (day, [step], value) for day in (ONE, TWO) for step, value in (("1. Sign Up", 1000), ("2. Purchase", 120))
    ]


@pytest.mark.parametrize("outside", [True, False])
def test_a_funnel_by_date_and_segment(answering: Any, outside: bool) -> None:
    nested = (
        {DAY: {"$overall": STEPS, "Chrome": STEPS}} if outside else {"$overall": {DAY: STEPS}, "Chrome": {DAY: STEPS}}
    )
    rows = asked(answering, {"A through B": nested}, "$funnel", "$browser", select="metric, step, breakdown[2], date")
    assert sorted(row for row in rows if row[0] == "count") == [
        ("count", step, segment, ONE) for step in (1, 2) for segment in ("$overall", "Chrome")
    ]


def test_segments_that_look_like_steps(answering: Any) -> None:
    rows = asked(answering, {"f": {"1. gold": STEPS}}, "$funnel", "tier", select="DISTINCT breakdown[2], name")
    assert rows == [("1. gold", "f")]


def test_two_funnels_in_a_report(answering: Any) -> None:
    series = {"A. 1. x through y": STEPS, "B. y through z": STEPS}
    rows = asked(answering, series, "$funnel", select="DISTINCT name, metric, step")
    assert len(rows) == 8


# Insights, with dates and without.


@pytest.mark.parametrize(
    ("series", "headers", "rows"),
    [
        ({"m": {DAY: {"all": 5}}}, ("$metric",), [("m", [], ONE, 5)]),
        ({"m": {DAY: {"US": {"all": 5}}}}, ("$metric", "c"), [("m", ["US"], ONE, 5)]),
        ({"m": {"US": {DAY: {"all": 5}}}}, ("$metric", "c"), [("m", ["US"], ONE, 5)]),
        ({"m": {"2023-05-01": {"all": 5}}}, ("$metric", "signup"), [("m", ["2023-05-01"], None, 5)]),
        ({"m": {"2023-05-01": {"x": {DAY: 5}}}}, ("$metric", "a", "b"), [("m", ["2023-05-01", "x"], ONE, 5)]),
        ({"count": {"1. gold": {"all": 5}}}, ("$metric", "tier"), [("count", ["1. gold"], None, 5)]),
        ({"m": {"all": {DAY: 5}}}, ("$metric", "c"), [("m", ["all"], ONE, 5)]),
        ({"m": {DAY: {"2023-05-01": 5}}}, ("$metric", "signup"), [("m", ["2023-05-01"], ONE, 5)]),
        ({"m": {"2023-05-01": {DAY: 5}}}, ("$metric", "signup"), [("m", ["2023-05-01"], ONE, 5)]),
    ],
)  # fmt: skip
def test_dates_and_segments(answering: Any, series: Any, headers: tuple[str, ...], rows: list[Any]) -> None:
    assert asked(answering, series, *headers, select="metric, breakdown, date, value") == rows


def test_a_metric_called_like_a_date(answering: Any) -> None:
    meta = {"report_sections": {"show": [{"metric_key": "2023-05-01"}]}}
    rows = asked(answering, {"2023-05-01": {DAY: 5}}, "$metric", select="metric, date", meta=meta)
    assert rows == [("2023-05-01", ONE)]


def test_a_total_is_told_from_the_segments_it_is_of(answering: Any) -> None:
    series = {"m": {"$overall": {DAY: 9}, "Chrome": {"$overall": {DAY: 5}, "pro": {DAY: 2}, "free": {DAY: 3}}}}
    rows = asked(answering, series, "$metric", "browser", "plan", select="breakdown, date, value, is_total")
    assert rows == [
        (["$overall"], ONE, 9, True),
        (["Chrome", "$overall"], ONE, 5, True),
        (["Chrome", "pro"], ONE, 2, False),
        (["Chrome", "free"], ONE, 3, False),
    ]


def test_a_segment_called_overall_is_no_total(answering: Any) -> None:
    """A total stops early: what has segments of its own is a value of that name."""
    series = {"m": {"$overall": {"$overall": {"all": 5}, "pro": {"all": 5}}}}
    rows = asked(answering, series, "$metric", "browser", "plan", select="breakdown, is_total")
    assert rows == [(["$overall", "$overall"], True), (["$overall", "pro"], False)]


def test_what_is_no_number_is_kept_as_text(answering: Any) -> None:
    series = {
        "Most frequent browser": {DAY: "Chrome", NEXT: "007"},
        "odd": {"a": {"all": None}, "b": {"all": True}, "c": {"all": "NaN"}, "d": {"all": 10**400}, "e": {"all": 2}},
    }
    rows = asked(answering, series, "$metric", select="value, text")
    assert rows == [(None, "Chrome"), (7, "007"), (None, None), (None, "true"), (None, "NaN"), (None, "1" + "0" * 400), (2, None)]  # fmt: skip


def test_objects_instead_of_numbers_are_kept_as_json(answering: Any) -> None:
    told = {"p": 0.04, "confidence": 0.96}
    series = {"f": {"Chrome": {**STEPS, "p_value": {"2. Purchase": {"all": told}}}}}
    rows = asked(answering, series, "$funnel", "browser", "Metric", "Step", select="metric, step, value, text")
    assert [(step, value, json.loads(said)) for metric, step, value, said in rows if metric == "p_value"] == [
        (2, None, told)
    ]


def test_the_whole_answer_stands_in_the_first_row(answering: Any) -> None:
    series = {"e": {DAY: "Chrome", NEXT: 2}}
    (first,), (second,) = asked(answering, series, "$event", select="answer", computed_at="x")
    assert json.loads(first) == {"headers": ["$event"], "series": series, "computed_at": "x"}
    assert second is None


def test_a_report_without_numbers_gives_no_rows(answering: Any) -> None:
    assert asked(answering, {}, "$metric") == []
    assert asked(answering, {"m": {}}, "$metric") == []


@pytest.mark.parametrize(("series", "kept"), [({"m": {}}, [(None, None)]), ({"m": {"all": 1}}, [("m", [])])])
def test_the_answer_can_be_kept_where_it_has_no_numbers(answering: Any, series: Any, kept: list[Any]) -> None:
    con, _ = answering({INSIGHTS: {"headers": ["$metric"], "series": series}})
    rows = con.execute("SELECT answer, metric, breakdown FROM mixpanel_saved_report(1, keep_answer := true)").fetchall()
    assert [row[1:] for row in rows] == kept
    assert json.loads(rows[0][0])["series"] == series


# Reports that Mixpanel serves elsewhere.

INVALID = json_answer({"error": "Invalid insights_id: 1"}, "400 Bad Request")


def reports(kind: str) -> dict[str, Any]:
    return {"results": [{"id": 1, "type": kind}]}


def last_days() -> str:
    last = datetime.now(UTC).date() - timedelta(days=1)
    return f"from {last - timedelta(days=29)} to {last}"


def test_a_funnel_that_is_no_insights_report_has_the_same_rows(answering: Any) -> None:
    con, _ = answering(
        {
            INSIGHTS: INVALID,
            BOOKMARKS: reports("funnels"),
            "/api/query/funnels": {"data": {"2024-01-01": {"steps": FUNNEL_AT_HOME}}},
        }
    )
    query = "SELECT metric, breakdown, step, date, value FROM mixpanel_saved_report(1) WHERE metric IN ('count', 'avg_time')"
    with pytest.warns(MixpanelDataWarning, match=f"Invalid insights_id: 1.*GET /api/query/funnels {last_days()}"):
        rows = con.execute(query).fetchall()
    assert rows == [
        ("count", ["1. Sign Up"], 1, ONE, 1000),
        ("avg_time", ["1. Sign Up"], 1, ONE, None),
        ("count", ["2. Purchase"], 2, ONE, 120),
        ("avg_time", ["2. Purchase"], 2, ONE, 86400),
    ]


def test_retention_that_is_no_insights_report_has_the_same_rows(answering: Any) -> None:
    retention = {"2024-01-01": {"first": 4, "counts": [2, 1]}, "$average": {"first": 4, "counts": [2, 1]}}
    con, server = answering({INSIGHTS: INVALID, BOOKMARKS: reports("retention"), "/api/query/retention": retention})
    with pytest.warns(MixpanelDataWarning, match="GET /api/query/retention"):
        rows = con.execute("SELECT date, measure, period, value FROM mixpanel_saved_report(1)").fetchall()
    assert rows == [
        (ONE, "first", None, 4),
        (ONE, "counts", 0, 2),
        (ONE, "rates", 0, 0.5),
        (ONE, "counts", 1, 1),
        (ONE, "rates", 1, 0.25),
    ]
    assert "bookmark_id=1" in server.targets[-1]


def test_retention_without_periods_has_the_sizes_of_its_cohorts(answering: Any) -> None:
    cohort = {"first": 4, "counts": []}
    for answers in (
        {INSIGHTS: {"headers": ["$retention"], "series": {"r": {DAY: cohort}}}},
        {INSIGHTS: INVALID, BOOKMARKS: reports("retention"), "/api/query/retention": {"2024-01-01": cohort}},
    ):
        con, _ = answering(answers)
        with warnings.catch_warnings(action="ignore"):
            rows = con.execute("SELECT date, measure, period, value FROM mixpanel_saved_report(1)").fetchall()
        assert rows == [(ONE, "first", None, 4)]


FORMS = {
    "insights": ("$retention", {INSIGHTS: {"headers": ["$retention"], "series": {"r": {DAY: COHORT}}}}),
    "insights with a level of its own": (
        "$retention", {INSIGHTS: {"headers": ["$retention"], "series": {"r": {DAY: {"$overall": COHORT}}}}},
    ),
    "retention": ("retention", {"/api/query/retention": {NEXT: COHORT}}),
    "retention with a level of its own": ("retention", {"/api/query/retention": {NEXT: {"$overall": COHORT}}}),
    "funnel": ("funnels", {"/api/query/funnels": {"data": {NEXT: {"steps": FUNNEL_AT_HOME}}}}),
    "insights of a funnel": ("$funnel", {INSIGHTS: {"headers": ["$funnel"], "series": STEPS}}),
}  # fmt: skip
SPLIT = {
    "insights": ("$retention", {INSIGHTS: {"headers": ["$retention", "os"], "series": BY_DATE}}),
    "retention": ("retention", {"/api/query/retention": {NEXT: {"$overall": COHORT, "iOS": COHORT}}}),
    "funnel": (
        "funnels",
        {"/api/query/funnels": {"data": {NEXT: {"$overall": FUNNEL_AT_HOME, "iOS": FUNNEL_AT_HOME}}}},
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_all_users_are_no_segment_in_any_form(answering: Any, form: str) -> None:
    kind, answers = FORMS[form]
    con, _ = answering({INSIGHTS: INVALID, BOOKMARKS: reports(kind), **answers})
    query = "SELECT DISTINCT breakdown[if(step IS NULL, 1, 2):], is_total FROM mixpanel_saved_report(1)"
    assert con.execute(query).fetchall() == [([], False)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", SPLIT)
def test_all_users_are_the_total_of_segments_in_any_form(answering: Any, form: str) -> None:
    kind, answers = SPLIT[form]
    con, _ = answering({INSIGHTS: INVALID, BOOKMARKS: reports(kind), **answers})
    query = "SELECT DISTINCT breakdown[-1:], is_total FROM mixpanel_saved_report(1) ORDER BY ALL"
    assert con.execute(query).fetchall() == [(["$overall"], True), (["iOS"], False)]


@pytest.mark.parametrize(
    "said",
    [
        "UserVisibleParamsError: Funnel too big. Please reduce the number of event comparisons.",
        "UserVisibleParamsError: Date range must be less than 48 hours for minute charts.",
        "Report refers to a deleted group identifier. Choose another one.",
        "Please reduce the number of steps to under 100.",
    ],
)
@pytest.mark.parametrize("status", ["400 Bad Request", "200 OK"])
def test_any_other_refusal_is_shown_as_it_came(answering: Any, said: str, status: str) -> None:
    refusal = json_answer({"error": said, "request": "/api/query/insights"}, status)
    con, server = answering({INSIGHTS: refusal, BOOKMARKS: reports("funnels"), "/api/query/funnels": {"data": {}}})
    with pytest.raises(duckdb.Error) as caught:
        con.execute("FROM mixpanel_saved_report(1)").fetchall()
    assert said in str(caught.value)
    assert len(server.targets) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        json_answer({"error": "Invalid insights_id"}),
        json_answer({"error": "Bookmark not found"}, "404 Not Found"),
        json_answer({"error": "Report type is not supported"}, "400 Bad Request"),
    ],
)
def test_a_report_that_is_served_elsewhere(answering: Any, refusal: bytes) -> None:
    funnel = {"data": {"2024-01-01": {"steps": FUNNEL_AT_HOME}}}
    con, _ = answering({INSIGHTS: refusal, BOOKMARKS: reports("funnels"), "/api/query/funnels": funnel})
    with pytest.warns(MixpanelDataWarning):
        assert con.execute("FROM mixpanel_saved_report(1) WHERE metric = 'count'").fetchall()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("flows", r"1 is a flows report: write FROM mixpanel_flows\(1\) .*Invalid insights_id: 1"),
        ("launch-analysis", "Invalid insights_id: 1"),
    ],
)
def test_reports_that_have_no_such_answer(answering: Any, kind: str, message: str) -> None:
    con, _ = answering({INSIGHTS: INVALID, BOOKMARKS: reports(kind)})
    with pytest.raises(duckdb.Error, match=message):
        con.execute("FROM mixpanel_saved_report(1)").fetchall()


def test_where_reports_are_not_listed_the_first_refusal_counts(answering: Any) -> None:
    forbidden = json_answer({"status": "error", "error": "no"}, "403 Forbidden")
    con, _ = answering({INSIGHTS: INVALID, BOOKMARKS: forbidden})
    with pytest.raises(duckdb.Error, match="Mixpanel refused the request: Invalid insights_id"):
        con.execute("FROM mixpanel_saved_report(1)").fetchall()
