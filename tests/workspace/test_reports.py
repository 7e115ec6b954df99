"""Discovery and reports: each method says what its table function says, and keeps the figures right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from mixpanel_data import (
    ArgumentError,
    FunnelInfo,
    MixpanelDataWarning,
    NotFoundError,
    QueryError,
    SavedCohort,
    TopEvent,
    Workspace,
)
from mixpanel_data.client import Budget, retry
from mixpanel_data.client.limits import LIMITS
from mixpanel_data.results import JQLResult, Result
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import answer

JANUARY = {"from_date": "2024-01-01", "to_date": "2024-01-31"}
WEEK = {"from_date": "2024-01-01", "to_date": "2024-01-07"}
PRO = 'properties["plan"] == "pro"'
COUNT = """
function main() {
  return Events({from_date: params.from_date, to_date: params.to_date})
    .groupBy(["name", "properties.plan"], mixpanel.reducer.count())
}"""


@pytest.fixture
def ws(sandbox: Sandbox) -> Iterator[Workspace]:
    with Workspace.memory("sandbox") as workspace:
        yield workspace


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_lists(ws: Workspace) -> None:
    assert ws.events() == ws.list_events() == sorted(ws.events())
    assert ws.properties("Purchase") == ws.list_properties("Purchase") == sorted(ws.properties("Purchase"))
    assert {"amount", "plan"} <= set(ws.properties("Purchase"))
    assert ws.property_values("Purchase", "plan", limit=2) == ws.property_values("Purchase", "plan")[:2]
    assert ws.funnels() == ws.list_funnels()
    assert isinstance(ws.funnels()[0], FunnelInfo)
    assert ws.funnels()[0].id == ws.funnels()[0].funnel_id == ws.sql_scalar("SELECT id FROM mixpanel_funnels() LIMIT 1")
    assert ws.cohorts() == ws.list_cohorts()
    (first, *_), row = ws.cohorts(), ws.sql_rows("SELECT id, name, count FROM mixpanel_cohorts() LIMIT 1")[0]
    assert isinstance(first, SavedCohort)
    assert (first.id, first.name, first.count) == row
    assert first.created[10] == "T"
    assert [r.id for r in ws.bookmarks("insights")] == [r.id for r in ws.list_bookmarks() if r.type == "insights"]
    assert {schema.entity_type for schema in ws.schemas()} >= {"event"}
    assert ws.schemas("event", "Purchase")[0].properties


def test_lists_are_kept_until_told_otherwise(ws: Workspace, sandbox: Sandbox) -> None:
    for _ in range(2):
        ws.events()
        ws.cohorts()
    assert len(sandbox.requests) == 2
    ws.clear_discovery_cache()
    ws.events()
    assert len(sandbox.requests) == 3


def test_top_events(ws: Workspace, sandbox: Sandbox) -> None:
    top = ws.top_events(limit=3)
    assert len(top) == 3
    assert isinstance(top[0], TopEvent)
    assert [event.count for event in top] == sorted((event.count for event in top), reverse=True)
    assert all(isinstance(event.count, int) for event in top)
    ((name, change),) = ws.sql_rows("SELECT event_name, percent_change FROM mixpanel_top_events(max_rows := 1)")
    assert (top[0].event, top[0].percent_change) == (name, change)
    assert len(ws.top_events()) > 5
    assert len(sandbox.requests) == 3, "never kept"
    assert {type(event.count) for event in ws.top_events("average")} == {float, int} or ws.top_events("average")


def test_an_event_that_is_not_there(ws: Workspace) -> None:
    for ask in (
        lambda: ws.properties("Purchas"),
        lambda: ws.segmentation("Purchas", **WEEK),
        lambda: ws.segmentation_sum("Purchas", on="amount", **WEEK),
    ):
        with pytest.raises(NotFoundError, match="did you mean 'Purchase'"):
            ask()


def test_segmentation(ws: Workspace) -> None:
    whole = ws.segmentation("Purchase", **JANUARY)
    export = "FROM mixpanel_export('2024-01-01', '2024-01-31', deduplicate := true) WHERE event_name = 'Purchase'"
    assert whole.total == ws.sql_scalar(f"SELECT count(*) {export}")
    assert isinstance(whole.total, int)
    assert whole.df.columns.tolist() == ["date", "segment", "count"]
    assert str(whole.df["date"].dtype).startswith("datetime64")
    split = ws.segmentation("Purchase", on="properties.plan", unit="month", where=PRO, **JANUARY)
    assert (split.segment_property, split.unit) == ("properties.plan", "month")
    assert split.df["segment"].tolist() == ["pro"]
    assert split.total == ws.sql_scalar(f"SELECT count(*) {export} AND (properties->>'$.plan') = 'pro'")


def test_event_counts(ws: Workspace, sandbox: Sandbox) -> None:
    counts = ws.event_counts(["Sign Up", "Purchase"], **WEEK)
    assert len(sandbox.requests) == 1
    assert counts.df.columns.tolist() == ["date", "Sign Up", "Purchase"]
    assert counts.df.dtypes.tolist()[1:] == ["int64", "int64"]
    assert len(counts.df) == 7
    assert sum(counts.series["Purchase"].values()) == ws.segmentation("Purchase", **WEEK).total
    assert list(counts.series["Sign Up"]) == [f"2024-01-0{n}" for n in range(1, 8)]
    filtered = ws.event_counts(["Sign Up", "Purchase"], where=PRO, **WEEK)
    assert sum(filtered.series["Purchase"].values()) == ws.segmentation("Purchase", where=PRO, **WEEK).total
    by_hour = ws.event_counts(["Purchase"], unit="hour", from_date="2024-01-01", to_date="2024-01-01")
    assert next(iter(by_hour.series["Purchase"])) == "2024-01-01 00:00:00"
    assert ws.event_counts(["Purchase"], type="average", **WEEK).df["Purchase"].dtype == "float64"


def test_property_counts(ws: Workspace) -> None:
    plans = ws.property_counts("Purchase", "plan", **WEEK)
    assert set(plans.df.columns) == {"date", "free", "pro", "team"}
    assert sum(plans.series["pro"].values()) == ws.segmentation("Purchase", where=PRO, **WEEK).total
    assert len(ws.property_counts("Purchase", "plan", limit=2, **WEEK).series) == 2
    assert list(ws.property_counts("Purchase", "plan", where=PRO, **WEEK).series) == ["pro"]


def test_numbers(ws: Workspace) -> None:
    total = ws.segmentation_sum("Purchase", on="amount", **WEEK)
    assert total.total == pytest.approx(
        ws.sql_scalar(
            "SELECT sum(sum) FROM mixpanel_segmentation_sum('Purchase', '2024-01-01', '2024-01-07', 'amount')"
        )
    )
    average = ws.segmentation_average("Purchase", on="amount", where=PRO, **WEEK)
    assert average.df.columns.tolist() == ["date", "average"]
    buckets = ws.segmentation_numeric("Purchase", on="amount", **WEEK)
    assert len(buckets.df.columns) == 1 + len(buckets.series) > 2


def test_funnel(ws: Workspace, sandbox: Sandbox) -> None:
    funnel = ws.funnel(7509, **JANUARY)
    rows = ws.sql_rows("SELECT label, count, overall_conversion FROM mixpanel_funnel(7509, '2024-01-01', '2024-01-31')")
    assert [(step.name, step.count, pytest.approx(step.overall)) for step in funnel.steps] == rows
    assert funnel.conversion_rate == funnel.steps[-1].overall
    assert funnel.steps[0].conversion == funnel.steps[0].overall == 1
    assert funnel.steps[2].conversion == pytest.approx(funnel.steps[2].count / funnel.steps[1].count)
    assert funnel.funnel_name == next(f.name for f in ws.funnels() if f.id == 7509)
    assert [step.count for step in ws.funnel(7509, unit="month", **JANUARY).steps] == [count for _, count, _ in rows]
    split = ws.funnel(7509, on="plan", **JANUARY)
    assert [step.count for step in split.steps] == [step.count for step in funnel.steps], "all segments are not added"
    assert set(split.df["segment"]) == {"$overall", *split.segments} > {"pro"}
    pro = ws.sql_rows(
        "SELECT label, count FROM mixpanel_funnel(7509, '2024-01-01', '2024-01-31', segment_by := 'plan') WHERE segment = 'pro'"
    )
    assert [(step.name, step.count) for step in split.segments["pro"]] == pro
    assert funnel.segments == {}
    daily, whole = ws.funnel(7509, unit="day", **WEEK), ws.funnel(7509, **WEEK)
    assert daily.df["date"].nunique() == 7
    assert whole.df["date"].nunique() == 1
    assert list(daily.df.columns) == list(whole.df.columns)
    assert daily.steps[0].count > whole.steps[0].count, "who begins anew on another day counts once more there"
    with pytest.raises(QueryError):
        ws.funnel(1, **WEEK)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_the_answer_of_a_funnel_is_given_also_where_its_name_is_refused(
    ws: Workspace, sandbox: Sandbox, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0)
    sandbox.faults.add(Fault("/funnels/list", status=status, times=99))
    with pytest.warns(MixpanelDataWarning, match="the name of funnel 7509 is not known: "):
        funnel = ws.funnel(7509, **WEEK)
    assert (funnel.funnel_name, len(funnel.steps)) == ("", 4)
    assert ws.last_sql is not None
    assert ws.last_sql.startswith("FROM mixpanel.funnel(")


def test_a_funnel_of_segments_alone_has_them_and_no_total(answering: Any) -> None:
    def steps(*counts: int) -> list[dict[str, Any]]:
        return [{"event": name, "count": count} for name, count in zip(("Open", "Buy"), counts, strict=True)]

    days = {"2024-01-01": {"pro": steps(8, 2), "free": steps(4, 1)}, "2024-01-02": {"pro": steps(2, 1)}}
    answering({"/api/query/funnels": {"data": days}, "/api/query/funnels/list": []})
    with Workspace.memory() as ws, pytest.warns(MixpanelDataWarning, match="no total of all users"):
        funnel = ws.funnel(7509, on="plan", unit="day", **WEEK)
    assert (funnel.steps, funnel.conversion_rate) == ([], None), "0 would be a figure"
    found = {name: [(step.name, step.count, step.overall) for step in of] for name, of in funnel.segments.items()}
    assert found == {"pro": [("Open", 10, 1), ("Buy", 3, 0.3)], "free": [("Open", 4, 1), ("Buy", 1, 0.25)]}
    assert funnel.to_dict()["segments"]["free"][1]["count"] == 1


def test_a_total_of_some_days_is_no_total(answering: Any) -> None:
    step = {"event": "Open", "count": 2}
    days = {"2024-01-01": {"$overall": [step], "pro": [step]}, "2024-01-02": {"pro": [step]}}
    answering({"/api/query/funnels": {"data": days}, "/api/query/funnels/list": []})
    with Workspace.memory() as ws, pytest.warns(MixpanelDataWarning, match="no total of all users"):
        funnel = ws.funnel(7509, on="plan", unit="day", **WEEK)
    assert funnel.steps == []
    assert [step.count for step in funnel.segments["pro"]] == [4]


def test_retention_of_segments_alone_has_them_and_no_total(answering: Any) -> None:
    days = {"2024-01-01": {"pro": {"first": 5, "counts": [4, 1]}, "free": {"first": 3, "counts": [2, 0]}}}
    answering({"/api/query/retention": days})
    with Workspace.memory() as ws, pytest.warns(MixpanelDataWarning, match="no total of all users"):
        back = ws.retention("Sign Up", "Purchase", on="plan", **WEEK)
    assert back.cohorts == []
    found = {name: [(one.date, one.size, one.retained) for one in of] for name, of in back.segments.items()}
    assert found == {"pro": [("2024-01-01", 5, [4, 1])], "free": [("2024-01-01", 3, [2, 0])]}


def test_a_funnel_does_not_wait_for_its_name_where_the_budget_is_spent(
    answering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, Budget.QUERY, LIMITS[Budget.QUERY].with_hourly(1))
    steps = [{"event": "Open", "count": 2, "step_conv_ratio": 1.0, "overall_conv_ratio": 1.0, "avg_time": None}]
    _, server = answering({"/api/query/funnels": {"data": {"2024-01-01": {"steps": steps}}}})
    with Workspace.memory(wait=False) as ws:
        funnel = ws.funnel(7509, **WEEK)
    assert (funnel.funnel_name, len(funnel.steps)) == ("", 1)
    assert len(server.targets) == 1


def test_users_and_averages_have_no_total(ws: Workspace) -> None:
    assert ws.segmentation("Purchase", type="unique", **WEEK).total is None
    assert ws.segmentation("Purchase", type="average", **WEEK).total is None


def test_retention(ws: Workspace) -> None:
    back = ws.retention("Sign Up", "Purchase", interval_count=3, **WEEK)
    assert [cohort.date for cohort in back.cohorts] == [f"2024-01-0{n}" for n in range(1, 8)]
    query = "SELECT cohort_size, list(retained ORDER BY period) FROM mixpanel_retention('Sign Up', 'Purchase', '2024-01-01', '2024-01-07', interval_count := 3) GROUP BY cohort_date, cohort_size ORDER BY cohort_date"
    assert [(cohort.size, cohort.retained) for cohort in back.cohorts] == ws.sql_rows(query)
    assert back.df.columns.tolist()[:3] == ["cohort_date", "segment", "cohort_size"]
    assert back.df.columns.tolist()[3:] == list(range(len(back.cohorts[0].retained)))
    assert back.df[0].tolist() == [cohort.retained[0] for cohort in back.cohorts]
    filtered = ws.retention(
        born_event="Sign Up", return_event="Purchase", born_where=PRO, return_where=PRO, unit="week", **JANUARY
    )
    assert filtered.cohorts[0].size < ws.retention("Sign Up", "Purchase", unit="week", **JANUARY).cohorts[0].size
    split = ws.retention("Sign Up", "Purchase", on="plan", interval_count=3, **WEEK)
    assert [cohort.size for cohort in split.cohorts] == [cohort.size for cohort in back.cohorts]
    assert {"pro", "free"} <= {*split.segments} < set(split.df["segment"])


def test_frequency(ws: Workspace) -> None:
    active = ws.frequency(event="Purchase", unit="week", **WEEK)
    assert (active.event, active.addiction_unit) == ("Purchase", "day")
    expected = ws.sql_rows("SELECT users FROM mixpanel_frequency('2024-01-01', '2024-01-07', event := 'Purchase', unit := 'week')")  # fmt: skip
    assert [(users,) for users in active.df["users"]] == expected
    assert ws.frequency(**WEEK).addiction_unit == "hour"


def test_saved_reports(ws: Workspace) -> None:
    report = ws.saved_report(2001)
    assert report.df.columns.tolist()[:6] == ["metric", "breakdown", "date", "measure", "period", "value"]
    assert "answer" not in report.df.columns
    assert report.raw["series"]
    flows = ws.flows(4001)
    assert isinstance(flows.df["edges"][0], list)
    assert isinstance(flows.to_dict()["rows"][0]["edges"], list)
    with pytest.raises(NotFoundError):
        ws.saved_report(99)


def test_an_empty_report_keeps_its_answer(answering: Any) -> None:
    sent = {"headers": ["$metric"], "series": {}, "computed_at": "2024-01-15"}
    answering({"/api/query/insights": sent})
    with Workspace.memory() as ws:
        report = ws.saved_report(1)
    assert report.raw == report.to_dict()["raw"] == sent
    assert report.rows() == []


def test_activity_feed(ws: Workspace) -> None:
    feed = ws.activity_feed("user-0000001", **JANUARY)
    assert feed.distinct_ids == ["user-0000001"]
    assert {event["distinct_id"] for event in feed.events} == {"user-0000001"}
    assert isinstance(feed.df["properties"][0], dict)
    assert plain(feed.to_dict())["rows"][0]["properties"] == feed.events[0]["properties"]


def test_jql(ws: Workspace) -> None:
    result = ws.jql(COUNT, WEEK)
    assert result.df.columns.tolist() == ["key_0", "key_1", "value"]
    assert result.raw[0].keys() == {"key", "value"}
    count = "function main() { return Events(params).reduce(mixpanel.reducer.count()) }"
    assert ws.jql(count, WEEK).df["value"].tolist() == ws.jql(count, params=WEEK).raw
    with pytest.raises(QueryError, match="Mixpanel refused"):
        ws.jql("function main() { return 1 +; }")


def test_the_columns_of_jql_are_in_one_order() -> None:
    items = ['{"value": 1, "key": ["a"]}', '{"other": 2, "key": ["b", "c"], "value": 3}', '{"key": "plain"}']
    result = JQLResult(arrow=pa.table({"value": items}))
    assert result.columns == result.df.columns.tolist() == ["key_0", "key_1", "value", "other", "key"]
    assert JQLResult(arrow=pa.table({"value": ["1"]})).columns == ["value"]
    assert JQLResult(arrow=pa.table({"value": pa.array([], pa.string())})).columns == ["value"]


def test_a_number_beyond_all_numbers_is_its_text(answering: Any) -> None:
    sent = b'{"results": {"events": [{"event": "A", "properties": {"n": 1e999}}]}}'
    answering({"/api/query/stream/query": answer(sent), "/api/query/jql": answer(b"[1e999]")})
    with Workspace.memory() as ws:
        feed = ws.activity_feed(["x"], **WEEK)
        assert [str(event["properties"]["n"]) for event in feed.events] == ["1e999"]
        assert plain(feed.to_dict())["rows"][0]["properties"] == {"n": "1e999"}
        assert [str(item) for item in ws.jql("s").raw] == ["1e999"]


def test_streams(ws: Workspace) -> None:
    events = list(ws.stream_events(events=["Purchase"], where=PRO, **WEEK))
    assert len(events) >= ws.segmentation("Purchase", where=PRO, **WEEK).total
    assert {event["properties"]["plan"] for event in events} == {"pro"}
    assert events[0].keys() == {"event_name", "event_time", "distinct_id", "insert_id", "properties"}
    assert len(list(ws.stream_events(limit=10, **WEEK))) == 10
    names = {cohort.id: cohort.name for cohort in ws.cohorts()}
    profiles = list(ws.stream_profiles(cohort=names[1001], properties=["plan"]))
    assert len(profiles) == len(list(ws.stream_profiles(cohort=1001)))
    assert all(set(profile["properties"]) <= {"plan", "$last_seen"} for profile in profiles)


def test_a_stream_that_is_left_stops_asking(ws: Workspace, sandbox: Sandbox) -> None:
    stream = ws.stream_events(**JANUARY)
    next(stream)
    stream.close()
    assert ws.sql_scalar("SELECT 1") == 1


def test_the_api_as_it_is(ws: Workspace, sandbox: Sandbox) -> None:
    top = ws.api.get("/api/2.0/events/top", {"type": "general", "limit": 2})
    assert len(top["events"]) == 2
    assert ws.api.get("/api/app/me")["results"]["user_email"]
    script = "function main() { return Events(params).reduce(mixpanel.reducer.count()) }"
    assert ws.api.post("/api/2.0/jql", data={"script": script, "params": json.dumps(WEEK)}) == ws.jql(script, WEEK).raw
    for ask in (lambda: ws.api.get("/api/2.0/export"), lambda: ws.api.post("/api/app/projects/1/annotations")):
        with pytest.raises(ArgumentError, match="path must begin with"):
            ask()
    with pytest.raises(NotFoundError):
        ws.api.get("/api/query/nothing")


EVERY = {
    "segmentation": lambda ws: ws.segmentation("Purchase", on="plan", **WEEK),
    "event_counts": lambda ws: ws.event_counts(["Purchase"], **WEEK),
    "property_counts": lambda ws: ws.property_counts("Purchase", "plan", **WEEK),
    "numeric": lambda ws: ws.segmentation_numeric("Purchase", on="amount", **WEEK),
    "sum": lambda ws: ws.segmentation_sum("Purchase", on="amount", **WEEK),
    "average": lambda ws: ws.segmentation_average("Purchase", on="amount", **WEEK),
    "funnel": lambda ws: ws.funnel(7509, **WEEK),
    "retention": lambda ws: ws.retention("Sign Up", "Purchase", **WEEK),
    "frequency": lambda ws: ws.frequency(**WEEK),
    "saved_report": lambda ws: ws.saved_report(2001),
    "flows": lambda ws: ws.flows(4001),
    "activity": lambda ws: ws.activity_feed(["user-0000001"], **JANUARY),
    "jql": lambda ws: ws.jql(COUNT, WEEK),
}


@pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)
def test_every_result_is_frozen_plain_and_a_table(ws: Workspace, ask: Any) -> None:
    result = ask(ws)
    assert isinstance(result, Result)
    assert result.arrow.num_rows > 0
    assert len(result.df) > 0
    assert plain(result.to_dict()) == result.to_dict()
    assert result._repr_html_().lstrip().startswith("<div>")
    assert "pyarrow" not in repr(result)
    with pytest.raises(AttributeError):
        result.arrow = None


@pytest.mark.parametrize("ask", EVERY.values(), ids=EVERY)
def test_nothing_there_is_a_result_too(answering: Any, ask: Any) -> None:
    """Where Mixpanel answers with nothing at all, there are no rows, and frames are still made."""
    empty = {"data": {"series": [], "values": {}}, "results": {}, "legend_size": 0, "series": {}, "headers": [],
             "date_range": {}, "steps": [], "meta": {"dates": []}, "status": "ok"}  # fmt: skip
    paths = ("segmentation", "events", "events/properties", "segmentation/numeric", "segmentation/sum",
             "segmentation/average", "retention/addiction", "insights", "arb_funnels")  # fmt: skip
    answers = {f"/api/query/{path}": empty for path in paths}
    answers |= {"/api/query/funnels": {**empty, "data": {}}, "/api/query/retention": {}, "/api/query/jql": []}
    answers |= {"/api/query/funnels/list": [], "/api/query/stream/query": {"results": {"events": []}, "status": "ok"}}
    answers |= {"/api/query/retention/addiction": {"data": {}}, "/api/query/events/names": ["Purchase", "Sign Up"]}
    answering(answers)
    with Workspace.memory() as ws:
        result = ask(ws)
        assert len(result.df) in {0, 1}
        assert plain(result.to_dict())


def test_an_event_may_be_called_date(answering: Any) -> None:
    counts = {"data": {"series": ["2024-01-01"], "values": {"date": {"2024-01-01": 2}, "x": {"2024-01-01": 1}}}}
    answering({"/api/query/events": counts, "/api/query/events/top": {"events": [{"event": "x", "amount": None}]}})
    with Workspace.memory() as ws:
        result = ws.event_counts(["x", "date", "x"], **WEEK)
        assert result.df.columns.tolist() == ["_date", "x", "date"]
        assert result._repr_html_()
        assert ws.top_events()[0].count == 0


def test_one_event_is_a_list_of_one(ws: Workspace) -> None:
    assert ws.event_counts("Purchase", **WEEK).events == ["Purchase"]
    twice = ws.event_counts(["Purchase", "Purchase"], where=PRO, **WEEK)
    assert twice.df.columns.tolist() == ["date", "Purchase"]
    for nothing in (lambda: ws.event_counts([], **WEEK), lambda: ws.activity_feed([], **WEEK)):
        with pytest.raises(ArgumentError, match="is empty"):
            nothing()


@pytest.mark.parametrize(
    ("values", "total"), [({"$overall": 5, "a": 3, "b": 2}, 5), ({"$overall": 5}, 5), ({"a": 3}, 3)]
)
def test_mixpanels_own_total_is_not_added_to_its_parts(answering: Any, values: dict[str, int], total: int) -> None:
    series = {name: {"2024-01-01": count} for name, count in values.items()}
    answering({"/api/query/segmentation": {"data": {"series": ["2024-01-01"], "values": series}}})
    with Workspace.memory() as ws:
        assert ws.segmentation("e", from_date="2024-01-01", to_date="2024-01-01", on="p").total == total


def values(count: int) -> dict[str, Any]:
    """What Mixpanel answers of a property with so many values."""
    names = [f"v{n}" for n in range(count)]
    series = {"data": {"series": ["2024-01-01"], "values": {name: {"2024-01-01": 1} for name in names}}}
    return {
        "/api/query/events/properties/values": names,
        "/api/query/events/properties": series,
        "/api/query/segmentation": series,
        "/api/query/funnels": {"data": {"2024-01-01": {name: [{"event": "e", "count": 1}] for name in names}}},
        "/api/query/funnels/list": [],
    }


USUAL: dict[str, tuple[int, str, Callable[[Workspace], Any]]] = {
    "values": (100, "limit=1000", lambda ws: ws.property_values("e", "p")),
    "counts": (10, "limit=100", lambda ws: ws.property_counts("e", "p", **WEEK)),
    "counts of some": (10, "limit=100", lambda ws: ws.property_counts("e", "p", where=PRO, **WEEK)),
    "segments": (60, "limit=600", lambda ws: ws.segmentation("e", on="p", **WEEK)),
}


@pytest.mark.parametrize("case", USUAL)
def test_what_a_usual_limit_may_have_cut_is_told_with_how_to_get_more(answering: Any, case: str) -> None:
    limit, more, ask = USUAL[case]
    answering(values(limit))
    with Workspace.memory() as ws, pytest.warns(MixpanelDataWarning, match=f"there may be more: .*{more}") as told:
        ask(ws)
    assert len(told) == 1


@pytest.mark.parametrize("case", USUAL)
def test_nothing_is_told_where_less_came_than_a_usual_limit(answering: Any, case: str) -> None:
    limit, _, ask = USUAL[case]
    answering(values(limit - 1))
    with Workspace.memory() as ws:
        found = ask(ws)
    assert len(found if isinstance(found, list) else found.rows()) == limit - 1


def test_nothing_is_told_of_a_limit_that_was_given(answering: Any) -> None:
    answering(values(7))
    with Workspace.memory() as ws:
        assert len(ws.property_values("e", "p", limit=7)) == 7
        assert len(ws.property_counts("e", "p", limit=7, **WEEK).series) == 7
        assert len(ws.segmentation("e", on="p", limit=7, **WEEK).df) == 7


def test_segments_of_a_funnel_may_be_limited(ws: Workspace) -> None:
    assert [*ws.funnel(7509, on="plan", limit=1, **WEEK).segments] == ["free"]
