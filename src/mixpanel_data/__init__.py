"""Mixpanel as SQL table functions in DuckDB.

>>> import duckdb, mixpanel_data
>>> con = duckdb.connect()
>>> _ = mixpanel_data.register(con, account="sandbox")
>>> con.sql("FROM mixpanel_events() LIMIT 2").fetchall()
[('Add To Cart',), ('App "Crash" 💥',)]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import auth, exploring
    from .binding import Registration, register, unregister
    from .client import Progress
    from .config import ConfigManager
    from .credentials import Credentials, resolve_credentials
    from .exceptions import (
        AccessDeniedError,
        AccountExistsError,
        AccountNotFoundError,
        ArgumentError,
        AuthenticationError,
        BadLineError,
        ConfigError,
        IncompleteExportError,
        MixpanelDataError,
        MixpanelDataWarning,
        NotFoundError,
        QueryError,
        RateLimitError,
        ServerError,
        StorageError,
        TableExistsError,
        TableNotFoundError,
        TransportError,
    )
    from .results import (
        ActivityFeedResult,
        CohortInfo,
        ColumnStats,
        EventBreakdown,
        EventCountsResult,
        FlowsResult,
        FrequencyResult,
        FunnelResult,
        FunnelStep,
        JQLResult,
        NumericAverageResult,
        NumericBucketResult,
        NumericSumResult,
        PropertyCountsResult,
        RetentionResult,
        SavedReportResult,
        SegmentationResult,
        TableSummary,
    )
    from .serving import Server, serve
    from .storage import databases
    from .types import (
        AccountInfo,
        AnnotationInfo,
        BookmarkInfo,
        BudgetInfo,
        ColumnInfo,
        DatabaseInfo,
        FetchPlan,
        FetchResult,
        FunctionInfo,
        FunnelInfo,
        LexiconSchema,
        PlannedRequest,
        ProjectInfo,
        RequestInfo,
        SavedCohort,
        TableInfo,
        TableSchema,
        TestResult,
        TopEvent,
        WorkspaceInfo,
    )
    from .workspace.api import MixpanelAPI
    from .workspace.workspace import Workspace, ephemeral

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "AccountExistsError",
    "AccountInfo",
    "AccountNotFoundError",
    "ActivityFeedResult",
    "AnnotationInfo",
    "ArgumentError",
    "AuthenticationError",
    "BadLineError",
    "BookmarkInfo",
    "BudgetInfo",
    "CohortInfo",
    "ColumnInfo",
    "ColumnStats",
    "ConfigError",
    "ConfigManager",
    "Credentials",
    "DatabaseInfo",
    "EventBreakdown",
    "EventCountsResult",
    "FetchPlan",
    "FetchResult",
    "FlowsResult",
    "FrequencyResult",
    "FunctionInfo",
    "FunnelInfo",
    "FunnelResult",
    "FunnelStep",
    "IncompleteExportError",
    "JQLResult",
    "LexiconSchema",
    "MixpanelAPI",
    "MixpanelDataError",
    "MixpanelDataWarning",
    "NotFoundError",
    "NumericAverageResult",
    "NumericBucketResult",
    "NumericSumResult",
    "PlannedRequest",
    "Progress",
    "ProjectInfo",
    "PropertyCountsResult",
    "QueryError",
    "RateLimitError",
    "Registration",
    "RequestInfo",
    "RetentionResult",
    "SavedCohort",
    "SavedReportResult",
    "SegmentationResult",
    "Server",
    "ServerError",
    "StorageError",
    "TableExistsError",
    "TableInfo",
    "TableNotFoundError",
    "TableSchema",
    "TableSummary",
    "TestResult",
    "TopEvent",
    "TransportError",
    "Workspace",
    "WorkspaceInfo",
    "__version__",
    "auth",
    "databases",
    "ephemeral",
    "exploring",
    "register",
    "resolve_credentials",
    "serve",
    "unregister",
]

HOMES = (
    "exceptions",
    "types",
    "results",
    "config",
    "credentials",
    "client.progress",
    "auth",
    "binding",
    "workspace.api",
    "workspace.workspace",
    "serving",
)
"""Where the public names live, what loads fastest first: nobody waits for what is not used."""
MODULES = {"auth": ".auth", "databases": ".storage.databases", "exploring": ".exploring"}
"""Public names that are modules."""


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return import_module(MODULES[name], __name__)
    if name in __all__:
        for home in HOMES:
            if (found := getattr(import_module(f".{home}", __name__), name, None)) is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
