"""The best of several programmes as rows of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.engine.model import Terms

if TYPE_CHECKING:
    from placeopt.budget.problem.arrays import BudgetProblem
    from placeopt.engine import Model


def best_ones_are_chosen(
    model: Model, problem: BudgetProblem, today: Floats, unit: Floats
) -> tuple[list[Terms], Floats]:
    """Add columns and rows of the groups' maxima.

    Args:
        model: The model.
        problem: The budget problem.
        today: (C,) effects at today's spending.
        unit: (O,) the model's unit of each outcome.

    Returns:
        The terms that they add to the rows of ``improvement`` (of all counted years and outcomes),
        and their value today.
    """
    counted, curves, outcomes = (
        len(problem.outcomes.drifted_baseline),
        len(problem.curves.response),
        len(problem.outcomes.ids),
    )
    terms: list[Terms] = []
    constant = np.zeros((counted, outcomes))
    effect = model.columns["effect"]
    for g, group in enumerate(problem.curves.groups):
        o, c = group.outcome, np.array(group.curves)
        key = problem.outcomes.ids[o]
        years = problem.horizon.years[0] + np.arange(counted)
        best = model.add_columns(
            f"best_{g}",
            labels={"outcome_id": np.repeat(key, counted), "year": years},
            lower=-np.inf,
        )
        programme_ids = problem.programmes.ids[problem.curves.programme[c]]
        labels = {
            "outcome_id": np.repeat(key, counted * len(c)),
            "programme_id": np.tile(programme_ids, counted),
            "year": np.repeat(years, len(c)),
        }
        chosen = model.add_columns(f"counted_{g}", labels=labels, upper=1.0, integer=True)
        rows = np.arange(chosen.size)
        b, member = rows // len(c), np.tile(np.arange(len(c)), counted)
        big_m = max(
            float(
                problem.curves.response[i]
                .effect(problem.limits.upper[:, problem.curves.programme[i]])
                .max()
            )
            for i in c
        )
        big_m = max(big_m, float(today[c].max())) / unit[o]
        year_b, year_t, member_at = np.nonzero(problem.curves.effect_share[:, :, c])
        share = problem.curves.effect_share[year_b, year_t, c[member_at]]
        # (B, members)
        constant_part = today[c] * (1 - problem.curves.effect_share[:, :, c].sum(axis=1)) / unit[o]
        model.add_rows(
            f"best_{g}",
            rule="",
            labels=labels,
            terms=[
                (rows, best.at(b), 1.0),
                (year_b * len(c) + member_at, effect.at(year_t * curves + c[member_at]), -share),
                (rows, chosen.all, big_m),
            ],
            upper=big_m + constant_part[b, member],
        )
        model.add_rows(
            f"one_counts_{g}",
            rule="",
            labels={name: values[:: len(c)] for name, values in labels.items()
                    if name != "programme_id"},
            terms=[(b, chosen.all, 1.0)],
            lower=1.0,
            upper=1.0,
        )  # fmt: skip
        row = np.arange(counted) * outcomes + o
        terms.append((row, best.all, -(1 - group.share)))
        constant[:, o] += (1 - group.share) * today[c].max() / unit[o]
    return terms, constant.ravel()
