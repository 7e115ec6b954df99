"""Answers that seldom change, such as lists of names: asked for once, then kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """What has been answered so far. Who asks for what is just being asked for waits for that answer."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Lock] = {}
        self._cleared = 0

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]], *, longest: float | None = None) -> T:
        """The answer kept under the key, if it is younger than ``longest`` seconds, or else what ``ask`` gives.

        A failure is not kept, nor what was asked before everything was cleared.
        """
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            if (age := self._age(key)) is None or (longest is not None and age >= longest):
                cleared = self._cleared
                answer = await ask()
                if cleared == self._cleared:
                    self._answers[key] = (time.monotonic(), answer)
                return answer
            kept: T = self._answers[key][1]
            return kept

    def clear(self) -> None:
        """Lets go of everything: what is asked for next comes from Mixpanel."""
        self._cleared += 1
        self._answers.clear()
        self._asking.clear()

    def _age(self, key: Hashable) -> float | None:
        return time.monotonic() - self._answers[key][0] if key in self._answers else None
