"""How far a plan meets its access standards, by the nearest host and by service that is given.

Nearest: residents whose nearest host with the offer asked is within the minutes. Served: all
residents counted in a zone by the share of its visits that goes to such hosts; unserved visits are
not within, and a zone without visits to the service counts by its nearest host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.access import hosts_offering
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.solution.decision import Decision

RESIDENTS_TOLERANCE = 1e-6  # of the residents counted
VISITS_TOLERANCE = 1e-6  # of a zone's visits: less is rounding


@dataclass(frozen=True)
class Attainment:
    """How far a plan meets a standard, by the nearest host and as residents are sent.

    Attributes:
        nearest: share of the residents whose nearest host is within the minutes.
        served: share of the residents who are served within the minutes.
        under_ceiling: whether the nearest host of each is within the ceiling.
        sent_under_ceiling: whether nobody counted is sent beyond the ceiling either.
    """

    nearest: float
    served: float
    under_ceiling: bool
    sent_under_ceiling: bool

    def holds(self, standard: Standard, counts: str) -> bool:
        """Whether the standard is met, counted by ``counts``."""
        share = self.served if counts == "served" else self.nearest
        near = self.sent_under_ceiling if counts == "served" else self.under_ceiling
        near = near or standard.rule.ceiling_minutes is None
        return near and (
            not standard.has_share or share >= standard.rule.share - RESIDENTS_TOLERANCE
        )


def attainment(problem: EstateProblem, decision: Decision, standard: Standard) -> Attainment:
    """How far ``decision`` meets the standard."""
    offers = hosts_offering(problem, decision.host, decision.tier, standard)
    near = (standard.within & offers).any(axis=1)
    share, going = visit_shares_of_points(problem, decision, standard)
    inside = (share * (standard.within & offers)).sum(axis=1)
    total = standard.residents.sum()
    under = bool((standard.under_ceiling & offers).any(axis=1).all())
    beyond = (share * ~standard.under_ceiling).sum(axis=1)
    return Attainment(
        nearest=float(standard.residents @ near / total),
        served=float(standard.residents @ np.where(going, inside, near) / total),
        under_ceiling=under,
        sent_under_ceiling=under and bool((beyond <= VISITS_TOLERANCE).all()),
    )


def visit_shares_of_points(
    problem: EstateProblem, decision: Decision, standard: Standard
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(P, B) share of the visits of each point's zone at each building, and (P,) whether the zone
    has visits at all."""
    shares = np.zeros((len(problem.zone_ids), len(problem.buildings.ids)))
    of = decision.service == standard.service
    np.add.at(shares, (decision.zone[of], decision.building[of]), decision.share[of])
    return shares[standard.zone], problem.visits[standard.zone, standard.service] > 0


def served_standards_met(problem: EstateProblem, decision: Decision) -> bool:
    """Whether every standard that is met by service given is met."""
    return all(
        attainment(problem, decision, standard).holds(standard, "served")
        for standard in problem.standards
        if standard.is_counted_as_served
    )
