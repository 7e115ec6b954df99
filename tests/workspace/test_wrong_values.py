"""Values that can be no names, no paths and no accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mixpanel_data import Workspace, auth, databases, exploring
from mixpanel_data.exceptions import MixpanelDataError

HALF = "\ud800"
DAYS = {"from_date": "2024-01-01", "to_date": "2024-01-02"}
ODD: Any = 1.5
CASES: dict[str, Callable[[Workspace], Any]] = {
    "an account that is a number": lambda _: Workspace(ODD),
    "an account that is a list": lambda _: Workspace([ODD]),  # type: ignore[arg-type]
    "an account": lambda _: Workspace(HALF),
    "a path that is a number": lambda _: Workspace("sandbox", path=ODD),
    "a path": lambda _: Workspace("sandbox", path=f"{HALF}.db"),
    "a path with a zero": lambda _: Workspace("sandbox", path="/tmp/a\0b.db"),
    "a path to open": lambda _: Workspace.open(ODD),
    "a project": lambda _: Workspace("sandbox", project_id=HALF),
    "a table": lambda ws: ws.fetch_events(HALF, **DAYS),
    "an event": lambda ws: ws.fetch_events("a", events=[HALF], **DAYS),
    "a filter": lambda ws: ws.fetch_events("a", where=HALF, **DAYS),
    "a day": lambda ws: ws.fetch_events("a", from_date=HALF),
    "a column": lambda ws: ws.fetch_events("a", columns={HALF: "plan"}, **DAYS),
    "a question": lambda ws: ws.segmentation(HALF, **DAYS),
    "a property": lambda ws: ws.property_values("Purchase", HALF),
    "a funnel": lambda ws: ws.funnel(HALF, **DAYS),
    "users": lambda ws: ws.fetch_profiles(distinct_ids=[HALF]),
    "SQL": lambda ws: ws.sql(f"SELECT '{HALF}'"),
    "SQL that is a number": lambda ws: ws.sql(ODD),
    "a table to look at": lambda ws: ws.schema(HALF),
    "a table to drop": lambda ws: ws.drop(HALF),
    "a table to keep": lambda ws: ws.keep(ws.cohorts, HALF),
    "a file": lambda ws: ws.export(f"{HALF}.csv"),
    "a script": lambda ws: ws.jql(HALF),
    "an account to add": lambda _: auth.add_account(HALF, "u", "s", "1", "us"),
    "an account to add that is a number": lambda _: auth.add_account(ODD, "u", "s", "1", "us"),
    "a user to add": lambda _: auth.add_account("n", HALF, "s", "1", "us"),
    "a secret to add": lambda _: auth.add_account("n", "u", HALF, "1", "us"),
    "an account to look at": lambda _: auth.get_account(ODD),
    "a database": lambda _: databases.create_database("1", HALF),
    "a database that is a number": lambda _: databases.create_database("1", ODD),
    "a project that is a number": lambda _: databases.list_databases(ODD),
    "a notebook": lambda ws: exploring.write_notebook(ws, f"{HALF}.ipynb"),
    "a notebook that is a number": lambda ws: exploring.write_notebook(ws, ODD),
}


@pytest.mark.parametrize("what", CASES)
def test_a_wrong_value_is_an_error_of_ours(what: str) -> None:
    with Workspace.memory("sandbox") as ws, pytest.raises(MixpanelDataError) as refused:
        CASES[what](ws)
    assert str(refused.value).encode()  # it can be printed
    assert "\n" not in str(refused.value)
