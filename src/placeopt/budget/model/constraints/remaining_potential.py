"""Programmes on the remaining potential of an outcome, as rows of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.budget.curves.forms import Curve, Piece
from placeopt.budget.curves.remaining_potential import (
    Floats,
    InverseTransformCurve,
    inverse_transform,
    transform,
)

if TYPE_CHECKING:
    from placeopt.budget.problem.arrays import BudgetProblem
    from placeopt.engine import Model


def inverse_transforms(problem: BudgetProblem) -> list[tuple[int, Curve, float, float]]:
    """For each outcome of this kind: its position, its improvement as a curve of S, the least and
    the most S."""
    found: list[tuple[int, Curve, float, float]] = []
    for o in np.flatnonzero(np.isfinite(problem.potential)):
        whole, low, high = float(problem.potential[o]), 0.0, 0.0
        for c in np.flatnonzero(problem.curve_outcome == o):
            p, own = problem.curve_programme[c], problem.curves[c]
            alone = getattr(own, "stand_alone", own)
            top = float(alone.effect(max(problem.upper[:, p].max(), problem.base_spend[p])))
            if problem.uses_levels[o] and (
                problem.tail_share or problem.relaxed_rule == "B12"
            ):  # what draws come to
                today = problem.effect_today[c]
                ends = today + np.outer(problem.evidence_factors[:, c], [-today, top - today])
                low += min(0.0, float(transform(ends.min(), whole)))
                top = max(top, float(ends.max()))
            high += float(transform(top, whole))
        found.append((int(o), InverseTransformCurve("outer", whole), low, high))
    return found


def programmes_share_the_remaining_potential(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    today: Floats,
    unit: Floats,
) -> tuple[list[Any], Floats]:
    """Columns and rows of the outer function; the terms that they add to ``improvement``, and what
    these come to today (B x O). ``today`` (C,), ``unit`` (O,) the model's unit of each outcome."""
    counted, many, outcomes = (
        len(problem.drifted_baseline),
        len(problem.curves),
        len(problem.outcome_ids),
    )
    effect, b = model.columns["effect"], np.arange(counted)
    terms: list[Any] = []
    constant = np.zeros((counted, outcomes))
    works = problem.transformed_effects(np.zeros((1, many)))[0]
    for (o, *_), (piece,) in zip(inverse_transforms(problem), approximation, strict=True):
        labels = {
            "outcome_id": np.repeat(problem.outcome_ids[o], counted),
            "year": problem.years[0] + b,
        }
        total = model.add_columns(f"rest_{o}", labels=labels, lower=-np.inf)
        value = model.add_columns(f"of_rest_{o}", labels=labels, lower=-np.inf)
        c = np.flatnonzero(problem.curve_outcome == o)
        terms.append((b * outcomes + o, value.all, -1.0))
        constant[:, o] += float(inverse_transform(works[c].sum(), problem.potential[o])) / unit[o]
        inverse_transform_rows(
            model, f"of_rest_{o}", piece, (value.all, total.all), float(unit[o]), labels
        )
        if problem.uses_levels[o]:
            held = np.flatnonzero(problem.uses_levels[problem.curve_outcome])
            k = np.flatnonzero(problem.curve_outcome[held] == o)
            worked = model.columns["worked"].at((b[:, None] * len(held) + k).ravel())
            own: list[Any] = [(b, total.all, 1.0), (np.repeat(b, len(k)), worked, -1.0)]
            model.add_rows(f"rest_{o}", rule="", labels=labels, terms=own, lower=0.0, upper=0.0)
            continue
        at_b, at_t, at_c = np.nonzero(problem.effect_share[:, :, c])
        share = problem.effect_share[at_b, at_t, c[at_c]]
        stays = ((1 - problem.effect_share[:, :, c].sum(axis=1)) @ today[c]) / unit[o]
        sums: list[Any] = [(b, total.all, 1.0), (at_b, effect.at(at_t * many + c[at_c]), -share)]
        model.add_rows(f"rest_{o}", rule="", labels=labels, terms=sums, lower=stays, upper=stays)
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
    """Rows: every value is at most what each line of the outer function allows at its total."""
    value, total = columns
    lines = len(piece.slope)
    at = np.arange(len(value) * lines)
    own, line = at // lines, at % lines
    model.add_rows(
        name,
        rule=rule,
        labels={key: ids[own] for key, ids in labels.items()},
        terms=[(at, value[own], 1.0), (at, total[own], -piece.slope[line])],
        upper=piece.intercept[line] / unit,
    )
