"""Several requests under way at once, their answers in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

from ..client.spool import spooled_bytes

SPOOLED = 4 << 30
"""Bytes on disk from which on nothing further is begun before what came earlier is handed on."""
P = TypeVar("P")
T = TypeVar("T")


async def in_order(
    parts: Iterable[P],
    fetch: Callable[[P], Awaitable[T]],
    parallel: int,
    discard: Callable[[T], None] = lambda _: None,
) -> AsyncGenerator[tuple[P, T]]:
    """What ``fetch`` gives for each part, in order, with the next few under way meanwhile.

    When this ends early, what is under way is cancelled and what was fetched in vain is discarded.
    """
    waiting = deque(parts)
    running: deque[tuple[P, asyncio.Task[T]]] = deque()
    try:
        while waiting or running:
            while waiting and len(running) < parallel and (not running or spooled_bytes() < SPOOLED):
                part = waiting.popleft()
                running.append((part, asyncio.ensure_future(fetch(part))))
            part, task = running[0]
            fetched = await task
            running.popleft()
            yield part, fetched
    finally:
        for _, task in running:
            task.cancel()
        for result in await asyncio.gather(*(task for _, task in running), return_exceptions=True):
            if not isinstance(result, BaseException):
                discard(result)
