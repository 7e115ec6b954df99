"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .exceptions import ArgumentError


def path_of(given: object) -> Path:
    """The path that somebody has given.

    Raises:
        ArgumentError: it can be none.
    """
    try:
        text = os.fsdecode(os.fsencode(given))  # type: ignore[arg-type]  # anything may be given
    except (TypeError, UnicodeEncodeError):
        text = "\0"
    if "\0" in text:
        raise ArgumentError(f"a path is text such as 'shop.db', or a Path, not {given!r}")
    return Path(text)


@contextmanager
def atomic_write(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Where to write instead: that file takes the target's place when all went well, and is gone if not.

    Args:
        private: it is ours, so only its owner may read it, and it is on the disk before the old one goes.
    """
    mode = None if private or not target.is_file() else target.stat().st_mode
    part = target.with_name(f".{target.name}-{os.urandom(4).hex()}")
    try:
        if private:
            part.touch(0o600, exist_ok=False)
        yield part
        if private:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        if mode is not None:  # a file that is there keeps its mode
            part.chmod(mode & 0o7777)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()
