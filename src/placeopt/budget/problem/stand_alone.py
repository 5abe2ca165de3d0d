"""The problem of an agency by itself (B9): what it would do with its own share of the money.

In its stand-alone plan only its own programmes change, paid by its own streams within its share
of the one budget; all other programmes and payments stay as today. Its objectives are those of
the scenario, then two that decide ties: of plans within a millionth of the best the one that moves
least money from today, then the one that spends on the programmes whose ids come first. With
``most_it_could_keep`` its objective is its position.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from placeopt.base.arrays import Bools
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.parts import Money, Objectives, SpendLimits, Standards

TIE_OBJECTIVES = ("moved_from_today", "programme_order")
OPTIMALITY_TOLERANCE = 1e-6  # of the objective: within it a plan is as good as the best


def stand_alone_problem(problem: BudgetProblem, agency: int) -> BudgetProblem:
    """The stand-alone problem of one agency: all other programmes and payments as today."""
    is_own = problem.programmes.agency == agency
    is_payer = problem.streams.agency == agency
    pairs, purchases = problem.pairs, problem.purchases
    is_decided = is_payer[pairs.stream] & is_own[pairs.programme]
    nothing = np.zeros_like(problem.rewards.price)
    return replace(
        problem,
        objectives=_own_objectives(problem),
        agencies=replace(
            problem.agencies,
            position_agency=agency,
            stand_alone=np.full_like(problem.agencies.stand_alone, np.nan),
        ),
        standards=_own_standards(problem),
        pairs=replace(pairs, fixed=np.where(is_decided, np.nan, pairs.base_spend)),
        money=_own_share(problem, is_payer),
        streams=replace(problem.streams, limit=np.where(is_payer, problem.streams.limit, np.inf)),
        limits=_own_limits(problem, is_own),
        purchases=replace(
            purchases,
            is_optional=purchases.is_optional & is_own,
            alternative_set=np.where(is_own, purchases.alternative_set, ""),
            groups=(),
        ),
        capital=replace(problem.capital, cost=np.where(is_own, problem.capital.cost, 0.0)),
        provider_terms=problem.provider_terms.for_programmes(is_own),
        units=problem.units.only(is_own[problem.units.programme]),
        rewards=replace(problem.rewards, price=nothing, clawback=nothing),
        shares=replace(problem.shares, reinvested=np.nan, pooled=np.nan),
        relaxed_rule="",
    )


def _own_objectives(problem: BudgetProblem) -> Objectives:
    """The scenario's objectives with those that decide ties, or the position alone."""
    stated = problem.objectives
    if problem.agencies.counterfactual != "alone_for_outcomes":
        return replace(stated, names=("position",), slack=())
    earlier_count = len(stated.names) - 1  # objectives whose slack is the scenario's
    slacks = [*stated.slack, *(0.0 for _ in range(earlier_count))][:earlier_count]
    return replace(
        stated,
        names=(*stated.names, *TIE_OBJECTIVES),
        slack=(*slacks, OPTIMALITY_TOLERANCE / 2, 1e-5),
    )


def _own_standards(problem: BudgetProblem) -> Standards:
    """The standards that hold for an agency alone; shortfalls are priced with its outcomes."""
    stated = problem.standards
    price = np.zeros_like(stated.shortfall_price)
    if problem.agencies.counterfactual == "alone_for_outcomes":
        price = np.where(stated.only_together, 0.0, stated.shortfall_price)
    return replace(
        stated,
        minimum_gain=np.where(stated.only_together, np.nan, stated.minimum_gain),
        target_holds=stated.target_holds & ~stated.only_together,
        shortfall_price=price,
    )


def _own_share(problem: BudgetProblem, is_payer: Bools) -> Money:
    """The agency's share of the one budget, beside what the others pay today; no reserve."""
    today_gbp, total = problem.pairs.base_spend, problem.money.total
    is_own = is_payer[problem.pairs.stream]
    today = float(today_gbp.sum())
    share = float(today_gbp[is_own].sum()) / today if today else 0.0
    finite_total = np.where(np.isfinite(total), total, 0.0)
    own_total = finite_total * share + float(today_gbp[~is_own].sum())
    return Money(np.where(np.isfinite(total), own_total, np.inf), 0.0, carry_over=False)


def _own_limits(problem: BudgetProblem, is_own: Bools) -> SpendLimits:
    """The limits of the agency's own programmes; all others may stay at today's spending."""
    stated, today = problem.limits, problem.programmes.base_spend
    return replace(
        stated,
        floor=np.where(is_own, stated.floor, np.minimum(stated.floor, today)),
        maximum=np.where(is_own, stated.maximum, np.inf),
        upper=np.where(is_own, stated.upper, np.maximum(stated.upper, today)),
        actual_spend=np.where(is_own, stated.actual_spend, today),
        contracted_floor=np.where(is_own, stated.contracted_floor, 0.0),
    )
