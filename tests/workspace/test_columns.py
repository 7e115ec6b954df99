"""Properties as columns of their own: what is not of the column's type is NULL there, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mixpanel_data import MixpanelDataWarning, Workspace
from mixpanel_data.client import Budget
from mixpanel_data.client.limits import LIMITS, Limits
from tests.servers import gzip_answer, lines, raw_server

VALUES: list[tuple[Any, str, Any]] = [
    (3, "BIGINT", 3),
    ("3", "BIGINT", 3),
    (3.0, "BIGINT", 3),
    (9007199254740993, "BIGINT", 9007199254740993),
    (3.7, "BIGINT", None),
    ("3.5", "INTEGER", None),
    (2**40, "INTEGER", None),
    ("many", "BIGINT", None),
    ("many", "DOUBLE", None),
    (3.7, "DOUBLE", 3.7),
    ("2024-02-30", "DATE", None),
    ("many", "VARCHAR", "many"),
    ([1], "BIGINT", None),
]


@pytest.mark.parametrize(("value", "kind", "stored"), VALUES)
def test_a_value_is_stored_as_it_is_or_counted_as_unfit(
    value: Any, kind: str, stored: Any, point_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [{"amount": value}, {}, {"amount": None}]
    events = [
        {"event": "e", "properties": {"time": 1704100000, "distinct_id": "u", "$insert_id": f"{n}", **one}}
        for n, one in enumerate(given)
    ]
    monkeypatch.setenv("MP_TIMEZONE", "UTC")
    monkeypatch.setitem(LIMITS, Budget.EXPORT, Limits())
    with raw_server(lambda _: gzip_answer(lines(events))) as server:
        point_at(server.url)
        with Workspace.memory() as ws:

            def fetch() -> Any:
                return ws.fetch_events(
                    "t", from_date="2024-01-01", to_date="2024-01-01", columns={"n": ("amount", kind)}
                )

            if stored is not None:
                assert fetch().not_cast == {}
            else:
                with pytest.warns(MixpanelDataWarning, match=f"column n: 1 of the values at .* cannot be {kind}"):
                    assert fetch().not_cast == {"n": 1}
            assert ws.sql_rows("SELECT n FROM t ORDER BY insert_id") == [(stored,), (None,), (None,)]
