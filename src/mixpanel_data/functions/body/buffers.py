"""Memory that is used again: the system hands out fresh memory page by page, which costs more than to unzip into it."""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from ...client.blocks import release_idle
from .fields import engine
from .slices import POOL

IDLE = 2
"""Buffers kept for the next that is asked for: one for each of the threads that usually store rows."""


class Buffers:
    """Lends memory, and takes it back when nothing refers to it any more."""

    def __init__(self) -> None:
        self._idle: list[npt.NDArray[np.uint8]] = []
        self._keeps = True

    def lend(self, size: int) -> npt.NDArray[np.uint8]:
        """Memory of this size, with anything in it."""
        fitting = [memory for memory in self._idle if len(memory) >= size]
        self._idle.clear()
        memory = fitting.pop() if fitting else np.empty(size + size // 16, np.uint8)
        self._idle.extend(fitting)
        lent = memory[:size]
        weakref.finalize(lent, self._take_back, memory).atexit = False
        return lent

    def keep_none(self) -> None:
        """From now on memory that comes back goes to the system: little more will be asked for."""
        self._keeps = False
        self._idle.clear()

    def _take_back(self, memory: npt.NDArray[np.uint8]) -> None:
        if self._keeps and len(self._idle) < IDLE:
            self._idle.append(memory)


def release_memory() -> None:
    """Gives back to the system what proving bodies has left: when much memory is wanted for something else."""
    release_idle()
    engine.forget()  # DuckDB gives back what it has freed only when a database is closed
    POOL.release_unused()
