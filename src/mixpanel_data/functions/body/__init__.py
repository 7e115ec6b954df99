"""The body of an export: proven whole, and read."""

from .bad import excerpt
from .buffers import Buffers, release_memory
from .proof import Proof, workers
from .rows import ROW_GROUP, Reader, RowGroups
from .slices import SLICED_JSON

__all__ = [
    "ROW_GROUP",
    "SLICED_JSON",
    "Buffers",
    "Proof",
    "Reader",
    "RowGroups",
    "excerpt",
    "release_memory",
    "workers",
]
