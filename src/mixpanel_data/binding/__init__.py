"""Turns declarations into table functions that DuckDB can call."""

from .registration import Registration, add_short_names, register, unregister

__all__ = ["Registration", "add_short_names", "register", "unregister"]
