"""The functions for other DuckDBs: this one serves them over Quack, DuckDB's own protocol."""

from .limits import bound_process
from .server import Server, serve

__all__ = ["Server", "bound_process", "serve"]
