"""What is saved in Mixpanel, by its id or its name."""

from __future__ import annotations

import json

import duckdb
import pytest

from mixpanel_data import Workspace
from mixpanel_data.exceptions import ArgumentError, NotFoundError
from mixpanel_data.sandbox import Fault, Sandbox

DAYS = {"from_date": "2024-01-01", "to_date": "2024-01-31"}
BY_NAME = (
    ("funnel({}, '2024-01-01', '2024-01-31')", "'Purchase funnel'", "7509"),
    ("saved_report({})", "'Purchases by plan'", "2002"),
    ("flows({})", "'After opening the app'", "4001"),
    ("profiles(cohort_id := {})", "'Buyers'", "1001"),
)


@pytest.mark.parametrize(("call", "name", "number"), BY_NAME)
def test_a_name_is_as_good_as_an_id(call: str, name: str, number: str, con: duckdb.DuckDBPyConnection) -> None:
    def rows(given: str) -> list[tuple[object, ...]]:
        # The last column may be an answer with the time at which it was made.
        return [row[:2] for row in con.execute(f"FROM mixpanel_{call.format(given)}").fetchall()]

    by_id = rows(number)
    assert len(by_id) > 3
    assert rows(name) == rows(name.upper()) == rows(f"'{number}'") == by_id


@pytest.mark.parametrize(("call", "name", "number"), BY_NAME)
@pytest.mark.parametrize("wrong", ["5", "'Nope'"])
def test_what_there_is_not_is_told_with_what_there_is(
    call: str, name: str, number: str, wrong: str, con: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error, match=rf"there is no .* {wrong}; there are: .*{number} \({name[1:-1]}\)"):
        con.execute(f"FROM mixpanel_{call.format(wrong)}").fetchall()


def test_a_name_that_several_have_is_refused_with_their_ids(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    listed = [{"funnel_id": number, "name": "Twins"} for number in (11, 12)]
    sandbox.faults.add(Fault(match="/funnels/list", status=200, body=json.dumps(listed)))
    with pytest.raises(duckdb.Error, match="2 funnels are called 'Twins': give the id of one: 11, 12"):
        con.execute("FROM mixpanel_funnel('Twins', '2024-01-01', '2024-01-31')")


def test_a_refusal_of_what_is_there_stands(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/funnels?", status=400, body='{"error": "the moon is full"}'))
    with pytest.raises(duckdb.Error, match="the moon is full"):
        con.execute("FROM mixpanel_funnel(7509, '2024-01-01', '2024-01-31')")


def test_a_list_that_cannot_be_had_hides_no_refusal(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/funnels/list", status=403, body='{"error": "scope"}'))
    with pytest.raises(duckdb.Error, match="Invalid funnel_id: 5"):
        con.execute("FROM mixpanel_funnel(5, '2024-01-01', '2024-01-31')")


def test_a_long_list_is_cut_with_the_nearest_names_first(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    listed = [{"funnel_id": number, "name": f"Funnel {number}"} for number in range(1000, 1050)]
    sandbox.faults.add(Fault(match="/funnels/list", status=200, body=json.dumps(listed)))
    said = r"there are: 1033 \(Funnel 1033\), .* and 30 more: FROM mixpanel_funnels\(\) lists them"
    with pytest.raises(duckdb.Error, match=said):
        con.execute("FROM mixpanel_funnel('Funnl 1033', '2024-01-01', '2024-01-31')")


def test_in_python(sandbox: Sandbox) -> None:
    with Workspace.memory("sandbox") as ws:
        found = ws.funnel("purchase funnel", **DAYS)
        assert (found.funnel_id, found.funnel_name) == (7509, "Purchase funnel")
        assert ws.flows("After opening the app").arrow.num_rows > 3
        with pytest.raises(NotFoundError, match=r"no funnel 5; there are: 7509"):
            ws.funnel(5, **DAYS)
        with pytest.raises(NotFoundError, match=r"no cohort 'Nope'; there are: 1001"):
            ws.fetch_profiles(cohort="Nope")
        with pytest.raises(ArgumentError, match="funnel_id must be an id or a name"):
            ws.funnel(1.5, **DAYS)  # type: ignore[arg-type]
