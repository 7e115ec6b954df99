"""The functions for other DuckDBs: this one serves them over Quack, DuckDB's own protocol."""

from .server import Server, serve

__all__ = ["Server", "serve"]
