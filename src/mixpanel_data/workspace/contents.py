"""What is in the local tables. Nothing here asks Mixpanel."""

from __future__ import annotations

from ..engine.statement import Statement
from ..exceptions import ArgumentError
from ..quoting import CATALOG, pointer, quoted
from ..results import ColumnStats, EventBreakdown, TableSummary
from .load.columns import INTEGERS
from .session import Session
from .tables import LocalTable, find_table

BREAKDOWN = """
SELECT event_name, count(*) AS count, count(DISTINCT distinct_id) AS users,
  min(event_time) AS first_seen, max(event_time) AS last_seen,
  round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} GROUP BY event_name ORDER BY count DESC, event_name"""
TOTALS = "SELECT count(*), count(DISTINCT distinct_id), min(event_time), max(event_time) FROM {}"
KEYS = f"""
WITH events AS ({{}}) SELECT property_name FROM {CATALOG}.local.property_keys(events, $event)"""
VALUES_OF_PROPERTY = f"""
WITH events AS ({{}}) SELECT value, count, round(100 * share, 2) AS percent
FROM {CATALOG}.local.property_values(events, NULL, $name) LIMIT $top"""
VALUES_OF_COLUMN = """
SELECT value::VARCHAR AS value, count(*) AS count, round(100 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM {} WHERE value IS NOT NULL GROUP BY ALL ORDER BY count DESC, value LIMIT $top"""
STATS = """
SELECT coalesce(mode(kind), 'NULL'), count(value), count(*) - count(value), count(DISTINCT value),
  min(value), max(value), bool_and(kind IN ('UBIGINT', 'BIGINT'))
FROM {}"""
STATS_OF_NUMBERS = """
SELECT min(n), max(n), avg(n) FILTER (isfinite(n::DOUBLE)), stddev_samp(n::DOUBLE) FILTER (isfinite(n::DOUBLE))
FROM (SELECT TRY_CAST(value::VARCHAR AS {kind}) AS n FROM {{}})"""
NUMBERS = (*INTEGERS, "FLOAT", "DOUBLE", "DECIMAL")


def summarize(session: Session, table: str = "events") -> TableSummary:
    """For each column: type, smallest and largest value, distinct values, share of NULLs; of numbers quartiles too.
    In the shell: ``mp inspect summarize``.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> ws.summarize("events").df["column_name"][0]
    'event_name'
    """
    found = find_table(session, table)
    ((rows,),) = session.rows(found.query("SELECT count(*) FROM {}"))
    return TableSummary(found.name, rows, arrow=session.look(found.query("SUMMARIZE {}")))


def event_breakdown(session: Session, table: str = "events") -> EventBreakdown:
    """How often each event is in a table, by how many users, from when to when. In the shell: ``mp inspect breakdown``.

    Raises:
        QueryError: it is no table of events.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> ws.event_breakdown().total_events
    3885
    """
    found = find_table(session, table)
    ((events, users, first, last),) = session.rows(found.query(TOTALS))
    rows = session.look(found.query(BREAKDOWN))
    return EventBreakdown(found.name, events, users, (str(first), str(last)) if first else None, arrow=rows)


def property_keys(session: Session, table: str = "events", event: str | None = None) -> list[str]:
    """The names of the properties in a table, the most frequent first. In the shell: ``mp inspect keys``.

    Args:
        table: a table with a column ``properties``.
        event: only of this event.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> "amount" in ws.property_keys("events", "Purchase")
    True
    """
    found = find_table(session, table)
    if event is not None and found.column("event_name") is None:
        raise ArgumentError(f"table {found.name} has no events: leave event out")
    keys = _as_events(found).wrap(*KEYS.split("{}"), event=event)
    return list(session.look(keys).column(0).to_pylist())


def column_stats(session: Session, table: str, column: str, *, top: int = 10) -> ColumnStats:
    """One column of a table, or one property of its events: how much, how different, from what to what.
    In the shell: ``mp inspect column``.

    Args:
        table: the table.
        column: name of a column, or of a property.
        top: how many of the most frequent values.

    Raises:
        ArgumentError: it has neither such a column nor properties.

    >>> _ = ws.fetch_events(from_date="2024-01-01", to_date="2024-01-01")
    >>> ws.column_stats("events", "plan").df["value"].tolist()
    ['free', 'pro', 'team']
    """
    found = find_table(session, table)
    values = _values(found, column)
    ((kind, count, nulls, unique, low, high, is_whole),) = session.rows(values.wrap(*STATS.split("{}")))
    if known := found.column(column):
        kind, is_whole = known.dtype, known.dtype in INTEGERS
        most_frequent = values.wrap(*VALUES_OF_COLUMN.split("{}"), top=top)
    else:
        most_frequent = _as_events(found).wrap(*VALUES_OF_PROPERTY.split("{}"), name=column, top=top)
    mean = std = None
    if kind.startswith(NUMBERS) and not kind.endswith("]"):
        of_numbers = STATS_OF_NUMBERS.format(kind="HUGEINT" if is_whole else "DOUBLE")
        ((low, high, mean, std),) = session.rows(values.wrap(*of_numbers.split("{}")))
    rows = session.look(most_frequent)
    return ColumnStats(found.name, column, kind, count, nulls, unique, low, high, mean, std, arrow=rows)


def _as_events(table: LocalTable) -> Statement:
    """The table as the reports want one: profiles, too, have properties, but no name."""
    return table.query("FROM {}" if table.column("event_name") else "SELECT NULL::VARCHAR AS event_name, * FROM {}")


def _values(table: LocalTable, column: str) -> Statement:
    """The values of a column, or of a property, as a column ``value``, and their type."""
    if found := table.column(column):
        return Statement(table.place).wrap(f"(SELECT {quoted(found.name)} AS value, NULL AS kind FROM ", ")")
    if table.column("properties") is None:
        there = ", ".join(column.name for column in table.columns)
        raise ArgumentError(f"table {table.name} has no column {column}: it has {there}")
    value, kind = "json_extract_string(properties::JSON, $path)", "json_type(properties::JSON, $path)"
    return table.query(f"(SELECT {value} AS value, nullif({kind}, 'NULL') AS kind FROM {{}})", path=pointer(column))
