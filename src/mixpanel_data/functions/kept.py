"""Answers that seldom change, such as lists of names: asked for once, then kept."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """What has been answered so far. Who asks for what is just being asked for waits for that answer."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}
        self._asking: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]], *, refresh: bool = False) -> T:
        """The answer kept under the key, or else what ``ask`` gives. A failure is not kept."""
        async with self._asking[key]:
            if refresh or key not in self._answers:
                self._answers[key] = await ask()
            answer: T = self._answers[key]
            return answer

    def clear(self) -> None:
        """Lets go of everything: what is asked for next comes from Mixpanel."""
        self._answers.clear()
