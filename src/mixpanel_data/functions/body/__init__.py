"""The body of an export: proven whole, and read."""

from .proof import WORKERS, Proof
from .slices import SLICED_JSON

__all__ = ["SLICED_JSON", "WORKERS", "Proof"]
