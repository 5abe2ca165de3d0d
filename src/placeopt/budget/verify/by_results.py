"""What providers who are paid by results earn, lose and give back, from the tables alone (B10).

A programme's spending is its price. The place withholds a share of it and, for every year in which
the programme is bought, pays for each unit by which the outcome is better than ``paid_from``, up to
``paid_to``. The part that is not deferred is due a year later. The deferred part is due
``deferred_years`` after that, and only for units that still hold; for units that do not, the
provider also gives back ``clawback_gbp_per_unit``. What is due after the decided years is set aside
in the last one, as if it held. The model that was solved is not used.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from placeopt.budget.verify.outcomes import outcome_levels
from placeopt.budget.verify.timeline import (
    Breach,
    GbpById,
    Names,
    Timeline,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Commissioning


@dataclass(frozen=True)
class ProviderResult:
    """The result of one row of ``provider_terms`` in one year.

    Attributes:
        position: The position of the year.
        terms: The row of ``provider_terms``.
        level: The outcome's level.
        earned_units: Units that are paid for.
        lost_units: Of these, units that have not lasted when the deferred part is due.
    """

    position: int
    terms: Any
    level: float
    earned_units: float
    lost_units: float

    @property
    def earned_gbp(self) -> float:
        return float(self.terms.gbp_per_unit * self.earned_units)

    @property
    def deferred_gbp(self) -> float:
        return float(self.terms.deferred_share * self.earned_gbp)

    @property
    def not_paid_gbp(self) -> float:
        return float(self.terms.deferred_share * self.terms.gbp_per_unit * self.lost_units)

    @property
    def clawback_gbp(self) -> float:
        return float(self.terms.clawback_gbp_per_unit * self.lost_units)


def results(place: Place, scenario: Scenario, timeline: Timeline) -> list[ProviderResult]:
    """The results of every year and row of terms; none where rule B10 is not in force."""
    if rule_of(scenario, Commissioning) is None:
        return []
    direction = dict(zip(place.outcomes["outcome_id"], place.outcomes["direction"], strict=True))
    levels, year_count, results = outcome_levels(place, timeline), len(timeline.years), []
    for row in rows_of(place.provider_terms):
        sign = -1.0 if direction[row.outcome_id] == "lower" else 1.0
        max_units = sign * (row.paid_to - row.paid_from)
        paid_units = [
            min(max_units, max(0.0, sign * (level[row.outcome_id] - row.paid_from)))
            for level in levels[:year_count]
        ]
        for at in range(year_count):
            earned = paid_units[at] if timeline.spend[at][row.programme_id] > 0 else 0.0
            is_settled = at + 1 + row.deferred_years < year_count
            lost = max(0.0, earned - paid_units[at + row.deferred_years]) if is_settled else 0.0
            results.append(ProviderResult(at, row, levels[at][row.outcome_id], earned, lost))
    return results


def due_by_results(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """By year and programme, GBP due by results less what is withheld for them."""
    last = len(timeline.years) - 1
    due: list[GbpById] = [defaultdict(float) for _ in timeline.years]
    for result in results(place, scenario, timeline):
        key, later = result.terms.programme_id, result.position + 1 + result.terms.deferred_years
        due[result.position][key] -= (
            result.terms.withheld_share * timeline.spend[result.position][key]
        )
        due[min(last, result.position + 1)][key] += result.earned_gbp - result.deferred_gbp
        due[min(last, later)][key] += result.deferred_gbp - result.not_paid_gbp
    return tuple({key: by_programme[key] for key in timeline.spend_today} for by_programme in due)


def refunds(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """By year and programme, GBP that its provider gives back."""
    refunded: list[GbpById] = [dict.fromkeys(timeline.spend_today, 0.0) for _ in timeline.years]
    for result in results(place, scenario, timeline):
        at = result.position + 1 + result.terms.deferred_years
        if at < len(refunded):
            refunded[at][result.terms.programme_id] += result.clawback_gbp
    return tuple(refunded)


def withheld_but_not_earned(place: Place, scenario: Scenario, timeline: Timeline) -> list[Breach]:
    """The shortfall of payments by results from the withheld amount, of a provider that is not a
    donor.

    Over the decided years. A provider that was bought from in a past year (B13) has consented.
    """
    paid: GbpById = {}
    for result in results(place, scenario, timeline):
        if not result.terms.donor:
            key, spent = result.terms.programme_id, timeline.spend[result.position]
            earned = result.earned_gbp - result.not_paid_gbp - result.clawback_gbp
            paid[key] = paid.get(key, 0.0) + earned - result.terms.withheld_share * spent[key]
    years_past, breaches = past_years(place, scenario), []
    for key, gbp in paid.items():
        is_own = place.provider_terms["programme_id"] == key
        withheld = float(place.provider_terms.loc[is_own, "withheld_share"].sum())
        has_begun = any(
            spend[key] > 0
            for year, spend in zip(timeline.years, timeline.spend, strict=True)
            if year in years_past
        )
        if withheld > 0 and not has_begun:
            total_withheld = withheld * sum(spend[key] for spend in timeline.spend)
            provider = f"the provider of {Names(place).programme(key)}"
            what = f"withheld from {provider} against what results pay it"
            breaches.append((-gbp, tolerance(total_withheld), what, "GBP"))
    return breaches
