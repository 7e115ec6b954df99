"""The Python face: SQL for every task, and the local tables it fills."""

from .workspace import Workspace

__all__ = ["Workspace"]
