"""Formulas over metrics: ``(B / A) * 100``, letters standing for metrics.

The language is close enough to Python's expressions for Python's own parser to read it.

Source: Mixpanel's documentation of Insights; powers as its own open clients send them.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .metrics import Counted

SIGNS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class Formula:
    root: ast.expr

    @property
    def letters(self) -> set[str]:
        return {node.id for node in ast.walk(self.root) if isinstance(node, ast.Name)}

    def over(self, operands: Mapping[str, Counted]) -> Counted:
        """The formula at every point that an operand has; the others may have nothing there."""
        result = Counted(nothing=self.of({letter: one.nothing for letter, one in operands.items()}))
        found = {(path, label) for one in operands.values() for path, points in one.points.items() for label in points}
        for path, label in sorted(found):
            value = self.of({letter: one.at(path, label) for letter, one in operands.items()})
            result.points.setdefault(path, {})[label] = value
            result.sizes[path] = result.sizes.get(path, 0) + (value or 0)
        return result

    def of(self, values: Mapping[str, float | None]) -> float | None:
        """None where it has no value, as of a division by zero."""
        try:
            value = _value(self.root, values)
        except (ZeroDivisionError, OverflowError, TypeError):
            return None
        return round(value, 9) if isinstance(value, float) and math.isfinite(value) else None


def read_formula(definition: str) -> Formula:
    """The formula of the text; one that is none raises ValueError."""
    try:
        root = ast.parse(definition.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, RecursionError) as error:
        raise ValueError(definition) from error
    if "**" in definition or not all(map(_is_known, ast.walk(root))):
        raise ValueError(definition)
    return Formula(root)


def _is_known(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=value):
            return type(value) in {int, float}
        case ast.operator():
            return type(node) in SIGNS
    return isinstance(node, ast.Name | ast.BinOp | ast.UnaryOp | ast.USub | ast.Load)


def _value(node: ast.expr, values: Mapping[str, float | None]) -> float:
    match node:
        case ast.Constant(value=number):
            return float(number)  # type: ignore[arg-type] # nothing else is known
        case ast.Name(id=letter):
            return float(values[letter])  # type: ignore[arg-type] # None raises TypeError, and so has no value
        case ast.UnaryOp(operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=sign, right=right):
            return SIGNS[type(sign)](_value(left, values), _value(right, values))
    raise TypeError(node)
