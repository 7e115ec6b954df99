"""The one event loop that all requests run on, in a thread of its own.

DuckDB calls us from any of its threads, so what is awaited has to live elsewhere; and since HTTP connections belong to
the loop they were opened on, one loop for the whole process is what lets calls share them.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..forks import in_a_forked_child, once_a_process

LONGEST_STOP = 5.0
THREADS = 128
"""At most; each download has one that reads what comes, and mostly waits for it."""
_running: weakref.WeakSet[Job] = weakref.WeakSet()
in_a_forked_child(_running.clear)


class Job:
    """Work on the loop, begun at once, that can be stopped from any thread."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._ended = threading.Event()
        self._task: asyncio.Task[None] | None = None
        _running.add(self)
        call(self._begin, work)

    def stop(self) -> None:
        """Cancels the work and waits until it has cleaned up."""
        if not self._ended.is_set():
            call(self._cancel)
            if not in_loop():
                self._ended.wait(LONGEST_STOP)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = _loop().create_task(work)
        self._task.add_done_callback(lambda _: self._ended.set())

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def call(function: Any, *arguments: Any) -> None:
    """Has the loop call the function soon."""
    _loop().call_soon_threadsafe(function, *arguments)


@atexit.register
def _stop_all() -> None:
    """Leaves nothing under way while the interpreter goes away."""
    for job in list(_running):
        job.stop()


@once_a_process
def _loop() -> asyncio.AbstractEventLoop:
    fresh = asyncio.new_event_loop()
    fresh.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="mixpanel_data"))
    # A daemon: a forgotten, unfinished result must not keep the process from ending.
    threading.Thread(target=fresh.run_forever, name="mixpanel_data", daemon=True).start()
    return fresh


def in_loop() -> bool:
    """Whether it is the loop's own thread that asks."""
    try:
        return asyncio.get_running_loop() is _loop()
    except RuntimeError:
        return False
