"""A request as it is noted in the journal, and the budget that it is charged to."""

from __future__ import annotations

from dataclasses import dataclass

from .limits import Budget


@dataclass(frozen=True)
class BudgetKey:
    """One budget of one project."""

    host: str
    project: str
    budget: Budget

    @property
    def values(self) -> tuple[str, str, str]:
        return (self.host, self.project, self.budget.value)


@dataclass
class Entry:
    """One request, as it is noted before it is sent; what comes of it is filled in at the end."""

    key: BudgetKey
    endpoint: str
    account: str | None = None
    from_date: str | None = None
    to_date: str | None = None
    days: int | None = None
    whole_days: bool = False
    """Whether the answer is all there is of these days."""
    attempt: int = 1
    counts: bool = True
    has_left: bool = False
    status: int | None = None
    error: str | None = None
    rows: int | None = None
    bytes: int = 0
    id: int | None = None
