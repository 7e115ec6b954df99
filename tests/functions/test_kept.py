"""Answers about what there is are kept; numbers never are."""

from __future__ import annotations

import asyncio

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.functions import FUNCTIONS
from mixpanel_data.functions.kept import Kept
from mixpanel_data.sandbox import Fault, Sandbox

KEEPING = [function for function in FUNCTIONS if any(parameter.name == "refresh" for parameter in function.parameters)]


def paths(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.requests]


@pytest.mark.parametrize("function", KEEPING, ids=lambda function: function.name)
def test_the_second_time_nothing_is_asked(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, function) -> None:
    rows = con.execute(function.example).fetchall()
    assert rows
    assert con.execute(function.example).fetchall() == rows
    assert len(paths(sandbox)) == 1


@pytest.mark.parametrize("function", KEEPING, ids=lambda function: function.name)
def test_refresh_asks_again(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, function) -> None:
    con.execute(function.example).fetchall()
    call = function.example.removesuffix(")")
    separator = "" if call.endswith("(") else ", "
    con.execute(f"{call}{separator}refresh := true)").fetchall()
    assert len(paths(sandbox)) == 2


def test_which_functions_keep_their_answers() -> None:
    assert {function.name for function in KEEPING} == {
        "events",
        "properties",
        "property_values",
        "funnels",
        "cohorts",
        "bookmarks",
        "schemas",
        "projects",
        "workspaces",
    }


def test_numbers_are_asked_for_every_time(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    for _ in range(2):
        con.execute("FROM mixpanel_event_counts(['Purchase'], '2024-01-01', '2024-01-02')").fetchall()
    assert paths(sandbox) == ["/api/query/events"] * 2


def test_other_arguments_are_another_question(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_properties('Purchase')").fetchall()
    con.execute("FROM mixpanel_properties('Sign Up')").fetchall()
    con.execute("FROM mixpanel_properties('Purchase', workspace_id := 5)").fetchall()
    assert len(paths(sandbox)) == 3


def test_two_registrations_share_nothing(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_events()").fetchall()
    with duckdb.connect() as other:
        mixpanel_data.register(other, account="sandbox")
        other.execute("FROM mixpanel_events()").fetchall()
    assert len(paths(sandbox)) == 2


def test_all_of_it_can_be_refreshed(sandbox: Sandbox) -> None:
    with duckdb.connect() as con:
        registration = mixpanel_data.register(con, account="sandbox")
        con.execute("FROM mixpanel_events()").fetchall()
        registration.refresh()
        con.execute("FROM mixpanel_events()").fetchall()
    assert len(paths(sandbox)) == 2


def test_what_is_on_its_way_while_all_is_refreshed_is_not_kept() -> None:
    async def scene() -> list[str]:
        kept, gate = Kept(), asyncio.Event()

        async def slow() -> str:
            await gate.wait()
            return "before"

        async def quick() -> str:
            return "after"

        first = asyncio.ensure_future(kept.get("key", slow))
        await asyncio.sleep(0)
        kept.clear()
        gate.set()
        return [await first, await kept.get("key", quick)]

    assert asyncio.run(scene()) == ["before", "after"]


def test_a_failure_is_not_kept(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/funnels/list", status=400, body='{"error": "no"}'))
    with pytest.raises(duckdb.Error, match="refused the request: no"):
        con.execute("FROM mixpanel_funnels()").fetchall()
    assert con.execute("FROM mixpanel_funnels()").fetchall()


def test_one_statement_asks_once(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    query = "SELECT count(*) FROM mixpanel_events() a JOIN mixpanel_events() b USING (event_name)"
    assert con.execute(query).fetchall() == con.execute("SELECT count(*) FROM mixpanel_events()").fetchall()
    assert len(paths(sandbox)) == 1


def test_whoever_asks_meanwhile_waits_for_the_same_answer() -> None:
    asked = 0

    async def scene() -> list[int]:
        kept, gate = Kept(), asyncio.Event()

        async def ask() -> int:
            nonlocal asked
            asked += 1
            await gate.wait()
            return asked

        waiting = [asyncio.ensure_future(kept.get("key", ask)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.set()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(scene()) == [1, 1, 1]


def test_who_gives_up_leaves_the_others_their_answer() -> None:
    async def scene() -> str:
        kept, asking = Kept(), asyncio.Event()

        async def hang() -> str:
            asking.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        async def answer() -> str:
            return "answer"

        first = asyncio.ensure_future(kept.get("key", hang))
        await asking.wait()
        second = asyncio.ensure_future(kept.get("key", answer))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(scene()) == "answer"
