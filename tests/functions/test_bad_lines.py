"""Lines that are no events, bodies that are no exports, and days that have not begun: over real HTTP."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import BadLineError, IncompleteExportError, MixpanelDataWarning, QueryError, ServerError
from mixpanel_data.client import Budget, retry
from mixpanel_data.client.limits import LIMITS, Limits
from tests.servers import RawServer, answer, chunked_answer, gzip_answer, json_answer, raw_server

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(31)]
MONTH = "FROM mixpanel_export('2024-01-01', '2024-01-31')"
DAY = "FROM mixpanel_export('2024-01-01', '2024-01-01')"
Lines = dict[date, list[str]]


def event(day: date, number: int = 0, **more: Any) -> str:
    time = int((datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).total_seconds()) + 60 * number
    return json.dumps({"event": "e", "properties": {"time": time, "$insert_id": f"{day} {number}", **more}})


def month() -> Lines:
    return {day: [event(day, number) for number in range(5)] for day in DAYS}


class Mixpanel:
    """A project whose days have these lines, and a DuckDB that reads it."""

    def __init__(self, server: RawServer, con: duckdb.DuckDBPyConnection) -> None:
        self._server = server
        self._registration = mixpanel_data.register(con)
        self._con = con

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._con.execute(query).fetchall()
        except duckdb.Error as error:
            raise self._registration.error_behind(error) or error from None

    @property
    def requests(self) -> int:
        return len(self._server.targets)


@pytest.fixture
def mixpanel(
    point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[date, date], bytes]], Mixpanel]]:
    replies: list[Callable[[date, date], bytes]] = []

    def reply(target: str) -> bytes:
        given = parse_qs(urlsplit(target).query)
        return replies[-1](*(date.fromisoformat(given[name][0]) for name in ("from_date", "to_date")))

    monkeypatch.setattr(retry, "FIRST_WAIT", 0)
    monkeypatch.setenv("MP_TIMEZONE", "UTC")
    monkeypatch.setitem(LIMITS, Budget.EXPORT, Limits())
    with raw_server(reply) as server, duckdb.connect() as con:
        point_at(server.url)

        def make(export: Callable[[date, date], bytes]) -> Mixpanel:
            replies.append(export)
            return Mixpanel(server, con)

        yield make


def serving(lines: Lines) -> Callable[[date, date], bytes]:
    def export(first: date, last: date) -> bytes:
        return gzip_answer("".join(f"{line}\n" for day in DAYS if first <= day <= last for line in lines[day]).encode())

    return export


def shuffled(lines: Lines, seed: int) -> Callable[[date, date], bytes]:
    """The same events for a window each time, in no order of days."""

    def export(first: date, last: date) -> bytes:
        found = [line for day in DAYS if first <= day <= last for line in lines[day]]
        random.Random(f"{seed} {first}").shuffle(found)
        return gzip_answer("".join(f"{line}\n" for line in found).encode())

    return export


BAD = '{"event":"e","properties":{"time":17, "a": tru\x01}}'


@pytest.mark.parametrize("place", [0, 2, 5])
@pytest.mark.parametrize("number", [0, 9, 10, 15, 30])
def test_a_month_with_a_bad_line_names_the_day_and_the_line_for_few_requests(
    mixpanel: Callable[..., Mixpanel], number: int, place: int
) -> None:
    lines = month()
    lines[DAYS[number]].insert(place, BAD)
    project = mixpanel(serving(lines))
    with pytest.raises(BadLineError) as raised:
        project.ask(MONTH)
    assert f"line {place + 1} of {DAYS[number]} is no event: '" in str(raised.value)
    assert "tru\\x01" in str(raised.value), "the place that cannot be read, with its control characters escaped"
    assert "on_bad_line := 'skip'" in str(raised.value)
    assert raised.value.details == {"line": place + 1, "day": str(DAYS[number])}
    assert project.requests <= 8


def test_the_day_of_a_bad_line_is_found_also_where_events_have_no_order(mixpanel: Callable[..., Mixpanel]) -> None:
    lines = month()
    for day in DAYS:
        lines[day] = [*lines[day][::-1], event(DAYS[(DAYS.index(day) + 7) % 31], 99)]
    lines[DAYS[13]].append(BAD)
    project = mixpanel(serving(lines))
    with pytest.raises(BadLineError, match=f"{DAYS[13]} is no event"):
        project.ask(MONTH)
    assert project.requests <= 8


@pytest.mark.parametrize("parallel", [1, 3])
def test_the_day_is_found_also_where_events_are_shuffled(mixpanel: Callable[..., Mixpanel], parallel: int) -> None:
    for number, day in enumerate(DAYS):
        lines = month()
        lines[day].append(BAD)
        project = mixpanel(shuffled(lines, seed=number))
        before = project.requests
        with pytest.raises(BadLineError, match=f" of {day} is no event") as raised:
            project.ask(MONTH.replace(")", f", parallel := {parallel})"))
        assert raised.value.details["day"] == str(day)
        assert project.requests - before <= 8


@pytest.mark.parametrize(("one", "two"), [(0, 30), (4, 18), (9, 10), (12, 25), (20, 21), (5, 6)])
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_two_bad_lines_of_a_month_cost_no_more_than_one(
    mixpanel: Callable[..., Mixpanel], one: int, two: int, is_shuffled: bool
) -> None:
    lines = month()
    for number in (one, two):
        lines[DAYS[number]].append(f"bad {number}")
    project = mixpanel(shuffled(lines, seed=one) if is_shuffled else serving(lines))
    with pytest.raises(BadLineError, match=" is no event: 'bad ") as raised:
        project.ask(MONTH)
    assert raised.value.details["day"] in {str(DAYS[one]), str(DAYS[two])}
    assert project.requests <= 8


@pytest.mark.parametrize("number", [0, 1, 9, 10, 21, 30])
def test_a_bad_line_that_looks_like_a_page_is_named_where_it_is_the_first_of_its_day(
    mixpanel: Callable[..., Mixpanel], number: int
) -> None:
    lines = month()
    lines[DAYS[number]].insert(0, "<html>")
    project = mixpanel(serving(lines))
    with pytest.raises(BadLineError, match=f"line 1 of {DAYS[number]} is no event: '<html>'; .* never left out"):
        project.ask(MONTH)
    assert project.requests <= 8


def test_of_a_sample_no_day_is_named_that_was_not_seen(mixpanel: Callable[..., Mixpanel]) -> None:
    lines = month()
    lines[DAYS[13]].append(BAD)
    everything = shuffled(lines, seed=1)

    def export(first: date, last: date) -> bytes:
        return everything(first, last) if last - first == timedelta(days=7) else gzip_answer(b"")

    with pytest.raises(BadLineError, match="the export of 2024-01-10 to 2024-01-17 is no event"):
        mixpanel(export).ask("FROM mixpanel_export('2024-01-10', '2024-01-17', max_rows := 30)")


def test_the_line_and_the_day_that_are_named_belong_together(mixpanel: Callable[..., Mixpanel]) -> None:
    lines = month()
    for number in (2, 7):
        lines[DAYS[number]].append(f"bad {number}")
    with pytest.raises(BadLineError) as raised:
        mixpanel(shuffled(lines, seed=5)).ask(MONTH)
    named = re.search(r"2024-01-0(\d) is no event: 'bad (\d)'", str(raised.value))
    assert named is not None
    assert int(named[1]) == int(named[2]) + 1


def test_a_bad_line_is_left_out_by_choice_and_counted(mixpanel: Callable[..., Mixpanel]) -> None:
    lines = month()
    lines[DAYS[13]].insert(2, BAD)
    lines[DAYS[14]].append('{"time": 5}')
    project = mixpanel(serving(lines))
    said = r"of 2024-01-\d\d to 2024-01-\d\d 2 lines are no events and were left out; the first: '.*tru"
    with pytest.warns(MixpanelDataWarning, match=said):
        rows = project.ask("FROM mixpanel_export('2024-01-01', '2024-01-31', on_bad_line := 'skip')")
    assert len(rows) == 31 * 5
    with pytest.warns(MixpanelDataWarning, match=said):
        held = project.ask(
            "SELECT from_date, skipped_lines FROM mixpanel_download('2024-01-01', '2024-01-31', on_bad_line := 'skip')"
        )
    assert [line for _, lines in sorted(held) for line in lines] == [BAD, '{"time": 5}']


def test_python_streams_leave_it_out_by_choice_too(point_at: Callable[..., None]) -> None:
    body = f"{event(FIRST)}\n{BAD}\n{event(FIRST, 1)}\n".encode()
    days = {"from_date": FIRST, "to_date": FIRST}
    with raw_server(lambda _: gzip_answer(body)) as server:
        point_at(server.url)
        with mixpanel_data.Workspace.memory() as ws:
            for stream in (ws.stream_events, ws.event_lines):
                with pytest.raises(BadLineError, match="line 2 of 2024-01-01"):
                    list(stream(**days))
                with pytest.warns(MixpanelDataWarning, match="of 2024-01-01 a line is no event and was left out"):
                    assert len(list(stream(**days, on_bad_line="skip"))) == 2


def test_a_body_of_bad_lines_alone_is_what_it_is_the_second_time(mixpanel: Callable[..., Mixpanel]) -> None:
    skipping = DAY.replace(")", ", on_bad_line := 'skip')")
    project = mixpanel(lambda *_: gzip_answer(f"{BAD}\n{BAD}\n".encode()))
    with pytest.warns(MixpanelDataWarning, match="of 2024-01-01 2 lines are no events and were left out"):
        assert project.ask(skipping) == []
    assert project.requests == 2
    bodies = iter([BAD, f"{BAD}\n{event(FIRST)}"])
    project = mixpanel(lambda *_: gzip_answer(next(bodies).encode()))
    with pytest.warns(MixpanelDataWarning, match="a line is no event"):
        assert len(project.ask(skipping)) == 1
    before = project.requests
    with pytest.raises(IncompleteExportError, match="holds no events, but 'no events'"):
        mixpanel(lambda *_: gzip_answer(b"no events\nat all\n")).ask(skipping)
    assert project.requests - before == 2


def test_what_says_that_a_body_is_not_whole_is_never_left_out(mixpanel: Callable[..., Mixpanel]) -> None:
    skipping = "FROM mixpanel_export('2024-01-01', '2024-01-01', on_bad_line := 'skip')"
    for body, said in [
        (f"{event(FIRST)}\nexport terminated early", "terminated early"),
        (f'{event(FIRST)}\n{{"error":"Timed out","request":"/e"}}\n', r"\(Timed out\)"),
        (f"{event(FIRST)}\n<html>\n<body>", "is no event"),
        (f"{event(FIRST)}\n{event(FIRST)[:40]}", "ends in the middle of a line"),
        ("no events\nat all\n", "holds no events, but 'no events'"),
    ]:
        with pytest.raises(IncompleteExportError, match=said):
            mixpanel(lambda *_, body=body: gzip_answer(body.encode())).ask(skipping)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("on_bad_line", ["error", "skip"])
def test_an_error_instead_of_events_is_shown_and_asked_for_once(
    mixpanel: Callable[..., Mixpanel], end: str, on_bad_line: str
) -> None:
    body = json.dumps({"request": "/api/2.0/export", "error": "This project was frozen"}) + end
    project = mixpanel(lambda *_: answer(body.encode()))
    with pytest.raises(QueryError, match="Mixpanel refused the request: This project was frozen"):
        project.ask(DAY.replace(")", f", on_bad_line := '{on_bad_line}')"))
    assert project.requests == 1


def test_a_web_page_instead_of_events_is_named_after_the_second_time(mixpanel: Callable[..., Mixpanel]) -> None:
    tries = iter(range(10))
    project = mixpanel(lambda *_: answer(f"<html>\n<title>Sign in</title>\n{next(tries)}</html>\n".encode()))
    with pytest.raises(ServerError, match='Mixpanel answered a web page titled "Sign in"'):
        project.ask(DAY)
    assert project.requests == 2


def test_an_export_that_was_ended_early_is_asked_for_again(mixpanel: Callable[..., Mixpanel]) -> None:
    bodies = iter([f"{event(FIRST)}\nterminated early", f"{event(FIRST)}\n{event(FIRST, 1)}\n"])
    project = mixpanel(lambda *_: gzip_answer(next(bodies).encode()))
    assert len(project.ask(DAY)) == 2


@pytest.mark.parametrize("send", [answer, gzip_answer, chunked_answer])
@pytest.mark.parametrize(("body", "events"), [("", 0), ("\n", 0), ("\n\n \n", 0), (event(FIRST), 1)])
def test_a_body_is_whole_without_a_last_newline(
    mixpanel: Callable[..., Mixpanel], send: Callable[[bytes], bytes], body: str, events: int
) -> None:
    if not body and send is chunked_answer:
        pytest.skip("an empty chunk is the last one")
    assert len(mixpanel(lambda *_: send(body.encode())).ask(DAY)) == events


def test_an_empty_body_called_gzip_is_empty_where_its_end_is_marked(
    mixpanel: Callable[..., Mixpanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    gzipped = "Content-Encoding: gzip\r\n"
    assert mixpanel(lambda *_: answer(b"", headers=gzipped)).ask(DAY) == []
    with pytest.raises(IncompleteExportError, match="nothing says that it has ended"):
        mixpanel(lambda *_: f"HTTP/1.1 200 OK\r\n{gzipped}\r\n".encode()).ask(DAY)


def test_a_day_that_has_not_begun_for_mixpanel_is_left_out_and_the_days_before_come(
    mixpanel: Callable[..., Mixpanel],
) -> None:
    lines = month()

    def export(first: date, last: date) -> bytes:
        if last == DAYS[-1]:
            return json_answer({"error": "to_date cannot be later than today"}, "400 Bad Request")
        return serving(lines)(first, last)

    project = mixpanel(export)
    with pytest.warns(MixpanelDataWarning, match="2024-01-31 has not begun yet where project 1 is.*timezone"):
        assert len(project.ask(MONTH)) == 30 * 5
    with pytest.warns(MixpanelDataWarning, match="MP_TIMEZONE"):
        assert project.ask("FROM mixpanel_export('2024-01-31', '2024-01-31')") == []


def test_another_refusal_of_a_date_is_shown_as_it_is(mixpanel: Callable[..., Mixpanel]) -> None:
    project = mixpanel(lambda *_: json_answer({"error": "from_date is older than 5 years"}, "400 Bad Request"))
    with pytest.raises(QueryError, match="from_date is older than 5 years"):
        project.ask(DAY)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ('"Virgo\x06"', "Virgo\x06"),
        ('"a\tb"', "a\tb"),
        ("9" * 5000, "9" * 5000),
        (r'"C:\Users"', r"C:\Users"),
        (r'"half \ud83d"', "half \ufffd"),
        ("[" * 3000 + "]" * 3000, "[" * 3000 + "]" * 3000),
    ],
)
def test_events_that_are_not_quite_json_are_kept_as_json(
    mixpanel: Callable[..., Mixpanel], raw: str, value: Any
) -> None:
    line = event(FIRST)[:-2] + f', "x": {raw}' + "}}"
    project = mixpanel(lambda *_: gzip_answer(f"{event(FIRST)}\n{line}\n{event(FIRST, 2)}\n".encode()))
    found = project.ask(f"SELECT json_valid(properties), properties->>'$.x' FROM ({DAY})")
    assert found == [(True, None), (True, value), (True, None)]


def test_events_that_duckdb_reads_and_python_does_not_are_kept(mixpanel: Callable[..., Mixpanel]) -> None:
    lines = ['{"event":"e","properties":{"time":1704067200,"n":[1,],"x":nan,}}', event(FIRST)]
    found = mixpanel(lambda *_: answer(f"\ufeff{lines[0]}\n{lines[1]}\n".encode())).ask(DAY)
    assert [row[0] for row in found] == ["e", "e"]
    assert len({row[3] for row in found}) == 2, "an id is made of what has none"


@pytest.mark.parametrize("name", ["9" * 5000, "[" * 3000 + "]" * 3000])
def test_a_name_that_python_does_not_read_is_kept(mixpanel: Callable[..., Mixpanel], name: str) -> None:
    line = f'{{"event":{name},"properties":{{"time":1704067200}}}}\n'
    assert mixpanel(lambda *_: answer(line.encode())).ask(f"SELECT event_name FROM ({DAY})") == [(name,)]


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("1704067200000000000", datetime(2024, 1, 1)),
        (str(-(10**24)), None),
        ("1e300", None),
        ("-1", datetime(1969, 12, 31, 23, 59, 59)),
    ],
)
def test_a_time_is_what_it_means_or_null(mixpanel: Callable[..., Mixpanel], time: str, moment: datetime | None) -> None:
    line = f'{{"event":"e","properties":{{"time":{time}}}}}\n'
    assert mixpanel(lambda *_: answer(line.encode())).ask(f"SELECT event_time FROM ({DAY})") == [(moment,)]


@pytest.mark.parametrize("said", ["Service is down for maintenance", "null", "[]"])
def test_words_instead_of_events_are_shown_and_cost_little(mixpanel: Callable[..., Mixpanel], said: str) -> None:
    project = mixpanel(lambda *_: answer(said.encode()))
    with pytest.raises((ServerError, BadLineError), match=re.escape(said)):
        project.ask(DAY)
    assert project.requests == 2


def test_a_title_is_found_in_a_page_of_several_lines(mixpanel: Callable[..., Mixpanel]) -> None:
    project = mixpanel(
        lambda *_: answer(b'<!DOCTYPE html>\n<html><head><title lang="en">Sign in</title></head></html>')
    )
    with pytest.raises(ServerError, match='a web page titled "Sign in"'):
        project.ask(DAY)


def test_a_refusal_of_every_day_as_too_late_is_an_error(mixpanel: Callable[..., Mixpanel]) -> None:
    project = mixpanel(lambda *_: json_answer({"error": "to_date cannot be later than today"}, "400 Bad Request"))
    with pytest.warns(MixpanelDataWarning), pytest.raises(QueryError, match="to_date cannot be later than today"):
        project.ask(MONTH)
    assert project.requests <= 6
