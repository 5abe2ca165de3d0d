"""Objectives and the totals that rules bound, as sums over the columns of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from placeopt.engine.model import Terms
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.scenario.rules.estate.money import WORKS, Work


@dataclass
class Expression:
    """constant + sum of values x columns.

    Attributes:
        constant: the constant.
        terms: (columns, values) of each addend.
    """

    constant: float = 0.0
    terms: list[tuple[ArrayLike, ArrayLike]] = field(default_factory=list)

    def add(self, columns: ArrayLike, values: ArrayLike, times: float = 1.0) -> None:
        """Add ``times`` x ``values`` x ``columns``."""
        self.terms.append((columns, np.asarray(values, float) * times))

    def rows(self) -> list[Terms]:
        """Return the terms for a block of one row."""
        return [(0, columns, values) for columns, values in self.terms]


def running_cost(problem: EstateProblem, x: Columns, times: float = 1.0) -> Expression:
    """GBP/year: open buildings, area in use, staff, tiers, and empty buildings held."""
    total = buildings_cost(problem, x, times)
    staff = problem.services.staffing_gbp_per_year[x.hosts.service]
    total.add(x.host.all, staff, times)
    c = x.customers
    by_visits = problem.services.staffing_gbp_per_unit[c.service] * c.units
    total.constant += float(by_visits.sum()) * times  # a visit served costs the same at every host
    total.add(x.unserved.all, -by_visits, times)
    return total


def buildings_cost(problem: EstateProblem, x: Columns, times: float = 1.0) -> Expression:
    """GBP/year: the running cost without the staff of service points."""
    b, building = problem.buildings, x.hosts.building
    total = Expression()
    held = np.where(b.candidate, 0.0, b.holding_gbp_per_year)
    total.constant = float(held.sum()) * times
    total.add(x.open.all, b.fixed_gbp_per_year - held, times)
    total.add(x.open.all, np.where(b.replaces >= 0, -held[b.replaces], 0.0), times)
    total.add(x.dispose.all, -held[x.dispose_building], times)
    total.add(x.area.all, b.use_gbp_per_m2_per_year[building], times)
    total.add(x.front.all, b.use_gbp_per_m2_per_year, times)
    total.add(x.tier.all, problem.tiers.running_gbp_per_year[x.tier_tier], times)
    return total


def capital(
    problem: EstateProblem,
    x: Columns,
    recycled_share: float = 0.0,
    works: tuple[Work, ...] = WORKS,
) -> Expression:
    """GBP: the works named, less the recycled share of net receipts."""
    b, s = problem.buildings, problem.services
    building, service = x.hosts.building[x.is_new], x.hosts.service[x.is_new]
    d = x.dispose_building
    total = Expression()
    if "fit_out" in works:
        total.add(x.area.at(np.flatnonzero(x.is_new)), b.fit_out_gbp_per_m2[building])
    if "moves" in works:
        total.add(x.host.at(np.flatnonzero(x.is_new)), s.moving_gbp[service])
    if "set_up" in works:
        total.add(
            x.tier.all, problem.tiers.setup_gbp[x.tier_tier] * b.works_factor[x.tier_building]
        )
    if "closing" in works:
        total.constant = float(b.closure_gbp.sum())
        total.add(x.open.all, -b.closure_gbp)
        total.add(x.dispose.all, b.penalty_gbp[d])
    total.add(x.dispose.all, -recycled_share * b.receipt_net_gbp[d])
    return total


def present_cost(problem: EstateProblem, x: Columns) -> Expression:
    """GBP: net present cost over the appraisal years."""
    b = problem.buildings
    total = running_cost(problem, x, problem.annuity)
    once = capital(problem, x)
    backlog = np.where(b.candidate, 0.0, b.backlog_gbp)
    total.constant += once.constant + float(backlog.sum())
    total.terms += once.terms
    total.add(x.open.all, np.where(b.candidate, b.backlog_gbp, 0.0))
    d = x.dispose_building
    total.add(
        x.dispose.all,
        b.sale_holding_present_gbp[d] - b.receipt_present_gbp[d] - b.backlog_gbp[d],
    )
    total.add(x.redundant.all, problem.services.redundancy_gbp[x.redundant_service])
    total.add(x.pair.all, -problem.pairs.benefit_gbp_per_year[x.pair_pair], problem.annuity)
    total.add(x.open.all, b.carbon_tco2e_per_year, problem.carbon_present_gbp_per_tco2e)
    return total


def visit_minutes(problem: EstateProblem, x: Columns) -> Expression:
    """Minutes a year, one way, of all visits served. Needs customers by zone."""
    c = x.customers
    total = Expression()
    total.add(x.serve.all, c.units[c.pair_customer] * c.pair_minutes)
    relaxed_minutes = np.where(np.isfinite(c.relaxed_minutes), c.relaxed_minutes, 0.0)
    total.add(x.relaxed_assignment.all, c.units * relaxed_minutes)
    return total


def open_buildings(problem: EstateProblem, x: Columns) -> Expression:
    """Number of open buildings."""
    total = Expression()
    total.add(x.open.all, np.ones(x.open.size))
    return total


def carbon(problem: EstateProblem, x: Columns) -> Expression:
    """tCO2e/year of open buildings."""
    total = Expression()
    total.add(x.open.all, problem.buildings.carbon_tco2e_per_year)
    return total


def weighted(parts: dict[str, Expression], weights: dict[str, float]) -> Expression:
    """GBP: objectives, each times its weight in GBP a unit."""
    total = Expression()
    for name, part in parts.items():
        total.constant += weights[name] * part.constant
        for columns, values in part.terms:
            total.add(columns, values, weights[name])
    return total


OBJECTIVES: dict[str, Callable[[EstateProblem, Columns], Expression]] = {
    "cost": present_cost,
    "visit_minutes": visit_minutes,
    "buildings": open_buildings,
    "carbon": carbon,
}
