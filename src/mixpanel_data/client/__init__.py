"""The road to Mixpanel: hosts, authentication, retries, errors, and bodies proven whole."""

from .client import Client
from .endpoints import BUDGET, Api, Endpoint
from .progress import Progress, Reporter, Watcher
from .spool import Spool

__all__ = ["BUDGET", "Api", "Client", "Endpoint", "Progress", "Reporter", "Spool", "Watcher"]
