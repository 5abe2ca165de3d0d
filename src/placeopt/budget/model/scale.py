"""The units of a model, and the labels and positions of its blocks: years come first in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.problem.arrays import BudgetProblem

MONEY_OBJECTIVES = (
    *("least_money", "least_disruption", "position", "moved_from_today", "programme_order"),
    *("cash_least", "cash_most"),
)


@dataclass(frozen=True)
class Scale:
    """The units of the model.

    Attributes:
        money_gbp: GBP for one unit of money.
        outcome: (O,) outcome units for one unit of each outcome.
        weighted_gbp: GBP for one unit of the weighted sum of objectives.
    """

    money_gbp: float
    outcome: Floats
    weighted_gbp: float


def scale_of(problem: BudgetProblem) -> Scale:
    """Return the model's units, because solvers' tolerances are absolute.

    A year's money is about a thousand, an outcome's range about one, and the largest part of the
    weighted sum as large as by itself.
    """
    money = max(
        1.0, float(problem.programmes.base_spend.sum()), float(problem.limits.upper.max(initial=0))
    )
    ranges = np.where(
        np.isfinite(problem.outcomes.attainable_range), problem.outcomes.attainable_range, 0.0
    )
    for p, o, curve in zip(
        problem.curves.programme, problem.curves.outcome, problem.curves.response, strict=True
    ):
        if not np.isfinite(problem.outcomes.attainable_range[o]):
            max_effect = float(np.abs(curve.effect(problem.limits.upper[:, p].max())))
            ranges[o] = max(ranges[o], max_effect)
    unit = 10.0 ** (np.floor(np.log10(money)) - 2)
    weighted_units = [
        weight * (unit if name in MONEY_OBJECTIVES else 1)
        for name, weight in problem.objectives.weights.items()
    ]
    return Scale(unit, np.where(ranges > 0, ranges, 1.0), max(weighted_units, default=1.0))


def objective_unit(objective: str, scale: Scale) -> float:
    """One unit of the model's objective in the objective's own unit."""
    if objective == "weighted":
        return scale.weighted_gbp
    return scale.money_gbp if objective in MONEY_OBJECTIVES else 1.0


def by_year(
    problem: BudgetProblem, labels: Mapping[str, np.ndarray], years: int | None = None
) -> dict[str, np.ndarray]:
    """Labels of a block that has these members in each decided (or each counted) year."""
    year_count = len(problem.horizon.years) if years is None else years
    size = max((len(ids) for ids in labels.values()), default=0)
    repeated = {name: np.tile(ids, year_count) for name, ids in labels.items()}
    return repeated | {"year": np.repeat(problem.horizon.years[0] + np.arange(year_count), size)}


def by_position(members: Ints, decided: int, size: int) -> Ints:
    """Positions in a block of (years, ``size``) of the same ``members`` in every year."""
    at: Ints = (np.arange(decided)[:, None] * size + np.asarray(members)[None, :]).ravel()
    return at
