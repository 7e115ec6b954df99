"""Every declaration is complete, and its documentation is true to it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from mixpanel_data.functions import FUNCTIONS, Function
from mixpanel_data.functions.arguments import READERS
from mixpanel_data.functions.columns import ARROW_TYPES

SQL_KEYWORDS = {
    "from",
    "to",
    "end",
    "where",
    "limit",
    "on",
    "by",
    "window",
    "order",
    "table",
    "group",
    "select",
}
EVERY = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


@EVERY
def test_everything_is_documented(function: Function) -> None:
    assert function.doc.endswith(".")
    for part in (*function.parameters, *function.columns):
        assert part.doc
        assert not part.doc.endswith("."), "docs of parts are phrases"


@EVERY
def test_names_need_no_quotes(function: Function) -> None:
    for parameter in function.parameters:
        assert parameter.name.isidentifier()
        assert parameter.name not in SQL_KEYWORDS


@EVERY
def test_types_are_known(function: Function) -> None:
    assert all(parameter.type in READERS for parameter in function.parameters)
    assert all(column.arrow_type or column.type in ARROW_TYPES for column in function.columns)


@pytest.fixture
def con(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """With the variable that an example speaks of."""
    con.execute("SET VARIABLE handles = (SELECT list(handle) FROM mixpanel_download('2024-01-01', '2024-01-02'))")
    return con


@EVERY
def test_the_example_runs(function: Function, con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_events()").fetchall()  # so that there is a request to tell of
    result = con.sql(function.example)
    assert result.columns == [column.name for column in function.columns]
    assert result.limit(1).fetchall()


@EVERY
def test_columns_have_the_types_that_are_documented(function: Function, con: duckdb.DuckDBPyConnection) -> None:
    shown = [str(kind) for kind in con.sql(function.example).types]
    assert [kind if "STRUCT" not in kind else "STRUCT[]" for kind in shown] == [c.type for c in function.columns]


@EVERY
def test_the_example_of_each_parameter_is_sql_of_its_type(function: Function, con: duckdb.DuckDBPyConnection) -> None:
    for parameter in function.parameters:
        (value,) = con.execute(f"SELECT to_json({parameter.example})::VARCHAR").fetchone() or ()
        assert READERS[parameter.type](json.loads(value)) is not None


@EVERY
def test_duckdb_lists_the_documentation(function: Function, con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT comment FROM duckdb_functions() WHERE function_name = ? AND NOT internal"
    ((comment,),) = con.execute(query, [f"mixpanel_{function.name}"]).fetchall()
    assert function.doc in comment
    assert function.example in comment


def test_the_catalog_lists_every_function(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.sql("SELECT name, parameters, columns, endpoint, cost FROM mixpanel_functions()").fetchall()
    assert [row[0] for row in rows if row[0].startswith("mixpanel")] == [f"mixpanel_{f.name}" for f in FUNCTIONS]
    export = dict(zip(("name", "parameters", "columns", "endpoint", "cost"), rows[0], strict=True))
    assert export["endpoint"] == "GET /api/2.0/export"
    assert export["cost"].endswith("60 requests an hour, 3 a second, 5 at once for the project")
    assert export["parameters"][0] == {
        "name": "from_date",
        "type": "DATE",
        "default": "required",
        "doc": "first day, inclusive; a date, today, yesterday, or 7d for seven days ago",
        "example": "'2024-01-01'",
    }
    assert [column["name"] for column in export["columns"]] == [
        "event_name",
        "event_time",
        "distinct_id",
        "insert_id",
        "properties",
    ]


def test_the_reference_page_is_what_the_declarations_say() -> None:
    from mixpanel_data.functions.reference import page

    written = Path("docs/functions.md").read_text(encoding="utf-8")
    assert written == page(), "write it anew: python -m mixpanel_data.functions.reference > docs/functions.md"


def test_the_page_of_the_reports_is_what_their_files_say() -> None:
    from mixpanel_data.functions.local_reference import page

    written = Path("docs/local.md").read_text(encoding="utf-8")
    assert written == page(), "write it anew: python -m mixpanel_data.functions.local_reference > docs/local.md"
