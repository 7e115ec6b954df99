"""What an export would ask, before it asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from ..client import Budget
from .bodies import windows_of
from .declaration import Call, Column, table_function
from .export import ONLY_DAYS, PARAMETERS
from .zones import zone_of


@table_function(
    doc="The requests that mixpanel_export would make for the same arguments, without making any.",
    example="FROM mixpanel_export_plan('2024-01-01', '2024-03-31')",
    reads_account=True,
    parameters=(*PARAMETERS, ONLY_DAYS),
    columns=(
        Column("request", "BIGINT", "number of the request"),
        Column("from_date", "DATE", "first day it asks for"),
        Column("to_date", "DATE", "last day it asks for"),
        Column("days", "BIGINT", "how many days that is"),
        Column("expected_bytes", "BIGINT", "gzipped, judging by earlier requests; NULL if there were none"),
        Column("budget_before", "BIGINT", "requests left for this hour before it"),
        Column("budget_after", "BIGINT", "and after it; below 0 it has to wait for its turn"),
    ),
)
async def export_plan(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    zone = await zone_of(call.client, call.reporter)
    budgets = call.client.budgets
    left, a_day = budgets.left(Budget.EXPORT), budgets.bytes_a_day()
    rows = []
    for number, window in enumerate(windows_of(call, zone), 1):
        expected = None if a_day is None else round(a_day * window.days)
        before, after = (None, None) if left is None else (left - number + 1, left - number)
        rows.append((number, window.first, window.last, window.days, expected, before, after))
    yield rows
