"""Equations about change from year to year.

Columns  units[t,u] whole, closed[t,u]
(B5)  pace_cut       spend[t,p] >= (1 - cut) spend[t-1,p],  spend[-1] being today's
(B5)  pace_rise      spend[t,p] <= (1 + rise) spend[t-1,p]
(B5)  notice         spend[t,p] >= before[p] in the first notice_years
(B6)  units          capacity[u] units[t,u] >= demand[t-k,o], k = 0..double_running
(B6)  provision      spend[t,p] >= before[p] - (units_today[u] - units[t,u]) unit_cost[u]
(B6)  closing        closed[t,u] >= units[t-1,u] - units[t,u]
(B7)  reinvestment   prevention[t] - prevention today >= 0,  >= share x savings[t]
(B10) contract       spend[t,p] >= before[p] up to the contract's last year
(B13) contracted     spend[t,p] >= contracted[t,p];  actual: spend[t,p] = actual[t,p]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.budget.model.scale import Scale
from placeopt.budget.problem import cash_flows
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms


def nothing_changes_too_fast(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B5) No programme falls or rises faster than stated, from one year to the next."""
    spend, programmes = model.columns["spend"], len(problem.programmes.ids)
    decided = len(problem.horizon.years)
    for name, share, sign in (
        ("cut", problem.limits.pace_cut, 1.0),
        ("rise", problem.limits.pace_rise, -1.0),
    ):
        p = np.flatnonzero(np.isfinite(share) & ((share < 1) | (name == "rise")))
        if len(p) == 0:
            continue
        at = (np.arange(decided)[:, None] * programmes + p).ravel()
        rows = np.arange(len(at))
        labels = {key: ids[at] for key, ids in spend.labels.items()}
        kept_share = np.tile(1 - sign * share[p], decided)
        terms: list[Terms] = [(rows, spend.at(at), sign)]
        later = rows[len(p) :]
        terms.append((later, spend.at(at[later] - programmes), -sign * kept_share[later]))
        if problem.relaxed_rule == "B5":
            breach = model.add_columns(f"breach_{name}", labels=labels, cost=1.0)
            terms.append((rows, breach.all, 1.0))
        lower = np.zeros(len(at))
        lower[: len(p)] = (
            sign * kept_share[: len(p)] * problem.programmes.base_spend[p] / scale.money_gbp
        )
        is_known = np.isfinite(problem.limits.actual_spend).ravel()[at]  # actual spending is exempt
        lower = np.where(is_known, -np.inf, lower)
        model.add_rows(f"pace_{name}", rule="B5", labels=labels, terms=terms, lower=lower)


def notice_contracts_and_commitments_hold(
    model: Model, problem: BudgetProblem, scale: Scale
) -> None:
    """(B5, B10, B13) Minimum spends from notice, contracts and commitments, year by year."""
    spend, money = model.columns["spend"], scale.money_gbp
    for name, rule, least in (
        ("notice", "B5", problem.limits.notice_floor),
        ("contract", "B10", problem.limits.contract_floor),
        ("contracted", "B13", problem.limits.contracted_floor),
        ("actual", "B13", problem.limits.actual_spend),
    ):
        is_actual = name == "actual"
        at = np.flatnonzero(np.isfinite(least) if is_actual else least > 0)
        if len(at) == 0:
            continue
        labels = {key: ids[at] for key, ids in spend.labels.items()}
        terms = [(np.arange(len(at)), spend.at(at), np.ones(1))]
        lower = least.ravel()[at] / money
        upper: Any = lower if is_actual else np.inf
        model.add_rows(name, rule=rule, labels=labels, terms=terms, lower=lower, upper=upper)


def units_serve_demand(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B6) Whole units serve demand; money is freed only when one closes."""
    kinds, decided = len(problem.units.programme), len(problem.horizon.years)
    if kinds == 0:
        return
    p, o = problem.units.programme, problem.units.outcome
    labels = {
        "programme_id": np.tile(problem.programmes.ids[p], decided),
        "year": np.repeat(problem.horizon.years, kinds),
    }
    is_past = np.repeat(np.logical_and.accumulate(problem.horizon.is_past), kinds)
    past_units = cash_flows.units_kept(
        problem,
        np.where(
            np.isnan(problem.limits.actual_spend),
            problem.programmes.base_spend,
            problem.limits.actual_spend,
        ),
    ).ravel()
    low, high = np.where(is_past, past_units, 0.0), np.where(is_past, past_units, np.inf)
    units = model.add_columns("units", labels=labels, lower=low, upper=high, integer=True)
    closed = model.add_columns("closed", labels=labels)
    rows = np.arange(units.size)
    t, u = rows // kinds, rows % kinds
    gain, spend = model.columns["gain"], model.columns["spend"]
    capacity = problem.units.capacity[u]
    unit = scale.outcome[o[u]] / capacity
    for delay in range(problem.units.double_running + 1):
        is_today, year_index = t < delay, t - delay
        demand = np.where(
            is_today,
            problem.outcomes.baseline[o[u]],
            problem.outcomes.drifted_baseline[np.maximum(year_index, 0), o[u]],
        )
        terms: list[Terms] = [(rows, units.all, 1.0)]
        r = rows[~is_today]
        column = gain.at(year_index[r] * len(problem.outcomes.ids) + o[u[r]])
        terms.append((r, column, unit[r]))  # lower is better: a gain reduces demand
        name = "units" if delay == 0 else f"units_{delay}"
        rule = "B5" if delay else "B6"
        least = np.where(is_past, -np.inf, demand / capacity)
        model.add_rows(name, rule=rule, labels=labels, terms=terms, lower=least)
    money = spend.at(t * len(problem.programmes.ids) + p[u])
    cost = problem.units.cost[u] / scale.money_gbp
    lower = problem.programmes.base_spend[p[u]] / scale.money_gbp - problem.units.today[u] * cost
    lower = np.where(is_past, -np.inf, lower)
    terms = [(rows, money, 1.0), (rows, units.all, -cost)]
    model.add_rows("provision", rule="B6", labels=labels, terms=terms, lower=lower)
    later = rows[kinds:]
    terms = [
        (rows, closed.all, 1.0),
        (rows, units.all, 1.0),
        (later, units.at(later - kinds), -1.0),
    ]
    lower = np.where(t == 0, problem.units.today[u], 0.0)
    model.add_rows("closing", rule="B6", labels=labels, terms=terms, lower=lower)


def savings_are_reinvested(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B7) Prevention gets no less than today, and at least its share of what others save."""
    if np.isnan(problem.shares.reinvested):
        return
    t, spend = np.arange(len(problem.horizon.years)), model.columns["spend"]
    year = np.repeat(t, len(problem.programmes.ids))
    is_preventive = np.tile(problem.programmes.preventive, len(t))
    today = (
        float(problem.programmes.base_spend[problem.programmes.preventive].sum()) / scale.money_gbp
    )
    do_nothing = (
        problem.programmes.do_nothing[:, ~problem.programmes.preventive].sum(axis=1)
        / scale.money_gbp
    )
    for name, share in (("prevention", 0.0), ("reinvestment", problem.shares.reinvested)):
        values = np.where(is_preventive, 1.0, share)
        lower = np.where(problem.horizon.is_past, -np.inf, today + share * do_nothing)
        terms = [(year, spend.all, values)]
        labels = {"year": problem.horizon.years}
        model.add_rows(name, rule="B7", labels=labels, terms=terms, lower=lower)
