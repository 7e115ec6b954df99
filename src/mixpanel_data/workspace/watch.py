"""Progress of a workspace: of each call as it is, or of all calls of a fetch as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..client import Progress, Watcher
from ..display import Line, Notices, somebody_looks


class Watch:
    """What the client tells its progress to.

    Args:
        wish: True for a line on a terminal, False for none, or a function to call.
    """

    def __init__(self, wish: bool | Watcher) -> None:
        self._wish = wish
        self._quiet = Notices()
        self._merge: Callable[[Progress], None] | None = None

    def __call__(self, progress: Progress) -> None:
        if self._merge is not None:
            self._merge(progress)
        elif callable(self._wish):
            self._wish(progress)
        else:
            self._quiet.show(progress)

    @contextmanager
    def as_one(self, whole: Progress, wish: bool | Watcher) -> Iterator[Progress]:
        """Makes one progress of those of all calls, and tells it as wished here, or else as the workspace was told."""
        with _told(wish if wish is not True else self._wish) as tell:
            calls: dict[int, Progress] = {}

            def merge(progress: Progress) -> None:
                calls[id(progress)] = progress
                _sum_up(whole, list(calls.values()))
                tell(whole)

            self._merge = merge
            try:
                yield whole
            finally:
                self._merge = None


@contextmanager
def _told(wish: bool | Watcher) -> Iterator[Watcher]:
    if callable(wish):
        yield wish
        return
    line = Line() if wish and somebody_looks() else Notices()
    try:
        yield line.show
    finally:
        line.stop()


def _sum_up(whole: Progress, calls: list[Progress]) -> None:
    whole.days = max(whole.days, sum(call.days for call in calls))
    for name in ("days_done", "events", "duplicates", "bytes", "profiles", "profiles_done"):
        setattr(whole, name, sum(getattr(call, name) for call in calls))
    whole.waiting = next((call.waiting for call in calls if call.waiting), None)
    whole.budget_left = min((call.budget_left for call in calls if call.budget_left is not None), default=None)
