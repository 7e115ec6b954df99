"""What there is once in a process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from mixpanel_data.forks import once_a_process


def test_threads_that_ask_at_the_same_time_get_the_same_one() -> None:
    both_make = threading.Barrier(2)

    @once_a_process
    def one() -> object:
        with suppress(threading.BrokenBarrierError):
            both_make.wait(0.2)  # as long as the other one is not making it too
        return object()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: one(), range(2))
    assert first is second is one()
