"""The configuration file: accounts by name, and which of them is the default.

It is ``~/.mp/config.toml``, or what ``MP_CONFIG_PATH`` names::

    default = "production"

    [accounts.production]
    username = "reader.abc123.mp-service-account"
    secret = "…"
    project_id = "12345"
    region = "us"
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from .atomic import atomic_write
from .exceptions import AccountExistsError, AccountNotFoundError, ConfigError, warn

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

PRIVATE_FOLDER = 0o700
SANDBOX = "sandbox"


def config_path() -> Path:
    """Where the configuration file is, whether or not it exists."""
    return Path(os.environ.get("MP_CONFIG_PATH") or "~/.mp/config.toml").expanduser()


class Secret(str):
    """Text that does not show: tracebacks may print the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    def __getitem__(self, place: SupportsIndex | slice) -> Secret:
        return Secret(super().__getitem__(place))


@dataclass(frozen=True)
class Config:
    """What a configuration file says."""

    path: Path
    accounts: Mapping[str, dict[str, Any]] = field(repr=False)
    """What it says of each account, secrets included, in its order."""
    chosen: str | None = None
    """The default account that is set."""

    @property
    def default(self) -> str | None:
        """The default account: the one that is set, or the only one there is."""
        return self.chosen or (next(iter(self.accounts)) if len(self.accounts) == 1 else None)

    def account(self, name: str) -> dict[str, Any]:
        """What it says of one account.

        Raises:
            AccountNotFoundError: it has none of that name; says which name is near.
        """
        if name in self.accounts:
            return self.accounts[name]
        import difflib  # noqa: PLC0415 - who only asks where the file is need not wait for it

        near = difflib.get_close_matches(str(name), self.accounts, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.accounts) or 'none'}"
        raise AccountNotFoundError(f"no account {name!r} in {self.path}; {hint}", account=name)


class ConfigManager:
    """One configuration file.

    Changes are written whole or not at all, readable by its owner only; comments and keys of other programs stay.

    Args:
        path: the file; the one that everything else here reads unless given.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = config_path() if path is None else Path(path).expanduser()

    def read(self) -> Config:
        """What the file says now; of a file that is not there, nothing.

        Raises:
            ConfigError: the file cannot be used.
        """
        import tomllib  # noqa: PLC0415

        wrong = None
        try:
            content = tomllib.loads(self._text())
        except tomllib.TOMLDecodeError as error:
            wrong = str(error)
        if wrong is not None:  # and not above: that error knows the whole text
            raise ConfigError(f"{self.path} is not valid TOML: {wrong}")
        accounts = content.get("accounts", {})
        if not isinstance(accounts, dict):
            raise ConfigError(f"accounts must be sections such as [accounts.production] in {self.path}")
        return Config(
            self.path,
            {name: _hide(values) for name, values in accounts.items() if isinstance(values, dict)},
            content.get("default"),
        )

    def add(self, name: str, values: Mapping[str, Any]) -> None:
        """Writes an account into the file; the first one becomes the default.

        Raises:
            AccountExistsError: the file has one of that name.
            ConfigError: the name is ``sandbox``, or the file cannot be written.
        """
        self.refuse_taken(name)

        def change(document: TOMLDocument) -> None:
            if "accounts" not in document:
                document.setdefault("default", name)
            accounts = document.setdefault("accounts", _super_table())
            accounts[name] = {key: value for key, value in values.items() if value is not None}

        self._change(change)

    def refuse_taken(self, name: str) -> None:
        """Raises if no account of this name can be added, as :meth:`add` would."""
        if not isinstance(name, str) or any("\ud800" <= one <= "\udfff" for one in name) or name in ("", SANDBOX):
            raise ConfigError(f"an account cannot be called {name!r}: choose another name")
        if name in self.read().accounts:
            raise AccountExistsError(f"account {name!r} is in {self.path} already: remove it first", account=name)

    def remove(self, name: str) -> None:
        """Takes an account out of the file; if it was the default, there is none then.

        Raises:
            AccountNotFoundError: the file has none of that name.
        """
        self.read().account(name)

        def change(document: TOMLDocument) -> None:
            document["accounts"].pop(name)
            if document.get("default") == name:
                document.pop("default")

        self._change(change)

    def set_default(self, name: str) -> None:
        """Makes an account the default one.

        Raises:
            AccountNotFoundError: the file has none of that name.
        """
        self.read().account(name)
        self._change(lambda document: document.update({"default": name}))

    def _text(self) -> str:
        if self.path.is_symlink():
            raise ConfigError(f"{self.path} is a symbolic link: let MP_CONFIG_PATH name the file itself")
        try:
            text = self.path.read_text(encoding="utf-8")
            mode = stat.S_IMODE(self.path.stat().st_mode)
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {self.path}: {type(error).__name__}") from None
        if os.name == "posix" and mode & 0o077:
            warn(f"{self.path} can be read by others: chmod 600 {self.path}")
        return text

    def _change(self, change: Callable[[TOMLDocument], None]) -> None:
        """Writes the file as ``change`` makes it."""
        import tomlkit  # noqa: PLC0415 - only who changes the file pays for it

        document = tomlkit.parse(self._text())
        change(document)
        text = Secret(tomlkit.dumps(document))
        del document  # what fails now shows nothing of it
        try:
            self._write(text)
        except OSError as error:
            raise ConfigError(f"cannot write {self.path}: {error.strerror}") from None

    def _write(self, text: str) -> None:
        """The new file beside the old one, then in its place: a reader sees one or the other, never half of it."""
        self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with atomic_write(self.path, private=True) as part:
            part.write_text(text, encoding="utf-8")


def _hide(values: dict[str, Any]) -> dict[str, Any]:
    secret = values.get("secret")
    return {**values, "secret": Secret(secret)} if isinstance(secret, str) else values


def _super_table() -> Any:
    """A table that is only there for the tables in it, so that it needs no heading of its own."""
    import tomlkit  # noqa: PLC0415

    return tomlkit.table(is_super_table=True)
