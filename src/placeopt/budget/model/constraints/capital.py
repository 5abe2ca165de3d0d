"""Equations about capital: pots pay for programmes that start.

Columns  from_pot[t,k,p] >= 0 where pot k may pay for p; kept[t,k] >= 0 of pots that carry
(B11) capital        sum over k of from_pot[t,k,p] >= capital[p] begins[t,p]
(B11) pots           sum over p of from_pot[t,k,p] + kept[t,k] - kept[t-1,k] <= pot[t,k]
(B11) past           sum over past t, k and p of from_pot[t,k,p] >= what the pots could pay of it
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt import engine
from placeopt.base.arrays import Ints
from placeopt.base.deadline import without_deadline
from placeopt.budget.model.scale import Scale, by_year
from placeopt.budget.problem import cash_flows
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms
from placeopt.engine.settings import Settings


@dataclass(frozen=True)
class CapitalFlow:
    """Payments from pots.

    Attributes:
        columns: Their columns.
        need: The position of each payment's programme among years x programmes.
    """

    columns: Ints
    need: Ints


def capital_fits_its_pots(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B11) The capital of programmes that start is paid by pots that may pay for them."""
    p = np.flatnonzero(problem.capital.cost > 0)
    if len(p) == 0 or problem.capital.pot_pays.shape[0] == 0:
        return
    programmes = len(problem.programmes.ids)
    flow = capital_flows(model, problem, scale.money_gbp)
    need_row = np.full(programmes, -1)
    need_row[p] = np.arange(len(p))
    row = flow.need // programmes * len(p) + need_row[flow.need % programmes]
    labels = by_year(problem, {"programme_id": problem.programmes.ids[p]})
    rows = np.arange(len(problem.horizon.years) * len(p))
    t, j = rows // len(p), rows % len(p)
    chosen = np.flatnonzero(problem.purchases.is_optional)
    begins = model.columns["begins"].at(t * len(chosen) + np.searchsorted(chosen, p)[j])
    money = problem.capital.cost[p] / scale.money_gbp
    terms: list[Terms] = [(rows, begins, -money[j]), (row, flow.columns, 1.0)]
    past = problem.horizon.is_past[t]
    model.add_rows(
        "capital", rule="B11", labels=labels, terms=terms, lower=np.where(past, -np.inf, 0.0),
        upper=np.where(past, 0.0, np.inf),
    )  # fmt: skip
    past_capital_gbp = past_capital(problem) if past.any() else 0.0
    if past_capital_gbp > 0:
        past_columns = flow.columns[problem.horizon.is_past[flow.need // programmes]]
        terms = [(0, past_columns, 1.0)]
        least = past_capital_gbp * (1 - 1e-9) / scale.money_gbp
        model.add_rows("past_capital", rule="B11", size=1, terms=terms, lower=least)


def capital_flows(model: Model, problem: BudgetProblem, unit: float) -> CapitalFlow:
    """Add what pots pay for programmes, within what they hold; ``unit`` is GBP."""
    decided, programmes = len(problem.horizon.years), len(problem.programmes.ids)
    pots = len(problem.capital.pot_carried)
    k, p = np.nonzero(problem.capital.pot_pays & (problem.capital.cost > 0))
    each = model.add_columns("from_pot", size=decided * len(k))
    year = np.repeat(np.arange(decided), len(k))
    k, p = np.tile(k, decided), np.tile(p, decided)
    terms: list[Terms] = [(year * pots + k, each.all, 1.0)]
    carries = np.flatnonzero(problem.capital.pot_carried)
    if decided > 1 and len(carries):
        kept = model.add_columns("kept", size=(decided - 1) * len(carries))
        at = np.arange(kept.size)
        row = at // len(carries) * pots + carries[at % len(carries)]
        terms += [(row, kept.all, 1.0), (row + pots, kept.all, -1.0)]
    labels = {
        "pot": np.tile(np.arange(pots), decided),
        "year": np.repeat(problem.horizon.years, pots),
    }
    held = problem.capital.pot_money.ravel() / unit
    model.add_rows("pots", rule="B11", labels=labels, terms=terms, upper=held)
    return CapitalFlow(each.all, year * programmes + p)


def past_capital(problem: BudgetProblem) -> float:
    """GBP of capital of past years (B13) that the pots could pay, at most.

    The rest must have come from elsewhere; this part is no longer available.
    """
    starts = (
        cash_flows.starts(problem, np.nan_to_num(problem.limits.actual_spend))
        & problem.horizon.is_past[:, None]
    )
    needs = np.where(starts, problem.capital.cost, 0.0)
    if not needs.any():
        return 0.0
    model, unit = Model("past"), max(1.0, float(needs.max()))
    flow = capital_flows(model, problem, unit)
    rows = np.arange(needs.size)
    need_terms: list[Terms] = [(flow.need, flow.columns, 1.0)]
    model.add_rows(
        "needs", rule="B11", size=len(rows), terms=need_terms, upper=needs.ravel() / unit
    )
    model.add_cost(flow.columns, -1.0)
    with without_deadline():
        result = engine.solve(model, Settings(engine="highs"))
    assert result.objective is not None
    return -result.objective * unit
