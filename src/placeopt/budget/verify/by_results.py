"""What providers who are paid by results earn, lose and give back, from the tables alone (B10).

A programme's spending is its price; the place withholds a share of it and pays for each unit by
which the outcome is better than ``paid_from``, up to ``paid_to``, of every year in which the
programme is bought. The part that is not deferred is due a year later; the deferred part
``deferred_years`` after that, and only for what is held then: for what is not, the provider also
gives back ``clawback_gbp_per_unit``. What is due after the decided years is set aside in the last
one, as if it were held. It knows nothing of the model that was solved.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from placeopt.budget.verify.outcomes import outcome_levels
from placeopt.budget.verify.timeline import (
    Breach,
    GbpById,
    Timeline,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.place import Place
from placeopt.scenario import Scenario


@dataclass(frozen=True)
class ProviderResult:
    """Of one row of ``provider_terms`` and the year at ``position``."""

    position: int
    terms: Any
    level: float
    earned_units: float
    lost_units: float  # not held when the deferred part is due

    @property
    def earned_gbp(self) -> float:
        return self.terms.gbp_per_unit * self.earned_units

    @property
    def deferred_gbp(self) -> float:
        return self.terms.deferred_share * self.earned_gbp

    @property
    def not_paid_gbp(self) -> float:
        return self.terms.deferred_share * self.terms.gbp_per_unit * self.lost_units

    @property
    def clawback_gbp(self) -> float:
        return self.terms.clawback_gbp_per_unit * self.lost_units


def results(place: Place, scenario: Scenario, timeline: Timeline) -> list[ProviderResult]:
    """Of every year and row of terms; none where rule B10 is not in force."""
    if rule_of(scenario, "commissioning") is None:
        return []
    direction = dict(zip(place.outcomes["outcome_id"], place.outcomes["direction"], strict=True))
    levels, many, found = outcome_levels(place, timeline), len(timeline.years), []
    for row in rows_of(place.provider_terms):
        sign = -1.0 if direction[row.outcome_id] == "lower" else 1.0
        most = sign * (row.paid_to - row.paid_from)
        scale = [
            min(most, max(0.0, sign * (level[row.outcome_id] - row.paid_from)))
            for level in levels[:many]
        ]
        for at in range(many):
            earned = scale[at] if timeline.spend[at][row.programme_id] > 0 else 0.0
            settled = at + 1 + row.deferred_years < many
            lost = max(0.0, earned - scale[at + row.deferred_years]) if settled else 0.0
            found.append(ProviderResult(at, row, levels[at][row.outcome_id], earned, lost))
    return found


def due_by_results(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """By year and programme, GBP that results make due less what is withheld for them."""
    last = len(timeline.years) - 1
    due: list[GbpById] = [defaultdict(float) for _ in timeline.years]
    for one in results(place, scenario, timeline):
        key, later = one.terms.programme_id, one.position + 1 + one.terms.deferred_years
        due[one.position][key] -= one.terms.withheld_share * timeline.spend[one.position][key]
        due[min(last, one.position + 1)][key] += one.earned_gbp - one.deferred_gbp
        due[min(last, later)][key] += one.deferred_gbp - one.not_paid_gbp
    return tuple({key: own[key] for key in timeline.spend_today} for own in due)


def refunds(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """By year and programme, GBP that its provider gives back."""
    back: list[GbpById] = [dict.fromkeys(timeline.spend_today, 0.0) for _ in timeline.years]
    for one in results(place, scenario, timeline):
        at = one.position + 1 + one.terms.deferred_years
        if at < len(back):
            back[at][one.terms.programme_id] += one.clawback_gbp
    return tuple(back)


def not_paid_back(place: Place, scenario: Scenario, timeline: Timeline) -> list[Breach]:
    """How much less than what is withheld results pay a provider that is no donor, over the decided
    years; one from whom a past year (B13) has bought has consented."""
    paid: GbpById = {}
    for one in results(place, scenario, timeline):
        if not one.terms.donor:
            key, spent = one.terms.programme_id, timeline.spend[one.position]
            got = one.earned_gbp - one.not_paid_gbp - one.clawback_gbp
            paid[key] = paid.get(key, 0.0) + got - one.terms.withheld_share * spent[key]
    past, breaches = past_years(place, scenario), []
    for key, gbp in paid.items():
        own = place.provider_terms["programme_id"] == key
        withheld = float(place.provider_terms.loc[own, "withheld_share"].sum())
        begun = any(
            spend[key] > 0
            for year, spend in zip(timeline.years, timeline.spend, strict=True)
            if year in past
        )
        if withheld > 0 and not begun:
            all_of_it = withheld * sum(spend[key] for spend in timeline.spend)
            what = f"withheld from the provider of {key} against what results pay it"
            breaches.append((-gbp, tolerance(all_of_it), what, "GBP"))
    return breaches
