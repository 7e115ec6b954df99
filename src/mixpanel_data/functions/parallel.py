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
    *,
    finish: bool = False,
) -> AsyncGenerator[tuple[P, T]]:
    """What ``fetch`` gives for each part, in order, with the next few under way meanwhile.

    After a failure nothing further is begun. What is under way then is cancelled, unless it is to be finished: then it
    is given out before the failure is raised. When this ends early, what was fetched in vain is discarded.
    """
    waiting = deque(parts)
    running: deque[tuple[P, asyncio.Task[T]]] = deque()
    failure: BaseException | None = None
    try:
        while running or (waiting and failure is None):
            while (
                waiting and failure is None and len(running) < parallel and (not running or spooled_bytes() < SPOOLED)
            ):
                part = waiting.popleft()
                running.append((part, asyncio.ensure_future(fetch(part))))
            part, task = running[0]
            try:
                fetched = await task
            except Exception as error:
                if not finish:
                    raise
                failure = failure or error
                running.popleft()
                continue
            running.popleft()
            yield part, fetched
        if failure is not None:
            raise failure
    finally:
        for _, task in running:
            task.cancel()
        for result in await asyncio.gather(*(task for _, task in running), return_exceptions=True):
            if not isinstance(result, BaseException):
                discard(result)
