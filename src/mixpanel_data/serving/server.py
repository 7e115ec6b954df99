"""A DuckDB with the functions that other DuckDBs can ask.

Who has the token may run the SELECTs that :mod:`.allowed` lists: the functions, and the local tables, which are open
for reading. Nothing else: no other statement or function of DuckDB's, no file of this machine, no other account.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ..binding import Registration, add_short_names
from ..binding.clients import Account, credentials_for
from ..client import Watcher
from ..engine.database import Database
from ..exceptions import ArgumentError, StorageError, warn
from ..quoting import literal, quoted
from ..storage.databases import current_database
from ..storage.file import File, storage_at
from ..storage.temporary import temporary_folder
from .allowed import Allowed
from .answers import AUTHORIZATION, LONGEST_STOP, Answers
from .extension import load
from .limits import MEMORY, ROWS, SECONDS, Limits
from .macros import ATTACHED_AS, client_sql
from .sessions import Sessions

LOCALHOST = "localhost"
PORT = 9494
"""Quack's own."""
SHORTEST_TOKEN = 8
STOPPED = "mp serve was stopped"
EVERYBODYS = "memory.main"
"""The schema that every client is in when it begins."""
LOCKS = (
    f"SET GLOBAL quack_authorization_function = {literal(AUTHORIZATION)}",
    "SET GLOBAL python_enable_replacements = false",
    "SET GLOBAL enable_external_access = false",
    "SET GLOBAL lock_configuration = true",
)
LISTEN = "CALL quack_serve(?, token := ?, allow_other_hostname := ?)"
LOOPBACK = frozenset({LOCALHOST, "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only if it is asked for
TAKEN = "{} cannot be listened on at port {}: it is taken, or not for us; give another one"


@dataclass(frozen=True)
class Server:
    """What serves the functions."""

    host: str
    port: int
    token: str = field(repr=False)
    """What a client has to give."""
    macros: Path
    """SQL for the client that makes ``mixpanel_export(…)`` and so on; there as long as the server is."""

    @property
    def uri(self) -> str:
        """Where it listens, as ``quack_serve`` has it."""
        return _uri(self.host, self.port)

    @property
    def here(self) -> tuple[str, int]:
        """Its host, for this machine, and its port."""
        return (LOCALHOST if self.host in EVERYWHERE else self.host), self.port

    def client_lines(self, token: str | None = None) -> str:
        """What a client on this machine types, and pastes into its DuckDB.

        Args:
            token: what to write instead of the token.
        """
        there = _uri(socket.gethostname() if self.host in EVERYWHERE else self.host, self.port)
        without_tls = "" if self.host in LOOPBACK else " (DISABLE_SSL true)"
        return (
            f"CREATE OR REPLACE SECRET {ATTACHED_AS} (TYPE quack, SCOPE {literal(there)}, "
            f"TOKEN {literal(token or self.token)});\n"
            f"ATTACH {literal(there)} AS {ATTACHED_AS}{without_tls};\n"
            f".read {literal(str(self.macros))}"
        )


@contextmanager
def serve(
    account: Account = None,
    path: str | Path | None = None,
    *,
    host: str = LOCALHOST,
    port: int = PORT,
    token: str | None = None,
    memory_limit: str = MEMORY,
    max_seconds: float = SECONDS,
    max_rows: int = ROWS,
    wait: bool = True,
    watch: Watcher | None = None,
) -> Iterator[Server]:
    """Serves the functions, and the local tables, to other DuckDBs for as long as the block runs.

    They speak Quack, DuckDB's own remote protocol, and so have to be of the same line. Clients may SELECT from
    the functions, the local reports and tables, with DuckDB's plain functions; whatever else they ask, or goes beyond a
    limit, is refused. The database file is open for reading meanwhile. What is under way when the block ends fails
    over there.

    In the shell: ``mp serve``.

    Args:
        account: the one account whose project can be read; as for :func:`register`.
        path: the DuckDB file with the local tables, or ``":memory:"`` for none; the project's current database unless
            given.
        host: where to listen; on this machine only unless given.
        port: the port to listen on.
        token: what clients have to give; a random one unless given.
        memory_limit: what DuckDB may use for all clients together, such as ``"2GB"``; an answer that needs more fails.
        max_seconds: how long a statement may run until all of its rows are there; it fails if it takes longer.
        max_rows: how many rows one answer may have; it fails if it has more.
        wait: whether to wait for a request budget that is spent, and for a database that another process holds.
        watch: called with a :class:`Progress` at every step of a running call.

    Raises:
        StorageError: DuckDB's extension is not on this machine, the port is taken, or the file cannot be read.
        ArgumentError: the port, the token or a limit cannot be used.
        ConfigError, AuthenticationError: there are no usable credentials.

    Example:
        >>> import duckdb, mixpanel_data
        >>> from mixpanel_data.serving import extension
        >>> with mixpanel_data.serve("sandbox", ":memory:", port=9595) as server, duckdb.connect() as elsewhere:
        ...     extension.load(elsewhere)
        ...     _ = elsewhere.execute(f"ATTACH '{server.uri}' AS mp (TOKEN '{server.token}')")
        ...     _ = elsewhere.execute(server.macros.read_text())
        ...     elsewhere.execute("FROM mixpanel_events() LIMIT 1").fetchall()
        [('Add To Cart',)]
    """
    _refuse_unusable(host, port, token)
    limits = Limits(memory_limit, max_seconds, max_rows)
    credentials = credentials_for(account)
    storage = storage_at(path) if path else File(current_database(credentials.project_id))
    if path and not storage.exists():
        raise StorageError(f"there is no database {path}")
    with temporary_folder() as folder:
        server = Server(host, port, token or secrets.token_urlsafe(), folder / "client.sql")
        server.macros.write_text(client_sql(), encoding="utf-8")
        database = Database(storage, credentials, wait=wait, watch=watch)
        with _clients_gone(database.all_names()), closing(database), database.attached() as con:
            memory = limits.apply(con)
            database.functions().keep_to(credentials.account)
            allowed = _show_everybody(con, database)
            with (
                closing(Answers(con, allowed, limits, memory, database.functions().error_behind)) as answers,
                _listening(con, server, database.functions(), answers),
                closing(Sessions(con.cursor(), *server.here, limits.seconds)),
            ):
                yield server


def _refuse_unusable(host: str, port: int, token: str | None) -> None:
    """Says what cannot be listened on, and for which token.

    Raises:
        ArgumentError, StorageError: as :func:`serve` does.
    """
    if not 0 < port < 65536:
        raise ArgumentError(f"a client must know the port: give one between 1 and 65535, not {port}")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ArgumentError(f"the token is too short: give one of {SHORTEST_TOKEN} characters or more")
    _refuse_taken(host, port)
    if host not in LOOPBACK:
        warn(
            f"what is read from {host} travels unencrypted, token included: put a proxy with TLS before it",
            stacklevel=4,
        )


def _refuse_taken(host: str, port: int) -> None:
    """Looks whether somebody answers: two servers of Quack's would share the port, and take turns."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return
    raise StorageError(TAKEN.format(host, port))


@contextmanager
def _clients_gone(registration: Registration) -> Iterator[None]:
    """Waits at last until what clients asked has come to its end: DuckDB's threads may not run on while Python ends."""
    try:
        yield
    finally:
        registration.wait_until_gone(LONGEST_STOP)


def _show_everybody(con: duckdb.DuckDBPyConnection, database: Database) -> Allowed:
    """Puts the functions and the local tables where clients look; says what they may ask for."""
    add_short_names(con, database.functions(), EVERYBODYS)
    if database.path is None:
        return Allowed((), None)
    return Allowed(_show_tables(con, database.storage.name), database.storage.name)


def _show_tables(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    query = (
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = ? AND table_schema = 'main' "
        "ORDER BY table_name"
    )
    shown = []
    for (name,) in con.execute(query, [database]).fetchall():
        with suppress(duckdb.Error):  # a view over what is not there any more
            con.execute(f"CREATE VIEW {EVERYBODYS}.{quoted(name)} AS FROM {quoted(database)}.main.{quoted(name)}")
            shown.append(name)
    return shown


@contextmanager
def _listening(
    con: duckdb.DuckDBPyConnection, server: Server, registration: Registration, answers: Answers
) -> Iterator[None]:
    load(con)
    for statement in LOCKS:
        con.execute(statement)
    try:
        con.execute(LISTEN, [server.uri, server.token, server.host not in LOOPBACK])
    except duckdb.IOException:
        raise StorageError(TAKEN.format(server.host, server.port)) from None
    try:
        yield
    finally:
        registration.end(STOPPED)
        answers.end(STOPPED)
        con.execute("CALL quack_stop(?)", [server.uri])


def _uri(host: str, port: int) -> str:
    return f"quack:[{host}]:{port}" if ":" in host else f"quack:{host}:{port}"
