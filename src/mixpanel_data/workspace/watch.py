"""Progress of a workspace: whoever asked to be told, or a line on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..client import Progress, Watcher
from ..display import Line, Notices, is_watched


class Watch:
    """What calls tell their progress to.

    Args:
        progress: True for a line on a terminal while something is fetched, False for none, or a function to call.
    """

    def __init__(self, progress: bool | Watcher) -> None:
        self._progress = progress
        self._notices = Notices()

    def __call__(self, progress: Progress) -> None:
        """For calls that are not fetches: they are short, so it is only told what they wait for."""
        if callable(self._progress):
            self._progress(progress)
        else:
            self._notices.show(progress)

    @contextmanager
    def line(self, progress: bool | Watcher) -> Iterator[Watcher]:
        """What a fetch tells its progress to; True is what the workspace was told."""
        wanted = self._progress if progress is True else progress
        if callable(wanted):
            yield wanted
            return
        line = Line() if wanted and is_watched() else Notices()
        try:
            yield line.show
        finally:
            line.stop()
