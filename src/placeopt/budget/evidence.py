"""Standards that hold though the evidence may be wrong, as rows of a model.

gain[o,s] = sum over c of o of factor[s,c] (effect[c] - effect today), for evidence scenarios s
(B12) every  gain[o,s] >= minimum_gain[o]
(B12) tail   level[o] - sum over s of short[o,s] / (tail S) >= minimum_gain[o],
             short[o,s] >= level[o] - gain[o,s],  short[o,s] >= 0
Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
(2000).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.budget.arrays import BudgetProblem
from placeopt.budget.on_curves import Scale
from placeopt.engine import Model


def standards_hold_in_bad_evidence(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B12) Minimum standards hold in every evidence scenario, or over the worst tail."""
    years, held = np.nonzero(np.isfinite(problem.minimum_gain))
    size = len(problem.evidence)
    if size == 0 or len(held) == 0:
        return
    today = problem.effect_today
    effect, s = model.columns["effect"], np.arange(size)
    for t, o in zip(years, held, strict=True):
        own = (problem.curve_outcome == o) & (problem.share[t] != 0)
        spent, c = np.nonzero(own)
        factor = problem.evidence[:, c] * problem.share[t, spent, c]
        unit, key = float(scale.outcome[o]), f"{o}_{t}"
        labels = {"outcome_id": np.repeat(problem.outcome_ids[o], size), "scenario": s}
        columns = effect.at(spent * len(problem.curves) + c)
        terms: list[Any] = [(s[:, None], columns[None, :], factor)]
        if problem.relax == "B12":
            past = model.add_columns(f"breach_{key}", size=1, cost=1.0)
            terms.append((s, past.start, 1.0))
        base = factor @ today[c] / unit
        least = float(problem.minimum_gain[t, o]) / unit
        if problem.tail == 0:
            lower = base + least
            model.add_rows(f"evidence_{key}", rule="B12", labels=labels, terms=terms, lower=lower)
            continue
        level = model.add_columns(f"level_{key}", size=1, lower=-np.inf)
        short = model.add_columns(f"short_{key}", size=size)
        terms += [(s, short.all, 1.0), (s, level.start, -1.0)]
        model.add_rows(f"short_of_{key}", rule="B12", labels=labels, terms=terms, lower=base)
        share = -1.0 / (problem.tail * size)
        model.add_rows(
            f"tail_{key}",
            rule="B12",
            labels={"outcome_id": problem.outcome_ids[[o]]},
            terms=[(0, level.start, 1.0), (0, short.all, share)],
            lower=least,
        )
