"""Inline questions over real HTTP: the body that is sent, and the shapes of answers, by a server that knows neither."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mixpanel_data
from mixpanel_data import ArgumentError, MixpanelDataWarning, NotFoundError
from mixpanel_data.functions.inline.breakdowns import read_breakdowns
from mixpanel_data.functions.inline.filters import read_filters

DAYS = "'2026-03-28', '2026-03-30'"


class Server(ThreadingHTTPServer):
    """Answers inline questions with ``said``, and keeps what it was sent."""

    said: Any = None
    asked: list[dict[str, Any]]
    urls: list[str]

    @property
    def bookmark(self) -> dict[str, Any]:
        return self.asked[-1]["bookmark"]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.urls.append(self.path)
        self.reply(self.server.said)

    def do_GET(self) -> None:
        names = {"/api/query/events/names": ["Lesson Finished"], "/api/query/events/properties/top": {"country": {}}}
        self.reply(names[urlsplit(self.path).path])

    def reply(self, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(point_at: Any) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked, server.urls = [], []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        point_at(f"http://127.0.0.1:{server.server_port}", project="4711")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        mixpanel_data.register(con)
        yield con


def answered(series: Any, *keys: str | None, groups: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """An answer in the recorded envelope."""
    sections = {"show": [{"metric_key": key} for key in keys], "group": []}
    meta = {"is_segmentation_limit_hit": False, "min_sampling_factor": 1.0, "report_sections": sections}
    dates = {"from_date": "2026-03-28T00:00:00+01:00", "to_date": "2026-03-30T23:59:59.999000+02:00"}
    head = {"computed_at": "2026-04-02T08:15:09.104377+00:00", "date_range": dates, "headers": ["$metric", *groups]}
    return {**head, "meta": meta, "series": series, **more}


def dated(*values: float | None) -> dict[str, float | None]:
    """A number a day, over the night in which clocks change."""
    labels = ("2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00")
    return dict(zip(labels, values, strict=True))


def day(number: int) -> datetime:
    return datetime(2026, 3, number)


def test_one_metric_by_day(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({"Done [Total Events]": dated(412, 388, 530)}, "Done [Total Events]")
    rows = con.sql(f"FROM mixpanel_insights('Lesson Finished', {DAYS})").fetchall()
    assert rows == [
        (day(28 + place), "Lesson Finished", "$overall", [], value, None) for place, value in enumerate((412, 388, 530))
    ]
    assert server.asked == [
        {
            "project_id": 4711,
            "bookmark": {
                "sections": {
                    "show": [
                        {
                            "type": "metric",
                            "name": "Lesson Finished",
                            "behavior": {
                                "type": "event",
                                "name": "Lesson Finished",
                                "resourceType": "events",
                                "filtersDeterminer": "all",
                                "filters": [],
                            },
                            "measurement": {"math": "total"},
                            "isHidden": False,
                        }
                    ],
                    "time": [{"dateRangeType": "between", "unit": "day", "value": ["2026-03-28", "2026-03-30"]}],
                    "filter": [],
                    "group": [],
                },
                "displayOptions": {"chartType": "line", "analysis": "linear"},
            },
            "queryLimits": {"limit": 3000},
        }
    ]
    assert parse_qs(urlsplit(server.urls[0]).query) == {"project_id": ["4711"]}


def test_a_breakdown_over_the_whole_range(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    totals = {"$overall": {"all": 951}, "free": {"all": 640}, "pro": {"all": 298}, "undefined": {"all": 37}}
    server.said = answered({"Done [Unique Users]": totals}, "Done [Unique Users]", groups=("plan",))
    rows = con.sql(f"""
        FROM mixpanel_insights('Lesson Finished', {DAYS}, math := 'unique', unit := 'range',
                               segment_by := 'user.plan', filters := 'country in (DE, AT)')""").fetchall()
    assert [(row[0], row[2], row[3], row[4]) for row in rows] == [
        (None, "$overall", ["$overall"], 951),
        (None, "free", ["free"], 640),
        (None, "pro", ["pro"], 298),
        (None, "undefined", ["undefined"], 37),
    ]
    assert server.bookmark["sections"]["group"] == [
        {
            "resourceType": "people",
            "value": "plan",
            "propertyName": "plan",
            "propertyType": "string",
            "propertyDefaultType": "string",
        }
    ]
    assert server.bookmark["displayOptions"]["chartType"] == "bar"


def test_totals_that_end_before_the_last_breakdown(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    nested = {
        "$overall": {"all": 9},
        "Chrome": {"$overall": {"all": 6}, "DE": {"all": 4}, "AT": {"all": 2}},
        "Edge": {"$overall": {"all": 3}, "DE": {"all": 3}},
    }
    server.said = answered({"Done": nested}, "Done", groups=("browser", "country"))
    call = f"mixpanel_insights('Lesson Finished', {DAYS}, unit := 'range', segment_by := ['browser', 'country'])"
    assert con.sql(f"SELECT segment, segments, value FROM {call}").fetchall() == [
        ("$overall", ["$overall", "$overall"], 9),
        ("Chrome", ["Chrome", "$overall"], 6),
        ("Chrome", ["Chrome", "DE"], 4),
        ("Chrome", ["Chrome", "AT"], 2),
        ("Edge", ["Edge", "$overall"], 3),
        ("Edge", ["Edge", "DE"], 3),
    ]


def test_metrics_are_told_apart_by_their_places(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    series = {"B. Paid [Total]": dated(1, 2, 3), "A. [Verified] Opened": dated(4, 5, 6)}
    server.said = answered(series, "A. [Verified] Opened", "B. Paid [Total]")
    call = f"mixpanel_insights(['Trial Opened', 'Plan Bought'], {DAYS})"
    assert con.sql(f"SELECT metric, sum(value) FROM {call} GROUP BY ALL ORDER BY ALL").fetchall() == [
        ("Plan Bought", 6),
        ("Trial Opened", 15),
    ]


def test_a_formula_hides_what_it_is_made_of(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({"b / a * 100": dated(12.5, None, 14.25)}, "b / a * 100")
    events = "[{event: 'Trial Opened', math: 'unique'}, {event: 'Plan Bought', math: 'total'}]"
    call = f"mixpanel_insights({events}, {DAYS}, formula := 'b / a * 100')"
    assert con.sql(f"SELECT metric, value FROM {call}").fetchall() == [
        ("b / a * 100", 12.5),
        ("b / a * 100", None),
        ("b / a * 100", 14.25),
    ]
    show = server.bookmark["sections"]["show"]
    assert [(one["type"], one.get("isHidden")) for one in show] == [
        ("metric", True),
        ("metric", True),
        ("formula", None),
    ]
    assert [one["measurement"] for one in show] == [{"math": "unique"}, {"math": "total"}, {}]
    assert show[2]["definition"] == "B / A * 100"


def test_hidden_metrics_may_be_listed(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({"Formula": dated(1, 2, 3)}, "A. Done", "Formula")
    call = f"mixpanel_insights('Lesson Finished', {DAYS}, formula := 'A * 2')"
    assert con.sql(f"SELECT DISTINCT metric FROM {call}").fetchall() == [("A * 2",)]


def test_a_number_of_each_user(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({"Done": dated(1, 2, 3)}, "Done")
    con.sql(f"""FROM mixpanel_insights('Lesson Finished', {DAYS}, math := 'p95', property := 'minutes',
                                       per_user := 'total')""").fetchall()
    assert server.bookmark["sections"]["show"][0]["measurement"] == {
        "math": "custom_percentile",
        "property": {"name": "minutes", "resourceType": "events"},
        "perUserAggregation": "total",
        "percentile": 95.0,
    }


def test_the_past_stands_beside_the_present(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    past = {"Done": {f"2026-02-{26 + place}T00:00:00+01:00": value for place, value in enumerate((10, 20, 30))}}
    server.said = answered({"Done": dated(1, 2, 3)}, "Done", time_comparison={"date_range": {}, "series": past})
    call = f"mixpanel_insights('Lesson Finished', {DAYS}, compare := '1 month')"
    assert con.sql(f"SELECT date, value, compared FROM {call}").fetchall() == [
        (day(28), 1, 10),
        (day(29), 2, 20),
        (day(30), 3, 30),
    ]
    assert server.bookmark["timeComparison"] == {"offset": {"unit": "month", "value": 1}}


@pytest.mark.parametrize(
    ("option", "display"),
    [
        ("cumulative := true", {"analysis": "cumulative"}),
        ("rolling := 7", {"analysis": "rolling", "rollingWindowSize": 7}),
        ("params := {displayOptions: {plotStyle: 'x'}}", {"analysis": "linear", "plotStyle": "x"}),
    ],
)
def test_how_periods_are_put_together(
    option: str, display: dict[str, Any], server: Server, con: duckdb.DuckDBPyConnection
) -> None:
    server.said = answered({"Done": dated(1, 2, 3)}, "Done")
    con.sql(f"FROM mixpanel_insights('Lesson Finished', {DAYS}, {option})").fetchall()
    assert server.bookmark["displayOptions"] == {"chartType": "line", **display}


def test_an_answer_that_is_cut_is_told_of(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({"Done": {"$overall": dated(1, 2, 3), "pro": dated(1, 2, 3)}}, "Done", groups=("plan",))
    server.said["meta"]["is_segmentation_limit_hit"] = True
    with pytest.warns(MixpanelDataWarning, match="only the largest segments"):
        con.sql(
            f"""FROM mixpanel_insights('Lesson Finished', {DAYS}, segment_by := 'plan', max_segments := 1)"""
        ).fetchall()
    assert server.asked[-1]["queryLimits"] == {"limit": 1}


def test_nothing_at_all(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({}, None)
    assert con.sql(f"FROM mixpanel_insights('Lesson Finished', {DAYS})").fetchall() == []


def test_a_misspelt_event(server: Server, con: duckdb.DuckDBPyConnection) -> None:
    server.said = answered({}, None)
    with pytest.raises(duckdb.Error, match="no event 'Lesson Finnished': did you mean 'Lesson Finished'"):
        con.sql(f"FROM mixpanel_insights('Lesson Finnished', {DAYS})").fetchall()


@pytest.mark.parametrize("option", ["segment_by := 'contry'", "filters := 'contry = DE'"])
def test_a_misspelt_property(option: str, server: Server, con: duckdb.DuckDBPyConnection) -> None:
    silent = {"$overall": dated(1, 0, 0), "undefined": dated(1, 0, 0)} if "segment" in option else dated(0, 0, 0)
    server.said = answered({"Done": silent}, "Done", groups=("contry",) * ("segment" in option))
    with pytest.raises(duckdb.Error, match="no property 'contry': did you mean 'country'"):
        con.sql(f"FROM mixpanel_insights('Lesson Finished', {DAYS}, {option})").fetchall()


WRONG = {
    "math := 'most'": "math must be one of total, unique,",
    "math := 'median'": "median is of a number: write property := 'amount'",
    "math := 'unique', property := 'amount'": "unique counts users or sessions, not a property",
    "math := 'unique', per_user := 'total'": "per_user makes a number of each user",
    "math := 'average', per_user := 'max'": "per_user must be one of total",
    "formula := 'A / C'": "formula 'A / C': it speaks of C; the events are A: write formula := 'B / A'",
    "formula := 'A / (A'": "write formula := 'B / A'",
    "formula := 'A; A'": "it can have letters, numbers and",
    "compare := 'last year'": "write compare := '1 month'",
    "cumulative := true, rolling := 3": "do not go together",
    "rolling := 1": "rolling must be 2 periods or more",
    "max_segments := 50001": "max_segments must be from 1 to 50,000",
    "filters := 'plan'": "it has no operator",
    "filters := 'amount > abc'": "> needs a number or a day",
    "filters := 'amount between 1'": "between needs two numbers or two days",
    "filters := 'seen on 2024-02-30'": "no day that exists",
    "filters := 'plan in ()'": "its list is empty",
    "filters := {property: 'plan'}": "a struct of property, operator and value",
    "segment_by := 'amount by 0'": "segment_by 'amount by 0' cannot be understood",
    "unit := 'minute'": "Mixpanel counts by the minute over two days at most",
    "unit := 'fortnight'": "unit must be one of minute, hour",
    "params := [1]": "params must be a struct",
}


@pytest.mark.parametrize("option", WRONG)
def test_what_is_wrong_is_told_before_anything_is_asked(
    option: str, server: Server, con: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error) as told:
        con.sql(f"FROM mixpanel_insights('Lesson Finished', {DAYS}, {option})").fetchall()
    assert WRONG[option] in str(told.value)
    assert server.asked == []


FILTERS = {
    "plan = pro": ("events", "plan", "string", "equals", ["pro"]),
    "plan != pro": ("events", "plan", "string", "does not equal", ["pro"]),
    "plan = '100'": ("events", "plan", "string", "equals", ["100"]),
    "country in (DE, 'a, b', \"x\")": ("events", "country", "string", "equals", ["DE", "a, b", "x"]),
    "country NOT IN [DE]": ("events", "country", "string", "does not equal", ["DE"]),
    "url contains a=b": ("events", "url", "string", "contains", "a=b"),
    "url not contains x": ("events", "url", "string", "does not contain", "x"),
    "url starts with x": ("events", "url", "string", "starts with", "x"),
    "url ends with x": ("events", "url", "string", "ends with", "x"),
    "user.email is set": ("people", "email", "string", "is set", None),
    "email is not set": ("events", "email", "string", "is not set", None),
    "amount > 100": ("events", "amount", "number", "is greater than", 100),
    "amount>=1.5": ("events", "amount", "number", "is at least", 1.5),
    "amount < -1": ("events", "amount", "number", "is less than", -1),
    "amount <= 1e3": ("events", "amount", "number", "is at most", 1000),
    "amount = 5": ("events", "amount", "number", "is equal to", 5),
    "amount <> 5": ("events", "amount", "number", "is not equal to", 5),
    "amount between 10 and 20": ("events", "amount", "number", "is between", [10, 20]),
    "amount not between 10 AND 20": ("events", "amount", "number", "not between", [10, 20]),
    "is_trial = true": ("events", "is_trial", "boolean", "true", None),
    "is_trial != true": ("events", "is_trial", "boolean", "false", None),
    "is_trial is false": ("events", "is_trial", "boolean", "false", None),
    "seen on 2024-01-05": ("events", "seen", "datetime", "was on", "2024-01-05"),
    "seen != 2024-01-05": ("events", "seen", "datetime", "was not on", "2024-01-05"),
    "seen before 2024-01-05": ("events", "seen", "datetime", "was before", "2024-01-05"),
    "seen since 2024-01-05": ("events", "seen", "datetime", "was since", "2024-01-05"),
    "seen > 2024-01-31": ("events", "seen", "datetime", "was since", "2024-02-01"),
    "seen <= 2024-01-31": ("events", "seen", "datetime", "was before", "2024-02-01"),
    "seen between 2024-01-01 and 2024-01-31": (
        "events", "seen", "datetime", "was between", ["2024-01-01", "2024-01-31"],
    ),
    "tags has new": ("events", "tags", "list", "contains", "new"),
    "tags not has new": ("events", "tags", "list", "does not contain", "new"),
    "is in stock = true": ("events", "is in stock", "boolean", "true", None),
    'user."plan = type" = x': ("people", "plan = type", "string", "equals", ["x"]),
}  # fmt: skip


@pytest.mark.parametrize("written", FILTERS)
def test_a_filter_as_people_write_it(written: str) -> None:
    (found,) = [one.as_json() for one in read_filters("insights", written)]
    resource, name, kind, operator, value = FILTERS[written]
    assert found == {
        "resourceType": resource,
        "value": name,
        "filterType": kind,
        "defaultType": kind,
        "filterOperator": operator,
        "filterValue": value,
    }


def test_a_struct_says_the_same() -> None:
    said = {"property": "amount", "operator": ">", "value": 100}
    assert read_filters("insights", [said]) == read_filters("insights", "amount > 100")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1)


@given(name=TEXT, value=TEXT)
def test_any_name_and_value_in_quotes_arrive_exactly(name: str, value: str) -> None:
    quoted_name, quoted_value = name.replace('"', '""'), value.replace("'", "''")
    (found,) = read_filters("insights", f"\"{quoted_name}\" = '{quoted_value}'")
    assert (found.value, found.filter_value) == (name, [value])
    (group,) = read_breakdowns("insights", [f'"{quoted_name}"'])
    assert group.as_json()["value"] == name


def test_a_cohort_by_its_id() -> None:
    (found,) = read_filters("insights", "user not in cohort 1001")
    cohort = {"id": 1001, "name": "cohort 1001", "negated": False}
    assert (found.value, found.filter_operator, found.filter_value) == (
        "$cohorts",
        "does not contain",
        [{"cohort": cohort}],
    )
    with pytest.raises(ArgumentError, match="it is users who are in a cohort"):
        read_filters("insights", "plan in cohort 1001")


def test_ranges_of_a_number() -> None:
    (found,) = read_breakdowns("insights", ["amount by 50 from 0 to 500"])
    assert found.as_json()["customBucket"] == {"bucketSize": 50, "min": 0, "max": 500}


def test_not_found_is_an_error_of_its_own(server: Server) -> None:
    server.said = answered({}, None)
    with mixpanel_data.Workspace(path=":memory:") as ws, pytest.raises(NotFoundError):
        ws.sql(f"FROM mixpanel_insights('Lesson Finnished', {DAYS})")
