"""The local tables: what is there, in they come and out they go. Nothing here asks Mixpanel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from ..engine.rows import registered
from ..engine.statement import Statement
from ..engine.transactions import transaction
from ..exceptions import ArgumentError, TableExistsError, TableNotFoundError
from ..lenient import read_json
from ..quoting import quoted
from ..results import Result
from ..types import ColumnInfo, TableInfo, TableSchema
from .load.admission import resolve_table_name
from .load.ledger import LEDGER_TABLES, Ledger
from .queries import sql
from .session import Session

if TYPE_CHECKING:
    import pandas as pd

TABLES = f"""
SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal AND NOT temporary
  AND table_name NOT IN {LEDGER_TABLES}
ORDER BY table_name"""
RESULT_VIEW = "__mixpanel_data_result"


@dataclass(frozen=True)
class LocalTable:
    """A table, or a view, that is there."""

    name: str
    """As it is written."""
    place: str
    """Its whole name, as SQL."""
    columns: list[ColumnInfo]

    def column(self, name: str) -> ColumnInfo | None:
        """The column of this name, in capitals or not."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)

    def query(self, text: str, **values: Any) -> Statement:
        """SQL with the table in the place of ``{}``."""
        return Statement(self.place, values).wrap(*text.split("{}"))


def tables(session: Session) -> list[TableInfo]:
    """The tables, with what is known of how they were fetched. In the shell: ``mp inspect tables``.

    >>> _ = ws.fetch_events("january", from_date="2024-01-01", to_date="2024-01-02")
    >>> [(table.name, table.rows, table.date_range) for table in ws.tables()]
    [('january', 7873, ('2024-01-01', '2024-01-02'))]
    """
    with session.database.attached() as con:
        return [_info(session, con, name) for name in table_names(con)]


def schema(session: Session, table: str) -> TableSchema:
    """A table's columns, number of rows, and the properties of one of its rows. In the shell: ``mp inspect schema``.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> [column.name for column in ws.schema("events").columns]
    ['event_name', 'event_time', 'distinct_id', 'insert_id', 'properties']
    """
    found = find_table(session, table)
    sample: dict[str, Any] = {}
    if column := found.column("properties"):
        name = quoted(column.name)
        first = f"SELECT {name}::JSON::VARCHAR FROM {{}} WHERE {name} IS NOT NULL LIMIT 1"
        sample = next((read_json(text) for (text,) in session.rows(found.query(first))), {})
    ((rows,),) = session.rows(found.query("SELECT count(*) FROM {}"))
    return TableSchema(found.name, found.columns, rows, sample)


def sample(session: Session, table: str = "events", n: int = 10) -> pd.DataFrame:
    """``n`` rows of a table, chosen at random. In the shell: ``mp inspect sample``.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> len(ws.sample("events", 3))
    3
    """
    return sql(session, sample_query(session, table, n))


def sample_query(session: Session, table: str, n: int) -> str:
    """The SQL for some rows of a table."""
    if n < 0:
        raise ArgumentError(f"n must be a number of rows, not {n}")
    return f"FROM {find_table(session, table).place} USING SAMPLE {int(n)} ROWS"


def keep(session: Session, result: Result | Callable[[], Result], table: str, *, replace: bool = False) -> TableInfo:
    """Keeps the rows of a result as a table, to be asked with SQL as often as you like.

    Args:
        result: what a report gave; or a function that asks for it, which is not called where it could not be kept.
        table: the new table's name.
        replace: put it in the place of a table of that name.

    Raises:
        TableExistsError: there is one, and it is not to be replaced; or it is one that was fetched.

    >>> sales = ws.segmentation("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="plan")
    >>> ws.keep(sales, "sales").rows
    93
    >>> ws.sql_scalar("SELECT sum(count) FROM sales")
    3547
    """
    database = session.database
    with database.attached() as con:
        table = resolve_table_name(Ledger(con), table)
        _refuse_taken(Ledger(con), table, replace)
    rows = (result() if callable(result) else result).arrow
    with database.writing() as con, transaction(con):
        _refuse_taken(Ledger(con), table, replace)  # somebody may have made it meanwhile
        with registered(con, RESULT_VIEW, rows) as view:
            con.execute(f"CREATE OR REPLACE TABLE {database.qualify(table)} AS FROM {view}")
    with database.attached() as con:
        return _info(session, con, table)


def drop(session: Session, *names: str) -> None:
    """Drops tables: all of them, or none where one is not there. In the shell: ``mp inspect drop``.

    Raises:
        ArgumentError: it is a table in which we keep what was fetched.

    >>> _ = ws.sql("CREATE TABLE mine AS SELECT 1 AS one")
    >>> ws.drop("mine")
    >>> ws.tables()
    []
    """
    if ledgers := [name for name in names if name.lower() in LEDGER_TABLES]:
        raise ArgumentError(f"{ledgers[0]} belongs to the ledger of the other tables: it is not to be dropped")
    found = {table.name: table for table in (find_table(session, name) for name in names)}
    with session.database.writing() as con, transaction(con):
        ledger = Ledger(con)
        for name, table in found.items():
            if not ledger.exists(name):
                raise TableNotFoundError(f"{name} is a view, and no table: DROP VIEW in SQL drops it", table=name)
            con.execute(f"DROP TABLE {table.place}")
            ledger.forget(name)


def drop_all(session: Session, type: Literal["events", "profiles"] | None = None) -> None:  # noqa: A002
    """Drops all tables, or all that were fetched as events or as profiles. In the shell: ``mp db reset``.

    Raises:
        ArgumentError: there is no such type.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> ws.drop_all("events")
    >>> ws.tables()
    []
    """
    if type not in {"events", "profiles", None}:
        raise ArgumentError(f"type must be events or profiles, not {type!r}")
    drop(session, *(table.name for table in tables(session) if type in {None, table.type}))


def table_names(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of the user's, in alphabetical order."""
    return [name for (name,) in con.execute(TABLES).fetchall()]


def find_table(session: Session, table: str) -> LocalTable:
    """A table that is there.

    Raises:
        TableNotFoundError: it is not; the message says which are.
    """
    if not isinstance(table, str):
        raise ArgumentError(f"the table's name must be a string, not {table!r}")
    with session.database.attached() as con:
        ledger = Ledger(con, session.database.qualify)
        found = ledger.find(table)
        if found is None:
            there = ", ".join(table_names(con)) or "none"
            raise TableNotFoundError(f"there is no table {table}; there are: {there}", table=table)
        described = session.database.with_functions(lambda: ledger.columns(found[0]))  # a view may speak of them
    return LocalTable(found[0], ledger.qualify(found[0]), [ColumnInfo(*column) for column in described])


def _info(session: Session, con: duckdb.DuckDBPyConnection, name: str) -> TableInfo:
    entry = Ledger(con).entry(name)
    ((rows,),) = con.execute(f"SELECT count(*) FROM {session.database.qualify(name)}").fetchall()
    if entry is None:
        return TableInfo(name, None, rows, None, None, None, None)
    days = (str(entry.from_date), str(entry.to_date)) if entry.from_date else None
    return TableInfo(name, entry.kind, rows, days, entry.fetched_at, entry.events, entry.where)


def _refuse_taken(ledger: Ledger, table: str, replace: bool) -> None:
    """Refuses the name of a view, of a table that was fetched, and of any other that is not to be replaced."""
    found = ledger.find(table)
    if found is None:
        return
    name, kind = found
    is_for_good = kind == "view" or ledger.entry(table) is not None
    if is_for_good or not replace:
        way = "choose another name" if is_for_good else "give replace=True, or another name"
        raise TableExistsError(f"{kind} {name} exists: {way}", table=name)
