"""What the Python methods return."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class AccountInfo:
    """An account of the configuration file. It never holds the secret."""

    name: str
    username: str
    """Of the service account."""
    project_id: str
    region: str
    """``us``, ``eu`` or ``in``."""
    is_default: bool
    """Whether it is the one that is used where none is named."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class TestResult:
    """Whether an account's credentials work."""

    __test__ = False  # pytest takes it for a test otherwise

    success: bool
    user: str | None
    """Who Mixpanel says we are."""
    error: str | None
    """One line that says what is wrong."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class FetchResult:
    """What a fetch has put into a table."""

    table: str
    rows: int
    """Rows that this fetch added or put in the place of others."""
    type: str
    """``events`` or ``profiles``."""
    duration_seconds: float
    date_range: tuple[str, str] | None
    """First and last day, inclusive."""
    fetched_at: datetime
    """In UTC."""
    duplicates: int = 0
    """Events that Mixpanel sent more than once, and that were left out."""
    days: int = 0
    """Days that were fetched; of a backfill resumed, only those that were missing."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "fetched_at": self.fetched_at.isoformat()}


@dataclass(frozen=True)
class PlannedRequest:
    """One request that a fetch would make."""

    from_date: date
    to_date: date
    days: int
    expected_bytes: int | None
    """Gzipped, judging by earlier requests; None if there were none."""


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch would ask, before it asks."""

    table: str
    requests: tuple[PlannedRequest, ...]
    budget_before: int | None
    """Export requests left for this hour; None if there is no limit."""

    @property
    def budget_after(self) -> int | None:
        """What would be left; below 0 the fetch has to wait."""
        return None if self.budget_before is None else self.budget_before - len(self.requests)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        requests = [
            {**asdict(request), "from_date": request.from_date.isoformat(), "to_date": request.to_date.isoformat()}
            for request in self.requests
        ]
        before = {"budget_before": self.budget_before, "budget_after": self.budget_after}
        return {"table": self.table, "requests": requests, **before}
