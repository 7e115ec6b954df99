"""The body of an export: proven whole, and read."""

from .proof import Proof, workers
from .slices import SLICED_JSON

__all__ = ["SLICED_JSON", "Proof", "workers"]
