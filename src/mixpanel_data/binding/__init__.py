"""Turns declarations into table functions that DuckDB can call."""

from .registration import CATALOG, Registration, add_short_names, register, unregister

__all__ = ["CATALOG", "Registration", "add_short_names", "register", "unregister"]
