"""Turns declarations into table functions that DuckDB can call."""

from .registration import Registration, add_reports, add_short_names, register, register_functions, unregister

__all__ = ["Registration", "add_reports", "add_short_names", "register", "register_functions", "unregister"]
