"""The functions themselves, as a table: what there is, what to give, what comes back, what it costs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pyarrow as pa

from ..local import Report, reports
from ..quoting import literal
from .declaration import Call, Column, Function, table_function


def _structs(*names: str) -> pa.DataType:
    return pa.list_(pa.struct([(name, pa.string()) for name in names]))


def catalog(functions: Callable[[], Sequence[Function]]) -> Function:
    """The function that lists the others (and itself)."""

    @table_function(
        doc="Every function of this package and every report over local tables, with parameters, columns and cost.",
        example="FROM mixpanel_functions()",
        columns=(
            Column("name", "VARCHAR", "what to type"),
            Column("doc", "VARCHAR", "what it returns"),
            Column("parameters", "STRUCT[]", "name, type, default, doc and an example of each", _structs(
                "name", "type", "default", "doc", "example")),
            Column("columns", "STRUCT[]", "name, type and doc of each", _structs("name", "type", "doc")),
            Column("endpoint", "VARCHAR", "the Mixpanel endpoint behind it; NULL if none"),
            Column("cost", "VARCHAR", "what one call takes from the request budget"),
            Column("example", "VARCHAR", "a call to start from"),
        ),
    )  # fmt: skip
    async def functions_(_: Call) -> AsyncGenerator[list[tuple[Any, ...]]]:
        yield [*map(_row, functions()), *map(_row_of_report, reports())]

    return functions_


def _row(function: Function) -> tuple[Any, ...]:
    parameters = [
        {
            "name": parameter.name,
            "type": parameter.type,
            "default": "required" if parameter.required else _as_sql(parameter.default),
            "doc": parameter.meaning,
            "example": parameter.example,
        }
        for parameter in function.parameters
    ]
    columns = [{"name": c.name, "type": c.type, "doc": c.doc} for c in function.columns]
    endpoint = str(function.endpoint) if function.endpoint else None
    return (
        f"mixpanel_{function.name}",
        function.doc,
        parameters,
        columns,
        endpoint,
        function.cost,
        function.example,
    )


def _as_sql(default: Any) -> str:
    return "NULL" if default is None else literal(default) if isinstance(default, str) else json.dumps(default)


def _row_of_report(report: Report) -> tuple[Any, ...]:
    parameters = [
        {"name": parameter.name, "default": parameter.default or "required", "doc": parameter.meaning}
        for parameter in report.parameters
    ]
    columns = [{"name": column.name, "doc": column.meaning} for column in report.columns]
    return report.short_name, report.doc, parameters, columns, None, report.cost, report.example
