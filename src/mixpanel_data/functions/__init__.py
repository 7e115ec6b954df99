"""The table functions: one declaration for each Mixpanel endpoint, one module for each family."""

from .arguments import read_arguments
from .catalog import catalog
from .days import days
from .declaration import Call, Function
from .events import events
from .export import export
from .plan import export_plan
from .predicate import Predicate
from .requests import budget, requests_

FUNCTIONS: tuple[Function, ...] = (export, export_plan, events, days, requests_, budget, catalog(lambda: FUNCTIONS))

__all__ = ["FUNCTIONS", "Call", "Function", "Predicate", "read_arguments"]
