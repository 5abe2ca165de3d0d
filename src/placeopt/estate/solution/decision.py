"""A decision on the estate, and its costs: arithmetic on arrays, without a solver.

It turns solutions into costs, gives today's ceilings and fills the plan's tables. The verifier does
not use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.errors import EngineError
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import visit_shares
from placeopt.estate.problem.equity import WORST_SHARE, mean_of_worst
from placeopt.place.running_cost import RunningCostRates, running_cost

NAN = float("nan")


@dataclass(frozen=True)
class Decision:
    """Buildings, tiers, hosts and the assignment of one year.

    Attributes:
        open: (B,) building is open.
        disposed: (B,) sold or its lease ended.
        tier: (B,) position of the tier; -1 for none.
        host: (B, S) building hosts the service.
        units: (B, S) visits or desks served there.
        zone: (N,) zone of each row of the assignment of services with visits.
        service: (N,) its service.
        building: (N,) its building.
        share: (N,) share of the zone's visits.
    """

    open: NDArray[np.bool_]
    disposed: NDArray[np.bool_]
    tier: NDArray[np.int64]
    host: NDArray[np.bool_]
    units: Floats
    zone: NDArray[np.int64]
    service: NDArray[np.int64]
    building: NDArray[np.int64]
    share: Floats


@dataclass(frozen=True)
class Costs:
    """Money and floor area of a decision.

    Attributes:
        area_m2: (B, S) of service points.
        front_m2: (B,) front of house.
        running_gbp_per_year: (B,) staff and tiers included.
        staffing_gbp_per_year: (B, S) part of running.
        held_gbp_per_year: (B,) of empty buildings, part of running.
        fit_out_gbp: (B, S) of new service points.
        moving_gbp: (B, S) of new service points.
        redundancy_gbp: (S,) of points fewer than today.
        setup_gbp: (B,) of tiers.
        closing_gbp: (B,) closure and lease penalty.
        backlog_gbp: (B,) required maintenance.
        receipt_net_gbp: (B,) undiscounted.
        benefit_gbp_per_year: of preferred pairs.
        sale_present_gbp: (B,) holding until the receipt, less the discounted receipt.
        carbon_present_gbp: (B,) of the priced years of the appraisal.
    """

    area_m2: Floats
    front_m2: Floats
    running_gbp_per_year: Floats
    staffing_gbp_per_year: Floats
    held_gbp_per_year: Floats
    fit_out_gbp: Floats
    moving_gbp: Floats
    redundancy_gbp: Floats
    setup_gbp: Floats
    closing_gbp: Floats
    backlog_gbp: Floats
    receipt_net_gbp: Floats
    benefit_gbp_per_year: float
    sale_present_gbp: Floats
    carbon_present_gbp: Floats

    @property
    def running_cost_parts(self) -> dict[str, float]:
        """GBP a year of buildings in use, staff of service points, and empty buildings held; cost
        of capital is counted with its building."""
        staff, held = self.staffing_gbp_per_year.sum(), self.held_gbp_per_year.sum()
        in_use = self.running_gbp_per_year.sum() - staff - held
        return {"buildings": float(in_use), "staff": float(staff), "held_empty": float(held)}

    @property
    def capital_gbp(self) -> Floats:
        """(B,) what the capital rule counts: fit-out, moves, set-up, closing."""
        points = self.fit_out_gbp + self.moving_gbp
        total: Floats = points.sum(axis=1) + self.setup_gbp + self.closing_gbp
        return total

    def present_gbp(self, annuity: float) -> float:
        """Return the net present cost over the appraisal years."""
        yearly = self.running_gbp_per_year.sum() - self.benefit_gbp_per_year
        once = self.capital_gbp + self.backlog_gbp + self.sale_present_gbp + self.carbon_present_gbp
        return float(annuity * yearly + once.sum() + self.redundancy_gbp.sum())


def decision_today(problem: EstateProblem) -> Decision:
    """Return today's arrangement: every service stays, and residents use the hosts they choose.

    Zones without a host in reach are unserved; desks are spread evenly over today's hosts.
    """
    return assign_by_choice(problem, problem.buildings.open_today, problem.hosted)


def assign_by_choice(
    problem: EstateProblem, opened: NDArray[np.bool_], host: NDArray[np.bool_]
) -> Decision:
    """Return a decision with these open buildings (B,) and hosts (B, S), and residents at the hosts
    they choose; nothing is disposed of, and there are no tiers."""
    services = problem.services
    units = np.zeros(host.shape)
    parts: list[tuple[NDArray[Any], ...]] = []
    for s in range(len(services.ids)):
        hosts = np.flatnonzero(host[:, s])
        if services.back_office[s]:
            units[hosts, s] = services.units[s] / max(len(hosts), 1)
            continue
        share = visit_shares(problem, hosts) * (problem.visits[:, s] > 0)[:, None]
        units[:, s] = problem.visits[:, s] @ share
        zone, building = np.nonzero(share)
        parts.append((zone, np.full(len(zone), s), building, share[zone, building]))
    empty = np.zeros(0, np.int64)
    joined = zip(*parts, strict=True) if parts else ((empty,),) * 4
    zone, service, building, shares = (np.concatenate(list(part)) for part in joined)
    return Decision(
        open=opened,
        disposed=np.zeros(len(opened), bool),
        tier=np.full(len(opened), -1),
        host=host,
        units=units,
        zone=zone,
        service=service,
        building=building,
        share=shares.astype(float),
    )


def costs_of(problem: EstateProblem, decision: Decision) -> Costs:
    """Return the costs of a decision."""
    b, s = problem.buildings, problem.services
    host = decision.host
    is_new = host & ~problem.hosted
    is_held = held_empty(problem, decision)
    running = running_cost(_prices(problem), decision.open, is_held, host, decision.units)
    tiers = problem.tiers
    k = decision.tier
    has_tier = k >= 0
    tier_running = np.where(has_tier, np.append(tiers.running_gbp_per_year, 0.0)[k], 0.0)
    area = running.area_m2
    closing = b.closure_gbp * ~decision.open + b.penalty_gbp * decision.disposed
    pairs = problem.pairs
    has_both = [host[:, x] & host[:, y] for x, y in pairs.prefer]
    return Costs(
        area_m2=area,
        front_m2=running.front_m2,
        running_gbp_per_year=running.total_gbp + tier_running,
        staffing_gbp_per_year=running.staff_gbp,
        held_gbp_per_year=b.holding_gbp_per_year * is_held,
        fit_out_gbp=b.fit_out_gbp_per_m2[:, None] * area * is_new,
        moving_gbp=s.moving_gbp * is_new,
        redundancy_gbp=s.redundancy_gbp
        * np.maximum(problem.hosted.sum(axis=0) - host.sum(axis=0), 0),
        setup_gbp=np.where(has_tier, np.append(tiers.setup_gbp, 0.0)[k] * b.works_factor, 0.0),
        closing_gbp=closing,
        backlog_gbp=b.backlog_gbp * np.where(b.candidate, decision.open, ~decision.disposed),
        receipt_net_gbp=b.receipt_net_gbp * decision.disposed,
        benefit_gbp_per_year=float(
            sum(gbp * x.sum() for gbp, x in zip(pairs.benefit_gbp_per_year, has_both, strict=True))
        ),
        sale_present_gbp=(b.sale_holding_present_gbp - b.receipt_present_gbp) * decision.disposed,
        carbon_present_gbp=problem.carbon_present_gbp_per_tco2e
        * b.carbon_tco2e_per_year
        * decision.open,
    )


def _prices(problem: EstateProblem) -> RunningCostRates:
    """Return the unit costs of buildings and services without cost of capital in fixed and holding
    cost."""
    b, s = problem.buildings, problem.services
    cost_of_capital = b.cost_of_capital_gbp_per_year
    return RunningCostRates(
        fixed_gbp=b.fixed_gbp_per_year - cost_of_capital,
        use_gbp_per_m2=b.use_gbp_per_m2_per_year,
        holding_gbp=b.holding_gbp_per_year - cost_of_capital,
        capital_gbp=cost_of_capital,
        area_base_m2=s.area_base_m2,
        area_m2_per_unit=s.area_m2_per_unit,
        front_m2=s.front_of_house_m2,
        staff_gbp=s.staffing_gbp_per_year,
        staff_gbp_per_unit=s.staffing_gbp_per_unit,
    )


def replaced_buildings(problem: EstateProblem, decision: Decision) -> NDArray[np.bool_]:
    """Return (B,) buildings in use as the open candidate that replaces them."""
    b = problem.buildings
    is_replaced = np.zeros(len(b.ids), bool)
    is_replaced[b.replaces[(b.replaces >= 0) & decision.open]] = True
    return is_replaced


def held_empty(problem: EstateProblem, decision: Decision) -> NDArray[np.bool_]:
    """Return (B,) buildings kept empty: not open, not disposed of, not replaced by a candidate."""
    b = problem.buildings
    existing = b.open_today | b.vacant_today
    return existing & ~decision.open & ~decision.disposed & ~replaced_buildings(problem, decision)


def objective_value(problem: EstateProblem, decision: Decision, name: str) -> float:
    """Return an objective's value for a decision, or its ``running_cost`` (GBP/year).

    Raises:
        EngineError: there is no such objective.
    """
    if name == "weighted":
        weights = problem.scenario.objective.weights
        return sum(
            weight * objective_value(problem, decision, part) for part, weight in weights.items()
        )
    if name == "cost":
        return costs_of(problem, decision).present_gbp(problem.annuity)
    if name == "running_cost":
        return float(costs_of(problem, decision).running_gbp_per_year.sum())
    if name == "visit_minutes":
        return visit_minutes(problem, decision)
    if name == "worst_off":
        return worst_off_minutes(problem, decision)
    if name == "carbon":
        b = problem.buildings  # of stated values; not known if there are none
        return float(b.carbon_tco2e_per_year[decision.open].sum()) if b.carbon_stated.any() else NAN
    if name == "buildings":
        return float(decision.open.sum())
    raise EngineError(f"the estate has no objective {name!r}")


def visit_minutes(problem: EstateProblem, decision: Decision) -> float:
    """Return the minutes of all visits in a year, one way."""
    d = decision
    visits = problem.visits[d.zone, d.service] * d.share
    return float((visits * problem.minutes[d.zone, d.building]).sum())


def worst_off_minutes(problem: EstateProblem, decision: Decision) -> float:
    """Return the mean minutes of the worst-off tenth of visits, over zones and services."""
    d = decision
    minutes = np.zeros(problem.visits.shape)
    np.add.at(minutes, (d.zone, d.service), d.share * problem.minutes[d.zone, d.building])
    return mean_of_worst(minutes.ravel(), problem.visits.ravel(), WORST_SHARE)


def running_cost_today(problem: EstateProblem) -> float:
    """Return today's running cost (GBP/year), by the same arithmetic as a plan's."""
    return objective_value(problem, decision_today(problem), "running_cost")
