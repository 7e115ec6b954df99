"""The SQL of each function: a macro over its source that turns arguments into a filter.

All identifiers come from the declarations and the catalog's name, quoted; no value ever becomes SQL text, except the
documentation, as quoted literals.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..functions import Function
from ..local import SCHEMA, Report
from ..quoting import literal, quoted
from ..storage.file import IS_1
from .names import render_checked
from .scan import BEAT

ARGS = "__args"


def macro(function: Function, catalog: str) -> str:
    """The statement that makes ``<catalog>.<name>(…)``, for every connection of the instance."""
    name = f"{quoted(catalog)}.main.{quoted(function.name)}"
    columns = ", ".join(f"source.{quoted(column.name)}" for column in function.columns)
    return (
        f"CREATE OR REPLACE MACRO {name}({parameters(function)}) AS TABLE "
        f"SELECT {columns} FROM {_source(function, catalog)} AS source "
        f"WHERE source.{ARGS} = {_arguments_as_json(function)} AND NOT source.{BEAT}"
    )


def short_macro(function: Function, catalog: str, place: str = "temp") -> Iterator[str]:
    """The statements that make ``mixpanel_<name>(…)``: for one connection, unless another place is given."""
    forwarded = ", ".join(f"{quoted(p.name)} := {quoted(p.name)}" for p in function.parameters)
    call = f"{quoted(catalog)}.main.{quoted(function.name)}({forwarded})"
    return _forwarding(place, short_name(function), parameters(function), call, comment(function))


def report_macro(report: Report, catalog: str) -> str:
    """The statement that makes ``<catalog>.local.<name>(…)``, for every connection of the instance."""
    name = f"{quoted(catalog)}.{SCHEMA}.{quoted(report.name)}"
    # On DuckDB 1.5 a look at the rows would ask Mixpanel once more where the table is a view over an export.
    return report.named(name) if IS_1 else render_checked(report, name)


def short_report_macro(report: Report, catalog: str, place: str = "temp") -> Iterator[str]:
    """The statements that make ``local_<name>(…)``: for one connection, unless another place is given."""
    given = ((quoted(p.name), p.default) for p in report.parameters)
    taken, forwarded = zip(*((f"{n} := {d}", f"{n} := {n}") if d else (n, n) for n, d in given), strict=True)
    call = f"{quoted(catalog)}.{SCHEMA}.{quoted(report.name)}({', '.join(forwarded)})"
    return _forwarding(place, quoted(report.short_name), ", ".join(taken), call, comment(report))


def _forwarding(place: str, name: str, taken: str, call: str, said: str) -> Iterator[str]:
    made = f"TEMP MACRO {name}" if place == "temp" else f"MACRO {place}.{name}"
    yield f"CREATE OR REPLACE {made}({taken}) AS TABLE FROM {call}"
    yield f"COMMENT ON MACRO TABLE {place}.{name} IS {literal(said)}"


def short_name(function: Function) -> str:
    return quoted(f"mixpanel_{function.name}")


def source_views(function: Function) -> Iterator[tuple[str, Function]]:
    """The views of a function's sources, with what each gives."""
    yield f"__{function.name}", function
    if function.averaging is not None:
        yield f"__{function.name}__average", function.averaging


def _source(function: Function, catalog: str) -> str:
    """What a macro reads. A view's columns have one type each, so counts and averages have a view of their own."""
    views = [f"{quoted(catalog)}.main.{quoted(name)}" for name, _ in source_views(function)]
    if len(views) == 1:
        return views[0]
    return f"""query_table(if("type" = 'average', {literal(views[1])}, {literal(views[0])}))"""


def comment(documented: Function | Report) -> str:
    """What ``duckdb_functions()`` shows."""
    return f"{documented.doc} Costs {documented.cost}. Example: {documented.example}"


def parameters(function: Function) -> str:
    """What the macro of a function takes, as SQL."""
    # Every parameter is optional to DuckDB: a missing one is refused by us, in words that say what to write.
    return ", ".join(f"{quoted(parameter.name)} := NULL" for parameter in function.parameters)


def _arguments_as_json(function: Function) -> str:
    if not function.parameters:
        return "'{}'"
    fields = ", ".join(f"{literal(p.name)}: {quoted(p.name)}" for p in function.parameters)
    return f"to_json({{{fields}}})::VARCHAR"
