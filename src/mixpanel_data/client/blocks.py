"""Bytes as blocks of whole lines, in memory that is used again.

Fresh memory costs more than gunzipping into it: the system hands it out page by page. So a block's memory is lent, and
taken back as soon as nothing refers to the block any more. Only so much is lent at a time, whoever asks; but nobody
waits for long, since those who have it may be waiting for those who ask.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from threading import Semaphore
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..forks import once_a_process

Block: TypeAlias = npt.NDArray[np.uint8]
BLOCK = 8 << 20
BLOCKS = 5
"""Lent at once, as a rule."""
PATIENCE = 0.05
"""Seconds."""
PIECE = 1 << 20
"""Bytes read at once: what a core's own cache holds."""
_idle: deque[bytearray] = deque(maxlen=BLOCKS)


@once_a_process
def _room() -> Semaphore:
    return Semaphore(BLOCKS)


def release_idle() -> None:
    """Gives back to the system what is lent to nobody: when much memory is wanted for something else."""
    _idle.clear()


class Loan:
    """Memory for one block."""

    def __init__(self) -> None:
        self._is_counted = _room().acquire(timeout=PATIENCE)
        self.memory = _memory()

    def end(self) -> None:
        if len(self.memory) == BLOCK:
            _idle.append(self.memory)
        if self._is_counted:
            _room().release()

    def block(self, end: int) -> Block:
        """The beginning of the memory; the loan ends with the block."""
        block = np.frombuffer(self.memory, np.uint8, end)
        weakref.finalize(block, self.end).atexit = False
        return block


def _memory() -> bytearray:
    """Always of the same size, so that a body read twice falls into the same blocks."""
    while True:
        try:
            memory = _idle.pop()
        except IndexError:
            return bytearray(BLOCK)
        if len(memory) == BLOCK:
            return memory


def whole_lines(read_into: Callable[[memoryview], int], wait: Callable[[], None]) -> Iterator[Block]:
    """What ``read_into`` gives, in blocks of whole lines of at most ``BLOCK`` bytes, unless one line is longer.

    ``wait`` is called before memory is taken: when it returns, there should be something to fill it with. Where the
    last line has no end, it is a block of its own.
    """
    rest, ended = b"", False
    while not ended:
        wait()
        loan = Loan()
        try:
            used, ended = _fill(loan, rest, read_into)
            end = loan.memory.rfind(b"\n", 0, used) + 1
            rest = bytes(memoryview(loan.memory)[end:used])
        except BaseException:
            loan.end()
            raise
        if end:
            yield loan.block(end)
        else:
            loan.end()
    if rest:
        yield np.frombuffer(rest, np.uint8)


def _fill(loan: Loan, rest: bytes, read_into: Callable[[memoryview], int]) -> tuple[int, bool]:
    """How much of the memory is used then, and whether the bytes have ended."""
    if len(rest) >= len(loan.memory):  # one long line
        loan.memory = bytearray(2 * len(rest))
    used = len(rest)
    loan.memory[:used] = rest
    with memoryview(loan.memory) as whole:
        while used < len(whole):
            with whole[used : used + PIECE] as piece:
                count = read_into(piece)
            if not count:
                return used, True
            used += count
    return used, False
