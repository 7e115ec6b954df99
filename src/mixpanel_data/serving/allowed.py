"""What a client may run: a list of what is allowed. Whatever is not on it is refused, since DuckDB has functions that
listen, stop, write and read files, and every version brings more.

DuckDB itself parses the statement, into JSON. Each function, each table and each kind of node in it is looked up here;
so a name means the same however it is written and wherever it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import duckdb

from ..exceptions import QueryError
from ..functions import FUNCTIONS
from ..local import SCHEMA, reports
from ..quoting import CATALOG, quoted
from .plain import PLAIN, words
from .size import HOW_LONG, LARGEST, TOO_LARGE, length, written_out

Name = tuple[str, ...]
"""A name and what qualifies it, in lower case."""
Node = dict[str, Any]
Sizes = dict[Name, int]
"""CTEs, and how large each is."""

MAY = (
    "mp serve runs a SELECT of mixpanel_…() functions, local_…() reports, the local tables, VALUES, range(), "
    "generate_series(), unnest(), and DuckDB's plain functions and aggregates"
)
ONLY_SELECT = (
    "mp serve runs only SELECT, one at a time: keep rows in a table of your own DuckDB, "
    "as in CREATE TABLE january AS FROM mixpanel_export(…)"
)
LONGEST = 1_000_000
"""Characters of a statement."""

TABLE_FUNCTIONS = words("range generate_series unnest duckdb_tables duckdb_views json_each json_tree")
"""DuckDB's own. The client's DuckDB asks for tables and views when it attaches."""
ABOUT = frozenset(
    {("duckdb_tables",), ("duckdb_views",), ("main", "duckdb_tables"), ("main", "duckdb_views")}
    | {("information_schema", name) for name in ("schemata", "tables", "columns")}
)
"""Views that say which tables there are."""
SHOWN = frozenset({"", '"tables"', "__show_tables_expanded"})
"""What SHOW and DESCRIBE may be about: a query, or all tables."""

CLASSES = words("""
BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT DEFAULT FUNCTION LAMBDA LAMBDA_REF OPERATOR
PARAMETER POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW
""")
"""Kinds of expressions."""
KINDS = words("""
SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE
BASE_TABLE EMPTY EXPRESSION_LIST JOIN PIVOT SHOW_REF SUBQUERY TABLE_FUNCTION
DISTINCT_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING
""")
"""Kinds of everything else: queries, what stands in FROM, what follows it."""
TYPE_INFO = "_TYPE_INFO"
"""What tells more of a type, by the end of its kind."""


class Allowed:
    """What one server's clients may run.

    Args:
        tables: the local tables.
        database: what the database is called in which they are; None if there is none.
    """

    def __init__(self, tables: Iterable[str], database: str | None) -> None:
        places = [(), ("main",), ("memory",), ("memory", "main")]
        if database is not None:
            places += [(database.lower(),), (database.lower(), "main")]
        self._tables = frozenset((*place, table.lower()) for table in tables for place in places)
        self._functions = _ours() | {(*place, name) for name in TABLE_FUNCTIONS for place in ((), ("system", "main"))}

    def refuse_others(self, con: duckdb.DuckDBPyConnection, query: str) -> None:
        """Lets pass what may be run.

        Raises:
            QueryError: it may not, or it is no SQL; the message says what may be.
        """
        if len(query) > LONGEST:
            raise QueryError(f"the statement has {len(query):,} characters: mp serve runs one of up to {LONGEST:,}")
        ((text,),) = con.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchall()
        parsed = json.loads(text)
        if parsed.get("error_type") == "parser":
            raise QueryError(f"Parser Error: {parsed['error_message']}")
        if parsed["error"] or len(parsed["statements"]) != 1:
            raise QueryError(ONLY_SELECT)
        try:
            self._look(parsed["statements"], {})
        except RecursionError:
            raise QueryError(TOO_LARGE) from None

    def _look(self, part: Any, ctes: Sizes) -> int:
        """Refuses what is not allowed in a part of the statement, where these CTEs can be named; gives its size."""
        if isinstance(part, list):
            return sum(self._look(one, ctes) for one in part)
        if not isinstance(part, dict):
            return 0
        ctes = self._look_at_ctes(part, ctes)
        self._look_at_node(part, ctes)
        sizes = {key: self._look_at_part(part, key, ctes) for key in part if key != "cte_map"}
        size = written_out(part, sizes) + ctes.get(_table(part), 0)
        if size > LARGEST:
            raise QueryError(TOO_LARGE)
        return size

    def _look_at_part(self, node: Node, key: str, ctes: Sizes) -> int:
        if key == "right" and node["type"] == "RECURSIVE_CTE_NODE":
            return self._look(node[key], {**ctes, (node["cte_name"].lower(),): 1})
        if key == "function":  # in FROM: its name has been looked up among those that give tables
            return self._look(list(node[key].values()), ctes)
        return self._look(node[key], ctes)

    def _look_at_ctes(self, node: Node, ctes: Sizes) -> Sizes:
        """Each may name those before it; gives what the rest of the node may name."""
        for entry in node.get("cte_map", {}).get("map", ()):
            ctes = {**ctes, (entry["key"].lower(),): self._look(entry["value"], ctes)}
        return ctes

    def _look_at_node(self, node: Node, ctes: Sizes) -> None:
        kind = node.get("type")
        if "class" in node:
            if node["class"] not in CLASSES:
                _refuse(str(node["class"]))
        elif isinstance(kind, str) and kind not in KINDS and not kind.endswith(TYPE_INFO):
            _refuse(kind)
        if kind == "BASE_TABLE":
            self._look_at_table(_table(node), ctes)
        elif kind == "TABLE_FUNCTION":
            self._look_at_table_function(node["function"], ctes)
        elif kind == "SHOW_REF" and node.get("table_name") not in SHOWN:
            _refuse(f"SHOW {node['table_name']}")
        elif "function_name" in node and node["function_name"].lower() not in PLAIN:
            _refuse(f"{node['function_name']}()")
        elif length(node) is None:
            raise QueryError(f"{node['function_name']}() on mp serve {HOW_LONG}")

    def _look_at_table(self, name: Name, ctes: Sizes) -> None:
        if name not in self._tables | ctes.keys() | ABOUT:
            _refuse(".".join(name))

    def _look_at_table_function(self, function: Node, ctes: Sizes) -> None:
        name = _name(function, "catalog", "schema", "function_name")
        if name not in self._functions:
            _refuse(f"{'.'.join(name)}()")
        if name[-1].startswith(f"{SCHEMA}_") or SCHEMA in name[:-1]:
            self._look_at_events(_events(function), ctes)

    def _look_at_events(self, events: Node | None, ctes: Sizes) -> None:
        """A report reads the table that its first argument names: as a name, as a text, or some of them in a list."""
        if events is None:
            return  # DuckDB will say what is missing
        if events["class"] == "COLUMN_REF":
            self._look_at_table(tuple(name.lower() for name in events["column_names"]), ctes)
        elif events["class"] == "CONSTANT":
            text = str(events["value"].get("value"))
            if text.lower() not in {way for name in self._tables | ctes.keys() for way in _written(name)}:
                _refuse(text)
        elif events.get("function_name") == "list_value" or events["type"] == "ARRAY_CONSTRUCTOR":
            for one in events["children"]:
                self._look_at_events(one, ctes)
        else:
            raise QueryError("a local report on mp serve wants its table as a name: local_funnel(january, …)")


def _ours() -> frozenset[Name]:
    """The functions and the reports, by all of their names."""
    functions = {name for f in FUNCTIONS for name in _everywhere(f"mixpanel_{f.name}", f.name)}
    named = {name for r in reports() for name in _everywhere(r.short_name, SCHEMA, r.name)}
    return frozenset(functions | named | {(CATALOG, "main", f.name) for f in FUNCTIONS})


def _everywhere(short: str, *long: str) -> tuple[Name, ...]:
    return (short,), ("main", short), ("memory", short), ("memory", "main", short), (CATALOG, *long)


def _events(report: Node) -> Node | None:
    """The argument of a report that says which table it is about."""
    given: list[Node] = report["children"]
    named = [argument for argument in given if argument["alias"].lower() == "events"]
    return next(iter(named or [argument for argument in given if not argument["alias"]]), None)


def _table(node: Node) -> Name:
    return _name(node, "catalog_name", "schema_name", "table_name") if node.get("type") == "BASE_TABLE" else ()


def _name(node: Node, *keys: str) -> Name:
    return tuple(node[key].lower() for key in keys if node[key])


def _written(name: Name) -> tuple[str, str]:
    return ".".join(name), ".".join(map(quoted, name))


def _refuse(what: str) -> NoReturn:
    raise QueryError(f"{what} cannot be run here: {MAY}")
