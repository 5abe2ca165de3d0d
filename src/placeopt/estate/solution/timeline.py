"""A course: the decisions of all decided years, and what they cost year by year. No solver.

    fitted[t] = the most a new service point uses up to fit_out_years after t, never less
    works[t]  = fit-out of what is added to fitted, moves in, tiers taken, closing, lease penalties

The course of one decided year costs what its decision costs (``decision.costs``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution import decision
from placeopt.estate.solution.decision import Costs, Decision, costs_of, decision_today

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Timeline:
    """The decision of each year. ``disposed`` of a decision: up to and in its year."""

    decisions: tuple[Decision, ...]

    @property
    def last(self) -> Decision:
        return self.decisions[-1]


@dataclass(frozen=True)
class Flows:
    """GBP and m2 of each year (T, ...) by building B or service point (B, S)."""

    costs: tuple[Costs, ...]  # (T,) of each year by itself: areas, running cost, staff
    fitted_m2: Floats  # (T, B, S) fitted out by then
    fit_out_gbp: Floats  # (T, B, S)
    moving_gbp: Floats  # (T, B, S)
    double_running_gbp: Floats  # (T, B, S)
    redundancy_gbp: Floats  # (T, S)
    setup_gbp: Floats  # (T, B)
    closing_gbp: Floats  # (T, B)
    backlog_gbp: Floats  # (T, B), of what is stated
    backlog_unknown: NDArray[np.bool_]  # (T, B) due, and nobody states how much
    sold: NDArray[np.bool_]  # (T, B) disposed of in the year

    @property
    def capital_gbp(self) -> Floats:
        """(T, B) what the capital rule counts: fit-out, moves, set-up, closing."""
        points = self.fit_out_gbp + self.moving_gbp
        return points.sum(axis=2) + self.setup_gbp + self.closing_gbp

    def total_costs(self, years: Years, timeline: Timeline) -> Costs:
        """The last year's yearly costs, and what is paid once, summed over all years."""
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
    """Today's arrangement in every year, with each year's own visits."""
    return Timeline(tuple(decision_today(problem) for problem in years.problems))


def flows_of(years: Years, timeline: Timeline) -> Flows:
    """What a course costs in each year."""
    first = years.first
    b, s = first.buildings, first.services
    yearly = tuple(costs_of(p, d) for p, d in zip(years.problems, timeline.decisions, strict=True))
    hosts = np.stack([first.hosted, *(d.host for d in timeline.decisions)])
    opened = np.stack([b.open_today, *(d.open for d in timeline.decisions)])
    disposed = np.stack([np.zeros_like(b.open_today), *(d.disposed for d in timeline.decisions)])
    tier = np.stack([np.full(len(b.ids), -1), *(d.tier for d in timeline.decisions)])
    sold = disposed[1:] & ~disposed[:-1]
    fitted = fitted_m2(years, np.stack([c.area_m2 for c in yearly]), first.hosted)
    added = np.diff(fitted, axis=0, prepend=0.0)
    takes = (tier[1:] >= 0) & (tier[1:] != tier[:-1])
    setup = np.append(first.tiers.setup_gbp, 0.0)[tier[1:]] * b.works_factor
    closes = opened[:-1] & ~opened[1:]
    penalty = np.stack([problem.buildings.penalty_gbp for problem in years.problems])
    left = hosts[:-1] & ~hosts[1:]
    return Flows(
        costs=yearly,
        fitted_m2=fitted,
        fit_out_gbp=b.fit_out_gbp_per_m2[:, None] * added,
        moving_gbp=s.moving_gbp * (hosts[1:] & ~hosts[:-1]),
        double_running_gbp=years.double_running_years * s.staffing_gbp_per_year * left
        if years.double_running_years
        else np.zeros(left.shape),
        redundancy_gbp=s.redundancy_gbp * np.maximum(-np.diff(hosts.sum(axis=1), axis=0), 0),
        setup_gbp=np.where(takes, setup, 0.0),
        closing_gbp=b.closure_gbp * closes + penalty * sold,
        backlog_gbp=_backlog_due(years, opened, disposed[-1]) * b.backlog_gbp,
        backlog_unknown=_backlog_due(years, opened, disposed[-1]) & ~b.backlog_stated,
        sold=sold,
    )


def fitted_m2(years: Years, area: Floats, hosted: NDArray[np.bool_]) -> Floats:
    """(T, ...) what has to be fitted out by each year for what is used later; ``hosted`` (...):
    there today, and so never fitted out."""
    need = np.where(hosted, 0.0, area)
    f = years.fit_out_years
    if f:
        need = np.concatenate([need[f:], np.zeros_like(need[:f])])
    fitted: Floats = np.maximum.accumulate(need, axis=0)
    return fitted


def _backlog_due(
    years: Years, opened: NDArray[np.bool_], gone: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(T, B) where required maintenance is due: of what stays, at once; of a candidate, when it
    opens."""
    b = years.first.buildings
    opens = opened[1:] & ~opened[:-1] & b.candidate
    due: NDArray[np.bool_] = opens & (np.cumsum(opens, axis=0) == 1)
    due[0] |= ~(b.candidate | gone)
    return due


def present_cost(years: Years, flows: Flows) -> float:
    """Net present cost over the appraisal years (GBP)."""
    factor, weight = years.factor, years.weight
    b = years.first.buildings
    yearly = [c.running_gbp_per_year.sum() - c.benefit_gbp_per_year for c in flows.costs]
    once = flows.capital_gbp.sum(axis=1) + flows.double_running_gbp.sum(axis=(1, 2))
    once += flows.redundancy_gbp.sum(axis=1)
    total = weight @ np.array(yearly) + factor @ (once + flows.backlog_gbp.sum(axis=1))
    for t, sold in enumerate(flows.sold):
        held = factor[t] * b.sale_holding_present_gbp
        worth = years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp
        total += (held - worth)[sold].sum()
    return float(total + sum(c.carbon_present_gbp.sum() for c in flows.costs))


def objective_value(years: Years, timeline: Timeline, objective: str) -> float:
    """An objective's value for a course: ``cost`` of all years, the others of the last."""
    if objective == "weighted":
        weights = years.scenario.objective.weights
        return sum(
            weight * objective_value(years, timeline, part) for part, weight in weights.items()
        )
    if objective == "cost":
        return present_cost(years, flows_of(years, timeline))
    return decision.objective_value(years.last, timeline.last, objective)
