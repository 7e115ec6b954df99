"""The table functions: one declaration for each Mixpanel endpoint, one module for each family."""

from .arguments import read_arguments
from .catalog import catalog
from .declaration import Call, Function
from .events import events
from .export import export
from .predicate import Predicate

FUNCTIONS: tuple[Function, ...] = (export, events, catalog(lambda: FUNCTIONS))

__all__ = ["FUNCTIONS", "Call", "Function", "Predicate", "read_arguments"]
