"""``mp sandbox``: a Mixpanel of our own, for other programs to use."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from ..exceptions import StorageError
from .command import command

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "sandbox", "mp sandbox --port 8765", prints=False)
def sandbox(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen, on this machine only; any free port unless given.")
    ] = 0,
    sessions: Annotated[
        int | None, typer.Option(min=1, help="Sessions a day, of about five events each.", show_default=False)
    ] = None,
) -> None:
    """Run the sandbox in the foreground, until Ctrl-C or SIGTERM.

    It prints the variables that make every other command, and any program that uses the library, talk to it.
    """
    from ..sandbox import DEFAULT_SESSIONS, Sandbox  # noqa: PLC0415 - makes its events first

    try:
        server = Sandbox(sessions or DEFAULT_SESSIONS, port)
    except OSError as error:
        raise StorageError(f"port {port} cannot be used: {error.strerror}") from None
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    with server:
        print(
            f"export MP_API_BASE_URL={server.url} MP_USERNAME={server.username} MP_SECRET={server.secret} "
            f"MP_PROJECT_ID={server.project_id}",
            flush=True,
        )
        told_to_end.wait()
