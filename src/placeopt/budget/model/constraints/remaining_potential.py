"""Programmes on the remaining potential of an outcome, as rows of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import Curve
from placeopt.budget.curves.piecewise import Piece
from placeopt.budget.curves.remaining_potential import (
    InverseTransformCurve,
    inverse_transform,
    transform,
)
from placeopt.budget.problem import effects
from placeopt.engine.model import Terms

if TYPE_CHECKING:
    from placeopt.budget.problem.arrays import BudgetProblem
    from placeopt.engine import Model


def inverse_transforms(problem: BudgetProblem) -> list[tuple[int, Curve, float, float]]:
    """Return the inverse transform of each outcome with a remaining potential.

    Returns:
        For each: the outcome's position, its improvement as a curve of S, the least and the
        largest S.
    """
    transforms: list[tuple[int, Curve, float, float]] = []
    for o in np.flatnonzero(np.isfinite(problem.outcomes.potential)):
        potential, low, high = float(problem.outcomes.potential[o]), 0.0, 0.0
        for c in np.flatnonzero(problem.curves.outcome == o):
            p, curve = problem.curves.programme[c], problem.curves.stated[c]
            max_effect = float(
                curve.effect(
                    max(problem.limits.upper[:, p].max(), problem.programmes.base_spend[p])
                )
            )
            if problem.outcomes.uses_levels[o] and (
                problem.evidence.tail_share or problem.relaxed_rule == "B12"
            ):  # with draws of the evidence
                today = effects.effect_today(problem)[c]
                ends = today + np.outer(
                    problem.evidence.factors[:, c], [-today, max_effect - today]
                )
                low += min(0.0, float(transform(ends.min(), potential)))
                max_effect = max(max_effect, float(ends.max()))
            high += float(transform(max_effect, potential))
        transforms.append((int(o), InverseTransformCurve(potential), low, high))
    return transforms


def programmes_share_the_remaining_potential(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    today: Floats,
    unit: Floats,
) -> tuple[list[Terms], Floats]:
    """Add the columns and rows of the inverse transforms.

    Args:
        model: The model.
        problem: The budget problem.
        approximation: Pieces of each inverse transform.
        today: (C,) effects at today's spending.
        unit: (O,) the model's unit of each outcome.

    Returns:
        The terms that they add to the rows of ``improvement``, and their value today (B x O).
    """
    counted, curves, outcomes = (
        len(problem.outcomes.drifted_baseline),
        len(problem.curves.response),
        len(problem.outcomes.ids),
    )
    effect, b = model.columns["effect"], np.arange(counted)
    terms: list[Terms] = []
    constant = np.zeros((counted, outcomes))
    effects_today = effects.transformed_effects(problem, np.zeros((1, curves)))[0]
    for (o, *_), (piece,) in zip(inverse_transforms(problem), approximation, strict=True):
        labels = {
            "outcome_id": np.repeat(problem.outcomes.ids[o], counted),
            "year": problem.horizon.years[0] + b,
        }
        total = model.add_columns(f"rest_{o}", labels=labels, lower=-np.inf)
        value = model.add_columns(f"of_rest_{o}", labels=labels, lower=-np.inf)
        c = np.flatnonzero(problem.curves.outcome == o)
        terms.append((b * outcomes + o, value.all, -1.0))
        constant[:, o] += (
            float(inverse_transform(effects_today[c].sum(), problem.outcomes.potential[o]))
            / unit[o]
        )
        inverse_transform_rows(
            model, f"of_rest_{o}", piece, (value.all, total.all), float(unit[o]), labels
        )
        if problem.outcomes.uses_levels[o]:
            level_curves = np.flatnonzero(problem.outcomes.uses_levels[problem.curves.outcome])
            k = np.flatnonzero(problem.curves.outcome[level_curves] == o)
            transformed = model.columns["worked"].at((b[:, None] * len(level_curves) + k).ravel())
            row_terms: list[Terms] = [
                (b, total.all, 1.0),
                (np.repeat(b, len(k)), transformed, -1.0),
            ]
            model.add_rows(
                f"rest_{o}", rule="", labels=labels, terms=row_terms, lower=0.0, upper=0.0
            )
            continue
        year_b, year_t, member = np.nonzero(problem.curves.effect_share[:, :, c])
        share = problem.curves.effect_share[year_b, year_t, c[member]]
        constant_part = ((1 - problem.curves.effect_share[:, :, c].sum(axis=1)) @ today[c]) / unit[
            o
        ]
        sum_terms: list[Terms] = [
            (b, total.all, 1.0),
            (year_b, effect.at(year_t * curves + c[member]), -share),
        ]
        model.add_rows(
            f"rest_{o}",
            rule="",
            labels=labels,
            terms=sum_terms,
            lower=constant_part,
            upper=constant_part,
        )
    return terms, constant.ravel()


def inverse_transform_rows(
    model: Model,
    name: str,
    piece: Piece,
    columns: tuple[Any, Any],
    unit: float,
    labels: dict[str, Any],
    rule: str = "",
) -> None:
    """Rows: every value is at most what each line of the inverse transform allows at its total."""
    value, total = columns
    lines = len(piece.slope)
    rows = np.arange(len(value) * lines)
    value_of, line = rows // lines, rows % lines
    model.add_rows(
        name,
        rule=rule,
        labels={key: ids[value_of] for key, ids in labels.items()},
        terms=[(rows, value[value_of], 1.0), (rows, total[value_of], -piece.slope[line])],
        upper=piece.intercept[line] / unit,
    )
