"""A project's days, and when they begin and end in UTC."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

from .declaration import Call, Column, Parameter, table_function
from .zones import complete_at, start_of, today, zone_of


@table_function(
    doc="The days of a range that have begun, in the project's time zone.",
    example="FROM mixpanel_days('2024-03-01', '2024-03-31')",
    reads_account=True,
    parameters=(
        Parameter("from_date", "DATE", "first day, inclusive", "'2024-03-01'", required=True),
        Parameter("to_date", "DATE", "last day, inclusive; today unless given", "'2024-03-31'"),
    ),
    columns=(
        Column("day", "DATE", "the day"),
        Column("starts_at", "TIMESTAMP", "when it begins, in UTC"),
        Column("ends_at", "TIMESTAMP", "when the next one begins, in UTC"),
        Column("is_over", "BOOLEAN", "whether it has ended"),
        Column(
            "complete_at",
            "TIMESTAMP",
            "when it has ended for certain; where no timezone is set, when it has everywhere",
        ),
    ),
)
async def days(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    zone = await zone_of(call.client, call.reporter)
    first, current, now = call["from_date"], today(zone), datetime.now(UTC).replace(tzinfo=None)
    last = min(call["to_date"] or current, current)
    rows, is_known = [], call.client.credentials.timezone is not None
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        end = start_of(day + timedelta(days=1), zone)
        rows.append((day, start_of(day, zone), end, end <= now, complete_at(day, zone, is_known=is_known)))
    yield rows
