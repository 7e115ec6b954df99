"""``mp explore``: starter notebooks for the account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .command import command, group

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

app = group("mp --account sandbox explore notebook --replace", "Write a starter notebook with first charts.")

First = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="First day; thirty days in all unless given.", show_default=False),
]
Last = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day; yesterday unless given.", show_default=False)
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a file that exists.")]


@command(
    app,
    "notebook",
    "mp --account sandbox explore notebook january.ipynb --from 2024-01-01 --to 2024-01-31 --replace",
    twin="exploring.write_notebook",
)
def notebook(
    workspace: Workspace,
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("exploration.ipynb"),
    from_date: First = None,
    to_date: Last = None,
    replace: Replace = False,
) -> Any:
    """Write a Jupyter notebook.

    It fetches the days once, and draws events by name, users by day, a funnel, and who comes back. It holds the name
    of the account, and no secret.
    """
    from ..exploring import write_notebook  # noqa: PLC0415 - loads the functions

    written = write_notebook(workspace, file, from_date=from_date, to_date=to_date, replace=replace)
    return {"written": str(written), "open_with": f"jupyter lab {written}"}


@command(
    app,
    "marimo",
    "mp --account sandbox explore marimo january.py --from 2024-01-01 --to 2024-01-31 --replace",
    twin="exploring.write_marimo",
)
def marimo(
    workspace: Workspace,
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("exploration.py"),
    from_date: First = None,
    to_date: Last = None,
    replace: Replace = False,
) -> Any:
    """Write a marimo notebook, with the same cells."""
    from ..exploring import write_marimo  # noqa: PLC0415 - loads the functions

    written = write_marimo(workspace, file, from_date=from_date, to_date=to_date, replace=replace)
    return {"written": str(written), "open_with": f"marimo edit {written}"}
