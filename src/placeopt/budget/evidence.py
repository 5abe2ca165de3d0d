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

from placeopt.budget.on_curves import Scale
from placeopt.budget.problem import BudgetProblem
from placeopt.engine import Model


def standards_hold_in_bad_evidence(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B12) Minimum standards hold in every evidence scenario, or over the worst tail."""
    held = np.flatnonzero(np.isfinite(problem.minimum_gain))
    size = len(problem.evidence)
    if size == 0 or len(held) == 0:
        return
    effect = model.columns["effect"]
    today = np.array(
        [
            float(curve.effect(problem.before[p]))
            for p, curve in zip(problem.curve_programme, problem.curves, strict=True)
        ]
    )
    for o in held:
        c = np.flatnonzero(problem.curve_outcome == o)
        factor = problem.evidence[:, c]
        unit = float(scale.outcome[o])
        s = np.arange(size)
        labels = {"outcome_id": np.repeat(problem.outcome_ids[o], size), "scenario": s}
        terms: list[Any] = [(s[:, None], effect.at(c)[None, :], factor)]
        if problem.relax == "B12":
            past = model.add_columns(f"breach_{o}", size=1, cost=1.0)
            terms.append((s, past.start, 1.0))
        base = factor @ today[c] / unit
        least = float(problem.minimum_gain[o]) / unit
        if problem.tail == 0:
            model.add_rows(
                f"evidence_{o}", rule="B12", labels=labels, terms=terms, lower=base + least
            )
            continue
        level = model.add_columns(f"level_{o}", size=1, lower=-np.inf)
        short = model.add_columns(f"short_{o}", size=size)
        terms += [(s, short.all, 1.0), (s, level.start, -1.0)]
        model.add_rows(f"short_of_{o}", rule="B12", labels=labels, terms=terms, lower=base)
        share = -1.0 / (problem.tail * size)
        model.add_rows(
            f"tail_{o}",
            rule="B12",
            labels={"outcome_id": problem.outcome_ids[[o]]},
            terms=[(0, level.start, 1.0), (0, short.all, share)],
            lower=least,
        )
