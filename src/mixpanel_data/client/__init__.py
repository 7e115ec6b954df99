"""The road to Mixpanel: hosts, authentication, budgets, retries, errors, and bodies proven whole."""

from .client import Client
from .endpoints import Api, Endpoint
from .limits import COSTS, Budget
from .progress import Progress, Reporter, Watcher
from .spool import Spool

__all__ = ["COSTS", "Api", "Budget", "Client", "Endpoint", "Progress", "Reporter", "Spool", "Watcher"]
