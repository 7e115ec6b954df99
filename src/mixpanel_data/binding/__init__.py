"""Turns declarations into table functions that DuckDB can call."""

from .registration import Registration, register, unregister

__all__ = ["Registration", "register", "unregister"]
