"""How far a plan meets its access standards: by the nearest host, and by service given.

Nearest: residents whose nearest host with the offer asked is within the minutes. Served: residents
of a zone count by the share of its visits that goes to such hosts. Unserved visits do not count,
and a zone without visits to the service counts by its nearest host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.access import hosts_offering
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.solution.decision import Decision

RESIDENTS_TOLERANCE = 1e-6  # of the residents counted
VISITS_TOLERANCE = 1e-6  # of a zone's visits: smaller shares are rounding


@dataclass(frozen=True)
class Attainment:
    """How far a plan meets a standard, by the nearest host and as residents are sent.

    Attributes:
        nearest: share of the residents whose nearest host is within the minutes.
        served: share of the residents who are served within the minutes.
        under_ceiling: whether the nearest host of each is within the ceiling.
        sent_under_ceiling: the same, and no residents counted are sent past the ceiling.
    """

    nearest: float
    served: float
    under_ceiling: bool
    sent_under_ceiling: bool

    def holds(self, standard: Standard, counts: str) -> bool:
        """Whether the standard is met, counted by ``counts`` ("served" or "nearest")."""
        share = self.served if counts == "served" else self.nearest
        is_under_ceiling = self.sent_under_ceiling if counts == "served" else self.under_ceiling
        is_under_ceiling = is_under_ceiling or standard.rule.ceiling_minutes is None
        return is_under_ceiling and (
            not standard.has_share or share >= standard.rule.share - RESIDENTS_TOLERANCE
        )


def attainment(problem: EstateProblem, decision: Decision, standard: Standard) -> Attainment:
    """Return how far ``decision`` meets the standard."""
    offers = hosts_offering(problem, decision.host, decision.tier, standard)
    is_near = (standard.within & offers).any(axis=1)
    share, has_visits = visit_shares_of_points(problem, decision, standard)
    served_share = (share * (standard.within & offers)).sum(axis=1)
    total = standard.residents.sum()
    under_ceiling = bool((standard.under_ceiling & offers).any(axis=1).all())
    share_past_ceiling = (share * ~standard.under_ceiling).sum(axis=1)
    return Attainment(
        nearest=float(standard.residents @ is_near / total),
        served=float(standard.residents @ np.where(has_visits, served_share, is_near) / total),
        under_ceiling=under_ceiling,
        sent_under_ceiling=under_ceiling and bool((share_past_ceiling <= VISITS_TOLERANCE).all()),
    )


def visit_shares_of_points(
    problem: EstateProblem, decision: Decision, standard: Standard
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (P, B) the share of the visits of each point's zone at each building, and (P,) whether
    the zone has visits."""
    shares = np.zeros((len(problem.zone_ids), len(problem.buildings.ids)))
    is_service = decision.service == standard.service
    np.add.at(
        shares,
        (decision.zone[is_service], decision.building[is_service]),
        decision.share[is_service],
    )
    return shares[standard.zone], problem.visits[standard.zone, standard.service] > 0


def served_standards_met(problem: EstateProblem, decision: Decision) -> bool:
    """Whether every standard counted by service given is met."""
    return all(
        attainment(problem, decision, standard).holds(standard, "served")
        for standard in problem.standards
        if standard.is_counted_as_served
    )
