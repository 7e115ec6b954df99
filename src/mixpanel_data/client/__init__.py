"""The road to Mixpanel: hosts, authentication, budgets, retries, errors, and bodies proven whole."""

from .client import Check, Client
from .endpoints import PATHS, Api, Endpoint
from .errors import HISTORY
from .limits import COSTS, Budget
from .progress import Progress, Reporter, Watcher
from .spool import Spool

__all__ = [
    "COSTS",
    "HISTORY",
    "PATHS",
    "Api",
    "Budget",
    "Check",
    "Client",
    "Endpoint",
    "Progress",
    "Reporter",
    "Spool",
    "Watcher",
]
