"""Simple arithmetic on columns, and nothing else: ``footprint_m2 * 0.8``.

Allowed are numbers, column names (in backticks where they are no plain words), + - * / and
brackets, and min, max, round, floor, ceil, abs. A formula is parsed, never executed as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_BINARY: dict[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_CALLS: dict[str, tuple[int, Callable[..., Numbers]]] = {  # name: arguments, function
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "round": (1, np.round),
    "floor": (1, np.floor),
    "ceil": (1, np.ceil),
    "abs": (1, np.abs),
}


class FormulaError(ValueError):
    """A formula that is not simple arithmetic on columns."""


def formula_columns(formula: str) -> list[str]:
    """The names of the columns a formula speaks of, each once."""
    tree, names = _parsed(formula)
    return list(dict.fromkeys(names.get(n.id, n.id) for n in _name_nodes(tree)))


def evaluate(formula: str, columns: Mapping[str, Numbers]) -> Numbers:
    """The formula row by row over (rows,) columns; NaN where a column it needs is NaN."""
    tree, names = _parsed(formula)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_value(tree, columns, names), dtype=np.float64)


def _parsed(formula: str) -> tuple[ast.expr, dict[str, str]]:
    names: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        word = f"_column_{len(names)}"
        names[word] = match.group(1)
        return word

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", plain, formula).strip(), mode="eval").body
    except SyntaxError:
        raise FormulaError(f"{formula!r} is not arithmetic") from None
    return tree, names


def _name_nodes(tree: ast.expr) -> list[ast.Name]:
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in called]


def _value(node: ast.expr, columns: Mapping[str, Numbers], names: dict[str, str]) -> Numbers:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return np.asarray(float(number))
        case ast.Name(id=word):
            return columns[names.get(word, word)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, columns, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, columns, names), _value(right, columns, names))
        case ast.Call(func=ast.Name(id=word), args=args, keywords=[]) if word in _CALLS:
            count, function = _CALLS[word]
            if len(args) == count:
                return function(*(_value(argument, columns, names) for argument in args))
            raise FormulaError(f"{word} takes {count} numbers")
    raise FormulaError(f"{ast.unparse(node)!r} is not allowed: use + - * / {' '.join(_CALLS)}")
