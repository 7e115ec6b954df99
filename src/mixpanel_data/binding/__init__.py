"""Turns declarations into table functions that DuckDB can call."""

from .register import Registration, register, unregister

__all__ = ["Registration", "register", "unregister"]
