"""Shadow prices: what one more pound, or one unit of a standard, changes in a linear program.

A price is the change of the (minimised) objective for one more unit of a row's limit. Prices are
reported only where strong duality holds: the dual objective made from them must equal the primal
one. They are exact for the approximated curves, near the plan and for small changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.budget.model.scale import Scale, objective_unit, scale_of
from placeopt.budget.problem.arrays import OBJECTIVES, WEIGHTED_UNIT, BudgetProblem
from placeopt.budget.search.solution import LexicographicStep
from placeopt.engine import Arrays, Result

Labels = Mapping[str, NDArray[Any]]  # of a block of rows: ids by the name of the label
DUALITY_TOLERANCE = 1e-6
LIMIT_LABELS = {
    "one_budget": "more in the total",
    "streams": "more in the stream",
    "statutory": "a higher floor",
    "pace_cut": "a slowest cut that leaves more",
    "notice": "notice that keeps more",
    "contracted": "more contracted for",
    "reinvestment": "more that must go into prevention",
    "through": "more that must go through the place",
    "minimum": "a stricter minimum standard",
    "target": "a stricter required target",
}
COLUMNS = [
    *("objective", "rule", "what", "id", "name", "year"),
    *("change_in_objective", "per", "unit"),
]


def prices(problem: BudgetProblem, steps: tuple[LexicographicStep, ...]) -> pd.DataFrame:
    """One row for each priced limit of each objective; empty where nothing can be priced.

    ``change_in_objective`` is below zero where one more unit makes the objective better.
    """
    scale = scale_of(problem)
    rows: list[list[object]] = []
    for step in steps:
        if not strong_duality_holds(step.model.arrays(), step.result):
            continue
        assert step.result.row_duals is not None
        unit = objective_unit(step.objective, scale)
        for name, label_text in LIMIT_LABELS.items():
            if name not in step.model.rows:
                continue
            block = step.model.rows[name]
            years = block.labels["year"]
            id_labels = [label for name, label in block.labels.items() if name != "year"]
            ids = id_labels[0] if id_labels else np.full(block.size, "")
            per = _unit_of_rows(problem, block.labels, scale)
            for position, key in enumerate(ids):
                price = float(step.result.row_duals[block.start + position])
                change = price * unit / per[position] + 0.0
                label = problem.display_names.get(str(key), str(key))
                year = int(years[position])
                row = [step.objective, block.rule, label_text, str(key), label, year, change]
                rows.append(
                    [
                        *row,
                        _per(block.labels),
                        OBJECTIVES.get(step.objective, WEIGHTED_UNIT),
                    ]
                )
    return pd.DataFrame(rows, columns=COLUMNS)


def strong_duality_holds(arrays: Arrays, result: Result) -> bool:
    """Whether the prices prove the objective: dual objective equal to the primal one."""
    if result.row_duals is None or result.reduced_costs is None or result.objective is None:
        return False
    dual = arrays.offset
    for price, low, high in (
        (result.row_duals, arrays.row_lower, arrays.row_upper),
        (result.reduced_costs, arrays.lower, arrays.upper),
    ):
        side = np.where(price > 0, low, high)
        used = np.abs(price) > 1e-9
        if not np.isfinite(side[used]).all():
            return False
        dual += float(price[used] @ side[used])
    return abs(dual - result.objective) <= DUALITY_TOLERANCE * max(1.0, abs(result.objective))


def _unit_of_rows(problem: BudgetProblem, labels: Labels, scale: Scale) -> Floats:
    """What one unit of each row's limit is in GBP or in the outcome's unit."""
    if "outcome_id" not in labels:
        return np.full(len(labels["year"]), scale.money_gbp)
    at = {key: position for position, key in enumerate(problem.outcomes.ids)}
    return scale.outcome[[at[key] for key in labels["outcome_id"]]]


def _per(labels: Labels) -> str:
    return "outcome unit" if "outcome_id" in labels else "GBP/year"
