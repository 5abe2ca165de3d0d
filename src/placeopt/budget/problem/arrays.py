"""The budget problem: the parts of the statement, and what limits spending on the whole.

A problem is frozen: it is changed with ``dataclasses.replace``. What follows from spending stands
in ``effects`` (outcomes), ``cash_flows`` (money) and ``objective_values``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.problem.parts import (
    Agencies,
    Capital,
    Curves,
    Evidence,
    Horizon,
    Money,
    Objectives,
    Outcomes,
    Pairs,
    Programmes,
    Purchases,
    Rewards,
    Shares,
    SpendLimits,
    Standards,
    Streams,
    WholeUnits,
)
from placeopt.budget.problem.payment_by_results import ProviderTerms

OBJECTIVES = {
    "weighted_outcomes": "weighted baseline-to-target ranges (minus sign: a gain)",
    "least_money": "GBP/year",
    "fairest": "baseline-to-target ranges short of target, worst outcome",
    "least_disruption": "GBP/year moved up or down",
}
WEIGHTED_UNIT = "GBP, as weighted"  # unit of the sum of those that the scenario weighs


def sum_by_group(values: Floats, at: Ints, size: int) -> Floats:
    """(T, size) the columns of ``values`` (T, N) summed by the group ``at`` (N,) of each."""
    return np.stack([np.bincount(at, row, size).astype(float) for row in values])


@dataclass(frozen=True)
class BudgetProblem:
    """The decided years' budget problem, in parts.

    Attributes:
        horizon: The decided years.
        programmes: What money is spent on.
        limits: Between what their spending may lie (B3, B5, B10, B13).
        purchases: Which of them are bought or not (B10).
        streams: Where money comes from (B2).
        pairs: Which stream may pay for which programme.
        money: The one budget (B1).
        outcomes: What spending is to improve.
        standards: What outcomes must reach (B4).
        rewards: What others pay and take back for outcomes (B4).
        curves: What spending does for outcomes.
        units: Whole units that serve demand (B6).
        shares: Shares of money that have a purpose (B7, B8).
        capital: What starts cost in capital, and who pays it (B11).
        agencies: Who owns streams and runs programmes (B9).
        evidence: How sure the curves are (B12).
        provider_terms: Terms of providers that are paid by results (B10).
        objectives: What is minimised.
        display_names: What people call each id.
        relaxed_rule: Number of a rule that may be breached at a price, "" for none.
    """

    horizon: Horizon
    programmes: Programmes
    limits: SpendLimits
    purchases: Purchases
    streams: Streams
    pairs: Pairs
    money: Money
    outcomes: Outcomes
    standards: Standards
    rewards: Rewards
    curves: Curves
    units: WholeUnits
    shares: Shares
    capital: Capital
    agencies: Agencies
    evidence: Evidence
    provider_terms: ProviderTerms
    objectives: Objectives
    display_names: dict[str, str]
    relaxed_rule: str = ""

    @property
    def lower(self) -> Floats:
        """(T, P) the least that may be spent."""
        if self.relaxed_rule:
            floor = (
                np.zeros_like(self.limits.floor) if self.relaxed_rule == "B3" else self.limits.floor
            )
            return np.minimum(floor, self.limits.upper)
        kept_share, pace_floor = (
            1 - np.minimum(self.limits.pace_cut, 1.0),
            np.empty_like(self.limits.upper),
        )
        previous = self.programmes.base_spend
        for t, actual in enumerate(self.limits.actual_spend):  # restart after actual years
            pace_floor[t] = previous = np.where(np.isnan(actual), previous * kept_share, actual)
        least = np.maximum(
            np.maximum(self.limits.floor, pace_floor),
            np.maximum(self.limits.notice_floor, self.limits.contract_floor),
        )
        least = np.maximum(least, self.limits.contracted_floor)
        least = np.where(np.isnan(self.limits.actual_spend), least, self.limits.actual_spend)
        return np.minimum(least, self.limits.upper)
