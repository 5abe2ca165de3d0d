"""Assignment with the least minutes, where the visits that each host serves are given.

    minimise sum_zb visits[z] minutes[z,b] share[z,b]
    sum_b share[z,b] <= 1,   sum_z visits[z] share[z,b] = units[b]        for each service

A transportation problem (Hitchcock 1941). Costs do not change: they depend on the visits of hosts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import without_deadline
from placeopt.base.errors import EngineError
from placeopt.engine import Model, solve
from placeopt.engine.settings import Settings
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.solution.decision import Decision

UNITS_TOLERANCE = 1e-7  # relative, of what a host serves
SHARE_TOLERANCE = 1e-6  # shares below this are 0


def assign_with_least_minutes(
    problem: EstateProblem, decision: Decision, services_assigned: NDArray[np.bool_] | None = None
) -> Decision:
    """Return the decision with visits assigned to its hosts so that their total minutes are least.

    Args:
        problem: the year's arrays.
        decision: hosts and the visits or desks that each serves (B, S).
        services_assigned: (S,) services to assign again; the others keep their assignment.
            ``None``: all.

    Returns:
        The decision with new shares; its costs are the same.

    Raises:
        EngineError: no assignment serves these units within reach.
    """
    units = decision.units.copy()
    is_assigned = ~problem.services.back_office
    parts = []
    if services_assigned is not None:
        is_assigned = is_assigned & services_assigned
        keeps = ~services_assigned[decision.service]
        zones, services_kept = decision.zone[keeps], decision.service[keeps]
        parts.append((zones, services_kept, decision.building[keeps], decision.share[keeps]))
    for service in np.flatnonzero(is_assigned):
        zone, building, share = _assign_service(problem, decision, int(service))
        units[:, service] = 0.0
        np.add.at(units[:, service], building, share * problem.visits[zone, service])
        parts.append((zone, np.full(len(zone), service), building, share))
    empty = np.zeros(0, np.int64)
    joined = zip(*parts, strict=True) if parts else ((empty,),) * 4
    zones, services, buildings, shares = (np.concatenate(list(part)) for part in joined)
    return replace(
        decision, units=units, zone=zones, service=services, building=buildings, share=shares
    )


def _assign_service(
    problem: EstateProblem, decision: Decision, service: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (zone, building, share) of one service."""
    hosts = np.flatnonzero(decision.units[:, service] > 0)
    zones = np.flatnonzero(problem.visits[:, service] > 0)
    minutes = problem.minutes[np.ix_(zones, hosts)]
    zone, host = np.nonzero(np.isfinite(minutes))
    visits = problem.visits[zones[zone], service]
    served = decision.units[hosts, service]
    model = Model("assignment")
    cost = visits * minutes[zone, host]
    share = model.add_columns("share", size=len(zone), upper=1, cost=cost)
    model.add_rows("served", rule="E1", size=len(zones), terms=[(zone, share.all, 1)], upper=1)
    model.add_rows(
        "units",
        rule="E5",
        size=len(hosts),
        terms=[(host, share.all, visits)],
        lower=served * (1 - UNITS_TOLERANCE),
        upper=served * (1 + UNITS_TOLERANCE),
    )
    with without_deadline():
        result = solve(model, Settings(threads=problem.scenario.solver.threads))
    if result.values is None:
        raise EngineError(f"sending zones to the hosts of a plan failed: {result.message}")
    shares = np.where(result.values > SHARE_TOLERANCE, result.values, 0.0)
    total = np.bincount(zone, shares, len(zones))
    is_served = total > 1 - 10 * SHARE_TOLERANCE
    shares = shares / np.where(is_served, np.maximum(total, SHARE_TOLERANCE), 1.0)[zone]
    used = shares > 0
    return zones[zone[used]], hosts[host[used]], shares[used]
