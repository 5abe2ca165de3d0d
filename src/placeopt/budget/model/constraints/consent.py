"""Equations of providers that are not donors (B10): results pay what is withheld of the price.

Better outcomes pay more, so here the outcome must not be overestimated: improvements are those on
which losses are counted (``lost_on`` in ``payment_by_results``).

Columns  sure[t,k] guaranteed units of a year, above[t,k] binary; of these sold[t,k] is paid for a
         year later, and kept[t,k] still holds when the deferred part is due
(B10) sure           sure[t,k] <= lost_on[t,o] - start[t,k] + M (1 - above[t,k]), <= span above[t,k]
(B10) sold           sold[t,k] <= sure[t,k], <= span[k] on[t,p]
(B10) kept           kept[t,k] <= sold[t,k], <= sure[t+n,k]
(B10) consent        withheld[p] sum over t of spend[t,p] <= sum over t, k of
                     (price (1 - d) - clawback) sold[t,k] + (price d + clawback) kept[t,k]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.model.scale import Scale
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Block, Model
from placeopt.engine.model import Terms


def guaranteed_results(
    model: Model, problem: BudgetProblem, scale: Scale, min_gain: Floats, on: Any
) -> tuple[Ints | None, list[tuple[Block, Floats]]]:
    """Add the guaranteed results of providers that are not donors.

    Args:
        model: The model.
        problem: The budget problem.
        scale: The model's units.
        min_gain: (T x K) the least possible improvement.
        on: Columns of what is bought, ``None`` where that is not decided.

    Returns:
        The terms (T x K, by position), and the blocks that pay with GBP of a model's unit of each.
    """
    terms, decided, term_count = (
        problem.provider_terms,
        len(problem.horizon.years),
        len(problem.provider_terms.programme),
    )
    k = np.flatnonzero(terms.consents[terms.programme])
    if len(k) == 0:
        return None, []
    position = (np.arange(decided)[:, None] * term_count + k).ravel()
    t, k = position // term_count, position % term_count
    outcomes = np.unique(terms.outcome)
    held = model.columns["held"]
    labels = {name: ids[position] for name, ids in held.labels.items()}
    unit = scale.outcome[terms.outcome[k]]
    span, start = terms.span[k] / unit, terms.start[t, k] / unit
    sure = model.add_columns("sure", labels=labels, upper=span)
    above = model.add_columns("above", labels=labels, upper=1.0, integer=True)
    sold = model.add_columns("sold", labels=labels, upper=span)
    kept = model.add_columns("kept", labels=labels, upper=span)
    rows, big_m = np.arange(sure.size), np.maximum(0.0, start - min_gain[position])
    improvement = model.columns["lost_on"].at(
        t * len(outcomes) + np.searchsorted(outcomes, terms.outcome[k])
    )
    later = t + terms.deferral_years[k]
    is_settled = np.flatnonzero(later + 1 < decided)  # settled within the decided years
    at = later[is_settled] * (len(rows) // decided) + is_settled % (len(rows) // decided)
    row_blocks: list[tuple[str, np.ndarray, list[Terms], Any]] = [
        ("sure", rows, [(rows, sure.all, 1.0), (rows, improvement, -1.0), (rows, above.all, big_m)],
         big_m - start),
        ("sure_above", rows, [(rows, sure.all, 1.0), (rows, above.all, -span)], 0.0),
        ("sold", rows, [(rows, sold.all, 1.0), (rows, sure.all, -1.0)], 0.0),
        ("kept", rows, [(rows, kept.all, 1.0), (rows, sold.all, -1.0)], 0.0),
        ("kept_until", is_settled, [(np.arange(len(is_settled)), kept.at(is_settled), 1.0),
                              (np.arange(len(is_settled)), sure.at(at), -1.0)], 0.0),
    ]  # fmt: skip
    if on is not None:
        purchase_terms: list[Terms] = [(rows, sold.all, 1.0), (rows, on[position], -span)]
        row_blocks.append(("sold_if_bought", rows, purchase_terms, 0.0))
    for name, used, added, upper in row_blocks:
        row_labels = {key: ids[used] for key, ids in labels.items()}
        model.add_rows(name, rule="B10", labels=row_labels, terms=added, upper=upper)
    lost_price = np.where(later + 1 < decided, terms.clawback[k], 0.0)
    price, deferred = terms.price[k], terms.deferred_share[k]
    first_price = (price * (1 - deferred) - lost_price) * unit
    return position, [(sold, first_price), (kept, (price * deferred + lost_price) * unit)]


def providers_get_back_what_is_withheld(
    model: Model,
    problem: BudgetProblem,
    scale: Scale,
    position: Ints | None,
    paid: list[tuple[Block, Floats]],
) -> None:
    """(B10) Over the decided years results pay a provider at least what is withheld."""
    p, decided = np.flatnonzero(problem.provider_terms.consents), len(problem.horizon.years)
    if len(p) == 0:
        return
    programmes, term_count = len(problem.programmes.ids), len(problem.provider_terms.programme)
    spend = model.columns["spend"].at(np.arange(decided)[:, None] * programmes + p)
    terms: list[Terms] = [(np.arange(len(p))[None, :], spend, problem.provider_terms.withheld[p])]
    if position is not None:
        row = np.searchsorted(p, problem.provider_terms.programme[position % term_count])
        terms += [(row, block.all, -gbp / scale.money_gbp) for block, gbp in paid]
    labels = {"programme_id": problem.programmes.ids[p]}
    # payments are rounded
    rounding = min(0.1, 5e-9 * float(problem.programmes.base_spend.sum())) / scale.money_gbp
    model.add_rows("consent", rule="B10", labels=labels, terms=terms, upper=rounding)
