"""Who pays what for spending that is decided, as a model of its own."""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.model.constraints import agencies
from placeopt.budget.model.constraints.money import add_payments, no_stream_is_overspent
from placeopt.budget.model.scale import by_position, scale_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms


def payments(
    problem: BudgetProblem,
    spend: Floats,
    paid: Floats,
    gain: Floats,
    refunds: Floats,
    unallocated: Floats,
) -> Model:
    """Formulate who pays what for spending that is fixed.

    A little slack is allowed at a high price, because a plan is rounded.

    Args:
        problem: The budget problem.
        spend: (T, P) spending, in the model's unit of money.
        paid: (T, P) payments for it, in the same unit.
        gain: (B, O) improvements in outcome units.
        refunds: (T, P) refunds of providers, in the model's unit of money.
        unallocated: (T,) what the one budget leaves for transfers from unspent money (B9), of each
            year or with ``carry_over`` of the years up to it.
    """
    scale, decided = scale_of(problem), len(problem.horizon.years)
    model = Model("payments")
    pairs = {"stream_id": problem.streams.ids[problem.pairs.stream]}
    pay = add_payments(model, problem, pairs, scale)
    shortfall = model.add_columns("slip", size=paid.size, cost=1e4)
    excess = model.add_columns("over", size=paid.size, cost=1e4)  # where what is paid is fixed
    fixed_spend = spend.ravel()
    model.add_columns("spend", size=spend.size, lower=fixed_spend, upper=fixed_spend)
    level = (gain / scale.outcome).ravel()
    model.add_columns("gain", size=gain.size, lower=level, upper=level)
    if refunds.any():
        fixed_refunds = refunds.ravel()
        model.add_columns(
            "refund", size=fixed_refunds.size, lower=fixed_refunds, upper=fixed_refunds
        )
    rows = by_position(problem.pairs.programme, decided, paid.shape[1])
    all_rows = np.arange(paid.size)
    terms: list[Terms] = [
        (rows, pay.all, 1.0),
        (all_rows, shortfall.all, 1.0),
        (all_rows, excess.all, -1.0),
    ]
    fixed_paid = paid.ravel()
    model.add_rows("paid", rule="", size=paid.size, terms=terms, lower=fixed_paid, upper=fixed_paid)
    no_stream_is_overspent(model, problem, scale)
    agencies.enough_goes_through_the_place(model, problem, scale)
    agencies.nobody_is_worse_off(model, problem, scale)
    if "from_unspent" in model.columns:
        unspent = model.columns["from_unspent"]
        linked = (
            np.tril(np.ones((decided, decided))) if problem.money.carry_over else np.eye(decided)
        )
        t, year = np.nonzero(linked)
        per_year = unspent.size // decided
        terms = [
            (
                t[:, None],
                unspent.at(year[:, None] * per_year + np.arange(per_year)),
                np.ones((1, 1)),
            )
        ]
        model.add_rows("left", rule="B1", size=decided, terms=terms, upper=unallocated + 1e-9)
    return model
