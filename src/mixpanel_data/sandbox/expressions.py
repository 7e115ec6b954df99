"""Mixpanel's filter expressions, for the sandbox: ``properties["plan"] == "pro" and …`` as SQL over ``properties``.

The language is close enough to Python's expressions for Python's own parser to read it. Values are typed: comparing a
number with a string is false for ``==`` and undefined for ``<``; undefined counts as false.

Source: Mixpanel's reference of segmentation expressions.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Mapping


class BadExpression(ValueError):  # noqa: N818 - answered to the client, as Mixpanel words it
    """The expression is not one."""


def to_sql(expression: str, *, of_profiles: bool = False) -> str:
    """A SQL condition over a JSON text column ``properties``.

    Every value is JSON while it is worked on, NULL standing for undefined; conditions are SQL booleans. Expressions
    ``of_profiles`` may also say ``user["…"]`` for ``properties["…"]``, ``NOW``, and ``behaviors["…"]``, which is a
    column of its own.
    """
    return _compiled(expression, _condition, of_profiles)


def text_of(expression: str) -> str:
    """The expression's value as SQL text, ``undefined`` where it has none."""
    return f"coalesce({_compiled(_property_if_bare(expression), _text)}, 'undefined')"


def items_of(expression: str) -> str:
    """As ``text_of``; where the value is a list, a row for each different item, to stand in a SELECT."""
    return f"unnest({segments_of(_compiled(_property_if_bare(expression), _value))})"


def segments_of(value: str) -> str:
    """A value of type JSON as a SQL list of texts: its different items where it is a list itself."""
    items = f"list_distinct([coalesce(item, 'undefined') FOR item IN {value}->>'$[*]'])"
    alone = f"coalesce(nullif({value}->>'$', '[]'), 'undefined')"
    return f"CASE WHEN json_array_length({value}) > 0 THEN {items} ELSE [{alone}] END"


def number_in(value: str) -> str:
    """A value of type JSON as a SQL number, NULL where it is none; a text is none, whatever it says."""
    return f"(CASE WHEN json_type({value}) IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE') THEN {value}::DOUBLE END)"


def seconds_in(value: str) -> str:
    """A value of type JSON as seconds since 1970, which it may say in a text."""
    text = f"(CASE WHEN json_type({value}) = 'VARCHAR' THEN {value}->>'$' END)"
    return f"coalesce({number_in(value)}, epoch(TRY_CAST({text} AS TIMESTAMP)))"


def number_of(expression: str) -> str:
    """The expression's value as a SQL number, NULL where it is none."""
    return _compiled(_property_if_bare(expression), _number)


def literal(text: str) -> str:
    """The text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def property_as_json(name: str) -> str:
    """The property of the name, as SQL; NULL where there is none."""
    return _property("properties", name)


def named_property(name: str, column: str = "properties") -> str:
    """As ``property_as_json``, of this column, and by the names that reports give: they say ``$time`` for ``time``."""
    return _property(column, _known_as(name))


def property_as_text(name: str) -> str:
    return f"({property_as_json(name)}->>'$')"


def _compiled(expression: str, form: Callable[[ast.expr], str], of_profiles: bool = False) -> str:
    try:
        root = ast.parse(expression.strip(), mode="eval").body
        if not of_profiles and ENGAGE_ONLY & {node.id for node in ast.walk(root) if isinstance(node, ast.Name)}:
            raise ValueError(expression)
        return form(root)
    except (SyntaxError, KeyError, ValueError, RecursionError) as error:
        raise BadExpression(f"invalid expression: {expression!r}") from error


def _property_if_bare(expression: str) -> str:
    is_bare = not set("\"'[]()") & set(expression)
    return f"properties[{json.dumps(expression, ensure_ascii=False)}]" if is_bare else expression


def _condition(node: ast.expr) -> str:
    match node:
        case ast.BoolOp(op=operator, values=values):
            word = " AND " if isinstance(operator, ast.And) else " OR "
            return "(" + word.join(f"coalesce({_condition(value)}, false)" for value in values) + ")"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"(NOT coalesce({_condition(operand)}, false))"
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _comparison(left, operator, right)
        case ast.Call(func=ast.Name(id="defined"), args=[value]):
            return f"({_value(value)} IS NOT NULL)"
        case ast.Call(func=ast.Name(id="boolean"), args=[value]):
            return f"({_text(value)} NOT IN ('false', '0', '', 'null'))"
        case ast.Name(id="true" | "false" as name):
            return name
        case _:
            return f"({_value(node)}::VARCHAR = 'true')"


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str:
    match operator, right:
        case ast.In(), ast.List(elts=items):
            return "(" + " OR ".join(_equal(left, item) for item in items or [ast.Name("undefined")]) + ")"
        case ast.In(), _:
            inside_list = f"list_contains({_value(right)}::JSON[], {_value(left)})"
            is_list = f"json_type({_value(right)}) = 'ARRAY'"
            return f"(CASE WHEN {is_list} THEN {inside_list} ELSE contains({_text(right)}, {_text(left)}) END)"
        case ast.Eq(), _:
            return _equal(left, right)
        case ast.NotEq(), _:
            return f"(NOT coalesce({_equal(left, right)}, false))"
        case _:
            sign = COMPARISONS[type(operator)]
            as_numbers = f"({_number(left)} {sign} {_number(right)})"
            as_texts = f"({_string(left)} {sign} {_string(right)})"
            return f"coalesce({as_numbers}, {as_texts})"


def _equal(left: ast.expr, right: ast.expr) -> str:
    return f"coalesce({_number(left)} = {_number(right)}, {_value(left)}::VARCHAR = {_value(right)}::VARCHAR)"


def _value(node: ast.expr) -> str:
    """The node as a SQL expression of type JSON."""
    match node:
        case ast.Subscript(value=ast.Name(id="properties" | "event" | "user"), slice=ast.Constant(value=str(name))):
            return _property("properties", _known_as(name))
        case ast.Subscript(value=ast.Name(id="behaviors"), slice=ast.Constant(value=str(name))):
            return _property("behaviors", name)
        case ast.Name(id="NOW"):
            return f"('{int(time.time())}'::JSON)"
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return f"({literal(json.dumps(value, ensure_ascii=False))}::JSON)"
        case ast.Name(id="true" | "false" as name):
            return f"('{name}'::JSON)"
        case ast.Name(id="undefined" | "null"):
            return "(NULL::JSON)"
        case (
            ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Call(func=ast.Name(id="defined" | "boolean"))
        ):
            return f"to_json(coalesce({_condition(node)}, false))"
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return f"to_json({CASTS[name](argument)})"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"to_json(-{_number(operand)})"
        case ast.BinOp(left=left, op=operator, right=right):
            return _arithmetic(left, operator, right)
        case _:
            raise ValueError(ast.dump(node))


def _arithmetic(left: ast.expr, operator: ast.operator, right: ast.expr) -> str:
    divides = isinstance(operator, ast.Div | ast.Mod)
    divisor = f"nullif({_number(right)}, 0)" if divides else _number(right)
    numbers = f"({_number(left)} {ARITHMETIC[type(operator)]} {divisor})"
    if isinstance(operator, ast.Add):
        return f"coalesce(to_json({numbers}), to_json({_string(left)} || {_string(right)}))"
    return f"to_json({numbers})"


def _number(node: ast.expr) -> str:
    return number_in(_value(node))


def _string(node: ast.expr) -> str:
    value = _value(node)
    return f"(CASE WHEN json_type({value}) = 'VARCHAR' THEN {value}->>'$' END)"


def _text(node: ast.expr) -> str:
    return f"({_value(node)}->>'$')"


def _seconds(node: ast.expr) -> str:
    return seconds_in(_value(node))


def _known_as(name: str) -> str:
    return "time" if name == "$time" else name


def _property(column: str, name: str) -> str:
    return f"json_extract({column}, {literal('$.' + json.dumps(name, ensure_ascii=False))})"


ENGAGE_ONLY = {"user", "NOW", "behaviors"}
COMPARISONS: Mapping[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip
CASTS: Mapping[str, Callable[[ast.expr], str]] = {
    "number": lambda node: f"TRY_CAST({_text(node)} AS DOUBLE)",
    "string": _text,
    "datetime": _seconds,
    "floor": lambda node: f"floor({_number(node)})",
    "ceil": lambda node: f"ceil({_number(node)})",
    "round": lambda node: f"round({_number(node)})",
}
