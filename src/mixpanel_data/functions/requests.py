"""What was asked of Mixpanel from this machine, and how much may still be asked."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime
from typing import Any

from ..client import Budget
from ..client.journal import machine_journal, sandbox_journal
from .declaration import Call, Column, table_function


@table_function(
    doc="Every request this machine has sent to Mixpanel in the last 90 days, whichever process sent it.",
    example="FROM mixpanel_requests() LIMIT 20",
    columns=(
        Column("started_at", "TIMESTAMP", "when it was sent, in UTC"),
        Column("budget", "VARCHAR", "what it was paid from: export, query, lexicon or app"),
        Column("endpoint", "VARCHAR", "what was asked"),
        Column("account", "VARCHAR", "name of the account; NULL if the environment gave the credentials"),
        Column("project_id", "VARCHAR", "the project"),
        Column("host", "VARCHAR", "region of the project, or the address that was asked instead"),
        Column("from_date", "DATE", "first day asked for"),
        Column("to_date", "DATE", "last day asked for"),
        Column("attempt", "BIGINT", "1 for the first try"),
        Column("status", "BIGINT", "HTTP status; NULL where no answer came"),
        Column("error", "VARCHAR", "kind of failure; NULL where there was none"),
        Column("rows", "BIGINT", "events or items in the answer"),
        Column("bytes", "BIGINT", "bytes received, compressed"),
        Column("seconds", "DOUBLE", "how long it took; NULL while it runs, and for ever if its process was killed"),
        Column("counted", "BOOLEAN", "whether the budget was charged"),
    ),
)
async def requests_(_: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    rows = sandbox_journal().rows() + machine_journal().rows()
    yield [_row(*row) for row in sorted(rows, key=lambda row: row[0], reverse=True)]


def _row(started: float, budget: str, *rest: Any) -> tuple[Any, ...]:
    endpoint, account, project, host, first, last, attempt, status, error, rows, size, seconds, counts = rest
    days = (date.fromisoformat(day) if day else None for day in (first, last))
    is_counted = bool(counts) and budget != Budget.APP.value
    return (_utc(started), budget, endpoint, account, project, host, *days, attempt, status, error, rows, size, seconds,
            is_counted)  # fmt: skip


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@table_function(
    doc="What is left of an account's request budgets.",
    example="FROM mixpanel_budget()",
    reads_account=True,
    columns=(
        Column("budget", "VARCHAR", "export, query or lexicon"),
        Column("project_id", "VARCHAR", "the project, which all its accounts share the budget of"),
        Column("allowed", "BIGINT", "requests in each window"),
        Column("window_seconds", "BIGINT", "length of the window, which rolls"),
        Column("used", "BIGINT", "requests in the window that ends now, from this machine"),
        Column("remaining", "BIGINT", "requests that may still be sent in the window"),
        Column("frees_at", "TIMESTAMP", "when the window has room again, in UTC; NULL if it has now"),
        Column("at_once", "BIGINT", "requests that may be under way together"),
    ),
)
async def budget(call: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
    budgets = call.client.budgets
    yield [row for kind in Budget if (row := _budget_row(budgets, kind)) is not None]


def _budget_row(budgets: Any, kind: Budget) -> tuple[Any, ...] | None:
    limits = budgets.limits(kind)
    if not limits.rates:
        return None
    rate = limits.rates[0]
    used, wait = budgets.used(kind, rate.seconds), budgets.frees_in(kind, rate.seconds)
    frees_at = _utc(time.time() + wait) if wait else None
    left = 0 if wait else max(0, rate.requests - used)
    return (
        kind.value, budgets.key(kind).project, rate.requests, int(rate.seconds), used, left, frees_at, limits.at_once,
    )  # fmt: skip
