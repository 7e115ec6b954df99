"""Event names: all of them, not a month's worth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.sandbox import Sandbox
from tests.servers import json_answer, raw_server


def test_names_are_sorted_and_agree_with_the_export(con: duckdb.DuckDBPyConnection) -> None:
    names = con.execute("FROM mixpanel_events()").fetchall()
    assert names == sorted(names)
    exported = con.execute("SELECT DISTINCT event_name FROM mixpanel_export('2024-01-01', '2024-01-14')").fetchall()
    assert set(exported) == set(names)
    assert len(names) >= 10


def test_what_is_sent(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_events(workspace_id := 7)").fetchall()
    (request,) = sandbox.requests
    assert (request.method, request.path) == ("GET", "/api/query/events/names")
    assert request.params == {
        "project_id": "1",
        "workspace_id": "7",
        "type": "general",
        "limit": "5000",
        "from_date": "2000-01-01",
    }


def test_a_short_history_is_asked_for_again(point_at: Callable[..., None]) -> None:
    def reply(target: str) -> bytes:
        if "from_date=2000" in target:
            return json_answer({"error": "Date range exceeds 90 days into the past"}, "403 Forbidden")
        return json_answer(["b", "a"])

    with raw_server(reply) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        assert con.execute("FROM mixpanel_events()").fetchall() == [("a",), ("b",)]
    earliest = datetime.now(UTC).date() - timedelta(days=89)
    assert parse_qs(urlsplit(server.targets[1]).query)["from_date"] == [earliest.isoformat()]


def test_another_403_is_an_error(point_at: Callable[..., None]) -> None:
    with (
        raw_server(lambda _: json_answer({"error": "no"}, "403 Forbidden")) as server,
        duckdb.connect() as con,
    ):
        point_at(server.url)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error, match="may not read this"):
            con.execute("FROM mixpanel_events()").fetchall()
        assert len(server.targets) == 1


def test_an_answer_that_is_no_list_of_names_is_an_error(point_at: Callable[..., None]) -> None:
    with raw_server(lambda _: json_answer({"results": {}})) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error, match="something else than a list"):
            con.execute("FROM mixpanel_events()").fetchall()


def test_names_of_any_kind(point_at: Callable[..., None]) -> None:
    names = [None, 5, 'q"', "\u2028", "😀", "", "a'b"]
    with raw_server(lambda _: json_answer(names)) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        assert con.execute("FROM mixpanel_events()").fetchall() == sorted(
            (str(name),) for name in names if name is not None
        )
