"""Evaluate simple arithmetic on columns, such as ``footprint_m2 * 0.8``.

Formulas may use numbers, column names (in backticks if they are not plain words), + - * /,
brackets, and min, max, round, floor, ceil, abs. They are parsed, never executed as Python.
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
    """Raised for a formula that is not simple arithmetic on columns."""


def formula_columns(formula: str) -> list[str]:
    """The names of the columns that a formula uses, each once."""
    tree, names = _parse(formula)
    return list(dict.fromkeys(names.get(n.id, n.id) for n in _name_nodes(tree)))


def evaluate(formula: str, columns: Mapping[str, Numbers]) -> Numbers:
    """Evaluate a formula on (rows,) columns; NaN where a column it uses is NaN."""
    tree, names = _parse(formula)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_value(tree, columns, names), dtype=np.float64)


def _parse(formula: str) -> tuple[ast.expr, dict[str, str]]:
    names: dict[str, str] = {}

    def replace_name(match: re.Match[str]) -> str:
        word = f"_column_{len(names)}"
        names[word] = match.group(1)
        return word

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", replace_name, formula).strip(), mode="eval").body
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
