"""Transactions: ours, and whether the user has one open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from ..exceptions import QueryError


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """All that the block does, or nothing."""
    # After an error DuckDB would take a COMMIT for a rollback, and not say so: it is never given one.
    con.execute("BEGIN")
    try:
        yield con
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def is_open(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the user has begun one: outside, every statement has a transaction, and so a number, of its own."""
    try:
        one, two = (con.execute("SELECT txid_current()").fetchall() for _ in range(2))
    except duckdb.Error:
        return True  # it has failed, and waits for its ROLLBACK
    return one == two


def refuse_open(con: duckdb.DuckDBPyConnection) -> None:
    """Where a transaction of the user's is open, ours cannot begin, and would break it by trying.

    Raises:
        QueryError: there is one.
    """
    if is_open(con):
        raise QueryError("a transaction is open: COMMIT or ROLLBACK first")
