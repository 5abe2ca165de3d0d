"""Minutes of residents for fairness (E8): today's, and the statistics that rules bound.

(E8)  minutes[c] = sum_b minutes[c,b] serve[c,b] + beyond; a customer is a zone and a service

Sources: Rockafellar and Uryasev (2000) for the mean of the worst-off share as linear rows; Horton
and others (2024), arXiv 2401.15452, for the Kolm-Pollak equivalent as one linear row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.estate.problem.choice import visit_shares
from placeopt.scenario.rules.estate.services import Fairness

if TYPE_CHECKING:
    from placeopt.estate.problem.arrays import EstateProblem

WORST_SHARE = 0.1  # of visits, for the objective worst_off


def minutes_today(problem: EstateProblem) -> Floats:
    """Return (Z, S) mean minutes to today's hosts, as residents choose them; NaN with none in
    reach."""
    minutes = np.full(problem.visits.shape, np.nan)
    for s in np.flatnonzero(~problem.services.back_office):
        share = visit_shares(problem, np.flatnonzero(problem.hosted[:, s]))
        reached = share.any(axis=1)
        mean = (share * np.nan_to_num(problem.minutes)).sum(axis=1)
        minutes[reached, s] = mean[reached]
    return minutes


def counted_services(problem: EstateProblem, rule: Fairness) -> NDArray[np.bool_]:
    """Return (S,) the services that a rule counts."""
    services = problem.services
    if rule.services == "all":
        return ~services.back_office
    return np.isin(services.ids, rule.services)


def kappa(problem: EstateProblem, rule: Fairness) -> float:
    """Return the Kolm-Pollak parameter (1/minutes), fixed from today's minutes."""
    minutes = minutes_today(problem)
    weight = np.where(np.isfinite(minutes) & counted_services(problem, rule), problem.visits, 0.0)
    minutes = np.nan_to_num(minutes)
    squares = float((weight * minutes**2).sum())
    return rule.aversion * float((weight * minutes).sum()) / squares if squares > 0 else 0.0


def mean_of_worst(minutes: Floats, weight: Floats, share: float) -> float:
    """Return the mean of the worst-off ``share`` of the weight; 0 where there is none."""
    order = np.argsort(-minutes)
    weight_counted = share * weight.sum()
    if weight_counted <= 0:
        return 0.0
    weight_taken = np.diff(
        np.minimum(np.concatenate([[0.0], np.cumsum(weight[order])]), weight_counted)
    )
    return float(weight_taken @ minutes[order] / weight_counted)
