"""Equations of money: what is spent is paid, and no pot is overspent.

Columns  pay[t,n] >= 0; reserve[t]
(--)  paid           (1 - withheld[p]) spend[t,p] + one-off costs[t,p] + due by results[t,p] (B10)
                     = sum over n of p of pay[t,n]
(B1)  one_budget     reserve[t] + sum over n of pay[t,n] + back[t-1] <= reserve[t-1] + total[t]
                     + reward[t] + refunds[t]; in the last year back[t] as well; transfers between
                     agencies from unspent money (B9) count as paid
(B2)  streams        sum over n of f of pay[t,n] <= amount[t,f], or of the years up to t together
(B3)  statutory      spend[t,p] >= floor[p]
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from placeopt.budget.model.constraints.payment_by_results import due_terms
from placeopt.budget.model.scale import Scale, by_position, by_year
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Block, Model
from placeopt.engine.model import Terms


def add_payments(
    model: Model, problem: BudgetProblem, pairs: Mapping[str, np.ndarray], scale: Scale
) -> Block:
    """Add what each stream pays for each programme; payments that stay as today are fixed."""
    decided = len(problem.horizon.years)
    low, high = np.zeros(1), np.full(1, np.inf)
    if problem.pairs.fixed is not None:
        low = np.tile(np.nan_to_num(problem.pairs.fixed) / scale.money_gbp, decided)
        high = np.where(np.isnan(np.tile(problem.pairs.fixed, decided)), np.inf, low)
    return model.add_columns("pay", labels=by_year(problem, pairs), lower=low, upper=high)


def what_is_spent_is_paid(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """Streams pay for spending, for starting and stopping programmes, and for closing units.

    A programme that is paid by results gets its fee and what is due by results.
    """
    spend, pay = model.columns["spend"], model.columns["pay"]
    decided, programmes = len(problem.horizon.years), len(problem.programmes.ids)
    payer = by_position(problem.pairs.programme, decided, programmes)
    fee = np.tile(1 - problem.provider_terms.withheld, decided)
    terms: list[Terms] = [(np.arange(spend.size), spend.all, fee), (payer, pay.all, -1.0)]
    terms += due_terms(model, problem, scale)
    if "begins" in model.columns:
        p = np.flatnonzero(problem.purchases.is_optional)
        rows = by_position(p, decided, programmes)
        for name, cost in (
            ("begins", problem.purchases.start_cost),
            ("ends", problem.purchases.stop_cost),
        ):
            gbp = np.tile(cost[p], decided) / scale.money_gbp
            terms.append((rows, model.columns[name].all, gbp))
    if "closed" in model.columns:
        rows = by_position(problem.units.programme, decided, programmes)
        gbp = np.tile(problem.units.closing_cost, decided) / scale.money_gbp
        terms.append((rows, model.columns["closed"].all, gbp))
    model.add_rows("paid", rule="", labels=dict(spend.labels), terms=terms, lower=0.0, upper=0.0)


def within_one_budget(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B1) A year's payments fit in the reduced total, the reserve and rewards.

    Transfers between agencies from unspent money (B9) count as payments.
    """
    if not np.isfinite(problem.money.total).all():
        return
    decided, t = len(problem.horizon.years), np.arange(len(problem.horizon.years))
    pay = model.columns["pay"]
    labels = {"year": problem.horizon.years}
    terms: list[Terms] = [(np.repeat(t, len(problem.pairs.stream)), pay.all, 1.0)]
    limit = problem.money.total / scale.money_gbp
    if problem.money.carry_over:
        opening = problem.money.opening_reserve / scale.money_gbp
        least = np.where(problem.horizon.is_past, -np.inf, np.where(t == decided - 1, opening, 0.0))
        reserve = model.add_columns("reserve", labels=labels, lower=least)
        terms += [(t, reserve.all, 1.0), (t[1:], reserve.at(t[:-1]), -1.0)]
        limit = limit + np.where(t == 0, opening, 0.0)
    if problem.relaxed_rule == "B1":
        terms.append((t, model.add_columns("breach", labels=labels, cost=1.0).all, -1.0))
    if "reward" in model.columns:
        reward, deferred = model.columns["reward"], problem.rewards.deferred_share
        at = np.repeat(t, reward.size // decided)
        for years, share in ((1, 1 - deferred), (2, deferred)):
            arrives = np.flatnonzero(at + years < decided)
            terms.append((at[arrives] + years, reward.at(arrives), -share))
    if "back" in model.columns:
        back = model.columns["back"]
        at = np.repeat(t, back.size // decided)
        next_year = np.flatnonzero(at + 1 < decided)
        last = np.flatnonzero(at + 1 == decided)  # what falls due after the years is set aside
        terms += [(at[next_year] + 1, back.at(next_year), 1.0), (at[last], back.at(last), 1.0)]
    if "refund" in model.columns:
        refund = model.columns["refund"]
        terms.append((np.repeat(t, refund.size // decided), refund.all, -1.0))
    if "from_unspent" in model.columns:
        unspent = model.columns["from_unspent"]
        terms.append((np.repeat(t, unspent.size // decided), unspent.all, 1.0))
    if not problem.money.carry_over:
        limit = np.where(problem.horizon.is_past, np.inf, limit)
    model.add_rows("one_budget", rule="B1", labels=labels, terms=terms, upper=limit)


def no_stream_is_overspent(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B2) A stream is not overspent; what it may not pay for is not among the pairs."""
    f = np.flatnonzero(np.isfinite(problem.streams.limit).all(axis=0))
    if len(f) == 0:
        return
    decided, pay = len(problem.horizon.years), model.columns["pay"]
    row = np.full(len(problem.streams.ids), -1)
    row[f] = np.arange(len(f))
    n = np.flatnonzero(row[problem.pairs.stream] >= 0)
    labels = by_year(problem, {"stream_id": problem.streams.ids[f]})
    terms: list[Terms] = []
    limit = problem.streams.limit[:, f]
    for delay in range(decided if problem.streams.carry_over else 1):
        t = np.arange(delay, decided)[:, None]
        at = t * len(f) + row[problem.pairs.stream[n]]
        terms.append((at, pay.at((t - delay) * len(problem.pairs.stream) + n), 1.0))
    if problem.streams.carry_over:
        limit = limit.cumsum(axis=0)
    if problem.relaxed_rule == "B2":
        breach = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((np.arange(breach.size), breach.all, -1.0))
        is_outside = np.tile(~problem.pairs.allowed, decided)
        model.add_cost(pay.at(np.flatnonzero(is_outside)), 1.0)
    limit = np.where(problem.horizon.is_past[:, None], np.inf, limit).ravel() / scale.money_gbp
    model.add_rows("streams", rule="B2", labels=labels, terms=terms, upper=limit)


def statutory_floors_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B3) No programme falls below its floor."""
    p = np.flatnonzero(problem.limits.floor > 0)
    if len(p) == 0:
        return
    at = by_position(p, len(problem.horizon.years), len(problem.programmes.ids))
    rows, labels = np.arange(len(at)), by_year(problem, {"programme_id": problem.programmes.ids[p]})
    terms: list[Terms] = [(rows, model.columns["spend"].at(at), 1.0)]
    if problem.relaxed_rule == "B3":
        breach = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((rows, breach.all, 1.0))
    lower = np.where(
        problem.horizon.is_past[:, None], 0.0, problem.limits.floor[p] / scale.money_gbp
    ).ravel()
    model.add_rows("statutory", rule="B3", labels=labels, terms=terms, lower=lower)
