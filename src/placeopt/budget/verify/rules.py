"""Breaches of each rule of one place budget: money, outcomes, pace, commitments.

(B1) one budget, (B2) streams, (B3) statutory, (B4) outcomes, (B5) pace, (B12) uncertainty and
(B13) continuity, in every decided year, in plain Python from the tables.
"""

from __future__ import annotations

import math
from collections import defaultdict

from placeopt.budget.verify.by_results import refunds
from placeopt.budget.verify.outcomes import (
    OutcomeLevels,
    bad_levels,
    outcome_levels,
    paid_back,
    rewards,
)
from placeopt.budget.verify.registry import checks
from placeopt.budget.verify.timeline import (
    Breach,
    Names,
    Timeline,
    actual_spend_keys,
    outcome_tolerance,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Capital,
    Continuity,
    OneBudget,
    Outcomes,
    Pace,
    Statutory,
    Streams,
    Uncertainty,
)


@checks(OneBudget)
def one_budget(
    place: Place, scenario: Scenario, rule: OneBudget, timeline: Timeline
) -> list[Breach]:
    """(B1) Payments and clawbacks over the total and rewards; with carry-over, reserves below 0."""
    base, years_past = sum(timeline.spend_today.values()), past_years(place, scenario)
    reserve, breaches = rule.opening_reserve_gbp, []
    by_year = in_and_out(place, scenario, rule, timeline)
    for year, (limit, paid) in zip(timeline.years, by_year, strict=True):
        if rule.carry_over:
            reserve += limit - paid
            if year not in years_past:
                breaches.append((-reserve, tolerance(limit), f"the reserve of {year}", "GBP"))
        elif year not in years_past:
            breaches.append((paid - limit, tolerance(limit), f"the total of {year}", "GBP"))
    if rule.carry_over:
        shortfall = rule.opening_reserve_gbp - reserve
        what = "the reserve at the end against the one at the start"
        breaches.append((shortfall, tolerance(base), what, "GBP"))
    return breaches


def in_and_out(
    place: Place, scenario: Scenario, rule: OneBudget, timeline: Timeline
) -> list[tuple[float, float]]:
    """(B1) By year, GBP of the total with all other income, and GBP paid or paid back."""
    base, earned = sum(timeline.spend_today.values()), rewards(place, scenario, timeline)
    paid_back_gbp, refunded = (
        paid_back(place, scenario, timeline),
        refunds(place, scenario, timeline),
    )
    return [
        (
            rule.total(base, at) + earned[at] + sum(refunded[at].values()),
            sum(timeline.payments[at].values()) + paid_back_gbp[at],
        )
        for at in range(len(timeline.years))
    ]


@checks(Streams)
def streams(place: Place, scenario: Scenario, rule: Streams, timeline: Timeline) -> list[Breach]:
    """(B2) Overspent streams, and payments outside a ring-fence."""
    amount = {(row.stream_id, row.year): row.amount_gbp for row in rows_of(place.stream_amounts)}
    allowed_pairs = set(
        zip(
            place.stream_programmes["stream_id"],
            place.stream_programmes["programme_id"],
            strict=True,
        )
    )
    only_capital, names = rule_of(scenario, Capital) is not None, Names(place)
    capital = {row.stream_id for row in rows_of(place.streams) if row.purpose == "capital"}
    fenced_streams = capital | {
        row.stream_id
        for row in rows_of(place.streams)
        if row.ring_fenced and row.stream_id not in rule.release
    }
    breaches: list[Breach] = []
    carried: dict[str, float] = defaultdict(float)
    years_past = past_years(place, scenario)
    for at, year in enumerate(timeline.years):
        spent: dict[str, float] = defaultdict(float)
        for (programme, stream), gbp in timeline.payments[at].items():
            spent[stream] += gbp
            is_outside = stream in fenced_streams and (stream, programme) not in allowed_pairs
            if gbp != 0 and (is_outside or (only_capital and stream in capital)):
                what = (
                    f"{names.stream(stream)} pays for {names.programme(programme)} outside its "
                    f"ring-fence in {year}"
                )
                breaches.append((abs(gbp), tolerance(0), what, "GBP"))
        for stream in place.streams["stream_id"]:
            limit = amount.get((stream, year), 0.0) + carried[stream]
            excess = spent[stream] - limit
            if year not in years_past:
                what = f"{names.stream(stream)} in {year}"
                breaches.append((excess, tolerance(limit), what, "GBP"))
            if rule.unspent == "carried":
                carried[stream] = -excess
    return breaches


@checks(Statutory)
def statutory(
    place: Place, scenario: Scenario, rule: Statutory, timeline: Timeline
) -> list[Breach]:
    """(B3) How far below its floor a programme is."""
    breaches: list[Breach] = []
    names = Names(place)
    years_past = past_years(place, scenario)
    for row in rows_of(place.programmes):
        key = row.programme_id
        floor = rule.floors_gbp.get(key, row.statutory_floor_gbp_per_year)
        for at, year in enumerate(timeline.years):
            if floor > 0 and year not in years_past:
                shortfall = floor - timeline.spend[at][key]
                what = f"{names.programme(key)} in {year}"
                breaches.append((shortfall, tolerance(floor), what, "GBP"))
    return breaches


@checks(Outcomes)
def outcomes(place: Place, scenario: Scenario, rule: Outcomes, timeline: Timeline) -> list[Breach]:
    """(B4) How far an outcome misses a standard, or a target that must be met."""
    levels, years_past = outcome_levels(place, timeline), past_years(place, scenario)
    return _missed(place, rule, timeline, levels, targets=True, years_past=years_past)


@checks(Uncertainty)
def uncertainty(
    place: Place, scenario: Scenario, rule: Uncertainty, timeline: Timeline
) -> list[Breach]:
    """(B12) How far an outcome misses its minimum standard in bad evidence."""
    outcome_rule = rule_of(scenario, Outcomes)
    if outcome_rule is None:
        return []
    bad = bad_levels(place, rule, timeline)
    years_past = past_years(place, scenario)
    return _missed(
        place,
        outcome_rule,
        timeline,
        bad,
        targets=False,
        where=" in bad evidence",
        years_past=years_past,
    )


def _missed(
    place: Place,
    rule: Outcomes,
    timeline: Timeline,
    levels: tuple[OutcomeLevels, ...],
    *,
    targets: bool,
    years_past: set[int],
    where: str = "",
) -> list[Breach]:
    breaches: list[Breach] = []
    names = Names(place)
    for row in rows_of(place.outcomes):
        terms, key = rule.terms(row.outcome_id), row.outcome_id
        sign = -1.0 if row.direction == "lower" else 1.0
        limits = []
        if terms.minimum_holds:
            limits.append(("standard", terms.minimum_standard, row.minimum_standard))
        if targets and terms.targets == "hold":
            limits.append(("target", terms.target, row.target))
        for what, stated, table in limits:
            limit = table if stated is None else stated
            for at, year in enumerate(timeline.years):
                is_early = rule.from_year is not None and year < rule.from_year
                if math.isnan(limit) or is_early or year in years_past:
                    continue
                allowed = outcome_tolerance(limit, row.baseline)
                shortfall = sign * (limit - levels[at][key])
                subject = f"{what} of {names.outcome(key)}{where} in {year}"
                breaches.append((shortfall, allowed, subject, row.unit))
    return breaches


@checks(Pace)
def pace(place: Place, scenario: Scenario, rule: Pace, timeline: Timeline) -> list[Breach]:
    """(B5) How far a programme fell or rose beyond its pace, or fell within its notice.

    Double running (units that close too soon) is checked with the units, by rule B6's check.
    """
    breaches: list[Breach] = []
    notice = dict(
        zip(place.programmes["programme_id"], place.programmes["notice_years"], strict=True)
    )
    actual = actual_spend_keys(place, scenario)
    years_past, names = past_years(place, scenario), Names(place)
    for at, year in enumerate(timeline.years):
        for key, today in timeline.spend_today.items():
            if today == 0 or (key, year) in actual:
                continue
            previous, spend = timeline.previous_spend(at)[key], timeline.spend[at][key]
            allowed, what = tolerance(today), f"{names.programme(key)} in {year}"
            if rule.largest_cut_share is not None and key not in rule.exempt:
                breaches.append(
                    (previous * (1 - rule.largest_cut_share) - spend, allowed, what, "GBP")
                )
            if rule.largest_rise_share is not None and key not in rule.exempt:
                breaches.append(
                    (spend - previous * (1 + rule.largest_rise_share), allowed, what, "GBP")
                )
            if rule.notice and at < notice[key] and year not in years_past:
                breaches.append((today - spend, allowed, f"notice of {what}", "GBP"))
    return breaches


@checks(Continuity)
def continuity(
    place: Place, scenario: Scenario, rule: Continuity, timeline: Timeline
) -> list[Breach]:
    """(B13) Spending below the contracted amount, or different from actual spending."""
    breaches: list[Breach] = []
    names = Names(place)
    for row in rows_of(place.commitments):
        if row.year not in timeline.years:
            continue
        spend = timeline.spend[timeline.years.index(row.year)][row.programme_id]
        shortfall = row.amount_gbp - spend
        excess = abs(shortfall) if row.kind == "actual" else shortfall
        what = f"{names.programme(row.programme_id)} in {row.year}, {row.kind}"
        breaches.append((excess, tolerance(row.amount_gbp), what, "GBP"))
    return breaches
