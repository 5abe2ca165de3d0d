"""Who pays what for spending that is decided: the payments closest to today's."""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline, without_deadline
from placeopt.budget.model.payments import payments
from placeopt.budget.model.scale import scale_of
from placeopt.budget.problem import cash_flows, effects
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group
from placeopt.budget.search.timed_solver import TimedSolver


def payment_decimals(problem: BudgetProblem) -> int:
    """Decimals of payments: whole pence, or finer where the whole place has little money."""
    return max(2, 8 - int(np.log10(max(1.0, problem.programmes.base_spend.sum()))))


def closest_payments(
    problem: BudgetProblem, spend: Floats, solver: TimedSolver
) -> tuple[Floats, Floats]:
    """Return the payments closest to today's that fund ``spend``.

    Args:
        problem: The budget problem.
        spend: (T, P) GBP a year.
        solver: The solver whose settings are used; it gets a separate time limit.

    Returns:
        (T, N) GBP, rounded, that each stream pays for each programme, and the (T, P) spending that
        these payments fund, which is ``spend`` but for rounding.
    """
    unit_gbp, decided = scale_of(problem).money_gbp, len(problem.horizon.years)
    one_off, pairs = cash_flows.one_off_costs(problem, spend), len(problem.pairs.stream)
    result_payments = cash_flows.result_payments(problem, spend)
    refunds = cash_flows.refunds(problem, spend) / unit_gbp
    paid, gain = (spend + one_off + result_payments) / unit_gbp, effects.gain(problem, spend)
    unallocated = (
        cash_flows.unallocated_total(problem, paid.sum(axis=1) * unit_gbp, spend) / unit_gbp
    )
    model = payments(problem, spend / unit_gbp, paid, gain, refunds, unallocated)
    pay = model.columns["pay"]
    moved = model.add_columns("moved", size=pay.size, cost=1.0)
    n, before = np.arange(pay.size), np.tile(problem.pairs.base_spend / unit_gbp, decided)
    up, down = [(n, moved.all, 1.0), (n, pay.all, -1.0)], [(n, moved.all, 1.0), (n, pay.all, 1.0)]
    model.add_rows("up", rule="", size=pay.size, terms=up, lower=-before)
    model.add_rows("down", rule="", size=pay.size, terms=down, lower=before)
    if "transfer" in model.columns:
        model.add_cost(model.columns["transfer"].all, 1e-2)
    # a plan found at the deadline still needs payments
    fresh_solver = TimedSolver(Deadline(solver.settings.time_limit_seconds), solver.settings, None)
    with without_deadline():
        result = fresh_solver.solve(model, gap=0.0)
    if not result.has_plan:
        raise RuntimeError(f"no payments for a plan that was found: {result.status}")
    gbp = np.maximum(0.0, result.value(pay)) * unit_gbp
    gbp = np.round(gbp, payment_decimals(problem)).reshape(decided, pairs)
    paid = sum_by_group(gbp, problem.pairs.programme, spend.shape[1])
    # a price, not paid
    is_price = np.isin(np.arange(spend.shape[1]), problem.provider_terms.programme)
    return gbp, np.where(is_price, spend, np.maximum(0.0, paid - one_off))
