"""Pots of capital (B11): what each holds, what it may pay for, and whether it carries over.

A pot is a capital stream, or all of them together, or the receipts. Unused receipts carry over to
the next year; money of streams only where unspent money is carried (B2).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Ints
from placeopt.budget.problem import parts
from placeopt.budget.problem.money import amounts, may_pay
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Capital, Streams


def capital_pots(place: Place, scenario: Scenario, years: Ints) -> parts.Capital:
    """What starts cost in capital, and the pots; the last pot is the receipts."""
    programmes = len(place.programmes)
    rule = next(iter(scenario.of(Capital)), None)
    if rule is None:
        money, pays = np.zeros((len(years), 0)), np.zeros((0, programmes), bool)
        return parts.Capital(np.zeros(programmes), money, pays, np.zeros(0, bool))
    capital = (place.streams["purpose"] == "capital").to_numpy()
    income = np.stack([np.nan_to_num(amounts(place, int(year))[0])[capital] for year in years])
    pays = may_pay(place, None).T[capital]
    if rule.pots == "one":
        income, pays = income.sum(axis=1, keepdims=True), np.ones((1, programmes), bool)
    receipts = np.array([[rule.receipts(t)] for t in range(len(years))])
    carried = any(streams.unspent == "carried" for streams in scenario.of(Streams))
    return parts.Capital(
        cost=place.programmes["capital_gbp"].to_numpy(float),
        pot_money=np.hstack([income, receipts]),
        pot_pays=np.vstack([pays, np.ones((1, programmes), bool)]),
        pot_carried=np.append(np.full(income.shape[1], carried), True),
    )
