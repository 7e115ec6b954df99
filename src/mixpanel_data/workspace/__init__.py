"""The Python face: SQL for every task, and the local tables it fills."""

from .api import MixpanelAPI
from .workspace import Workspace

__all__ = ["MixpanelAPI", "Workspace"]
