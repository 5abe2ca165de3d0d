"""Sums over the columns of all decided years: works and receipts by year, net present cost.

cost = sum_t weight[t] (running[t] - benefit[t])
     + sum_t factor[t] (double running + redundancy + works)[t] + required maintenance
     + sum over sales of the holding until the receipt less the receipt
"""

from __future__ import annotations

import numpy as np

from placeopt.engine import Block
from placeopt.estate.model.constraints.linking import Links
from placeopt.estate.model.objectives import Expression, running_cost
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.horizon import Years
from placeopt.scenario.rules.estate.money import WORKS, Capital, Work


def add_works(
    total: Expression,
    years: Years,
    columns: tuple[Columns, ...],
    links: Links,
    t: int,
    times: float = 1.0,
    works: tuple[Work, ...] = WORKS,
) -> None:
    """Add ``times`` x the GBP of the works named in year ``t`` to ``total``."""
    problem, x = years.problems[t], columns[t]
    columns_before = columns[t - 1] if t else None
    b, s = problem.buildings, problem.services
    if "fit_out" in works:
        rate = b.fit_out_gbp_per_m2[x.hosts.building[links.fitted_host]]
        total.add(links.fitted[t].all, rate, times)
        if t:
            total.add(links.fitted[t - 1].all, -rate, times)
    if "moves" in works:
        total.add(links.enters[t].all, s.moving_gbp[x.hosts.service[links.enters_host]], times)
    if "set_up" in works:
        tiers = links.takes_tier
        setup_gbp = (
            problem.tiers.setup_gbp[x.tier_tier[tiers]] * b.works_factor[x.tier_building[tiers]]
        )
        total.add(links.takes[t].all, setup_gbp, times)
    if "closing" in works:
        if columns_before is None:
            total.constant += float(b.closure_gbp.sum()) * times
        else:
            total.add(columns_before.open.all, b.closure_gbp, times)
        total.add(x.open.all, -b.closure_gbp, times)
        for block, building, sign in _disposed_in(columns, t):
            total.add(block.all, sign * b.penalty_gbp[building], times)


def add_receipts(
    total: Expression, years: Years, columns: tuple[Columns, ...], t: int, times: float
) -> None:
    """Add ``times`` x the GBP of net receipts received in year ``t``, of sales up to then, to
    ``total``."""
    b = years.first.buildings
    for sale_year in range(t + 1):
        for block, building, sign in _disposed_in(columns, sale_year):
            is_received = b.sale_lag_years[building] == t - sale_year
            total.add(block.all, sign * is_received * b.receipt_net_gbp[building], times)


def _disposed_in(columns: tuple[Columns, ...], t: int) -> list[tuple[Block, np.ndarray, float]]:
    """Return (block, buildings, sign) of the columns whose sum is what is disposed of in year
    ``t``."""
    blocks = [(columns[t].dispose, columns[t].dispose_building, 1.0)]
    if t:
        blocks.append((columns[t - 1].dispose, columns[t - 1].dispose_building, -1.0))
    return blocks


def capital_up_to(
    years: Years, columns: tuple[Columns, ...], links: Links, rule: Capital, t: int
) -> Expression:
    """(E10) Return the capital that the rule's money has paid by year ``t``, less receipts
    recycled."""
    total = Expression()
    for year in range(t + 1):
        add_works(total, years, columns, links, year, 1.0, rule.pays_for)
        add_receipts(total, years, columns, year, -rule.recycled_share)
    return total


def present_cost(years: Years, columns: tuple[Columns, ...], links: Links) -> Expression:
    """GBP: net present cost over the appraisal years."""
    factor, weight = years.factor, years.weight
    b = years.first.buildings
    total = Expression()
    for t, (problem, x) in enumerate(zip(years.problems, columns, strict=True)):
        yearly = running_cost(problem, x, weight[t])
        total.constant += yearly.constant
        total.terms += yearly.terms
        total.add(x.open.all, b.carbon_tco2e_per_year, problem.carbon_present_gbp_per_tco2e)
        total.add(x.pair.all, -problem.pairs.benefit_gbp_per_year[x.pair_pair], weight[t])
        staff = problem.services.staffing_gbp_per_year[x.hosts.service[links.leaves_host]]
        total.add(links.leaves[t].all, years.double_running_years * staff, factor[t])
        redundancy_gbp = problem.services.redundancy_gbp[x.redundant_service]
        total.add(x.redundant.all, redundancy_gbp, factor[t])
        add_works(total, years, columns, links, t, factor[t])
        buildings = links.opens_building
        opening_gbp = np.where(b.candidate, b.backlog_gbp, 0.0)[buildings]
        total.add(links.opens[t].all, opening_gbp, factor[t])
        receipt_present_gbp = years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp
        sale_present_gbp = factor[t] * b.sale_holding_present_gbp - receipt_present_gbp
        for block, building, sign in _disposed_in(columns, t):
            total.add(block.all, sign * sale_present_gbp[building])
    backlog = np.where(b.candidate, 0.0, b.backlog_gbp)
    total.constant += float(backlog.sum())
    total.add(columns[-1].dispose.all, -backlog[columns[-1].dispose_building])
    return total
