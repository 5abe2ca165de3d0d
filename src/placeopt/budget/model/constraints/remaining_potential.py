"""Programmes on the remaining potential of an outcome, as rows of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.budget.curves.forms import Curve, Piece
from placeopt.budget.curves.remaining_potential import Floats, Outer, left_over, worth

if TYPE_CHECKING:
    from placeopt.budget.problem.arrays import BudgetProblem
    from placeopt.engine import Model


def outer(problem: BudgetProblem) -> list[tuple[int, Curve, float, float]]:
    """For each outcome of this kind: its position, its improvement as a curve of S, the least and
    the most S."""
    found: list[tuple[int, Curve, float, float]] = []
    for o in np.flatnonzero(np.isfinite(problem.whole)):
        whole, low, high = float(problem.whole[o]), 0.0, 0.0
        for c in np.flatnonzero(problem.curve_outcome == o):
            p, own = problem.curve_programme[c], problem.curves[c]
            alone = getattr(own, "alone", own)
            top = float(alone.effect(max(problem.upper[:, p].max(), problem.before[p])))
            if problem.by_level[o] and (
                problem.tail or problem.relax == "B12"
            ):  # what draws come to
                today = problem.effect_today[c]
                ends = today + np.outer(problem.evidence[:, c], [-today, top - today])
                low += min(0.0, float(left_over(ends.min(), whole)))
                top = max(top, float(ends.max()))
            high += float(left_over(top, whole))
        found.append((int(o), Outer("outer", whole), low, high))
    return found


def what_is_left_is_worked_on(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    today: Floats,
    unit: Floats,
) -> tuple[list[Any], Floats]:
    """Columns and rows of the outer function; the terms that they add to ``improvement``, and what
    these come to today (B x O). ``today`` (C,), ``unit`` (O,) the model's unit of each outcome."""
    counted, many, outcomes = len(problem.drifted), len(problem.curves), len(problem.outcome_ids)
    effect, b = model.columns["effect"], np.arange(counted)
    terms: list[Any] = []
    constant = np.zeros((counted, outcomes))
    works = problem.worked(np.zeros((1, many)))[0]
    for (o, *_), (piece,) in zip(outer(problem), approximation, strict=True):
        labels = {
            "outcome_id": np.repeat(problem.outcome_ids[o], counted),
            "year": problem.years[0] + b,
        }
        total = model.add_columns(f"rest_{o}", labels=labels, lower=-np.inf)
        value = model.add_columns(f"of_rest_{o}", labels=labels, lower=-np.inf)
        c = np.flatnonzero(problem.curve_outcome == o)
        terms.append((b * outcomes + o, value.all, -1.0))
        constant[:, o] += float(worth(works[c].sum(), problem.whole[o])) / unit[o]
        outer_lines(model, f"of_rest_{o}", piece, (value.all, total.all), float(unit[o]), labels)
        if problem.by_level[o]:
            held = np.flatnonzero(problem.by_level[problem.curve_outcome])
            k = np.flatnonzero(problem.curve_outcome[held] == o)
            worked = model.columns["worked"].at((b[:, None] * len(held) + k).ravel())
            own: list[Any] = [(b, total.all, 1.0), (np.repeat(b, len(k)), worked, -1.0)]
            model.add_rows(f"rest_{o}", rule="", labels=labels, terms=own, lower=0.0, upper=0.0)
            continue
        at_b, at_t, at_c = np.nonzero(problem.share[:, :, c])
        share = problem.share[at_b, at_t, c[at_c]]
        stays = ((1 - problem.share[:, :, c].sum(axis=1)) @ today[c]) / unit[o]
        sums: list[Any] = [(b, total.all, 1.0), (at_b, effect.at(at_t * many + c[at_c]), -share)]
        model.add_rows(f"rest_{o}", rule="", labels=labels, terms=sums, lower=stays, upper=stays)
    return terms, constant.ravel()


def outer_lines(
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
