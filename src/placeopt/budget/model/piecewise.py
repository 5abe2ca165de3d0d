"""Response curves as rows of a model: one piece as straight lines, several as a choice.

(--)  curve  effect[t,c] <= slope[i] spend[t,p] + intercept[i]       for every line i of a concave c
(--)  piece  sum over j of chosen[j] = 1,  spend[t,p] = sum over j of part[j],
             start[j] chosen[j] <= part[j] <= end[j] chosen[j],
             part_effect[j] <= slope[i] part[j] + intercept[i] chosen[j],
             effect[t,c] = sum over j of part_effect[j]            for the pieces j of any other c
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves.piecewise import Piece
from placeopt.budget.model.scale import Scale
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms


@dataclass(frozen=True)
class ApproximatedCurves:
    """All that is not linear as pieces, all of them under the curves or all over them.

    Attributes:
        effects: (C) pieces of each response curve.
        improvements: Of the inverse transform of each outcome with a remaining potential.
        levels: Of each level of cumulative effects, by counted year and curve.
        payment_intervals: Intervals of each curve by which a provider is paid by results.
    """

    effects: Sequence[Sequence[Piece]]
    improvements: Sequence[Sequence[Piece]] = ()
    levels: Sequence[Sequence[Piece]] = ()
    payment_intervals: Sequence[Sequence[Piece]] = ()

    @property
    def need_choice(self) -> bool:
        """Whether one of several pieces has to be chosen anywhere."""
        families = (self.effects, self.improvements, self.levels, self.payment_intervals)
        return any(len(pieces) > 1 for family in families for pieces in family)


def effects_lie_on_their_curves(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
) -> None:
    """An effect is at most what every line of its curve allows at the programme's spend."""
    is_one_piece = np.array([len(pieces) == 1 for pieces in approximation], bool)
    _concave_curves(model, problem, approximation, scale, np.flatnonzero(is_one_piece))
    if not is_one_piece.all():
        _curves_in_pieces(model, problem, approximation, scale, np.flatnonzero(~is_one_piece))


def _concave_curves(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
    which: np.ndarray,
) -> None:
    effect, spend, decided = (
        model.columns["effect"],
        model.columns["spend"],
        len(problem.horizon.years),
    )
    count = [len(approximation[c][0].slope) for c in which]
    c = np.repeat(which, count)
    p, o = problem.curves.programme[c], problem.curves.outcome[c]
    slopes = (
        _concatenate([approximation[c][0].slope for c in which])
        * scale.money_gbp
        / scale.outcome[o]
    )
    intercepts = _concatenate([approximation[c][0].intercept for c in which]) / scale.outcome[o]
    year = np.repeat(np.arange(decided), len(c))
    rows = np.arange(len(year))
    at = year * len(problem.curves.response) + np.tile(c, decided)
    money = year * len(problem.programmes.ids) + np.tile(p, decided)
    model.add_rows(
        "curve",
        rule="",
        labels={name: values[at] for name, values in effect.labels.items()},
        terms=[
            (rows, effect.at(at), 1.0),
            (rows, spend.at(money), -np.tile(slopes, decided)),
        ],
        upper=np.tile(intercepts, decided),
    )


def _curves_in_pieces(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
    which: np.ndarray,
) -> None:
    """Exactly one piece is chosen in a year; spend and effect are those of the chosen piece."""
    effect, spend, decided = (
        model.columns["effect"],
        model.columns["spend"],
        len(problem.horizon.years),
    )
    pieces = [(c, piece) for c in which for piece in approximation[c]]
    c, money = np.array([c for c, _ in pieces]), scale.money_gbp
    year = np.repeat(np.arange(decided), len(pieces))
    at = year * len(problem.curves.response) + np.tile(c, decided)
    labels = {name: values[at] for name, values in effect.labels.items()}
    j = np.arange(len(at))
    chosen = model.add_columns("chosen", labels=labels, upper=1.0, integer=True)
    part = model.add_columns("part", labels=labels)
    part_effect = model.add_columns("part_effect", labels=labels, lower=-np.inf)
    start = np.tile([piece.start for _, piece in pieces], decided) / money
    end = np.tile([piece.end for _, piece in pieces], decided) / money
    terms = [(j, part.all, np.ones(1)), (j, chosen.all, -start)]
    model.add_rows("piece_start", rule="", labels=labels, terms=terms, lower=0.0)
    terms = [(j, part.all, np.ones(1)), (j, chosen.all, -end)]
    model.add_rows("piece_end", rule="", labels=labels, terms=terms, upper=0.0)

    count = [len(piece.slope) for _, piece in pieces]
    line = np.repeat(np.arange(len(pieces)), count)
    o = problem.curves.outcome[c[line]]
    slopes = _concatenate([piece.slope for _, piece in pieces]) * money / scale.outcome[o]
    intercepts = _concatenate([piece.intercept for _, piece in pieces]) / scale.outcome[o]
    lines = (np.arange(decided)[:, None] * len(pieces) + line).ravel()
    rows = np.arange(len(lines))
    model.add_rows(
        "piece_curve",
        rule="",
        labels={name: values[lines] for name, values in labels.items()},
        terms=[
            (rows, part_effect.at(lines), 1.0),
            (rows, part.at(lines), -np.tile(slopes, decided)),
            (rows, chosen.at(lines), -np.tile(intercepts, decided)),
        ],
        upper=0.0,
    )
    position = (
        np.arange(decided)[:, None] * len(which) + np.searchsorted(which, c)[None, :]
    ).ravel()
    curve_at = (np.arange(decided)[:, None] * len(problem.curves.response) + which).ravel()
    curve_labels = {name: values[curve_at] for name, values in effect.labels.items()}
    rows = np.arange(len(curve_at))
    p = problem.curves.programme[which]
    spend_at = (np.arange(decided)[:, None] * len(problem.programmes.ids) + p).ravel()
    for name, target, part_columns, total in (
        ("one_piece", None, chosen, 1.0),
        ("spend_in_piece", spend.at(spend_at), part, 0.0),
        ("effect_in_piece", effect.at(curve_at), part_effect, 0.0),
    ):
        row_terms: list[Terms] = [(position, part_columns.all, 1.0)]
        if target is not None:
            row_terms.append((rows, target, -1.0))
        model.add_rows(
            name, rule="", labels=curve_labels, terms=row_terms, lower=total, upper=total
        )


def _concatenate(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)
