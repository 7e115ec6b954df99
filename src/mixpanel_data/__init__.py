"""Mixpanel as SQL table functions in DuckDB.

>>> import duckdb, mixpanel_data
>>> con = duckdb.connect()
>>> _ = mixpanel_data.register(con, account="sandbox")
>>> con.sql("FROM mixpanel_events() LIMIT 2").fetchall()
[('Add To Cart',), ('App "Crash" 💥',)]
"""

from __future__ import annotations

import gc
from importlib import import_module

TYPE_CHECKING = False  # typing would be most of the time in which a command cannot answer Ctrl-C yet
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

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

MODULES = {"auth": ".auth", "databases": ".storage.databases", "exploring": ".exploring"}
"""Public names that are modules."""
HOMES = {
    "ConfigManager": ".config",
    "Credentials": ".credentials",
    "MixpanelAPI": ".workspace.api",
    "Progress": ".client.progress",
    "Registration": ".binding",
    "Server": ".serving",
    "Workspace": ".workspace.workspace",
    "ephemeral": ".workspace.workspace",
    "register": ".binding",
    "resolve_credentials": ".credentials",
    "serve": ".serving",
    "unregister": ".binding",
}
"""Where a public name lives: only its module is loaded."""
OF_TYPES = (".exceptions", ".types", ".results")
"""Where all the others live."""


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return _module(MODULES[name])
    if name in __all__:
        homes = (HOMES[name],) if name in HOMES else OF_TYPES
        globals()[name] = found = next(vars(module)[name] for module in map(_module, homes) if name in vars(module))
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _module(name: str) -> ModuleType:
    """Loads a module. The garbage collector pauses meanwhile: it finds nothing there, for a tenth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module(name, __name__)
    finally:
        if collects:
            gc.enable()


def __dir__() -> list[str]:
    return __all__
