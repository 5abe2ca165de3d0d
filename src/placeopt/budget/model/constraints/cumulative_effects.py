"""Remaining potentials where effects build up over years or evidence is uncertain.

A ``TransformedCurve`` needs the effect of one year's spending alone. Where effects persist, a year
feels those of several years; where the evidence is uncertain (B12), every draw multiplies what the
plan adds. Both depend on one level:

    level[b,c] = today (1 - sum over t of share) + sum over t of share[b,t,c] effect[t,c]
    S[b,o]     = sum over c of  -W log(1 - level[b,c] / W)     as in ``remaining_potential``
    S[t,o,s]   = sum over c of  -W log(1 - x / W),  x = today + factor[s,c] (level - today)

Each term is convex in the level, so its range is split into pieces, of which one is chosen:

    level = sum over j of part[j],  start[j] chosen[j] <= part[j] <= end[j] chosen[j]
    -W log(1 - x / W)  <=  sum over j of slope[j,s] part[j] + intercept[j,s] chosen[j]

with tangents from below and chords from above. The first line of every piece is for the effects as
stated, the others are for the draws: all share one choice. A draw cannot do more than the whole
potential: x counts up to ``MAX_EFFECT_SHARE`` of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.curves.piecewise import (
    MIN_PIECE_SHARE,
    Piece,
    breakpoints,
    error_bound,
    pieces,
)
from placeopt.budget.curves.remaining_potential import (
    MAX_EFFECT_SHARE,
    LevelTransformCurve,
    transform,
)
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms

YearOutcome = tuple[int, int, float]  # a year, an outcome, the model's unit of it


def curves_with_levels(problem: BudgetProblem) -> Ints:
    """The curves of outcomes that are modelled by levels."""
    return np.flatnonzero(problem.outcomes.uses_levels[problem.curves.outcome])


class CumulativeEffects:
    """The breakpoints of every level, by counted year and curve, which only ever grow."""

    def __init__(self, problem: BudgetProblem, error: Floats, max_breaks: int):
        """Make the first breakpoints, aiming at an ``error`` (O,) in outcome units."""
        self.problem = problem
        self.breakpoints: dict[tuple[int, int], Floats] = {}
        today, curves = effects.effect_today(problem), curves_with_levels(problem)
        for b, c in itertools.product(range(len(problem.outcomes.drifted_baseline)), curves):
            p, share, curve = (
                problem.curves.programme[c],
                problem.curves.effect_share[b, :, c],
                problem.curves.response[c],
            )
            ends = [curve.effect(end[:, p]) for end in (problem.lower, problem.limits.upper)]
            low, high = (
                float(today[c] + share @ (end - today[c]))
                for end in (np.minimum(*ends), np.maximum(*ends))
            )
            low -= 0.05 * (high - low)  # pieces under a curve may be a little lower
            target_error = error[problem.curves.outcome[c]]
            required = np.clip(today[c], low, high)
            self.breakpoints[b, int(c)] = breakpoints(
                self._transform(c), low, high, target_error, required, max_breaks
            )
        self.exact_levels = {(b, c): np.array([today[c]]) for b, c in self.breakpoints}

    def _transform(self, c: int) -> LevelTransformCurve:
        return LevelTransformCurve(
            float(self.problem.outcomes.potential[self.problem.curves.outcome[c]])
        )

    def pieces(self, side: str) -> list[list[Piece]]:
        """Return the pieces of each counted year and curve.

        Each has a line for the effect as stated, and in decided years one for each draw of the
        evidence.
        """
        approximated, no_draws = [], np.zeros(0)
        for (b, c), cuts in self.breakpoints.items():
            draws = (
                self.problem.evidence.factors[:, c]
                if b < len(self.problem.horizon.years)
                else no_draws
            )
            level_pieces = pieces(self._transform(c), cuts, side, self.exact_levels[b, c])  # type: ignore[arg-type]
            approximated.append([self._with_draws(c, piece, draws, side) for piece in level_pieces])
        return approximated

    def _with_draws(self, c: int, piece: Piece, draws: Floats, side: str) -> Piece:
        """The piece with a line for each of ``draws`` (S,) after its own."""
        potential = float(self.problem.outcomes.potential[self.problem.curves.outcome[c]])
        start, end, today = piece.start, piece.end, effects.effect_today(self.problem)[c]

        def at(level: float) -> Floats:
            drawn: Floats = today + draws * (level - today)
            return drawn

        middle = (start + end) / 2 if side == "under" else start
        slope = draws / (1 - np.minimum(at(middle) / potential, MAX_EFFECT_SHARE))
        if side == "over" and end > start:
            slope = (transform(at(end), potential) - transform(at(start), potential)) / (
                end - start
            )
        intercept = transform(at(middle), potential) - slope * middle
        # it does not rise beyond
        is_flat = (at(end) >= MAX_EFFECT_SHARE * potential) | (start == end)
        flat_value = transform(at(start if side == "under" else end), potential)
        slope, intercept = np.where(is_flat, 0.0, slope), np.where(is_flat, flat_value, intercept)
        lines = np.append(piece.slope[0], slope), np.append(piece.intercept[0], intercept)
        return Piece(start, end, *lines)

    def errors(self) -> Floats:
        return np.array(
            [error_bound(self._transform(c), cuts) for (_, c), cuts in self.breakpoints.items()]
        )

    def add(self, spend: Floats) -> None:
        """Make every level of ``spend`` (T, P) exact, and halve the pieces beside it."""
        level = effects.effect_today(self.problem) + effects.changes(self.problem, spend)
        for (b, c), cuts in self.breakpoints.items():
            value, spacing = level[b, c], max(1e-12, 1e-7 * float(np.abs(cuts).max()))
            spacing = max(spacing, MIN_PIECE_SHARE * float(cuts[-1] - cuts[0]))
            if len(cuts) < 2 or not cuts[0] < value < cuts[-1]:
                continue
            next_index = int(np.searchsorted(cuts, value))
            new = [value, (cuts[next_index - 1] + value) / 2, (cuts[next_index] + value) / 2]
            added = [point for point in new if np.abs(cuts - point).min() > spacing]
            self.breakpoints[b, c] = np.unique(np.append(cuts, added))
            self.exact_levels[b, c] = np.unique(np.append(self.exact_levels[b, c], value))


def levels_follow_effects(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    today: Floats,
    unit: Floats,
) -> None:
    """Add the columns ``level``, ``level_part``, ``level_chosen`` and ``worked``, and their rows.

    Args:
        model: The model.
        problem: The budget problem.
        approximation: Pieces of each level.
        today: (C,) effects alone at today's spending.
        unit: (O,) the model's unit of each outcome.
    """
    c = curves_with_levels(problem)
    if len(c) == 0:
        return
    counted, size = len(problem.outcomes.drifted_baseline), len(c)
    o = problem.curves.outcome[c]
    labels = {
        "programme_id": np.tile(problem.programmes.ids[problem.curves.programme[c]], counted),
        "outcome_id": np.tile(problem.outcomes.ids[o], counted),
        "year": np.repeat(problem.horizon.years[0] + np.arange(counted), size),
    }
    level = model.add_columns("level", labels=labels, lower=-np.inf)
    transformed = model.add_columns("worked", labels=labels, lower=-np.inf)
    b, t, k = np.nonzero(problem.curves.effect_share[:, :, c])
    effect = model.columns["effect"].at(t * len(problem.curves.response) + c[k])
    constant_part = (
        today[c] * (1 - problem.curves.effect_share[:, :, c].sum(axis=1)) / unit[o]
    ).ravel()
    rows = np.arange(level.size)
    terms: list[Terms] = [
        (rows, level.all, 1.0),
        (b * size + k, effect, -problem.curves.effect_share[b, t, c[k]]),
    ]
    model.add_rows(
        "level", rule="", labels=labels, terms=terms, lower=constant_part, upper=constant_part
    )

    level_of, pieces = _flattened(approximation)
    scale = unit[o[level_of % size]]
    piece_labels = {name: ids[level_of] for name, ids in labels.items()}
    j = np.arange(len(pieces))
    chosen = model.add_columns("level_chosen", labels=piece_labels, upper=1.0, integer=True)
    part = model.add_columns("level_part", labels=piece_labels, lower=-np.inf)
    start, end = (np.array([getattr(piece, side) for piece in pieces]) for side in ("start", "end"))
    slope, intercept = np.array([[piece.slope[0], piece.intercept[0]] for piece in pieces]).T
    above: list[Terms] = [(j, part.all, 1.0), (j, chosen.all, -start / scale)]
    model.add_rows("level_start", rule="", labels=piece_labels, terms=above, lower=0.0)
    below: list[Terms] = [(j, part.all, 1.0), (j, chosen.all, -end / scale)]
    model.add_rows("level_end", rule="", labels=piece_labels, terms=below, upper=0.0)
    for name, target, terms_of, total in (("one", None, chosen, 1.0), ("whole", level, part, 0.0)):
        terms = [(level_of, terms_of.all, 1.0)]
        if target is not None:
            terms.append((rows, target.all, -1.0))
        model.add_rows(
            f"level_{name}", rule="", labels=labels, terms=terms, lower=total, upper=total
        )
    terms = [
        (rows, transformed.all, 1.0),
        (level_of, part.all, -slope),
        (level_of, chosen.all, -intercept / scale),
    ]
    model.add_rows("worked", rule="", labels=labels, terms=terms, upper=0.0)


def evidence_terms(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    year_outcome: YearOutcome,
) -> list[Terms]:
    """Return terms, with a row for each draw s, of S[t,o,s] in the model's unit of the outcome.

    ``year_outcome`` is the year, the outcome and that unit.
    """
    t, o, unit = year_outcome
    c = curves_with_levels(problem)
    level_of, pieces = _flattened(approximation)
    j = np.flatnonzero(
        (level_of // len(c) == t) & (problem.curves.outcome[c[level_of % len(c)]] == o)
    )
    s = np.arange(len(problem.evidence.factors))[:, None]
    slope = np.stack([pieces[i].slope[1:] for i in j], axis=1)
    intercept = np.stack([pieces[i].intercept[1:] for i in j], axis=1)
    chosen, part = model.columns["level_chosen"].at(j), model.columns["level_part"].at(j)
    return [(s, part[None, :], slope), (s, chosen[None, :], intercept / unit)]


def _flattened(approximation: Sequence[Sequence[Piece]]) -> tuple[Ints, list[Piece]]:
    """The level of each piece, and all pieces in order."""
    level_of = np.repeat(np.arange(len(approximation)), [len(pieces) for pieces in approximation])
    return level_of, [piece for pieces in approximation for piece in pieces]
