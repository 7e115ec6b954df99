"""Days that are told from today."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from mixpanel_data import Workspace, register
from mixpanel_data.exceptions import ArgumentError
from mixpanel_data.functions.relative import DaysAgo, days_ago
from mixpanel_data.sandbox import Sandbox


@pytest.mark.parametrize(
    ("text", "days"), [("today", 0), ("Yesterday", 1), ("7d", 7), ("0D", 0), (" 30d ", 30), ("99999d", 99999)]
)
def test_days_from_today(text: str, days: int) -> None:
    assert days_ago(text) == DaysAgo(days)


@pytest.mark.parametrize("text", ["", "tomorrow", "d", "-1d", "7", "7 d", "7w", "123456d", "2024-01-01"])
def test_what_is_none(text: str) -> None:
    assert days_ago(text) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_today_is_that_of_the_project(zone: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"USERNAME": sandbox.username, "SECRET": sandbox.secret, "PROJECT_ID": "1"}.items():
        monkeypatch.setenv(f"MP_{name}", value)
    monkeypatch.setenv("MP_API_BASE_URL", sandbox.url)
    monkeypatch.setenv("MP_TIMEZONE", zone)
    with duckdb.connect() as con:
        register(con)
        before = datetime.now(ZoneInfo(zone)).date()
        ((first,), *_, (last,)) = con.execute("SELECT day FROM mixpanel_days('2d', 'today') ORDER BY day").fetchall()
        after = datetime.now(ZoneInfo(zone)).date()
    assert before <= last <= after
    assert first == last - timedelta(days=2)


def test_mixpanel_is_asked_for_dates(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_segmentation('Purchase', '3d', 'yesterday')").fetchall()
    ((first, last),) = con.execute("SELECT max(day) - 2, max(day) FROM mixpanel_days('3d', 'yesterday')").fetchall()
    assert [sandbox.requests[-1].params[name] for name in ("from_date", "to_date")] == [str(first), str(last)]


def test_swapped(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match=r"from_date \d{4}-\d\d-\d\d is after to_date \d{4}-\d\d-\d\d: swap them"):
        con.execute("FROM mixpanel_segmentation('Purchase', 'today', '7d')")


def test_in_python(sandbox: Sandbox) -> None:
    with Workspace.memory("sandbox") as ws:
        fetched = ws.fetch_events("lately", from_date="2d", to_date="yesterday")
        assert fetched.days == 2
        assert ws.fetch_events("lately", from_date="3d", to_date="yesterday", resume=True).days == 1
        assert ws.segmentation("Purchase", from_date="2d", to_date="yesterday").arrow.num_rows == 2
        with pytest.raises(ArgumentError, match="today, yesterday, or 7d"):
            ws.fetch_events("other", from_date="tomorrow")


def test_every_day_says_so() -> None:
    with Workspace.memory("sandbox") as ws:
        told = ws.sql_rows(
            "SELECT DISTINCT p.doc LIKE '%7d for seven days ago%' FROM (SELECT unnest(parameters) AS p FROM "
            "mixpanel_functions() WHERE endpoint IS NOT NULL) WHERE p.name IN ('from_date', 'to_date')"
        )
    assert [tuple(row) for row in told] == [(True,)]
