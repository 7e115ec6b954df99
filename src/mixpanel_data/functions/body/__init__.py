"""The body of an export: proven whole, and read."""

from .buffers import Buffers
from .proof import ROW_GROUP, Proof, workers
from .slices import SLICED_JSON

__all__ = ["ROW_GROUP", "SLICED_JSON", "Buffers", "Proof", "workers"]
