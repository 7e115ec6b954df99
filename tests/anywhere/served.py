"""``mp serve`` in a process of its own, and the command line of DuckDB as its client."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from mixpanel_data.serving import extension
from tests.shell import started

LOADS = "".join(f"LOAD '{extension.packaged(name)}';\n" for name in extension.NEEDED)
COMMAND_LINE = (sys.executable, "-m", "duckdb_cli", "-no-init", "-bail", "-csv", "-noheader")


@dataclass
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    lines: str
    """What it printed for clients."""
    port: int

    def client(self, query: str, *, token: str | None = None) -> subprocess.Popen[str]:
        """The command line that asks it."""
        lines = self.lines if token is None else self.lines.replace(self.token, token)
        process = subprocess.Popen(
            COMMAND_LINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write(f"{LOADS}.output /dev/null\n{lines}\n.output\n{query};\n")
        process.stdin.close()
        process.stdin = None
        return process

    def ask(self, query: str) -> str:
        """What the query gives."""
        out, err = self.client(query).communicate(timeout=60)
        assert err == ""
        return out.rstrip("\n")

    def refusal(self, query: str, *, token: str | None = None) -> str:
        """The error that the query ends with."""
        process = self.client(query, token=token)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (1, "")
        return err.splitlines()[0]

    @property
    def token(self) -> str:
        return self.lines.split("TOKEN '")[1].split("'")[0]


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(*arguments: str, **more: str) -> Iterator[Served]:
    port = free_port()
    with started("serve", "--port", str(port), *arguments, **more) as process:
        assert process.stdout is not None
        lines = "".join(process.stdout.readline() for _ in range(3))
        try:
            yield Served(process, lines, port)
        finally:
            if process.poll() is None:
                process.terminate()


@contextmanager
def client(served: Served) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        extension.load(con)
        con.execute(f"ATTACH 'quack:localhost:{served.port}' AS mp (TOKEN '{served.token}')")
        yield con


def ask(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return con.execute("FROM quack_query_by_name('mp', $1)", [query]).fetchall()
