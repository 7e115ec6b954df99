"""What the Python methods return."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@dataclass(frozen=True)
class Shown:
    """Base of everything that is returned: it can be had as plain values, and has a look in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items()}

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in vars(self).items()
        )
        return f"<table>{''.join(rows)}</table>"


@dataclass(frozen=True)
class AccountInfo(Shown):
    """An account of the configuration file. It never holds the secret."""

    name: str
    username: str
    """Of the service account."""
    project_id: str
    region: str
    """``us``, ``eu`` or ``in``."""
    is_default: bool
    """Whether it is the one that is used where none is named."""


@dataclass(frozen=True)
class TestResult(Shown):
    """Whether an account's credentials work."""

    __test__ = False  # pytest takes it for a test otherwise

    success: bool
    user: str | None
    """Who Mixpanel says we are."""
    error: str | None
    """One line that says what is wrong."""


@dataclass(frozen=True)
class DatabaseInfo(Shown):
    """A database in the data folder."""

    name: str
    """``default``, or what it was called when it was made."""
    project_id: str
    path: Path
    size_mb: float
    """With what is still in its ``.wal`` file."""
    is_current: bool
    """Whether it is the one that ``Workspace()`` and ``mp`` use."""
    modified_at: datetime | None
    """In UTC; None while nothing was written, and so there is no file."""


@dataclass(frozen=True)
class FetchResult(Shown):
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
    not_cast: dict[str, int] = field(default_factory=dict)
    """For each column of the caller's the values that are not of its type, and so are NULL there."""
    skipped_lines: int = 0
    """Lines that are no events and were left out, as was asked for; the table ``_skipped_lines`` has them."""
    rows_in_table: int = 0
    """Rows that the table has now, those of earlier fetches included."""


@dataclass(frozen=True)
class PlannedRequest(Shown):
    """One request that a fetch would make."""

    from_date: date | None
    """None where profiles are asked for, which have no dates."""
    to_date: date | None
    days: int
    expected_bytes: int | None
    """Gzipped, judging by earlier requests; None if there were none."""


@dataclass(frozen=True)
class FetchPlan(Shown):
    """What a fetch would ask, before it asks."""

    table: str
    requests: tuple[PlannedRequest, ...]
    budget_before: int | None
    """Requests left for this hour; None if there is no limit."""

    @property
    def budget_after(self) -> int | None:
        """What would be left; below 0 the fetch has to wait."""
        return None if self.budget_before is None else self.budget_before - len(self.requests)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**super().to_dict(), "budget_after": self.budget_after}


@dataclass(frozen=True)
class FunnelInfo(Shown):
    """A saved funnel."""

    funnel_id: int
    name: str

    @property
    def id(self) -> int:
        """The same as ``funnel_id``."""
        return self.funnel_id


@dataclass(frozen=True)
class SavedCohort(Shown):
    """A saved cohort."""

    id: int
    name: str
    count: int
    """Users in it."""
    description: str
    created: str
    """In ISO form, as Mixpanel has it."""
    is_visible: bool
    """Whether it is shown in Mixpanel."""


@dataclass(frozen=True)
class BookmarkInfo(Shown):
    """A saved report."""

    id: int
    name: str
    type: str
    """``insights``, ``funnels``, ``retention``, ``flows`` and so on."""
    description: str | None
    created: datetime | None
    modified: datetime | None
    creator: str | None
    workspace_id: int | None
    """The data view it is in."""


@dataclass(frozen=True)
class LexiconSchema(Shown):
    """What the Lexicon says of an event or of profiles."""

    entity_type: str
    """``event``, ``profile`` and so on."""
    name: str
    display_name: str | None
    description: str | None
    properties: dict[str, Any]
    """For each property what is known of it: type, description."""
    tags: list[str]
    hidden: bool | None
    dropped: bool | None


@dataclass(frozen=True)
class TopEvent(Shown):
    """One of today's most frequent events."""

    event: str
    count: int | float
    """A whole number unless the type is ``average``."""
    percent_change: float
    """Since yesterday, in percent: 12.3 is an eighth more."""


@dataclass(frozen=True)
class AnnotationInfo(Shown):
    """A note on a point in time."""

    id: int
    date: datetime | None
    """As Mixpanel has it."""
    description: str | None
    user: str | None
    """Who wrote it."""
    tags: list[str]


@dataclass(frozen=True)
class ProjectInfo(Shown):
    """A project that the account may read."""

    id: int
    name: str | None
    timezone: str | None
    organization_id: int | None
    organization: str | None
    domain: str | None
    """The host that serves it, where Mixpanel says so."""
    has_workspaces: bool | None
    """Whether it has data views."""


@dataclass(frozen=True)
class FunctionInfo(Shown):
    """A table function."""

    name: str
    """What to write in SQL."""
    doc: str
    parameters: list[str]
    """As in SQL: ``unit := 'day'``, with what it is unless given, or only the name where it must be given."""
    cost: str
    """What a call takes from the request budget."""
    example: str


@dataclass(frozen=True)
class RequestInfo(Shown):
    """A request that was sent to Mixpanel."""

    started_at: datetime
    """In UTC."""
    budget: str
    """What it was paid from: ``export``, ``query``, ``lexicon`` or ``app``."""
    endpoint: str
    account: str | None
    project_id: str
    from_date: date | None
    to_date: date | None
    attempt: int
    """1 for the first try."""
    status: int | None
    """The HTTP status; None where no answer came."""
    error: str | None
    """The kind of failure."""
    rows: int | None
    """Events or items in the answer."""
    bytes: int | None
    """Received, compressed."""
    seconds: float | None
    counted: bool
    """Whether the budget was charged."""


@dataclass(frozen=True)
class BudgetInfo(Shown):
    """One of a project's request budgets."""

    budget: str
    """``export``, ``query`` or ``lexicon``."""
    project_id: str
    allowed: int
    """Requests in each window."""
    window_seconds: int
    """Length of the window, which rolls."""
    used: int
    """Requests in the window that ends now, from this machine."""
    remaining: int
    """Requests that may still be sent."""
    frees_at: datetime | None
    """When the next one is allowed, in UTC; None if it is now."""
    at_once: int
    """Requests that may be under way together."""


@dataclass(frozen=True)
class TableInfo(Shown):
    """A table of the local database."""

    name: str
    type: str | None
    """``events`` or ``profiles``; None for a table that was not fetched."""
    rows: int
    date_range: tuple[str, str] | None
    """First and last day, of events."""
    fetched_at: datetime | None
    """In UTC; None for a table that was not fetched."""
    filter_events: list[str] | None
    filter_where: str | None


@dataclass(frozen=True)
class ColumnInfo(Shown):
    """A column of a local table."""

    name: str
    dtype: str
    """DuckDB's name of the type."""
    nullable: bool


@dataclass(frozen=True)
class TableSchema(Shown):
    """A local table's columns."""

    name: str
    columns: list[ColumnInfo]
    row_count: int
    sample_properties: dict[str, Any]
    """The properties of one of its rows; empty if there are none."""


@dataclass(frozen=True)
class WorkspaceInfo(Shown):
    """A workspace at a glance."""

    path: Path | None
    """The database file; None if it is ephemeral or in memory."""
    project_id: str | None
    """None where a database was opened without credentials; so is ``region``."""
    region: str | None
    account: str | None
    """Its name; None where the environment gave the credentials."""
    tables: list[str]
    size_mb: float
    """Size of the database file."""
    created_at: datetime
    """When the workspace was made: its file, else this object. In UTC."""
