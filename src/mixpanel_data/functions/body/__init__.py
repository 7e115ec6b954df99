"""The body of an export: proven whole, and read."""

from .bad import excerpt
from .buffers import Buffers
from .proof import Proof, workers
from .rows import ROW_GROUP, Reader, RowGroups
from .slices import SLICED_JSON

__all__ = ["ROW_GROUP", "SLICED_JSON", "Buffers", "Proof", "Reader", "RowGroups", "excerpt", "workers"]
