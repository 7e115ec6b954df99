"""SQL of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ..engine.rows import Values, batches
from ..exceptions import ArgumentError
from ..storage.file import Storage
from .session import IS_PREVIEW, Preview, Session

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def sql(session: Session, query: str, values: Values = None) -> pd.DataFrame:
    """Runs SQL; gives the rows of the last statement as a DataFrame, in which JSON is Python objects.
    In the shell: ``mp sql`` and ``mp query sql``.

    Args:
        query: SQL, in which the local tables and every ``mixpanel_…`` function can be used.
        values: for ``?`` a sequence, for ``$name`` a mapping.

    Raises:
        QueryError: DuckDB or Mixpanel refuses it. Every other error of Mixpanel's side is raised as itself.

    >>> ws.sql("SELECT event_name FROM mixpanel_events() WHERE event_name LIKE ?", ["Purchase"])
      event_name
    0   Purchase
    """
    with session.run(query, values) as rows:
        from ..results import parsed  # noqa: PLC0415 - only who asks for a frame pays for it

        frame = rows.df()
        as_json = [place for place, column in enumerate(rows.description) if str(column[1]) == "JSON"]
    for place in as_json:
        column = frame.iloc[:, place]
        frame.isetitem(place, parsed(column.astype(object).where(column.notna(), None).tolist()))
    return frame


def sql_rows(session: Session, query: str, values: Values = None) -> list[tuple[Any, ...]]:
    """Runs SQL; gives the rows as tuples. JSON is text.

    >>> ws.sql_rows("SELECT 1 AS one, 'two' AS two")
    [(1, 'two')]
    """
    with session.run(query, values) as rows:
        return rows.fetchall()


def sql_scalar(session: Session, query: str, values: Values = None) -> Any:
    """Runs SQL that gives one value.

    Raises:
        ValueError: it gives no row, or more than one row or column.

    >>> ws.sql_scalar("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')")
    3885
    """
    with session.run(query, values) as rows:
        found, columns = rows.fetchall(), len(rows.description)
    if len(found) == columns == 1:
        return found[0][0]
    size = f"{len(found)} row{'s' * (len(found) != 1)} of {columns} column{'s' * (columns != 1)}"
    raise ValueError(f"sql_scalar is for one value, and this query gives {size}: use sql_rows or sql")


def arrow(session: Session, query: str, values: Values = None) -> pa.Table:
    """Runs SQL; gives the rows as an Arrow table. Exact where a DataFrame is not: big integers, decimals, NULLs.

    >>> ws.arrow("FROM mixpanel_events()").num_rows > 3
    True
    """
    with session.run(query, values) as rows:
        return rows.to_arrow_table()


def stream(
    session: Session, query: str, values: Values = None, *, rows: int = Storage.row_group
) -> Generator[pa.RecordBatch, None, None]:
    """Runs a SELECT; gives the rows bit by bit, as Arrow batches, for what does not fit into memory.

    The database file stays open for reading until the last batch, or until the iterator is closed. It runs beside the
    other methods, on a connection of its own, which knows their variables, but not their temporary tables.

    Args:
        query: a SELECT.
        values: for ``?`` a sequence, for ``$name`` a mapping.
        rows: about so many in a batch; as many as DuckDB's row groups have unless given.

    >>> sum(batch.num_rows for batch in ws.stream("FROM mixpanel_export('2024-01-01', '2024-01-01')"))
    3885
    """
    if rows < 1:
        raise ArgumentError(f"rows must be at least 1, not {rows}")
    session.last_sql = query
    with session.database.streaming() as con:
        yield from batches(con, query, values, rows)


def sql_of(session: Session, method: Callable[..., Any], *arguments: Any, **named: Any) -> str:  # noqa: ARG001
    """The SQL that one of the methods which ask Mixpanel would run, with its values written in; nothing is asked.

    >>> ws.sql_of(ws.property_values, "Purchase", "plan", limit=3)
    "SELECT value FROM mixpanel.property_values(event := 'Purchase', property := 'plan', max_rows := 3)"
    """
    token = IS_PREVIEW.set(True)
    try:
        method(*arguments, **named)
    except Preview as preview:
        return preview.sql
    finally:
        IS_PREVIEW.reset(token)
    raise ArgumentError(f"{getattr(method, '__name__', method)} asks nothing of Mixpanel")
