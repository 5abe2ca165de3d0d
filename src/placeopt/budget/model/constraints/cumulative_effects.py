"""Programmes on what the others leave, where effects build up over years or may be otherwise.

``rest`` holds such an outcome by one curve a programme, which needs the effect of one year's
spending alone. Where effects persist, a year feels those of several years; where the evidence is
uncertain (B12), every draw multiplies what the plan adds. Both have one level in common:

    level[b,c] = today (1 - sum over t of share) + sum over t of share[b,t,c] effect[t,c]
    S[b,o]     = sum over c of  -W log(1 - level[b,c] / W)          as in ``rest``
    S[t,o,s]   = sum over c of  -W log(1 - x / W),  x = today + factor[s,c] (level - today)

Each term is convex in the level, so its range is cut into pieces, of which one is chosen:

    level = sum over j of part[j],  start[j] chosen[j] <= part[j] <= end[j] chosen[j]
    -W log(1 - x / W)  <=  sum over j of slope[j,s] part[j] + intercept[j,s] chosen[j]

with tangents from below and chords from above, for the effects as stated (the first line of every
piece) and for all draws alike: the choice is made once. A draw cannot do more than the whole: x
counts up to ``MAX_EFFECT_SHARE`` of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from placeopt.budget.curves.forms import (
    MIN_PIECE_SHARE,
    Curve,
    Piece,
    breakpoints,
    error_bound,
    pieces,
)
from placeopt.budget.curves.remaining_potential import MAX_EFFECT_SHARE, transform
from placeopt.budget.problem.arrays import BudgetProblem, Floats, Ints
from placeopt.engine import Model

YearOutcome = tuple[int, int, float]  # a year, an outcome, the model's unit of it


@dataclass(frozen=True)
class LevelTransformCurve(Curve):
    """-W log(1 - level / W) as a curve of the level; W is ``maximum_effect``."""

    def effect(self, spend: ArrayLike) -> Floats:
        return transform(spend, self.maximum_effect)

    def slope(self, spend: float) -> float:
        return 1 / (1 - min(float(spend) / self.maximum_effect, MAX_EFFECT_SHARE))

    def curvature_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        return [(lower, upper, False)]


def curves_with_levels(problem: BudgetProblem) -> Ints:
    """The curves of outcomes that are held by their levels."""
    return np.flatnonzero(problem.uses_levels[problem.curve_outcome])


class CumulativeEffects:
    """The breakpoints of every level, by counted year and curve, which only ever grow."""

    def __init__(self, problem: BudgetProblem, error: Floats, most: int):
        """``error`` (O,) is what the first breakpoints aim at."""
        self.problem = problem
        self.breakpoints: dict[tuple[int, int], Floats] = {}
        today, held = problem.effect_today, curves_with_levels(problem)
        for b, c in itertools.product(range(len(problem.drifted_baseline)), held):
            p, share, own = (
                problem.curve_programme[c],
                problem.effect_share[b, :, c],
                problem.curves[c],
            )
            ends = [own.effect(end[:, p]) for end in (problem.lower, problem.upper)]
            low, high = (
                float(today[c] + share @ (end - today[c]))
                for end in (np.minimum(*ends), np.maximum(*ends))
            )
            low -= 0.05 * (high - low)  # pieces under a curve may come to a little less
            aim = error[problem.curve_outcome[c]]
            kept = np.clip(today[c], low, high)
            self.breakpoints[b, int(c)] = breakpoints(
                self._transform(c), low, high, aim, kept, most
            )
        self.exact_levels = {(b, c): np.array([today[c]]) for b, c in self.breakpoints}

    def _transform(self, c: int) -> LevelTransformCurve:
        return LevelTransformCurve(
            "left", float(self.problem.potential[self.problem.curve_outcome[c]])
        )

    def pieces(self, side: str) -> list[list[Piece]]:
        """For each counted year and curve: pieces with a line for the effect as stated, and one
        for each draw of the evidence in the decided years."""
        found, none = [], np.zeros(0)
        for (b, c), cuts in self.breakpoints.items():
            draws = self.problem.evidence_factors[:, c] if b < len(self.problem.years) else none
            cut = pieces(self._transform(c), cuts, side, self.exact_levels[b, c])  # type: ignore[arg-type]
            found.append([self._with_draws(c, piece, draws, side) for piece in cut])
        return found

    def _with_draws(self, c: int, piece: Piece, draws: Floats, side: str) -> Piece:
        """The piece with a line for each of ``draws`` (S,) after its own."""
        whole = float(self.problem.potential[self.problem.curve_outcome[c]])
        start, end, today = piece.start, piece.end, self.problem.effect_today[c]

        def at(level: float) -> Floats:
            return today + draws * (level - today)

        middle = (start + end) / 2 if side == "under" else start
        slope = draws / (1 - np.minimum(at(middle) / whole, MAX_EFFECT_SHARE))
        if side == "over" and end > start:
            slope = (transform(at(end), whole) - transform(at(start), whole)) / (end - start)
        intercept = transform(at(middle), whole) - slope * middle
        flat = (at(end) >= MAX_EFFECT_SHARE * whole) | (start == end)  # it does not rise beyond
        held = transform(at(start if side == "under" else end), whole)
        slope, intercept = np.where(flat, 0.0, slope), np.where(flat, held, intercept)
        lines = np.append(piece.slope[0], slope), np.append(piece.intercept[0], intercept)
        return Piece(start, end, *lines)

    def errors(self) -> Floats:
        return np.array(
            [error_bound(self._transform(c), cuts) for (_, c), cuts in self.breakpoints.items()]
        )

    def add(self, spend: Floats) -> None:
        """Hold every level of ``spend`` (T, P) exactly, and cut the pieces beside it in half."""
        level = self.problem.effect_today + self.problem.changes(spend)
        for (b, c), cuts in self.breakpoints.items():
            at, near = level[b, c], max(1e-12, 1e-7 * float(np.abs(cuts).max()))
            near = max(near, MIN_PIECE_SHARE * float(cuts[-1] - cuts[0]))
            if len(cuts) < 2 or not cuts[0] < at < cuts[-1]:
                continue
            after = int(np.searchsorted(cuts, at))
            new = [at, (cuts[after - 1] + at) / 2, (cuts[after] + at) / 2]
            kept = [one for one in new if np.abs(cuts - one).min() > near]
            self.breakpoints[b, c] = np.unique(np.append(cuts, kept))
            self.exact_levels[b, c] = np.unique(np.append(self.exact_levels[b, c], at))


def levels_follow_effects(
    model: Model,
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    today: Floats,
    unit: Floats,
) -> None:
    """Columns ``level``, ``level_part``, ``level_chosen`` and ``worked`` (years by curves) and
    their rows. ``today`` (C,) effects alone; ``unit`` (O,) the model's unit of each outcome."""
    c = curves_with_levels(problem)
    if len(c) == 0:
        return
    counted, size = len(problem.drifted_baseline), len(c)
    o = problem.curve_outcome[c]
    labels = {
        "programme_id": np.tile(problem.programme_ids[problem.curve_programme[c]], counted),
        "outcome_id": np.tile(problem.outcome_ids[o], counted),
        "year": np.repeat(problem.years[0] + np.arange(counted), size),
    }
    level = model.add_columns("level", labels=labels, lower=-np.inf)
    worked = model.add_columns("worked", labels=labels, lower=-np.inf)
    b, t, k = np.nonzero(problem.effect_share[:, :, c])
    effect = model.columns["effect"].at(t * len(problem.curves) + c[k])
    stays = (today[c] * (1 - problem.effect_share[:, :, c].sum(axis=1)) / unit[o]).ravel()
    rows = np.arange(level.size)
    terms: list[Any] = [
        (rows, level.all, 1.0),
        (b * size + k, effect, -problem.effect_share[b, t, c[k]]),
    ]
    model.add_rows("level", rule="", labels=labels, terms=terms, lower=stays, upper=stays)

    of, own = _flattened(approximation)
    scale = unit[o[of % size]]
    named = {name: ids[of] for name, ids in labels.items()}
    j = np.arange(len(own))
    chosen = model.add_columns("level_chosen", labels=named, upper=1.0, integer=True)
    part = model.add_columns("level_part", labels=named, lower=-np.inf)
    start, end = (np.array([getattr(piece, side) for piece in own]) for side in ("start", "end"))
    slope, intercept = np.array([[piece.slope[0], piece.intercept[0]] for piece in own]).T
    above: list[Any] = [(j, part.all, 1.0), (j, chosen.all, -start / scale)]
    model.add_rows("level_start", rule="", labels=named, terms=above, lower=0.0)
    below: list[Any] = [(j, part.all, 1.0), (j, chosen.all, -end / scale)]
    model.add_rows("level_end", rule="", labels=named, terms=below, upper=0.0)
    for name, whole, parts, one in (("one", None, chosen, 1.0), ("whole", level, part, 0.0)):
        terms = [(of, parts.all, 1.0)]
        if whole is not None:
            terms.append((rows, whole.all, -1.0))
        model.add_rows(f"level_{name}", rule="", labels=labels, terms=terms, lower=one, upper=one)
    terms = [(rows, worked.all, 1.0), (of, part.all, -slope), (of, chosen.all, -intercept / scale)]
    model.add_rows("worked", rule="", labels=labels, terms=terms, upper=0.0)


def evidence_terms(
    model: Model, problem: BudgetProblem, approximation: Sequence[Sequence[Piece]], at: YearOutcome
) -> list[Any]:
    """Terms, with a row for each draw s, of S[t,o,s] in the model's unit of the outcome; ``at`` is
    the year, the outcome and that unit."""
    t, o, unit = at
    c = curves_with_levels(problem)
    of, own = _flattened(approximation)
    j = np.flatnonzero((of // len(c) == t) & (problem.curve_outcome[c[of % len(c)]] == o))
    s = np.arange(len(problem.evidence_factors))[:, None]
    slope = np.stack([own[i].slope[1:] for i in j], axis=1)
    intercept = np.stack([own[i].intercept[1:] for i in j], axis=1)
    chosen, part = model.columns["level_chosen"].at(j), model.columns["level_part"].at(j)
    return [(s, part[None, :], slope), (s, chosen[None, :], intercept / unit)]


def _flattened(approximation: Sequence[Sequence[Piece]]) -> tuple[Ints, list[Piece]]:
    """All pieces one after another, and which level each is of."""
    of = np.repeat(np.arange(len(approximation)), [len(cut) for cut in approximation])
    return of, [piece for cut in approximation for piece in cut]
