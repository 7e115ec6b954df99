"""The ``mp`` command: parse, call the workspace, print."""

from __future__ import annotations

import gc

# Nearly all that a command makes it keeps to its end: looking for garbage so often would only make it start later.
gc.set_threshold(50_000)

from .app import main  # noqa: E402

__all__ = ["main"]
