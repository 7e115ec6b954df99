"""When the storage of a database is attached: for as short as possible, for reading only where that is enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import duckdb

from ..exceptions import StorageError
from ..storage.file import STREAMED, Storage
from . import transactions


class Attachment:
    """The turns that the threads of a workspace take at its storage.

    Args:
        con: the connection that it is attached to.
        turn: whoever has it may attach and detach.
        wait: whether to wait for another process that holds the storage, or how many seconds.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, turn: threading.RLock, storage: Storage, *, wait: bool | float
    ) -> None:
        self._con = con
        self._turn = turn
        self._changed = threading.Condition(turn)
        self._storage = storage
        self._wait = wait
        self._mode: Literal["read", "write"] | None = None
        self._users = 0
        self._streams: list[int] = []
        """The threads that read bit by bit."""
        self.is_kept = False
        """Whether it stays attached until the end."""
        self.expects_transaction = False
        """Whether a transaction may begin or end now: until it has ended, the storage stays attached."""

    @property
    def is_attached(self) -> bool:
        return self._mode is not None

    @contextmanager
    def hold(self, *, write: bool) -> Iterator[None]:
        """Keeps it attached for as long as the block runs, which has the turn: for reading, only if it exists."""
        with self._turn:
            self._open(write=write)
            try:
                yield
            finally:
                self._close()

    @contextmanager
    def hold_for_stream(self) -> Iterator[None]:
        """The same for reading bit by bit, while others have their turns."""
        thread = threading.get_ident()
        with self._turn:
            self._open(write=False)
            self._streams.append(thread)
        try:
            yield
        finally:
            with self._turn:
                self._streams.remove(thread)
                self._close()

    def keep(self) -> None:
        """Attaches it for good."""
        with self._turn:
            if not self.is_kept:
                self._open(write=self._storage.is_writable())
                self._users -= 1
                self.is_kept = True
                self._storage.keep()

    def forget(self) -> None:
        """The connection was closed, and has let go of it."""
        self._storage.keep()
        self._mode = None

    def refuse_stream(self) -> None:
        """Who reads a stream in this thread could not write, and would wait for itself.

        Raises:
            StorageError: this thread does.
        """
        if threading.get_ident() in self._streams:
            raise StorageError(STREAMED.format(self._storage.path))

    def refuse_other_users(self) -> None:
        """For the one who has the turn, and wants nobody else to have the storage attached.

        Raises:
            StorageError: somebody has.
        """
        if self._users > 1:
            self._refuse_reader()

    def _open(self, *, write: bool) -> None:
        write = write or self._storage.is_private
        while self._mode == "read" and write:
            self._refuse_to_wait_for_oneself()
            self._changed.wait()  # for a stream of another thread
        if self._mode is None and (write or self._storage.exists()):
            self._storage.attach(self._con, write=write, wait=self._wait)
            self._mode = "write" if write else "read"
            self.is_kept = self._storage.is_private
        self._users += 1

    def _close(self) -> None:
        """Detaches it, unless somebody still needs it."""
        self._users -= 1
        self._changed.notify_all()
        if self._users or self.is_kept or not self.is_attached:
            return
        if self.expects_transaction and transactions.is_open(self._con):
            return
        self.expects_transaction = False
        self._storage.detach(self._con)
        self._mode = None

    def _refuse_to_wait_for_oneself(self) -> None:
        self.refuse_stream()
        if self.is_kept:
            raise StorageError(f"{self._storage.path} is open, and may only be read")
        if self._users > len(self._streams):  # only who has the turn has it attached without streaming
            self._refuse_reader()

    def _refuse_reader(self) -> None:
        raise StorageError(f"{self._storage.path} is being read by this workspace: read what it gives to its end first")
