"""A row belongs to the request that brought it, a table to one project, and a day is complete when it was over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixpanel_data import ArgumentError, BadLineError, MixpanelDataWarning, Workspace
from mixpanel_data.client import Budget
from mixpanel_data.client.limits import LIMITS, Limits
from mixpanel_data.sandbox import Sandbox
from tests.servers import RawServer, gzip_answer, lines, raw_server

DAY = datetime(2024, 1, 1)
Events = dict[str, list[dict[str, Any]]]


def event(number: int, time: Any = None, **more: Any) -> dict[str, Any]:
    times = {} if time is None else {"time": time}
    return {"event": "e", "properties": {**times, "distinct_id": "u", "$insert_id": f"i{number}", **more}}


def seconds(day: str, hour: int = 12) -> int:
    return int((datetime.fromisoformat(day) - datetime(1970, 1, 1)).total_seconds()) + 3600 * hour


class Project:
    """A project whose days have these events, whatever their times."""

    def __init__(self, server: RawServer, events: Events) -> None:
        self.server = server
        self.events = events

    def rows(self, first: str, last: str) -> list[str]:
        """The ids of the events of these days."""
        return sorted(
            event["properties"]["$insert_id"]
            for day, found in self.events.items()
            if first <= day <= last
            for event in found
        )


@pytest.fixture
def project(point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Events], Project]]:
    events: Events = {}

    def reply(target: str) -> bytes:
        given = parse_qs(urlsplit(target).query)
        first, last = given["from_date"][0], given["to_date"][0]
        return gzip_answer(lines([one for day in sorted(events) if first <= day <= last for one in events[day]]))

    with raw_server(reply) as server:

        def make(found: Events) -> Project:
            events.clear()
            events.update(found)
            point_at(server.url)
            monkeypatch.setenv("MP_TIMEZONE", "UTC")
            monkeypatch.setitem(LIMITS, Budget.EXPORT, Limits())  # no budget to wait for
            return Project(server, events)

        yield make


def ids(ws: Workspace, table: str = "t") -> list[str]:
    return [one for (one,) in ws.sql_rows(f"SELECT insert_id FROM {table} ORDER BY 1")]


ODD: Events = {
    "2024-01-01": [event(1, seconds("2024-01-01")), event(2, "2024-01-01T00:01:00Z"), event(3)],
    "2024-01-02": [
        event(4, seconds("2024-01-02")),
        event(5, seconds("2024-01-01", 23)),
        event(6, seconds("2024-01-03", 2)),
    ],
    "2024-01-03": [event(7, seconds("2024-01-03")), event(8, seconds("2024-02-20")), event(9)],
}


@pytest.mark.parametrize("mode", ["append", "resume", "sync", "replace"])
def test_rows_outside_their_days_are_there_once_after_any_number_of_fetches(
    project: Callable[[Events], Project], mode: str
) -> None:
    asked = project(ODD)
    with Workspace() as ws:
        span = {"from_date": "2024-01-01", "to_date": "2024-01-03", "parallel": 1}
        ws.fetch_events("t", **span)
        for _ in range(3):
            ws.fetch_events("t", **span, **{mode: True})
            assert ids(ws) == asked.rows("2024-01-01", "2024-01-03")
        assert ws.sql_scalar("SELECT count(*) FROM _stray_rows") == 4, "outside the one window of three days"


def test_what_a_neighbour_brought_stays(project: Callable[[Events], Project]) -> None:
    asked = project(ODD)
    with Workspace() as ws:
        for day in ("2024-01-02", "2024-01-03", "2024-01-01"):
            ws.fetch_events("t", from_date=day, to_date=day, resume=True)
        for day in ("2024-01-01", "2024-01-03", "2024-01-02", "2024-01-01"):
            ws.fetch_events("t", from_date=day, to_date=day, append=True)
            assert ids(ws) == asked.rows("2024-01-01", "2024-01-03")


def test_a_stray_of_a_wide_window_is_kept_or_replaced_by_a_narrow_one(project: Callable[[Events], Project]) -> None:
    asked = project(ODD)
    with Workspace() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-03", parallel=1)
        asked.events["2024-01-03"] = [event(7, seconds("2024-01-03")), event(9, plan="new")]  # and 8 is no more
        ws.fetch_events("t", from_date="2024-01-03", to_date="2024-01-03", append=True)
        assert ids(ws) == ["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"], (
            "8 may be of another day of its window"
        )
        assert ws.sql_scalar("SELECT properties->>'$.plan' FROM t WHERE insert_id = 'i9'") == "new"
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-02", append=True)
        assert ids(ws) == asked.rows("2024-01-01", "2024-01-03")


def test_an_event_that_mixpanel_took_back_is_not_called_lost(project: Callable[[Events], Project]) -> None:
    asked = project({"2024-01-01": [event(1, seconds("2024-01-01"))], "2024-01-02": [event(2, seconds("2024-01-01"))]})
    with Workspace() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-02", parallel=1)
        ws.fetch_events("t", from_date="2024-01-02", to_date="2024-01-02", append=True)
        del asked.events["2024-01-02"][0]
        ws.fetch_events("t", from_date="2024-01-02", to_date="2024-01-02", append=True)
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-02", resume=True)
        assert ids(ws) == ["i1"]


def test_an_event_of_another_day_than_its_time_says_is_not_lost_where_it_is_the_only_one(
    project: Callable[[Events], Project],
) -> None:
    asked = project({"2024-01-02": [event(1, seconds("2024-01-03"))], "2024-01-03": [event(2, seconds("2024-01-03"))]})
    with Workspace() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-03", parallel=1)
        for mode in ("append", "sync", "resume"):
            ws.fetch_events("t", from_date="2024-01-03", to_date="2024-01-03", look_back=1, **{mode: True})
            assert ids(ws) == ["i1", "i2"]
        del asked.events["2024-01-02"][0]  # it is gone, which only a request for its own day can tell
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-03", append=True, parallel=1)
        assert ids(ws) == ["i2"]


@pytest.mark.parametrize("first", ["2024-01-02", "2024-01-03"])
def test_an_event_whose_user_became_another_one_is_there_once(project: Callable[[Events], Project], first: str) -> None:
    asked = project({"2024-01-03": [event(1), event(2, seconds("2024-01-03"))]})
    with Workspace() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-03", parallel=1)
        asked.events["2024-01-03"] = [event(1, distinct_id="new"), event(2, seconds("2024-01-03"), distinct_id="new")]
        ws.fetch_events("t", from_date=first, to_date="2024-01-03", append=True, parallel=1)
        assert ws.sql_rows("SELECT insert_id, distinct_id FROM t ORDER BY ALL") == [("i1", "new"), ("i2", "new")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_fetches_over_any_odd_events_end_as_one_export(
    project: Callable[[Events], Project], data: st.DataObject
) -> None:
    """Whichever windows are asked for, in whichever order, and whatever times the events of a day have."""
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    times = [None, "soon", *(seconds(day, hour) for day in [*days, "2024-02-01"] for hour in (0, 23))]
    drawn = st.lists(st.tuples(st.sampled_from(days), st.sampled_from(times)), min_size=1, max_size=12)
    events: Events = {day: [] for day in days}
    for number, (day, time) in enumerate(data.draw(drawn, "events"), 1):
        events[day].append(event(number, time))
    windows = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted)
    fetches = st.lists(st.tuples(windows, st.sampled_from(["append", "resume", "sync"])), max_size=6)
    asked = project(events)
    with Workspace.memory() as ws:
        ws.fetch_events("t", from_date=days[0], to_date=days[-1], resume=True, parallel=data.draw(st.integers(1, 4)))
        for (first, last), mode in data.draw(fetches, "fetches"):
            span = {"from_date": days[first], "to_date": days[last]}
            ws.fetch_events("t", **span, **{mode: True}, look_back=2, parallel=data.draw(st.integers(1, 3)))
            assert ids(ws) == asked.rows(days[0], days[-1])
            days_and_strays = "(SELECT sum(rows) FROM _loaded_days) + (SELECT count(*) FROM _stray_rows)"
            assert ws.sql_scalar(f"SELECT {days_and_strays}") == len(ids(ws)), "each row is counted once"


def test_profiles_without_an_id_do_not_double(answering: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    page = {
        "status": "ok", "page": 0, "page_size": 1000, "session_id": "s", "total": 2,
        "results": [{"$distinct_id": "u1", "$properties": {}}, {"$properties": {"plan": "pro"}}],
    }  # fmt: skip
    answering({"/api/query/engage": page})
    with Workspace.memory() as ws:
        ws.fetch_profiles("p")
        for _ in range(2):
            ws.fetch_profiles("p", append=True)
        assert ws.sql_rows("SELECT distinct_id FROM p ORDER BY ALL") == [("u1",), (None,)]


def test_profiles_without_an_id_do_not_take_the_place_of_others(answering: Callable[..., Any]) -> None:
    def page(*plans: str) -> dict[str, Any]:
        found = [{"$properties": {"plan": plan}} for plan in plans]
        return {"status": "ok", "page": 0, "page_size": 1000, "session_id": "s", "total": len(found), "results": found}

    answers = {"/api/query/engage": page("a", "b")}
    answering(answers)
    with Workspace.memory() as ws:
        ws.fetch_profiles("p")
        answers["/api/query/engage"] = page("b", "c")
        ws.fetch_profiles("p", append=True)
        assert ws.sql_rows("SELECT properties->>'$.plan' FROM p ORDER BY ALL") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("mode", ["append", "resume", "sync"])
def test_two_projects_are_not_mixed(
    project: Callable[[Events], Project], point_at: Callable[..., None], tmp_path: Path, mode: str
) -> None:
    asked = project(ODD)
    span = {"from_date": "2024-01-01", "to_date": "2024-01-03"}
    with Workspace(path=tmp_path / "x.db") as ws:
        ws.fetch_events("t", **span)
        assert ws.sql_rows("SELECT project_id FROM _metadata") == [("1",)]
    point_at(asked.server.url, project="2")
    before = len(asked.server.targets)
    with Workspace(path=tmp_path / "x.db") as ws:
        with pytest.raises(ArgumentError, match="table t holds project 1, and this account reads project 2: choose"):
            ws.fetch_events("t", **span, **{mode: True})
        assert len(asked.server.targets) == before
        ws.fetch_events("t", **span, replace=True)
        assert ws.sql_rows("SELECT project_id FROM _metadata") == [("2",)]


def first_version(path: Path, **day: Any) -> None:
    """A database as the first version made it: its ledger knows no project and no strays."""
    with duckdb.connect(path) as con:
        con.execute(
            "CREATE TABLE t (event_name VARCHAR, event_time TIMESTAMP, distinct_id VARCHAR, insert_id VARCHAR, properties JSON)"
        )
        con.execute(
            "INSERT INTO t VALUES ('e', '2024-01-01 12:00', 'u', 'i1', '{}'), ('e', NULL, 'u', 'i2', '{}'), ('e', NULL, 'u', 'i3', '{}')"
        )
        con.execute(
            "CREATE TABLE _metadata (table_name VARCHAR, type VARCHAR, fetched_at TIMESTAMP, from_date DATE, to_date DATE, filter_events JSON, filter_where VARCHAR, row_count BIGINT, options JSON)"
        )
        options = json.dumps({"properties": "json", "columns": {}, "deduplicate": True})
        con.execute(
            "INSERT INTO _metadata VALUES ('t', 'events', '2024-02-01', '2024-01-01', '2024-01-01', NULL, NULL, 3, ?)",
            [options],
        )
        con.execute("CREATE TABLE _loaded_days (table_name VARCHAR, day DATE, rows BIGINT, loaded_at TIMESTAMP)")
        con.execute("INSERT INTO _loaded_days VALUES ('t', '2024-01-01', 1, '2024-02-01')")


def test_a_table_of_the_first_version_is_adopted_where_its_file_tells_the_project(
    project: Callable[[Events], Project], tmp_path: Path
) -> None:
    asked = project(ODD)
    (tmp_path / "databases").mkdir()
    first_version(tmp_path / "databases" / "1.db")
    with Workspace() as ws:
        assert [(table.name, table.rows) for table in ws.tables()] == [("t", 3)]
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-03", sync=True)
        assert ids(ws) == asked.rows("2024-01-01", "2024-01-03")
        assert ws.sql_rows("SELECT project_id FROM _metadata") == [("1",)]


def test_a_table_of_the_first_version_is_asked_about_elsewhere(
    project: Callable[[Events], Project], tmp_path: Path
) -> None:
    asked = project(ODD)
    first_version(tmp_path / "x.db")
    span = {"from_date": "2024-01-01", "to_date": "2024-01-03"}
    with Workspace(path=tmp_path / "x.db") as ws:
        with pytest.raises(ArgumentError, match=r"if it holds project 1, say so once with Workspace.adopt\('t'\)"):
            ws.fetch_events("t", **span, append=True)
        assert ids(ws) == ["i1", "i2", "i3"]
        ws.adopt("t")
        ws.fetch_events("t", **span, append=True)
        assert ids(ws) == asked.rows("2024-01-01", "2024-01-03")


@pytest.mark.parametrize(
    ("zone", "loaded_at", "asked"),
    [
        ("UTC", "2024-01-02 00:00", False),
        ("UTC", "2024-01-01 23:59:59", True),
        ("America/Los_Angeles", "2024-01-02 07:59:59", True),
        ("America/Los_Angeles", "2024-01-02 08:00", False),
        (None, "2024-01-02 11:59:59", True),
        (None, "2024-01-02 12:00", False),
    ],
)
def test_a_day_is_complete_when_it_was_asked_for_after_its_end(
    project: Callable[[Events], Project], monkeypatch: pytest.MonkeyPatch, zone: str | None, loaded_at: str, asked: bool
) -> None:
    project({"2024-01-01": [event(1, seconds("2024-01-01"))]})
    if zone is None:
        monkeypatch.delenv("MP_TIMEZONE")
    else:
        monkeypatch.setenv("MP_TIMEZONE", zone)
    span = {"from_date": "2024-01-01", "to_date": "2024-01-01"}
    with Workspace() as ws:
        ws.fetch_events("t", resume=True, **span)
        ws.sql("UPDATE _loaded_days SET loaded_at = ?", [loaded_at])
        assert len(ws.plan_events("t", resume=True, **span).requests) == int(asked)


def test_a_day_is_stamped_before_mixpanel_is_asked(project: Callable[[Events], Project], sandbox: Sandbox) -> None:
    """Else a day that ends between the request and the load would never be fetched again."""
    project({"2024-01-01": []})
    with Workspace() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-01", resume=True)
        ((stamped, asked),) = ws.sql_rows(
            "SELECT (SELECT loaded_at FROM _loaded_days), (SELECT min(started_at) FROM mixpanel_requests() WHERE endpoint LIKE '%export')"
        )
    assert stamped <= asked
    assert asked - stamped < timedelta(minutes=1)


def test_lines_that_are_no_events_are_left_out_by_choice_and_kept_beside(project: Callable[[Events], Project]) -> None:
    bad: list[Any] = ["no event", {"time": 3}]
    project({"2024-01-01": [event(1, seconds("2024-01-01")), *bad], "2024-01-05": [event(2, seconds("2024-01-05"))]})
    with Workspace.memory() as ws:
        span = {"from_date": "2024-01-01", "to_date": "2024-01-05"}
        with pytest.raises(BadLineError, match=r"line 2 of 2024-01-01 is no event: '\"no event\"'"):
            ws.fetch_events("t", **span)
        for again in ({}, {"append": True}, {"replace": True}):
            with pytest.warns(MixpanelDataWarning, match="2 lines are no events and were left out"):
                assert ws.fetch_events("t", **span, **again, on_bad_line="skip").skipped_lines == 2
            kept = ws.sql_rows("SELECT table_name, from_date <= '2024-01-01', line FROM _skipped_lines")
            assert kept == [("t", True, json.dumps(line)) for line in bad]
        assert ws.sql_scalar("SELECT count(*) FROM t") == 2
        ws.drop("t")
        assert ws.sql_rows("FROM _skipped_lines") == []


@pytest.mark.filterwarnings("ignore:.*was left out")
def test_a_line_that_is_no_event_is_kept_once_whichever_windows_bring_it(project: Callable[[Events], Project]) -> None:
    asked = project({"2024-01-03": [event(1, seconds("2024-01-03")), "no event"]})  # type: ignore[list-item]

    def fetch(first: str, last: str) -> list[tuple[Any, ...]]:
        ws.fetch_events("t", from_date=first, to_date=last, append=True, on_bad_line="skip", parallel=1)
        return ws.sql_rows("SELECT line FROM _skipped_lines")

    with Workspace.memory() as ws:
        ws.fetch_events("t", from_date="2024-01-01", to_date="2024-01-04", on_bad_line="skip", parallel=1)
        for first, last in [("2024-01-03", "2024-01-05"), ("2024-01-02", "2024-01-03"), ("2024-01-01", "2024-01-02")]:
            assert fetch(first, last) == [('"no event"',)]
        asked.events["2024-01-03"].pop()
        assert fetch("2024-01-03", "2024-01-03") == []
