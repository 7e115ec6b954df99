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
from .types import AccountInfo, FetchPlan, FetchResult, PlannedRequest, TestResult
from .workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "AccountExistsError",
    "AccountInfo",
    "AccountNotFoundError",
    "ArgumentError",
    "AuthenticationError",
    "ConfigError",
    "FetchPlan",
    "FetchResult",
    "IncompleteExportError",
    "MixpanelDataError",
    "MixpanelDataWarning",
    "NotFoundError",
    "PlannedRequest",
    "Progress",
    "QueryError",
    "RateLimitError",
    "Registration",
    "ServerError",
    "StorageError",
    "TableExistsError",
    "TableNotFoundError",
    "TestResult",
    "TransportError",
    "Workspace",
    "__version__",
    "auth",
    "register",
    "unregister",
]
