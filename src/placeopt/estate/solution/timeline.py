"""A timeline: the decisions of all decided years, and their costs year by year, without a solver.

    fitted[t] = the most floor of a new service point up to fit_out_years after t, never decreasing
    works[t]  = fit-out of what is added to fitted, moves in, tiers taken, closing, lease penalties

The timeline of one decided year costs what its decision costs (``decision.costs_of``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution import decision
from placeopt.estate.solution.decision import Costs, Decision, costs_of, decision_today


@dataclass(frozen=True)
class Timeline:
    """The decision of each decided year.

    Attributes:
        decisions: (T,); ``disposed`` is cumulative: up to and in its year.
    """

    decisions: tuple[Decision, ...]

    @property
    def last(self) -> Decision:
        return self.decisions[-1]


@dataclass(frozen=True)
class Flows:
    """GBP and m2 of each year by building B or service point (B, S).

    Attributes:
        costs: (T,) of each year alone: areas, running cost, staff.
        fitted_m2: (T, B, S) fitted out by the end of the year.
        fit_out_gbp: (T, B, S) of the year.
        moving_gbp: (T, B, S) of the year.
        double_running_gbp: (T, B, S) staff of service points that closed.
        redundancy_gbp: (T, S) of points fewer than the year before.
        setup_gbp: (T, B) of tiers taken.
        closing_gbp: (T, B) closure and lease penalty.
        backlog_gbp: (T, B) required maintenance due, where it is stated.
        backlog_unknown: (T, B) due and not stated.
        sold: (T, B) disposed of in the year.
    """

    costs: tuple[Costs, ...]
    fitted_m2: Floats
    fit_out_gbp: Floats
    moving_gbp: Floats
    double_running_gbp: Floats
    redundancy_gbp: Floats
    setup_gbp: Floats
    closing_gbp: Floats
    backlog_gbp: Floats
    backlog_unknown: NDArray[np.bool_]
    sold: NDArray[np.bool_]

    @property
    def capital_gbp(self) -> Floats:
        """(T, B) what the capital rule counts: fit-out, moves, set-up, closing."""
        points = self.fit_out_gbp + self.moving_gbp
        total: Floats = points.sum(axis=2) + self.setup_gbp + self.closing_gbp
        return total

    def total_costs(self, years: Years, timeline: Timeline) -> Costs:
        """Return the last year's yearly costs, and one-off costs summed over all years."""
        return replace(
            self.costs[-1],
            fit_out_gbp=self.fit_out_gbp.sum(axis=0),
            moving_gbp=self.moving_gbp.sum(axis=0),
            redundancy_gbp=self.redundancy_gbp.sum(axis=0),
            setup_gbp=self.setup_gbp.sum(axis=0),
            closing_gbp=self.closing_gbp.sum(axis=0),
            backlog_gbp=self.backlog_gbp.sum(axis=0),
            receipt_net_gbp=years.first.buildings.receipt_net_gbp * timeline.last.disposed,
        )


def do_nothing(years: Years) -> Timeline:
    """Return today's arrangement in every year, with each year's own visits."""
    return Timeline(tuple(decision_today(problem) for problem in years.problems))


def flows_of(years: Years, timeline: Timeline) -> Flows:
    """Return the costs of a timeline in each year."""
    first = years.first
    b, s = first.buildings, first.services
    yearly = tuple(costs_of(p, d) for p, d in zip(years.problems, timeline.decisions, strict=True))
    hosts = np.stack([first.hosted, *(d.host for d in timeline.decisions)])
    opened = np.stack([b.open_today, *(d.open for d in timeline.decisions)])
    disposed = np.stack([np.zeros_like(b.open_today), *(d.disposed for d in timeline.decisions)])
    tier = np.stack([np.full(len(b.ids), -1), *(d.tier for d in timeline.decisions)])
    sold = disposed[1:] & ~disposed[:-1]
    fitted = fitted_m2(years, np.stack([c.area_m2 for c in yearly]), first.hosted)
    fitted_in_year = np.diff(fitted, axis=0, prepend=0.0)
    takes_tier = (tier[1:] >= 0) & (tier[1:] != tier[:-1])
    setup_gbp = np.append(first.tiers.setup_gbp, 0.0)[tier[1:]] * b.works_factor
    is_closed = opened[:-1] & ~opened[1:]
    penalty_gbp = np.stack([problem.buildings.penalty_gbp for problem in years.problems])
    is_left = hosts[:-1] & ~hosts[1:]
    return Flows(
        costs=yearly,
        fitted_m2=fitted,
        fit_out_gbp=b.fit_out_gbp_per_m2[:, None] * fitted_in_year,
        moving_gbp=s.moving_gbp * (hosts[1:] & ~hosts[:-1]),
        double_running_gbp=years.double_running_years * s.staffing_gbp_per_year * is_left
        if years.double_running_years
        else np.zeros(is_left.shape),
        redundancy_gbp=s.redundancy_gbp * np.maximum(-np.diff(hosts.sum(axis=1), axis=0), 0),
        setup_gbp=np.where(takes_tier, setup_gbp, 0.0),
        closing_gbp=b.closure_gbp * is_closed + penalty_gbp * sold,
        backlog_gbp=_backlog_due(years, opened, disposed[-1]) * b.backlog_gbp,
        backlog_unknown=_backlog_due(years, opened, disposed[-1]) & ~b.backlog_stated,
        sold=sold,
    )


def fitted_m2(years: Years, area: Floats, hosted: NDArray[np.bool_]) -> Floats:
    """Return (T, ...) the floor to be fitted out by each year for later use.

    Args:
        years: with the years from fit-out to the move.
        area: (T, ...) floor in use.
        hosted: (...) hosted today, and so never fitted out.
    """
    needed = np.where(hosted, 0.0, area)
    ahead = years.fit_out_years
    if ahead:
        needed = np.concatenate([needed[ahead:], np.zeros_like(needed[:ahead])])
    fitted: Floats = np.maximum.accumulate(needed, axis=0)
    return fitted


def _backlog_due(
    years: Years, opened: NDArray[np.bool_], disposed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (T, B) when required maintenance is due: in the first year for buildings not disposed
    of; for a candidate when it opens."""
    b = years.first.buildings
    is_opened = opened[1:] & ~opened[:-1] & b.candidate
    is_due: NDArray[np.bool_] = is_opened & (np.cumsum(is_opened, axis=0) == 1)
    is_due[0] |= ~(b.candidate | disposed)
    return is_due


def present_cost(years: Years, flows: Flows) -> float:
    """Return the net present cost over the appraisal years (GBP)."""
    factor, weight = years.factor, years.weight
    b = years.first.buildings
    yearly = [c.running_gbp_per_year.sum() - c.benefit_gbp_per_year for c in flows.costs]
    once = flows.capital_gbp.sum(axis=1) + flows.double_running_gbp.sum(axis=(1, 2))
    once += flows.redundancy_gbp.sum(axis=1)
    total = weight @ np.array(yearly) + factor @ (once + flows.backlog_gbp.sum(axis=1))
    for t, sold in enumerate(flows.sold):
        holding_gbp = factor[t] * b.sale_holding_present_gbp
        receipt_gbp = years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp
        total += (holding_gbp - receipt_gbp)[sold].sum()
    return float(total + sum(c.carbon_present_gbp.sum() for c in flows.costs))


def objective_value(years: Years, timeline: Timeline, objective: str) -> float:
    """Return an objective's value for a timeline: ``cost`` of all years, the others of the last."""
    if objective == "weighted":
        weights = years.scenario.objective.weights
        return sum(
            weight * objective_value(years, timeline, part) for part, weight in weights.items()
        )
    if objective == "cost":
        return present_cost(years, flows_of(years, timeline))
    return decision.objective_value(years.last, timeline.last, objective)
