"""Breaches of the rules about units, prevention, partners and purchases.

(B6) prevention, (B7) reinvestment, (B8) through the place and (B10) commissioning, in every decided
year, in plain Python from the tables.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from placeopt.budget.verify.by_results import withheld_but_not_earned
from placeopt.budget.verify.outcomes import outcome_levels
from placeopt.budget.verify.registry import checks
from placeopt.budget.verify.timeline import (
    Breach,
    Names,
    Timeline,
    do_nothing_spend,
    past_years,
    rows_of,
    rule_of,
    tolerance,
    whole_units,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Commissioning,
    Pace,
    Prevention,
    Reinvestment,
    ThroughThePlace,
)


@checks(Prevention)
def prevention(
    place: Place, scenario: Scenario, rule: Prevention, timeline: Timeline
) -> list[Breach]:
    """(B6) Units that are not whole, too few units, or money freed without closing a unit.

    Units must meet the demand of the year and, with double running (B5), of recent years. In past
    years units must be those that the spending paid for.
    """
    levels = outcome_levels(place, timeline)
    demand_today = dict(zip(place.outcomes["outcome_id"], place.outcomes["baseline"], strict=True))
    pace_rule = rule_of(scenario, Pace)
    double_running = pace_rule.double_running_years if pace_rule else 0
    breaches: list[Breach] = []
    years_past, names = past_years(place, scenario), Names(place)
    for row in rows_of(place.provision):
        key, outcome = row.programme_id, row.outcome_id
        needed = [whole_units(demand_today[outcome], row.unit_capacity)]
        needed += [whole_units(level[outcome], row.unit_capacity) for level in levels]
        for at, year in enumerate(timeline.years):
            units_run, subject = timeline.units[at][key], f"of {names.programme(key)} in {year}"
            if math.isnan(units_run):
                breaches.append((math.inf, 1.0, f"units {subject} are not stated", row.unit))
                continue
            breaches.append(
                (abs(units_run - round(units_run)), 1e-6, f"whole units {subject}", row.unit)
            )
            min_units = max(needed[max(0, at + 1 - double_running) : at + 2])
            if years_past.issuperset(timeline.years[: at + 1]):
                previous_units = timeline.units[at - 1][key] if at else timeline.units_today[key]
                cost = max(row.unit_cost_gbp_per_year, 1e-12)
                units_lost = (timeline.spend_today[key] - timeline.spend[at][key]) / cost
                affordable = math.floor(timeline.units_today[key] - units_lost + 1e-6)
                deviation = abs(max(min(previous_units, affordable), min_units) - units_run)
                breaches.append((deviation, 1e-6, f"units {subject}, as they were", row.unit))
                continue
            breaches.append((min_units - units_run, 1e-6, f"units {subject}", row.unit))
            freed = (timeline.units_today[key] - units_run) * row.unit_cost_gbp_per_year
            shortfall = timeline.spend_today[key] - freed - timeline.spend[at][key]
            what = f"money freed {subject} beyond its closed units"
            breaches.append((shortfall, tolerance(timeline.spend_today[key]), what, "GBP"))
    return breaches


@checks(Reinvestment)
def reinvestment(
    place: Place, scenario: Scenario, rule: Reinvestment, timeline: Timeline
) -> list[Breach]:
    """(B7) How much less than its share of savings goes to prevention."""
    kind = dict(zip(place.programmes["programme_id"], place.programmes["kind"], strict=True))
    breaches: list[Breach] = []
    years_past = past_years(place, scenario)
    for at, year in enumerate(timeline.years):
        if year in years_past:
            continue
        spend, unchanged = timeline.spend[at], do_nothing_spend(place, timeline, year)
        savings = sum(unchanged[key] - spend[key] for key in spend if kind[key] != "preventive")
        added = sum(
            spend[key] - timeline.spend_today[key] for key in spend if kind[key] == "preventive"
        )
        required = rule.share * max(0.0, savings)
        breaches.append((required - added, tolerance(required), f"prevention in {year}", "GBP"))
    return breaches


@checks(ThroughThePlace)
def through_the_place(
    place: Place, scenario: Scenario, rule: ThroughThePlace, timeline: Timeline
) -> list[Breach]:
    """(B8) How much less than its share of revenue an agency puts into pooled programmes."""
    programmes = place.programmes
    pooled = dict(zip(programmes["programme_id"], programmes["pooled"], strict=True))
    amount = {(row.stream_id, row.year): row.amount_gbp for row in rows_of(place.stream_amounts)}
    payer = {
        row.stream_id: row.agency_id
        for row in rows_of(place.streams)
        if row.purpose == "revenue" and row.agency_id
    }
    breaches: list[Breach] = []
    years_past, names = past_years(place, scenario), Names(place)
    for at, year in enumerate(timeline.years[: rule.first_years]):
        if year in years_past:
            continue
        revenue: dict[str, float] = defaultdict(float)
        contributed: dict[str, float] = defaultdict(float)
        for stream, agency in payer.items():
            revenue[agency] += amount.get((stream, year), 0.0)
        for (programme, stream), gbp in timeline.payments[at].items():
            if stream in payer and pooled[programme]:
                contributed[payer[stream]] += gbp
        for agency, gbp in revenue.items():
            required = rule.share * gbp
            what = f"{names.agency(agency)} through the place in {year}"
            breaches.append((required - contributed[agency], tolerance(required), what, "GBP"))
    return breaches


@checks(Commissioning)
def commissioning(
    place: Place, scenario: Scenario, rule: Commissioning, timeline: Timeline
) -> list[Breach]:
    """(B10) Breaches of the rules of purchase.

    A programme is bought below its efficient scale, beside an alternative, without its group, below
    today within a contract or not to the end of its contract, or its provider gets less than is
    withheld.
    """
    breaches = withheld_but_not_earned(place, scenario, timeline)
    years_past, names = past_years(place, scenario), Names(place)
    for at, year in enumerate(timeline.years):
        spend = timeline.spend[at]
        bought: dict[str, list[str]] = defaultdict(list)
        for row in rows_of(place.programmes):
            key, minimum_scale = row.programme_id, row.minimum_scale_gbp_per_year
            if spend[key] > 0 and minimum_scale > 0 and year not in years_past:
                what = f"{names.programme(key)} below its efficient scale in {year}"
                breaches.append((minimum_scale - spend[key], tolerance(minimum_scale), what, "GBP"))
            if spend[key] > 0 and row.one_of:
                bought[row.one_of].append(key)
            contract_until = row.contract_until_year
            if not _empty(contract_until) and year <= contract_until and year not in years_past:
                shortfall = timeline.spend_today[key] - spend[key]
                what = f"contract of {names.programme(key)} in {year}"
                breaches.append((shortfall, tolerance(timeline.spend_today[key]), what, "GBP"))
        for row in rows_of(place.programmes):
            key = row.programme_id
            if spend[key] > 0 and timeline.previous_spend(at)[key] == 0:
                for later in range(at + 1, min(at + row.contract_years, len(timeline.years))):
                    has_ended = (
                        timeline.spend[later][key] == 0 and timeline.years[later] not in years_past
                    )
                    excess = 1.0 if has_ended else 0.0
                    what = (
                        f"contract of {names.programme(key)}, begun in {year}, in "
                        f"{timeline.years[later]}"
                    )
                    breaches.append((excess, 0.5, what, "programmes"))
        if year in years_past:
            continue
        for choice, keys in bought.items():
            alternatives = ", ".join(map(names.programme, keys))
            what = f"alternatives of {choice} bought in {year}: {alternatives}"
            breaches.append((len(keys) - 1.0, 0.5, what, "programmes"))
        for group in rule.coherent:
            bought_members = [key for key in group if spend[key] > 0]
            partial_size = float(len(bought_members)) if len(bought_members) < len(group) else 0.0
            what = f"{', '.join(map(names.programme, group))} bought apart in {year}"
            breaches.append((partial_size, 0.5, what, "programmes"))
    return breaches


def _empty(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value != value
