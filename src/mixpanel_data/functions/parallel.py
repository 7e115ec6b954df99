"""Several requests under way at once, their answers in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from ..client.spool import spooled_bytes

SPOOLED = 4 << 30
"""Bytes on disk from which on nothing further is begun before what came earlier is handed on."""
MOMENT = 0.05
HEAD_START = 0.25
"""Seconds, as all of these."""
P = TypeVar("P")
T = TypeVar("T")


async def in_order(
    parts: Iterable[P],
    fetch: Callable[[P], Awaitable[T]],
    parallel: int,
    discard: Callable[[T], None] = lambda _: None,
    *,
    finish: bool = False,
    head_start: float = 0,
) -> AsyncGenerator[tuple[P, T]]:
    """What ``fetch`` gives for each part, in order, with the next few under way meanwhile.

    With a head start the first part may have the machine for itself that long, so that it can be used sooner.

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
                part, first = waiting.popleft(), running[0][1] if running else None
                running.append((part, asyncio.ensure_future(_begin(fetch, part, first, head_start))))
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
            head_start = 0
            yield part, fetched
        if failure is not None:
            raise failure
    finally:
        for _, task in running:
            task.cancel()
        for result in await asyncio.gather(*(task for _, task in running), return_exceptions=True):
            if not isinstance(result, BaseException):
                discard(result)


async def _begin(fetch: Callable[[P], Awaitable[T]], part: P, first: asyncio.Task[T] | None, head_start: float) -> T:
    if first is not None and head_start:
        await asyncio.wait({first}, timeout=head_start)
    return await fetch(part)


class Lookahead(Generic[T]):
    """The items of an async generator, the next of which can be waited for before it is taken."""

    def __init__(self, items: AsyncGenerator[T]) -> None:
        self._items = items
        self._next: asyncio.Task[T] | None = None

    def __aiter__(self) -> Lookahead[T]:
        return self

    async def __anext__(self) -> T:
        task, self._next = self._task(), None
        return await task

    async def is_near(self) -> bool:
        """Whether the next item, or the end, comes within a moment."""
        self._next = self._task()
        done, _ = await asyncio.wait({self._next}, timeout=MOMENT)
        return bool(done)

    async def aclose(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._items.aclose()

    def _task(self) -> asyncio.Task[T]:
        return self._next or asyncio.ensure_future(anext(self._items))
