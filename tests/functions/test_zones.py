"""Projects that export local time: event_time is UTC all the same, and a day is the project's day."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.credentials import resolve_credentials
from mixpanel_data.exceptions import ConfigError, MixpanelDataWarning
from mixpanel_data.functions.zones import start_of
from tests.servers import RawServer, answer, gzip_answer, json_answer, lines, raw_server

NEW_YORK = "America/New_York"
SPRING = datetime(2024, 3, 9, tzinfo=ZoneInfo(NEW_YORK))
"""The day before the clocks go forward, at two in the morning."""


def local_events() -> list[dict[str, Any]]:
    """An event every half hour of real time, for three days over the change, as a project in New York exports them."""
    events = []
    for n in range(3 * 48 - 2):
        moment = SPRING.astimezone(UTC) + timedelta(minutes=30 * n)
        wall = moment.astimezone(ZoneInfo(NEW_YORK)).replace(tzinfo=UTC)
        properties = {
            "time": int(wall.timestamp()),
            "distinct_id": f"u{n}",
            "$insert_id": f"i{n}",
            "mp_processing_time_ms": int(moment.timestamp() * 1000) + 1500,
        }
        events.append({"event": "e", "properties": properties})
    return events


@contextmanager
def project() -> Iterator[RawServer]:
    """A project that exports local time, and counts days by it."""

    def reply(target: str) -> bytes:
        url = urlsplit(target)
        if url.path == "/api/app/me":
            return json_answer({"status": "ok", "results": {"projects": {"1": {"timezone": NEW_YORK}}}})
        given = parse_qs(url.query)
        first, last = given["from_date"][0], given["to_date"][0]
        found = [
            event
            for event in local_events()
            if first <= datetime.fromtimestamp(event["properties"]["time"], UTC).date().isoformat() <= last
        ]
        return gzip_answer(lines(found))

    with raw_server(reply) as server:
        yield server


@pytest.fixture
def read(point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    with project() as server:

        def run(query: str, zone: str | None = NEW_YORK) -> list[tuple[Any, ...]]:
            server.targets.clear()
            point_at(server.url)
            if zone:
                monkeypatch.setenv("MP_TIMEZONE", zone)
            with duckdb.connect() as con:
                mixpanel_data.register(con)
                return con.execute(query).fetchall()

        run.server = server  # type: ignore[attr-defined]
        yield run


def test_event_time_is_utc_over_the_change_to_summer_time(read: Callable[..., Any]) -> None:
    times = [time for (time,) in read("SELECT event_time FROM mixpanel_export('2024-03-09', '2024-03-11') ORDER BY 1")]
    start = SPRING.astimezone(UTC).replace(tzinfo=None)
    assert times == [start + timedelta(minutes=30 * n) for n in range(3 * 48 - 2)]


def test_the_day_of_the_change_has_23_hours(read: Callable[..., Any]) -> None:
    query = "SELECT count(*), min(event_time), max(event_time) FROM mixpanel_export('2024-03-10', '2024-03-10')"
    assert read(query) == [(46, datetime(2024, 3, 10, 5), datetime(2024, 3, 11, 3, 30))]


def test_where_on_utc_asks_for_the_right_local_days(read: Callable[..., Any]) -> None:
    query = "SELECT count(*) FROM mixpanel_export('2024-03-01', '2024-03-31') WHERE event_time >= '2024-03-10 05:00' AND event_time < '2024-03-11 04:00'"
    assert read(query) == [(46,)]
    (target,) = read.server.targets  # type: ignore[attr-defined]
    assert "from_date=2024-03-10&to_date=2024-03-10" in target


def test_mixpanel_can_be_asked_for_the_zone(read: Callable[..., Any]) -> None:
    assert read("SELECT min(event_time) FROM mixpanel_export('2024-03-09', '2024-03-09')", "project") == [
        (datetime(2024, 3, 9, 5),)
    ]
    assert "/api/app/me" in read.server.targets[0]  # type: ignore[attr-defined]


DAY = "SELECT min(event_time) FROM mixpanel_export('2024-03-09', '2024-03-09')"


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_that_look_local_are_told_of_and_nothing_is_recommended(
    read: Callable[..., Any], zone: str | None
) -> None:
    told = (
        "processed 5 h after their event_time in UTC: either the project exports the time of a clock that is 5 h behind"
    )
    with pytest.warns(MixpanelDataWarning, match=f"{told} UTC, .*, or they are sent that late, and all is well"):
        assert read(DAY, zone) == [(datetime(2024, 3, 9),)]


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlin", "6 h after their event_time in Europe/Berlin: either .* a clock that is 5 h behind UTC"),
        (
            "America/Los_Angeles",
            "3 h before their event_time in America/Los_Angeles: either .* 5 h behind UTC.*name its zone$",
        ),
    ],
)
def test_a_zone_that_the_data_contradict_is_told_of(read: Callable[..., Any], zone: str, told: str) -> None:
    with pytest.warns(MixpanelDataWarning, match=told):
        read(DAY, zone)


def test_a_zone_for_times_that_are_utc_already_is_advised_against(
    point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [
        {"event": "e", "properties": {"time": 1704067200 + n, "mp_processing_time_ms": 1000 * (1704067201 + n)}}
        for n in range(50)
    ]
    with raw_server(lambda _: gzip_answer(lines(sent))) as server, duckdb.connect() as con:
        point_at(server.url)
        monkeypatch.setenv("MP_TIMEZONE", "America/Los_Angeles")
        mixpanel_data.register(con)
        with pytest.warns(MixpanelDataWarning, match='8 h before .* but soon after it in UTC: write timezone = "UTC"'):
            con.execute("FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()


def test_events_that_come_late_each_in_its_own_time_say_nothing(point_at: Callable[..., None]) -> None:
    sent = [
        {"event": "e", "properties": {"time": 1704067200, "mp_processing_time_ms": 1000 * (1704067200 + 700 * n)}}
        for n in range(50)
    ]
    with raw_server(lambda _: gzip_answer(lines(sent))) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        assert len(con.execute("FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()) == 50


@pytest.mark.parametrize("time", ["nan", "-inf", "1e300", 1704067200000, float("nan")])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_that_are_none_say_nothing(
    point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch, time: Any, zone: str
) -> None:
    event = {"event": "A", "properties": {"time": time, "mp_processing_time_ms": 1704067200000}}
    with raw_server(lambda _: answer(lines([event] * 30))) as server, duckdb.connect() as con:
        point_at(server.url)
        monkeypatch.setenv("MP_TIMEZONE", zone)
        mixpanel_data.register(con)
        assert len(con.execute("FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()) == 30


@pytest.mark.parametrize(
    ("zone", "end"),
    [(None, datetime(2024, 3, 10, 12)), ("UTC", datetime(2024, 3, 10)), (NEW_YORK, datetime(2024, 3, 10, 5))],
)
def test_a_day_is_complete_when_it_has_ended_in_its_zone_or_everywhere(
    read: Callable[..., Any], zone: str | None, end: datetime
) -> None:
    assert read("SELECT complete_at FROM mixpanel_days('2024-03-09', '2024-03-09')", zone) == [(end,)]


def test_a_project_in_utc_is_not(con: duckdb.DuckDBPyConnection) -> None:
    with warnings.catch_warnings(record=True) as told:
        con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall()
        assert not told


def test_a_zone_that_does_not_exist(point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    point_at("http://127.0.0.1:1")
    monkeypatch.setenv("MP_TIMEZONE", "Mars")
    with pytest.raises(ConfigError, match="timezone: must be a time zone such as America/New_York, or project: 'Mars'"):
        resolve_credentials()


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        (date(2024, 3, 10), NEW_YORK, datetime(2024, 3, 10, 5)),
        (date(2024, 3, 11), NEW_YORK, datetime(2024, 3, 11, 4)),
        (date(2024, 1, 1), "Asia/Kolkata", datetime(2023, 12, 31, 18, 30)),
        (date(2024, 1, 1), None, datetime(2024, 1, 1)),
    ],
)
def test_when_a_day_begins(day: date, zone: str | None, start: datetime) -> None:
    assert start_of(day, zone) == start


def test_a_sample_without_processing_times_says_nothing(
    point_at: Callable[..., None],
) -> None:
    events = [{"event": "e", "properties": {"time": 1}}] * 50 + [
        {"event": "e", "properties": json.loads('{"time":"x"}')}
    ]
    with raw_server(lambda _: gzip_answer(lines(events))) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        assert con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall() == [(51,)]


@pytest.mark.parametrize(
    "call", ["segmentation('e', {days})", "funnel(1, {days})", "retention('a', 'b', {days})", "frequency({days})"]
)
def test_a_count_of_a_day_that_has_not_begun_is_refused_with_what_decides_it(answering: Any, call: str) -> None:
    refusal = json_answer({"error": "to_date cannot be later than today"}, "400 Bad Request")
    paths = ("segmentation", "funnels", "retention", "retention/addiction")
    con, _ = answering({f"/api/query/{path}": refusal for path in paths})
    said = (
        "to_date cannot be later than today .*time zone of project 1: write an earlier to_date; timezone in its account"
    )
    with pytest.raises(duckdb.Error, match=said):
        con.execute(f"FROM mixpanel_{call}".format(days="'2024-01-01', '2024-01-31'")).fetchall()
