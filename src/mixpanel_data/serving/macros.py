"""The functions as a client types them.

Each is a macro that writes the call as SQL text, sends it to the database attached as ``mp`` and gives the rows. Every
value travels as a literal of its JSON, whatever its type: the macro over there puts it into JSON anyway.
"""

from __future__ import annotations

from ..binding.macros import parameters, short_name
from ..functions import FUNCTIONS, Function
from ..quoting import CATALOG, literal, quoted

ATTACHED_AS = "mp"
VALUE = "__mixpanel_value"
HEAD = f"""\
-- The Mixpanel functions in a DuckDB that has attached what `mp serve` serves as {ATTACHED_AS}: FROM mixpanel_events().
-- For the client, not for a connection of mixpanel_data.register. Written by `just reference`.

-- A value as SQL text: a quote in it is doubled, so that it stays a value.
CREATE OR REPLACE TEMP MACRO {VALUE}(value) AS
    coalesce('''' || replace(to_json(value)::VARCHAR, '''', '''''') || '''::JSON', 'NULL');
"""


def client_sql() -> str:
    """All of it, as a script."""
    return "\n".join([HEAD, *map(client_macro, FUNCTIONS)])


def client_macro(function: Function) -> str:
    """The statement that makes one function."""
    names = [quoted(parameter.name) for parameter in function.parameters]
    given = ", ".join(f"{name} := {{}}" for name in names)
    text = literal(f"FROM {CATALOG}.{quoted(function.name)}({given})")
    values = "".join(f", {VALUE}({name})" for name in names)
    return (
        f"CREATE OR REPLACE TEMP MACRO {short_name(function)}({parameters(function)}) AS TABLE\n"
        f"    FROM quack_query_by_name({literal(ATTACHED_AS)}, format({text}{values}));\n"
    )
