"""The exact values of the objectives at a plan's spending, one function for each.

A priced shortfall (B4) is counted with the first objective: the mean of the decided years beside
outcomes, their discounted sum beside money, their sum beside disruption.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.problem import cash_flows, effects
from placeopt.budget.problem.arrays import BudgetProblem


def objective_value(problem: BudgetProblem, name: str, spend: Floats, *, first: bool) -> float:
    """The exact value of one objective.

    Args:
        problem: The budget problem.
        name: The objective's name.
        spend: (T, P) GBP a year.
        first: Whether it is the first one, which includes the priced shortfalls.

    Returns:
        Its value in its own unit; a benefit enters with a minus sign.
    """
    value = _VALUES[name](problem, spend)
    if not first or name not in _SHORTFALLS:
        return value
    return value + _SHORTFALLS[name](problem, _priced_shortfall(problem, spend))


def _priced_shortfall(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T,) what the missed ranges of priced targets cost."""
    gain = effects.gain(problem, spend)[: len(problem.horizon.years)]
    short = np.maximum(0, problem.standards.target_gain - gain)
    missed_ranges = short / problem.outcomes.attainable_range
    price = problem.standards.shortfall_price
    priced: Floats = (price * missed_ranges)[:, price > 0].sum(axis=1)
    return priced


def weighted_outcomes(problem: BudgetProblem, spend: Floats) -> float:
    """Minus the weighted ranges gained on today, as far as they count, a decided year."""
    outcomes = problem.outcomes
    improvement = np.minimum(effects.gain(problem, spend), outcomes.max_gain)
    improvement = improvement + outcomes.sign * (outcomes.drifted_baseline - outcomes.baseline)
    is_counted = np.isfinite(outcomes.attainable_range)
    ranges = outcomes.weight * improvement / outcomes.attainable_range
    return -float(ranges[:, is_counted].sum(axis=1).sum()) / len(problem.horizon.years)


def fairest(problem: BudgetProblem, spend: Floats) -> float:
    """How far, in ranges, the worst outcome of the worst year is short of its target."""
    decided, outcomes = len(problem.horizon.years), problem.outcomes
    gain, max_gain = effects.gain(problem, spend)[:decided], outcomes.max_gain[:decided]
    counted_target = np.minimum(problem.standards.target_gain, max_gain)
    short = (counted_target - np.minimum(gain, max_gain)) / outcomes.attainable_range
    return float(short[:, np.isfinite(outcomes.attainable_range)].max())


def discounted_money(problem: BudgetProblem, spend: Floats) -> float:
    """GBP of all decided years, discounted to the first one."""
    money = (
        spend
        + cash_flows.one_off_costs(problem, spend)
        + cash_flows.result_payments(problem, spend)
    )
    return float(problem.horizon.discount @ money.sum(axis=1))


def money_moved(problem: BudgetProblem, spend: Floats) -> float:
    """GBP moved up or down against the year before."""
    before = np.vstack([problem.programmes.base_spend, spend])
    return float(np.abs(np.diff(before, axis=0)).sum())


def weighted(problem: BudgetProblem, spend: Floats) -> float:
    """GBP of all objectives that the scenario weighs."""
    parts = problem.objectives.weights.items()
    return sum(
        weight * objective_value(problem, name, spend, first=False) for name, weight in parts
    )


def position(problem: BudgetProblem, spend: Floats) -> float:
    """GBP that an agency alone (B9) pays for its own programmes, less what it saves in cash."""
    is_own = np.zeros(len(problem.programmes.ids), bool)
    assert problem.pairs.fixed is not None
    is_own[problem.pairs.programme[np.isnan(problem.pairs.fixed)]] = True
    paid = (
        spend
        + cash_flows.one_off_costs(problem, spend)
        + cash_flows.result_payments(problem, spend)
        - cash_flows.refunds(problem, spend)
    )
    money = paid[:, is_own].sum(axis=1)
    return float(problem.horizon.discount @ (money - _cash_saved(problem, spend)))


def cash_least(problem: BudgetProblem, spend: Floats) -> float:
    """GBP that an agency saves in cash and by units that close."""
    p = np.unique(problem.units.programme)
    freed = (problem.programmes.do_nothing - spend)[:, p].sum(axis=1)
    return float(problem.horizon.discount @ (_cash_saved(problem, spend) + freed))


def cash_most(problem: BudgetProblem, spend: Floats) -> float:
    """Minus ``cash_least``."""
    return -cash_least(problem, spend)


def moved_from_today(problem: BudgetProblem, spend: Floats) -> float:
    """GBP by which each year differs from today."""
    return float(np.abs(spend - problem.programmes.base_spend).sum())


def programme_order(problem: BudgetProblem, spend: Floats) -> float:
    """GBP at the weights by which ties go to programmes whose ids come first."""
    return float((spend @ programme_tie_weights(problem)).sum())


def programme_tie_weights(problem: BudgetProblem) -> Floats:
    """(P,) the weight of a pound of each programme where ties go to those whose ids come first.

    It is the rank of the id to the power of 1.5, as a share of the last one's (plain ranks
    would leave ties).
    """
    place = np.argsort(np.argsort(problem.programmes.ids)) + 1.0
    return (place / len(place)) ** 1.5


def _cash_saved(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T,) GBP that better outcomes save the agency whose position is asked for."""
    per_gain = problem.agencies.cashable[:, :, problem.agencies.position_agency]
    saved: Floats = np.einsum("tbo,bo->t", per_gain, effects.gain(problem, spend))
    return saved


_VALUES: dict[str, Callable[[BudgetProblem, Floats], float]] = {
    "weighted_outcomes": weighted_outcomes,
    "fairest": fairest,
    "least_money": discounted_money,
    "least_disruption": money_moved,
    "weighted": weighted,
    "position": position,  # these are of agencies alone (B9)
    "cash_least": cash_least,
    "cash_most": cash_most,
    "moved_from_today": moved_from_today,
    "programme_order": programme_order,
}
_SHORTFALLS: dict[str, Callable[[BudgetProblem, Floats], float]] = {
    "weighted_outcomes": lambda _, short: float(short.mean()),
    "fairest": lambda _, short: float(short.mean()),
    "weighted": lambda _, short: float(short.mean()),
    "least_money": lambda problem, short: float(problem.horizon.discount @ short),
    "least_disruption": lambda _, short: float(short.sum()),
}
