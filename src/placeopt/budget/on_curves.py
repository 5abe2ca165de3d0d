"""Response curves as rows of a model: one piece as straight lines, several as a choice.

(--)  curve  effect[c] <= slope[i] spend[p] + intercept[i]       for every line i of a concave c
(--)  piece  sum over j of chosen[j] = 1,  spend[p] = sum over j of part[j],
             start[j] chosen[j] <= part[j] <= end[j] chosen[j],
             part_effect[j] <= slope[i] part[j] + intercept[i] chosen[j],
             effect[c] = sum over j of part_effect[j]            for the pieces j of any other c
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from placeopt.budget.curves import Floats, Piece
from placeopt.budget.problem import BudgetProblem
from placeopt.engine import Model


@dataclass(frozen=True)
class Scale:
    """The units that the model counts in: GBP for one unit of money, outcome units for one."""

    money_gbp: float
    outcome: Floats


def effects_lie_on_their_curves(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
) -> None:
    """An effect is at most what every line of its curve allows at the programme's spend."""
    labels = {
        "programme_id": problem.programme_ids[problem.curve_programme],
        "outcome_id": problem.outcome_ids[problem.curve_outcome],
    }
    model.add_columns("effect", labels=labels, lower=-np.inf)
    whole = np.array([len(pieces) == 1 for pieces in approximation], bool)
    _concave_curves(model, problem, approximation, scale, np.flatnonzero(whole))
    if not whole.all():
        _curves_in_pieces(model, problem, approximation, scale, np.flatnonzero(~whole))


def _concave_curves(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
    which: np.ndarray,
) -> None:
    effect, spend = model.columns["effect"], model.columns["spend"]
    count = [len(approximation[c][0].slope) for c in which]
    c = np.repeat(which, count)
    p, o = problem.curve_programme[c], problem.curve_outcome[c]
    slopes = _join([approximation[c][0].slope for c in which])
    intercepts = _join([approximation[c][0].intercept for c in which])
    rows = np.arange(len(c))
    slopes = slopes * scale.money_gbp / scale.outcome[o]
    model.add_rows(
        "curve",
        rule="",
        labels={name: values[c] for name, values in effect.labels.items()},
        terms=[(rows, effect.at(c), 1.0), (rows, spend.at(p), -slopes)],
        upper=intercepts / scale.outcome[o],
    )


def _curves_in_pieces(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    scale: Scale,
    which: np.ndarray,
) -> None:
    """Exactly one piece is chosen; spend and effect are those of the chosen piece."""
    effect, spend = model.columns["effect"], model.columns["spend"]
    pieces = [(c, piece) for c in which for piece in approximation[c]]
    c = np.array([c for c, _ in pieces])
    labels = {name: values[c] for name, values in effect.labels.items()}
    j, money = np.arange(len(pieces)), scale.money_gbp
    chosen = model.add_columns("chosen", labels=labels, upper=1.0, integer=True)
    part = model.add_columns("part", labels=labels)
    gained = model.add_columns("part_effect", labels=labels, lower=-np.inf)
    start = np.array([piece.start for _, piece in pieces]) / money
    end = np.array([piece.end for _, piece in pieces]) / money
    terms = [(j, part.all, np.ones(1)), (j, chosen.all, -start)]
    model.add_rows("piece_start", rule="", labels=labels, terms=terms, lower=0.0)
    terms = [(j, part.all, np.ones(1)), (j, chosen.all, -end)]
    model.add_rows("piece_end", rule="", labels=labels, terms=terms, upper=0.0)

    count = [len(piece.slope) for _, piece in pieces]
    line = np.repeat(j, count)
    o = problem.curve_outcome[c[line]]
    slopes = _join([piece.slope for _, piece in pieces]) * money / scale.outcome[o]
    intercepts = _join([piece.intercept for _, piece in pieces]) / scale.outcome[o]
    rows = np.arange(len(line))
    model.add_rows(
        "piece_curve",
        rule="",
        labels={name: values[line] for name, values in labels.items()},
        terms=[
            (rows, gained.at(line), 1.0),
            (rows, part.at(line), -slopes),
            (rows, chosen.at(line), -intercepts),
        ],
        upper=0.0,
    )
    position = np.searchsorted(which, c)
    own = {name: values[which] for name, values in effect.labels.items()}
    rows = np.arange(len(which))
    p = problem.curve_programme[which]
    for name, whole, parts, one in (
        ("one_piece", None, chosen, 1.0),
        ("spend_in_piece", spend.at(p), part, 0.0),
        ("effect_in_piece", effect.at(which), gained, 0.0),
    ):
        added: list[Any] = [(position, parts.all, 1.0)]
        if whole is not None:
            added.append((rows, whole, -1.0))
        model.add_rows(name, rule="", labels=own, terms=added, lower=one, upper=one)


def _join(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)
