"""Asking no more than Mixpanel allows: each request is counted before it is sent, and waits for its turn if it must."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from ..config import SANDBOX
from ..credentials import Credentials
from ..exceptions import MixpanelDataError, RateLimitError, StorageError, warn
from .endpoints import Endpoint
from .entry import BudgetKey, Entry
from .journal import Journal, journal_of
from .limits import HOUR, LIMITS, NOT_COUNTED, SANDBOX_LIMITS, Budget, Limits
from .progress import Reporter

ITEM = re.compile(r'"(?P<name>[^"]*)"(?P<parameters>(?:\s*;\s*\w+=[^;,]*)*)')
NARROWING = ("event", "where", "limit")


class Budgets:
    """The budgets of one project."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    @asynccontextmanager
    async def spend(
        self, endpoint: Endpoint, params: Mapping[str, Any], attempt: int, reporter: Reporter
    ) -> AsyncGenerator[Entry]:
        """Waits until the request may be sent, and notes what comes of it. It counts from when it has left.

        Raises:
            RateLimitError: the budget is spent, and the caller does not want to wait.
            StorageError: another process holds the journal.
        """
        entry = self._entry(endpoint, params, attempt)
        await self._turn(entry, reporter)
        try:
            reporter.budget_left(self.left(endpoint.budget))
            yield entry
        except BaseException as error:
            self._note_failure(entry, error)
            raise
        finally:
            self._end(entry)

    def leave(self, entry: Entry) -> None:
        """Notes that the request leaves now."""
        self._journal.leave(entry)

    def left(self, budget: Budget) -> int | None:
        """How many requests the budget has for this hour; None if it has no end."""
        quota = self.hourly(budget)
        return None if quota is None else max(0, quota - self.used(budget, HOUR))

    def used(self, budget: Budget, seconds: float) -> int:
        """How many requests were charged in the last so many seconds."""
        return self._journal.used(self.key(budget), seconds)

    def hourly(self, budget: Budget) -> int | None:
        """How many requests the budget allows in an hour; None if there is no such limit."""
        return next((rate.requests for rate in self.limits(budget).rates if rate.seconds == HOUR), None)

    def frees_in(self, budget: Budget, window: float | None = None) -> float:
        """Seconds until one more request is allowed, or until the window of this length has room for it; 0 if now."""
        limits = self.limits(budget)
        if window is not None:
            rates = tuple(rate for rate in limits.rates if rate.seconds == window)
            limits = replace(limits, rates=rates, at_once=None)
        return self._journal.frees_in(self.key(budget), limits)

    def bytes_a_day(self) -> float | None:
        """What a whole day of events has weighed so far, gzipped; None if nothing is known."""
        return self._journal.bytes_a_day(self.key(Budget.EXPORT))

    def limits(self, budget: Budget) -> Limits:
        """What is allowed: as published, unless Mixpanel or the configuration said otherwise of this project."""
        published = SANDBOX_LIMITS if self._credentials.account == SANDBOX else LIMITS
        hourly = self._journal.hourly(self.key(budget)) or self._credentials.requests_per_hour
        return published[budget].with_hourly(hourly) if hourly else published[budget]

    def key(self, budget: Budget) -> BudgetKey:
        credentials = self._credentials
        host = urlsplit(credentials.base_url).netloc if credentials.base_url else credentials.region
        return BudgetKey(host, credentials.project_id, budget)

    def correct(self, key: BudgetKey, error: RateLimitError) -> None:
        """Believes what a 429 says of the budget."""
        hourly = next(
            (item["q"] for item in _items(error.details.get("policy")) if item.get("w") == HOUR and "q" in item), None
        )
        wait = error.retry_after if error.retry_after is not None else _reset(error.details.get("limits"))
        self._journal.correct(key, hourly=int(hourly) if hourly else None, closed_for=min(wait or 0, HOUR))

    @property
    def _journal(self) -> Journal:
        return journal_of(self._credentials)

    def _entry(self, endpoint: Endpoint, params: Mapping[str, Any], attempt: int) -> Entry:
        first, last = _day(params.get("from_date")), _day(params.get("to_date"))
        return Entry(
            self.key(endpoint.budget),
            str(endpoint),
            self._credentials.account,
            first.isoformat() if first else None,
            last.isoformat() if last else None,
            (last - first).days + 1 if first and last else None,
            whole_days=not any(params.get(name) for name in NARROWING),
            attempt=attempt,
            counts=not endpoint.is_free(params),
        )

    async def _turn(self, entry: Entry, reporter: Reporter) -> None:
        while wait := self._journal.begin(entry, self.limits(entry.key.budget)):
            await reporter.pause(wait, self._spent(entry.key))

    def _spent(self, key: BudgetKey) -> str:
        hourly = self.hourly(key.budget)
        used = self.used(key.budget, HOUR)
        how = f" ({used} of {hourly} requests in the last hour)" if hourly else ""
        return f"the {key.budget.value} budget of project {key.project} is spent{how}"

    def _end(self, entry: Entry) -> None:
        """An answer that is there is not lost because it cannot be noted."""
        try:
            self._journal.end(entry)
        except StorageError as error:
            if entry.error is None:
                warn(error.message)

    def _note_failure(self, entry: Entry, error: BaseException) -> None:
        if isinstance(error, MixpanelDataError):
            entry.error = error.code
            entry.status = error.details.get("status", entry.status)
        else:
            entry.error = "cancelled"
        is_charged = entry.status not in NOT_COUNTED if entry.status is not None else entry.has_left
        entry.counts = entry.counts and is_charged
        if isinstance(error, RateLimitError) and entry.status is not None:
            self.correct(entry.key, error)


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _items(header: str | None) -> list[dict[str, float]]:
    """The items of a RateLimit or RateLimit-Policy header.

    Source: the IETF draft "RateLimit header fields for HTTP", as Mixpanel sends them.
    """
    found = []
    for item in ITEM.finditer(header or ""):
        pairs = (part.strip().partition("=") for part in item["parameters"].split(";") if part.strip())
        found.append({name: float(value) for name, _, value in pairs if re.fullmatch(r"\d+(\.\d+)?", value.strip())})
    return found


def _reset(header: str | None) -> float | None:
    """Seconds until what has run out is there again."""
    return max((item["t"] for item in _items(header) if item.get("r") == 0 and "t" in item), default=None)
