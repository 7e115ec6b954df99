"""What holds for every command."""

from __future__ import annotations

from dataclasses import dataclass

from .progress import Form


@dataclass(frozen=True)
class Settings:
    """The global options."""

    account: str | None = None
    path: str | None = None
    quiet: bool = False
    waits: bool = True
    progress: Form | None = None
