"""Mixpanel as SQL table functions in DuckDB.

>>> import duckdb, mixpanel_data
>>> con = duckdb.connect()
>>> _ = mixpanel_data.register(con, account="sandbox")
>>> con.sql("FROM mixpanel_events() LIMIT 2").fetchall()
[('Add To Cart',), ('App "Crash" 💥',)]
"""

from . import auth
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
from .types import (
    AccountInfo,
    BookmarkInfo,
    ColumnInfo,
    FetchPlan,
    FetchResult,
    FunnelInfo,
    LexiconSchema,
    PlannedRequest,
    SavedCohort,
    TableInfo,
    TableSchema,
    TestResult,
    TopEvent,
    WorkspaceInfo,
)
from .workspace import MixpanelAPI, Workspace

ephemeral = Workspace.ephemeral
__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "AccountExistsError",
    "AccountInfo",
    "AccountNotFoundError",
    "ActivityFeedResult",
    "ArgumentError",
    "AuthenticationError",
    "BookmarkInfo",
    "CohortInfo",
    "ColumnInfo",
    "ColumnStats",
    "ConfigError",
    "ConfigManager",
    "Credentials",
    "EventBreakdown",
    "EventCountsResult",
    "FetchPlan",
    "FetchResult",
    "FlowsResult",
    "FrequencyResult",
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
    "PropertyCountsResult",
    "QueryError",
    "RateLimitError",
    "Registration",
    "RetentionResult",
    "SavedCohort",
    "SavedReportResult",
    "SegmentationResult",
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
    "ephemeral",
    "register",
    "resolve_credentials",
    "unregister",
]
