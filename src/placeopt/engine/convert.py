"""Convert models to and from PuLP, and write them to files.

``to_pulp`` lets any solver that PuLP knows take a model. ``from_pulp`` compiles a readable PuLP
model once, so that every engine here can solve it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from placeopt.engine.model import Arrays, Block, Model

if TYPE_CHECKING:
    import pulp


def to_pulp(model: Model | Arrays) -> pulp.LpProblem:
    """The model as a PuLP problem, with names made from labels where there are any.

    A range row becomes two constraints. A column that is in no row and has no cost is left out, as
    PuLP would write a file that solvers refuse. PuLP sorts variables by name.

    Args:
        model: The model.

    Returns:
        The PuLP problem.
    """
    import pulp

    arrays = model.arrays() if isinstance(model, Model) else model
    columns, rows = names(model)
    title = re.sub(r"\W+", "_", model.name) if isinstance(model, Model) else "model"
    problem = pulp.LpProblem(title, pulp.LpMinimize)
    variables = [
        problem.add_variable(
            name,
            lowBound=low if np.isfinite(low) else None,
            upBound=high if np.isfinite(high) else None,
            cat=pulp.LpInteger if integer else pulp.LpContinuous,
        )
        for name, low, high, integer in zip(
            columns,
            arrays.lower.tolist(),
            arrays.upper.tolist(),
            arrays.integer.tolist(),
            strict=True,
        )
    ]
    terms = [(x, c) for x, c in zip(variables, arrays.cost.tolist(), strict=True) if c]
    problem += pulp.LpAffineExpression(terms, constant=arrays.offset)
    pointers, indices = arrays.matrix.indptr.tolist(), arrays.matrix.indices.tolist()
    data = arrays.matrix.data.tolist()
    sides = zip(rows, arrays.row_lower.tolist(), arrays.row_upper.tolist(), strict=True)
    for i, (name, low, high) in enumerate(sides):
        entries = range(pointers[i], pointers[i + 1])
        expression = pulp.LpAffineExpression([(variables[indices[k]], data[k]) for k in entries])
        for sense, right_side, suffix in _senses(low, high):
            constraint = pulp.LpConstraint(expression, sense, name + suffix, right_side)
            problem.addConstraint(constraint)
    return problem


def from_pulp(problem: pulp.LpProblem) -> Arrays:
    """A PuLP problem as arrays; columns in the order of ``problem.variables()`` (by name).

    The arrays are always minimised: if the problem maximises, cost and offset change sign.

    Args:
        problem: The PuLP problem.

    Returns:
        The arrays.
    """
    import pulp

    variables = problem.variables()
    index_of = {variable: i for i, variable in enumerate(variables)}
    sign = 1.0 if problem.sense == pulp.LpMinimize else -1.0
    cost = np.zeros(len(variables))
    objective = problem.objective if problem.objective is not None else pulp.LpAffineExpression()
    for variable, value in objective.items():
        cost[index_of[variable]] += value
    columns: list[int] = []
    data: list[float] = []
    lengths, constants, senses = [], [], []
    for constraint in problem.constraints():
        columns += [index_of[variable] for variable in constraint]
        data += constraint.values()
        lengths.append(len(constraint))
        constants.append(-constraint.constant)
        senses.append(constraint.sense)
    pointers = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    right_side, sense = np.array(constants, float), np.array(senses, int)
    shape = (len(lengths), len(variables))
    return Arrays(
        cost=sign * cost,
        lower=_bounds((x.lowBound for x in variables), -np.inf),
        upper=_bounds((x.upBound for x in variables), np.inf),
        integer=np.array([x.cat == pulp.LpInteger for x in variables], bool),
        matrix=sparse.csr_array((np.array(data, float), np.array(columns), pointers), shape=shape),
        row_lower=np.where(sense >= 0, right_side, -np.inf),
        row_upper=np.where(sense <= 0, right_side, np.inf),
        offset=sign * (objective.constant or 0.0),
    )


def write_model(model: Model | Arrays, path: str | Path) -> Path:
    """Write the model as ``.lp`` or ``.mps``, depending on the suffix, with readable names.

    Args:
        model: The model.
        path: The file to write.

    Returns:
        The file written.

    Raises:
        EngineError: If the suffix is neither, or the file cannot be written.
    """
    from placeopt.base.errors import EngineError
    from placeopt.engine import highs

    path = Path(path)
    if path.suffix not in (".lp", ".mps"):
        raise EngineError(f"a model is written as .lp or .mps, not {path.suffix or 'no suffix'!r}")
    import highspy

    highs_model = highs.load(model.arrays() if isinstance(model, Model) else model)
    columns, rows = names(model)
    for i, name in enumerate(columns):
        highs_model.passColName(i, name)
    for i, name in enumerate(rows):
        highs_model.passRowName(i, name)
    if highs_model.writeModel(str(path)) == highspy.HighsStatus.kError:
        raise EngineError(f"the model could not be written to {path.name}")
    return path


def names(model: Model | Arrays) -> tuple[list[str], list[str]]:
    """Unique plain names of all columns and rows: block, rule and ids joined by underscores."""
    if isinstance(model, Model):
        return _names(model.columns.values()), _names(model.rows.values())
    return [f"x{i}" for i in range(len(model.cost))], [f"r{i}" for i in range(len(model.row_lower))]


def _names(blocks: Iterable[Block]) -> list[str]:
    names_made: list[str] = []
    used: set[str] = set()
    for block in blocks:
        prefix = f"{block.name}_{block.rule}" if block.rule else block.name
        ids = [values.tolist() for values in block.labels.values()]
        members: list[tuple[Any, ...]] = list(zip(*ids, strict=True)) if ids else []
        for i in range(block.size):
            parts = members[i] if members else (i,) if block.size > 1 else ()
            # The prefix stops LP readers from reading e10 as a number.
            name = "n_" + "_".join(re.sub(r"\W+", "_", str(part)) for part in (prefix, *parts))
            name = name[:200]
            if name in used:
                name = f"{name}__{block.start + i}"
            used.add(name)
            names_made.append(name)
    return names_made


def _senses(low: float, high: float) -> list[tuple[int, float, str]]:
    """PuLP's sense, right-hand side and name suffix of the constraints that one row becomes."""
    if low == high:
        return [(0, low, "")]
    sides = [(1, low, "_low"), (-1, high, "_high")]
    sides = [side for side in sides if np.isfinite(side[1])]
    return sides if len(sides) > 1 else [(sense, right_side, "") for sense, right_side, _ in sides]


def _bounds(values: Iterable[Any], missing: float) -> Any:
    return np.array([missing if value is None else value for value in values], float)
