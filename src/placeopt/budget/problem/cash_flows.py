"""The money that follows from spending: purchases, units, results, rewards and what is left."""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group


def is_bought(problem: BudgetProblem, spend: Floats) -> Bools:
    """(T, P) whether a programme is bought at ``spend`` (T, P).

    It is where the spend is more than rounding leaves, whatever its efficient scale (today's
    spend may be below it); in past years for any spend.
    """
    token = (
        np.maximum(problem.programmes.base_spend / 1000, 1e-6 * problem.programmes.base_spend.sum())
        / 2
    )
    return np.where(problem.horizon.is_past[:, None], spend > 0, spend >= token)


def starts(problem: BudgetProblem, spend: Floats) -> Bools:
    """(T, P) whether a programme is bought that was not bought the year before."""
    bought = is_bought(problem, spend)
    return bought & ~np.vstack([problem.programmes.base_spend > 0, bought[:-1]])


def one_off_costs(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, P) GBP of starting and stopping programmes and closing units at ``spend`` (T, P)."""
    bought = is_bought(problem, spend)
    earlier = np.vstack([problem.programmes.base_spend > 0, bought[:-1]])
    cost = np.where(starts(problem, spend), problem.purchases.start_cost, 0.0)
    cost += np.where(~bought & earlier, problem.purchases.stop_cost, 0.0)
    cost *= problem.purchases.is_optional
    if len(problem.units.programme):
        units = np.vstack([problem.units.today, units_kept(problem, spend)])
        closed = np.maximum(0.0, -np.diff(units, axis=0)) * problem.units.closing_cost
        cost += sum_by_group(closed, problem.units.programme, cost.shape[1])
    return cost


def units_kept(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, U) whole units kept: those that demand needs and money allows, closed late."""
    needed = np.maximum(0.0, np.ceil(units_needed(problem, spend) - 1e-6))
    affordable = (spend - problem.programmes.base_spend)[:, problem.units.programme] / np.maximum(
        problem.units.cost, 1e-12
    )
    max_units = np.floor(problem.units.today + affordable + 1e-6)
    kept, previous = np.zeros_like(needed), problem.units.today
    for t in range(len(needed)):
        previous = np.maximum(np.minimum(previous, max_units[t]), needed[t])
        kept[t] = previous
    return kept


def units_needed(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, U) units, not rounded, that demand needs, double running included."""
    demand = effects.outcome_levels(problem, spend)[
        : len(problem.horizon.years), problem.units.outcome
    ]
    needed = demand / problem.units.capacity
    today = problem.outcomes.baseline[problem.units.outcome] / problem.units.capacity
    for delay in range(1, problem.units.double_running + 1):
        earlier = np.vstack([np.tile(today, (delay, 1)), demand / problem.units.capacity])
        needed = np.maximum(needed, earlier[: len(needed)])
    return needed


def result_payments(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, P) GBP due by results, less what is withheld of the price."""
    if len(problem.provider_terms.programme) == 0:
        return np.zeros_like(spend)
    return (
        problem.provider_terms.due_payments(effects.gain(problem, spend), is_bought(problem, spend))
        - problem.provider_terms.withheld * spend
    )


def refunds(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, P) GBP that providers give back for results that were lost."""
    if len(problem.provider_terms.programme) == 0:
        return np.zeros_like(spend)
    return problem.provider_terms.refunds(effects.gain(problem, spend), is_bought(problem, spend))


def rewards_earned(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, O) GBP of rewards earned by a year's outcomes, whenever they are paid."""
    beyond = (
        effects.gain(problem, spend)[: len(problem.horizon.years)] - problem.standards.target_gain
    )
    return np.nan_to_num(problem.rewards.price * np.clip(beyond, 0, problem.rewards.span))


def clawback_due(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, O) GBP paid in advance that must be paid back for what a year's outcomes miss."""
    short = (
        problem.standards.target_gain - effects.gain(problem, spend)[: len(problem.horizon.years)]
    )
    return np.nan_to_num(
        problem.rewards.clawback * np.clip(short, 0, problem.rewards.clawback_span)
    )


def rewards_received(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T,) GBP of rewards received in each decided year."""
    return problem.rewards.receipts(rewards_earned(problem, spend).sum(axis=1))


def clawback_paid(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T,) GBP paid back in each decided year for what the year before missed.

    The last year also pays for what it missed itself.
    """
    missed: Floats = clawback_due(problem, spend).sum(axis=1)
    due: Floats = np.append(0.0, missed[:-1])
    due[-1] += missed[-1]
    return due


def reserves(problem: BudgetProblem, paid: Floats, spend: Floats) -> Floats:
    """(T + 1,) GBP in reserve at the start and at the end of each decided year.

    ``paid`` (T,) is paid for ``spend`` (T, P).
    """
    change = np.zeros(len(paid))
    if problem.money.carry_over:
        change = (
            problem.money.total
            + rewards_received(problem, spend)
            - paid
            - clawback_paid(problem, spend)
        )
        change = change + refunds(problem, spend).sum(axis=1)
    return problem.money.opening_reserve + np.concatenate([[0.0], np.cumsum(change)])


def transfer_periods(problem: BudgetProblem) -> Floats:
    """(K, T) the weight of a year in each period over which an agency transfers no more than
    it has.

    A period is a year, or the years up to it where streams carry over, or the whole horizon
    with ``most_it_could_keep`` over the horizon.
    """
    decided = len(problem.horizon.years)
    if problem.agencies.over_horizon and problem.agencies.counterfactual == "most_it_could_keep":
        return problem.horizon.discount[None, :]
    return np.tril(np.ones((decided, decided))) if problem.streams.carry_over else np.eye(decided)


def total_limits_transfers(problem: BudgetProblem) -> bool:
    """Whether the one budget (B1) may leave less unspent than the streams (B2) do.

    If so, transfers (B9) have to fit in it.
    """
    if (
        problem.agencies.counterfactual == "most_it_could_keep"
        or not np.isfinite(problem.money.total).all()
    ):
        return False
    stream_income = np.nansum(problem.streams.income, axis=1)
    limits_hold = (
        np.isfinite(problem.streams.limit).all()
        and problem.relaxed_rule != "B2"
        and not problem.horizon.is_past.any()
    )
    return not limits_hold or bool(
        (problem.money.total < stream_income).any() or problem.rewards.clawback.any()
    )


def unallocated_total(problem: BudgetProblem, paid: Floats, spend: Floats) -> Floats:
    """(T,) GBP of the one budget (B1) left for transfers (B9) when ``paid`` (T,) is paid for
    ``spend``.

    Of each year, or with ``carry_over`` of the years up to it.
    """
    if not np.isfinite(problem.money.total).all():
        return np.full(len(paid), np.inf)
    if problem.money.carry_over:
        reserve = reserves(problem, paid, spend)[1:]
        reserve[-1] -= problem.money.opening_reserve
        return np.where(problem.horizon.is_past, np.inf, np.maximum(0.0, reserve))
    available = (
        problem.money.total + rewards_received(problem, spend) + refunds(problem, spend).sum(axis=1)
    )
    left: Floats = np.maximum(0.0, available - paid - clawback_paid(problem, spend))
    return left


def unallocated_past_total(problem: BudgetProblem) -> Floats:
    """(T,) GBP of the one budget (B1) left for transfers (B9) in past years, in which B1 does
    not hold.

    It is inf in other years, and 0 where an earlier year is not past.
    """
    spend = np.where(
        np.isnan(problem.limits.actual_spend),
        problem.programmes.base_spend,
        problem.limits.actual_spend,
    )
    if problem.money.carry_over or not problem.horizon.is_past.any():
        return np.full(len(problem.horizon.is_past), np.inf)
    paid = (spend + one_off_costs(problem, spend) + result_payments(problem, spend)).sum(axis=1)
    is_known_past = np.logical_and.accumulate(problem.horizon.is_past)
    unallocated = np.where(is_known_past, unallocated_total(problem, paid, spend), 0.0)
    return np.where(problem.horizon.is_past, unallocated, np.inf)
