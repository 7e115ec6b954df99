"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Where to write instead: that file takes the target's place when all went well, and is gone if not.

    Args:
        private: it is ours, so only its owner may read it, and it is on the disk before the old one goes.
    """
    part = target.with_name(f".{target.name}-{os.urandom(4).hex()}")
    try:
        if private:
            part.touch(0o600, exist_ok=False)
        yield part
        if private:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()
