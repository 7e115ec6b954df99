"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Where to write instead: it takes the target's place when all went well, and is gone if not."""
    part = target.with_name(f".{target.name}-{os.urandom(4).hex()}")
    try:
        yield part
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()
