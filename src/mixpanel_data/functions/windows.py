"""Windows: runs of days that are asked for in one request each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

AT_ONCE = 4
LONGEST = 31
T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """Days from first to last, both inclusive."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def halves(self) -> tuple[Window, Window]:
        middle = self.first + timedelta(days=self.days // 2 - 1)
        return Window(self.first, middle), Window(middle + timedelta(days=1), self.last)


def split(days: Sequence[date]) -> list[Window]:
    """The sorted days as windows: some at once for a short range, few requests for a long one."""
    longest = min(LONGEST, -(-len(days) // AT_ONCE))
    return list(_runs(days, longest))


def _runs(days: Sequence[date], longest: int) -> Iterator[Window]:
    start = 0
    for end in range(1, len(days) + 1):
        run_ends = end == len(days) or days[end] - days[end - 1] != timedelta(days=1)
        if run_ends or end - start == longest:
            yield Window(days[start], days[end - 1])
            start = end


async def in_order(
    windows: Sequence[Window], fetch: Callable[[Window], Awaitable[T]], discard: Callable[[T], None]
) -> AsyncGenerator[tuple[Window, T]]:
    """What ``fetch`` gives for each window, in order, with the next few under way meanwhile.

    When this ends early, what is under way is cancelled and what was fetched in vain is discarded.
    """
    waiting = deque(windows)
    running: deque[tuple[Window, asyncio.Task[T]]] = deque()
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                window = waiting.popleft()
                running.append((window, asyncio.ensure_future(fetch(window))))
            window, task = running[0]
            fetched = await task
            running.popleft()
            yield window, fetched
    finally:
        for _, task in running:
            task.cancel()
        for result in await asyncio.gather(*(task for _, task in running), return_exceptions=True):
            if not isinstance(result, BaseException):
                discard(result)
