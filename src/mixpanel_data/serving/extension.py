"""DuckDB's extension ``quack``, from wherever it is on this machine. Nothing is downloaded here: without a network that
could hang, and a server should not depend on it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb

from ..exceptions import StorageError
from ..quoting import literal

NEEDED = ("httpfs", "quack")
"""What to load, in this order: quack takes its HTTP client from httpfs."""


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Loads it from the packages of the extra ``serve``, else from where ``INSTALL quack`` has put it.

    Raises:
        StorageError: it is in neither place.
    """
    for name in NEEDED:
        file = packaged(name)
        try:
            con.execute(f"LOAD {literal(str(file)) if file else name}")
        except duckdb.Error:
            raise StorageError(_missing(name)) from None


def packaged(name: str) -> Path | None:
    """The extension in its Python package, where that has it for this very DuckDB."""
    package = find_spec(f"duckdb_extension_{name}")
    folders = (package.submodule_search_locations if package else None) or ()
    files = (Path(folder, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension") for folder in folders)
    return next((file for file in files if file.exists()), None)


def _missing(name: str) -> str:
    version = duckdb.__version__
    packages = " ".join(f"duckdb-extension-{needed}=={version}" for needed in NEEDED)
    return (
        f"DuckDB {version} finds no extension {name} on this machine: pip install {packages}, or, where DuckDB can "
        f"download it, python -c \"import duckdb; duckdb.sql('INSTALL httpfs; INSTALL quack')\""
    )
