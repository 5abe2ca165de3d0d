"""A decision on the estate, and what it costs: arithmetic on arrays, no solver.

Used to read a solution, to state today's ceiling and to fill the plan's tables. The verifier
does not use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import EngineError
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import visit_shares
from placeopt.estate.problem.equity import WORST_SHARE, mean_of_worst
from placeopt.place.running_cost import RunningCostRates, running_cost

Floats = NDArray[np.float64]


NAN = float("nan")


@dataclass(frozen=True)
class Decision:
    """What becomes of every building and who is served where.

    ``units`` (B, S): visits or desks served there. ``assigned`` lists, for services with visits,
    (zone, service, building) positions and the share of the zone's visits.
    """

    open: NDArray[np.bool_]  # (B,)
    disposed: NDArray[np.bool_]  # (B,)
    tier: NDArray[np.int64]  # (B,) position of the tier, -1 for none
    host: NDArray[np.bool_]  # (B, S)
    units: Floats  # (B, S)
    zone: NDArray[np.int64]  # (N,)
    service: NDArray[np.int64]  # (N,)
    building: NDArray[np.int64]  # (N,)
    share: Floats  # (N,)


@dataclass(frozen=True)
class Costs:
    """Money and floor area of a decision, building by building (B,) or service point (B, S)."""

    area_m2: Floats  # (B, S)
    front_m2: Floats  # (B,)
    running_gbp_per_year: Floats  # (B,)
    staffing_gbp_per_year: Floats  # (B, S), part of running
    held_gbp_per_year: Floats  # (B,) of empty buildings, part of running
    fit_out_gbp: Floats  # (B, S)
    moving_gbp: Floats  # (B, S)
    redundancy_gbp: Floats  # (S,) points fewer than today
    setup_gbp: Floats  # (B,)
    closing_gbp: Floats  # (B,) closure and lease penalty
    backlog_gbp: Floats  # (B,)
    receipt_net_gbp: Floats  # (B,)
    benefit_gbp_per_year: float  # of preferred pairs
    sale_present_gbp: Floats  # (B,) holding until sale less discounted receipt
    carbon_present_gbp: Floats  # (B,) of the appraisal's years that are priced

    @property
    def running_cost_parts(self) -> dict[str, float]:
        """GBP/year of running buildings in use, of staff of service points, and of empty
        buildings held; cost of capital is with its building."""
        staff, held = self.staffing_gbp_per_year.sum(), self.held_gbp_per_year.sum()
        in_use = self.running_gbp_per_year.sum() - staff - held
        return {"buildings": float(in_use), "staff": float(staff), "held_empty": float(held)}

    @property
    def capital_gbp(self) -> Floats:
        """(B,) what the capital rule counts: fit-out, moves, set-up, closing."""
        points = self.fit_out_gbp + self.moving_gbp
        return points.sum(axis=1) + self.setup_gbp + self.closing_gbp

    def present_gbp(self, annuity: float) -> float:
        """Net present cost over the appraisal years."""
        yearly = self.running_gbp_per_year.sum() - self.benefit_gbp_per_year
        once = self.capital_gbp + self.backlog_gbp + self.sale_present_gbp + self.carbon_present_gbp
        return float(annuity * yearly + once.sum() + self.redundancy_gbp.sum())


def decision_today(problem: EstateProblem) -> Decision:
    """Do nothing: every service stays, everyone goes where residents go by themselves.

    Zones without a host in reach are unserved; desks are shared out evenly over today's hosts.
    """
    return assign_by_choice(problem, problem.buildings.open_today, problem.hosted)


def assign_by_choice(
    problem: EstateProblem, opened: NDArray[np.bool_], host: NDArray[np.bool_]
) -> Decision:
    """Open buildings and hosts, everyone where they go by themselves; nothing sold, no tiers."""
    services = problem.services
    units = np.zeros(host.shape)
    lists: list[tuple[NDArray[Any], ...]] = []
    for s in range(len(services.ids)):
        at = np.flatnonzero(host[:, s])
        if services.back_office[s]:
            units[at, s] = services.units[s] / max(len(at), 1)
            continue
        share = visit_shares(problem, at) * (problem.visits[:, s] > 0)[:, None]
        units[:, s] = problem.visits[:, s] @ share
        zone, building = np.nonzero(share)
        lists.append((zone, np.full(len(zone), s), building, share[zone, building]))
    empty = np.zeros(0, np.int64)
    joined = zip(*lists, strict=True) if lists else ((empty,),) * 4
    zone, service, building, used = (np.concatenate(list(part)) for part in joined)
    return Decision(
        open=opened,
        disposed=np.zeros(len(opened), bool),
        tier=np.full(len(opened), -1),
        host=host,
        units=units,
        zone=zone,
        service=service,
        building=building,
        share=used.astype(float),
    )


def costs_of(problem: EstateProblem, decision: Decision) -> Costs:
    """What a decision costs."""
    b, s = problem.buildings, problem.services
    host = decision.host
    new = host & ~problem.hosted
    held = held_empty(problem, decision)
    run = running_cost(_prices(problem), decision.open, held, host, decision.units)
    tiers = problem.tiers
    k = decision.tier
    has_tier = k >= 0
    tier_running = np.where(has_tier, np.append(tiers.running_gbp_per_year, 0.0)[k], 0.0)
    area = run.area_m2
    closing = b.closure_gbp * ~decision.open + b.penalty_gbp * decision.disposed
    pairs = problem.pairs
    both = [host[:, x] & host[:, y] for x, y in pairs.prefer]
    return Costs(
        area_m2=area,
        front_m2=run.front_m2,
        running_gbp_per_year=run.total_gbp + tier_running,
        staffing_gbp_per_year=run.staff_gbp,
        held_gbp_per_year=b.holding_gbp_per_year * held,
        fit_out_gbp=b.fit_out_gbp_per_m2[:, None] * area * new,
        moving_gbp=s.moving_gbp * new,
        redundancy_gbp=s.redundancy_gbp
        * np.maximum(problem.hosted.sum(axis=0) - host.sum(axis=0), 0),
        setup_gbp=np.where(has_tier, np.append(tiers.setup_gbp, 0.0)[k] * b.works_factor, 0.0),
        closing_gbp=closing,
        backlog_gbp=b.backlog_gbp * np.where(b.candidate, decision.open, ~decision.disposed),
        receipt_net_gbp=b.receipt_net_gbp * decision.disposed,
        benefit_gbp_per_year=float(
            sum(gbp * x.sum() for gbp, x in zip(pairs.benefit_gbp_per_year, both, strict=True))
        ),
        sale_present_gbp=(b.sale_holding_present_gbp - b.receipt_present_gbp) * decision.disposed,
        carbon_present_gbp=problem.carbon_present_gbp_per_tco2e
        * b.carbon_tco2e_per_year
        * decision.open,
    )


def _prices(problem: EstateProblem) -> RunningCostRates:
    b, s = problem.buildings, problem.services
    tied_up = b.cost_of_capital_gbp_per_year
    return RunningCostRates(
        fixed_gbp=b.fixed_gbp_per_year - tied_up,
        use_gbp_per_m2=b.use_gbp_per_m2_per_year,
        holding_gbp=b.holding_gbp_per_year - tied_up,
        capital_gbp=tied_up,
        area_base_m2=s.area_base_m2,
        area_m2_per_unit=s.area_m2_per_unit,
        front_m2=s.front_of_house_m2,
        staff_gbp=s.staffing_gbp_per_year,
        staff_gbp_per_unit=s.staffing_gbp_per_unit,
    )


def replaced_buildings(problem: EstateProblem, decision: Decision) -> NDArray[np.bool_]:
    """(B,) buildings in use as the open candidate that replaces them."""
    b = problem.buildings
    found = np.zeros(len(b.ids), bool)
    found[b.replaces[(b.replaces >= 0) & decision.open]] = True
    return found


def held_empty(problem: EstateProblem, decision: Decision) -> NDArray[np.bool_]:
    """(B,) buildings kept empty: neither open, nor disposed of, nor in use as another row."""
    b = problem.buildings
    existing = b.open_today | b.vacant_today
    return existing & ~decision.open & ~decision.disposed & ~replaced_buildings(problem, decision)


def objective_value(problem: EstateProblem, decision: Decision, name: str) -> float:
    """An objective's value for a decision, or its ``running_cost`` (GBP/year)."""
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
        b = problem.buildings  # of what is stated; where nothing is, it is not known
        return float(b.carbon_tco2e_per_year[decision.open].sum()) if b.carbon_stated.any() else NAN
    if name == "buildings":
        return float(decision.open.sum())
    raise EngineError(f"the estate has no objective {name!r}")


def visit_minutes(problem: EstateProblem, decision: Decision) -> float:
    """Minutes residents spend on the way to their visits in a year, one way."""
    d = decision
    visits = problem.visits[d.zone, d.service] * d.share
    return float((visits * problem.minutes[d.zone, d.building]).sum())


def worst_off_minutes(problem: EstateProblem, decision: Decision) -> float:
    """Mean minutes of the worst-off tenth of visits, over zones and services."""
    d = decision
    minutes = np.zeros(problem.visits.shape)
    np.add.at(minutes, (d.zone, d.service), d.share * problem.minutes[d.zone, d.building])
    return mean_of_worst(minutes.ravel(), problem.visits.ravel(), WORST_SHARE)


def running_cost_today(problem: EstateProblem) -> float:
    """GBP/year that today's arrangement costs to run, by the same arithmetic as a plan's."""
    return objective_value(problem, decision_today(problem), "running_cost")
