"""Text from files that are named on the command line."""

from __future__ import annotations

from pathlib import Path

from ..exceptions import QueryError


def read_text(file: Path) -> str:
    """What is in the file.

    Raises:
        QueryError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None
