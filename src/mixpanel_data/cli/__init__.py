"""The ``mp`` command: parse, run SQL, print."""

from .app import main

__all__ = ["main"]
