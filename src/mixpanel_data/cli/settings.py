"""What holds for every command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .progress import Form

if TYPE_CHECKING:
    from ..credentials import Credentials


@dataclass(frozen=True)
class Settings:
    """The global options."""

    account: str | None = None
    path: str | None = None
    quiet: bool = False
    waits: bool = True
    progress: Form | None = None


def credentials_of(account: str | None) -> Credentials:
    """The account's credentials, when they are needed."""
    from ..binding.clients import credentials_for  # noqa: PLC0415 - takes longer to load than --help to answer

    return credentials_for(account)


def refuse_unknown(account: str | None) -> None:
    """Says early that there is no such account.

    Raises:
        AccountNotFoundError: the configuration has none of that name.
    """
    if account is None:
        return
    from ..config import SANDBOX, ConfigManager  # noqa: PLC0415 - who names no account need not wait for it

    if account != SANDBOX:
        ConfigManager().read().account(account)
