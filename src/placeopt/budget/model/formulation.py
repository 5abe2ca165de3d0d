"""The budget as a linear or integer program: one function for each equation.

With pieces under the curves every plan of the model is feasible for the true curves; with pieces
over them the model's optimum bounds every plan. Years t come first in every block; one decided year
is a special case.

Columns  pay[t,n] >= 0, spend[t,p], effect[t,c], gain[b,o]; ``piecewise`` and the files of
         ``constraints`` add others, and state their equations:

    (B1, B2, B3) money              (B4) outcomes               (B5, B6, B7, B13) years
    (B8, B9, B10) agencies          (B10) payment_by_results    (B11) capital     (B12) robust
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from placeopt.budget.model.constraints import (
    agencies,
    money,
    outcomes,
    payment_by_results,
    years,
)
from placeopt.budget.model.constraints.capital import capital_fits_its_pots
from placeopt.budget.model.constraints.cumulative_effects import levels_follow_effects
from placeopt.budget.model.constraints.robust import standards_hold_in_bad_evidence
from placeopt.budget.model.convex_combination import ConvexCombination, effects_are_mixed
from placeopt.budget.model.objectives import earlier_objectives_are_kept, expression
from placeopt.budget.model.piecewise import ApproximatedCurves, effects_lie_on_their_curves
from placeopt.budget.model.scale import by_year, scale_of
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model


def formulate(
    problem: BudgetProblem,
    approximation: ApproximatedCurves | ConvexCombination,
    objective: str,
    *,
    limits: Mapping[str, float] | None = None,
) -> Model:
    """Formulate the model of one objective.

    With ``problem.relaxed_rule`` the objective is the breach of that rule, in money or outcome
    units.

    Args:
        problem: The budget problem.
        approximation: The curves, as pieces or as a convex combination of grid points.
        objective: The objective's name.
        limits: Limits of earlier objectives by name, in their own units.
    """
    scale = scale_of(problem)
    model = Model("budget")
    programmes, streams, decided = (
        problem.programmes.ids,
        problem.streams.ids,
        len(problem.horizon.years),
    )
    pairs = {
        "programme_id": programmes[problem.pairs.programme],
        "stream_id": streams[problem.pairs.stream],
    }
    money.add_payments(model, problem, pairs, scale)
    # money limits are rows, not bounds
    max_spend = (
        problem.limits.upper
        if problem.relaxed_rule
        else np.tile(problem.limits.maximum, (decided, 1))
    )
    max_spend = np.fmax(max_spend, problem.limits.actual_spend)
    labels = by_year(problem, {"programme_id": programmes})
    model.add_columns("spend", labels=labels, upper=max_spend.ravel() / scale.money_gbp)
    gain_labels = by_year(
        problem, {"outcome_id": problem.outcomes.ids}, len(problem.outcomes.drifted_baseline)
    )
    model.add_columns("gain", labels=gain_labels, lower=-np.inf)
    agencies.bought_at_scale_or_not_at_all(model, problem, scale)
    agencies.at_most_one_of_alternatives(model, problem)
    agencies.groups_are_bought_together(model, problem)
    effect_labels = {
        "programme_id": problem.programmes.ids[problem.curves.programme],
        "outcome_id": problem.outcomes.ids[problem.curves.outcome],
    }
    model.add_columns("effect", labels=by_year(problem, effect_labels), lower=-np.inf)
    if isinstance(approximation, ConvexCombination):
        effects_are_mixed(model, problem, approximation, scale)
        pieces = ApproximatedCurves(())
    else:
        pieces = approximation
        effects_lie_on_their_curves(model, problem, pieces.effects, scale)
        today = effects.effect_today(problem)
        levels_follow_effects(model, problem, pieces.levels, today, scale.outcome)
    outcomes.improvements_add_up(model, problem, pieces.improvements, scale)
    years.units_serve_demand(model, problem, scale)
    payment_by_results.providers_are_paid_by_results(
        model, problem, pieces.payment_intervals, scale
    )
    money.what_is_spent_is_paid(model, problem, scale)
    outcomes.rewards_are_earned(model, problem, scale)
    outcomes.advances_go_back(model, problem, scale)
    agencies.nobody_is_worse_off(model, problem, scale)
    money.within_one_budget(model, problem, scale)
    money.no_stream_is_overspent(model, problem, scale)
    money.statutory_floors_hold(model, problem, scale)
    years.nothing_changes_too_fast(model, problem, scale)
    years.notice_contracts_and_commitments_hold(model, problem, scale)
    years.savings_are_reinvested(model, problem, scale)
    agencies.enough_goes_through_the_place(model, problem, scale)
    capital_fits_its_pots(model, problem, scale)
    outcomes.minimum_standards_hold(model, problem, scale)
    standards_hold_in_bad_evidence(model, problem, scale, pieces.improvements, pieces.levels)
    outcomes.targets_hold_or_are_priced(model, problem, scale)
    if problem.relaxed_rule:
        return model
    for name, limit in (limits or {}).items():
        earlier_objectives_are_kept(model, problem, scale, name, limit)
    columns, values, constant = expression(model, problem, objective, scale)
    model.add_cost(columns, values)
    model.offset += constant
    return model
