"""How far a course breaches each rule of one place budget: money, outcomes, pace, commitments.

(B1) one budget, (B2) streams, (B3) statutory, (B4) outcomes, (B5) pace, (B12) uncertainty and
(B13) continuity, in every decided year, in plain Python from the tables.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from placeopt.budget.verify.by_results import refunds
from placeopt.budget.verify.outcomes import (
    OutcomeLevels,
    bad_levels,
    outcome_levels,
    paid_back,
    rewards,
)
from placeopt.budget.verify.timeline import (
    Breach,
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


def one_budget(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B1) What is paid, and goes back, over the total and rewards; with carry-over, the reserve
    below nothing."""
    base, past = sum(timeline.spend_today.values()), past_years(place, scenario)
    reserve, breaches = rule.opening_reserve_gbp, []
    of_years = in_and_out(place, scenario, rule, timeline)
    for year, (limit, paid) in zip(timeline.years, of_years, strict=True):
        if rule.carry_over:
            reserve += limit - paid
            if year not in past:
                breaches.append((-reserve, tolerance(limit), f"the reserve of {year}", "GBP"))
        elif year not in past:
            breaches.append((paid - limit, tolerance(limit), f"the total of {year}", "GBP"))
    if rule.carry_over:
        short = rule.opening_reserve_gbp - reserve
        what = "the reserve at the end against the one at the start"
        breaches.append((short, tolerance(base), what, "GBP"))
    return breaches


def in_and_out(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline
) -> list[tuple[float, float]]:
    """(B1) By year, GBP of the total with all that comes in besides, and GBP paid or given back."""
    base, earned = sum(timeline.spend_today.values()), rewards(place, scenario, timeline)
    back, given = paid_back(place, scenario, timeline), refunds(place, scenario, timeline)
    return [
        (
            rule.total(base, at) + earned[at] + sum(given[at].values()),
            sum(timeline.payments[at].values()) + back[at],
        )
        for at in range(len(timeline.years))
    ]


def streams(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B2) Overspent streams, and payments outside a ring-fence."""
    amount = {(row.stream_id, row.year): row.amount_gbp for row in rows_of(place.stream_amounts)}
    named = set(
        zip(
            place.stream_programmes["stream_id"],
            place.stream_programmes["programme_id"],
            strict=True,
        )
    )
    only_capital = rule_of(scenario, "capital") is not None
    capital = {row.stream_id for row in rows_of(place.streams) if row.purpose == "capital"}
    fenced = capital | {
        row.stream_id
        for row in rows_of(place.streams)
        if row.ring_fenced and row.stream_id not in rule.release
    }
    breaches: list[Breach] = []
    kept: dict[str, float] = defaultdict(float)
    past = past_years(place, scenario)
    for at, year in enumerate(timeline.years):
        spent: dict[str, float] = defaultdict(float)
        for (programme, stream), gbp in timeline.payments[at].items():
            spent[stream] += gbp
            outside = stream in fenced and (stream, programme) not in named
            if gbp != 0 and (outside or (only_capital and stream in capital)):
                what = f"stream {stream} pays for {programme} outside its ring-fence in {year}"
                breaches.append((abs(gbp), tolerance(0), what, "GBP"))
        for stream in place.streams["stream_id"]:
            limit = amount.get((stream, year), 0.0) + kept[stream]
            over = spent[stream] - limit
            if year not in past:
                breaches.append((over, tolerance(limit), f"stream {stream} in {year}", "GBP"))
            if rule.unspent == "carried":
                kept[stream] = -over
    return breaches


def statutory(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B3) How far below its floor a programme is."""
    breaches: list[Breach] = []
    past = past_years(place, scenario)
    for row in rows_of(place.programmes):
        key = row.programme_id
        floor = rule.floors_gbp.get(key, row.statutory_floor_gbp_per_year)
        for at, year in enumerate(timeline.years):
            if floor > 0 and year not in past:
                short = floor - timeline.spend[at][key]
                breaches.append((short, tolerance(floor), f"programme {key} in {year}", "GBP"))
    return breaches


def outcomes(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B4) How far an outcome misses a standard, or a target that must be met."""
    levels, past = outcome_levels(place, timeline), past_years(place, scenario)
    return _missed(place, rule, timeline, levels, targets=True, past=past)


def uncertainty(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B12) How far an outcome misses its minimum standard in bad evidence."""
    held = rule_of(scenario, "outcomes")
    if held is None:
        return []
    bad = bad_levels(place, rule, timeline)
    past = past_years(place, scenario)
    return _missed(place, held, timeline, bad, targets=False, where=" in bad evidence", past=past)


def _missed(
    place: Place,
    rule: Any,
    timeline: Timeline,
    levels: tuple[OutcomeLevels, ...],
    *,
    targets: bool,
    past: set[int],
    where: str = "",
) -> list[Breach]:
    breaches: list[Breach] = []
    for row in rows_of(place.outcomes):
        terms, key = rule.terms(row.outcome_id), row.outcome_id
        sign = -1.0 if row.direction == "lower" else 1.0
        wanted = []
        if terms.minimum_holds:
            wanted.append(("standard", terms.minimum_standard, row.minimum_standard))
        if targets and terms.targets == "hold":
            wanted.append(("target", terms.target, row.target))
        for what, own, table in wanted:
            limit = table if own is None else own
            for at, year in enumerate(timeline.years):
                early = rule.from_year is not None and year < rule.from_year
                if math.isnan(limit) or early or year in past:
                    continue
                near = outcome_tolerance(limit, row.baseline)
                short = sign * (limit - levels[at][key])
                breaches.append((short, near, f"{what} of {key}{where} in {year}", row.unit))
    return breaches


def pace(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B5) How far a programme fell or rose past its pace, or fell within its notice.

    Double running (units that close too soon) is checked with the units, by rule B6's check.
    """
    breaches: list[Breach] = []
    notice = dict(
        zip(place.programmes["programme_id"], place.programmes["notice_years"], strict=True)
    )
    was = actual_spend_keys(place, scenario)
    past = past_years(place, scenario)
    for at, year in enumerate(timeline.years):
        for key, today in timeline.spend_today.items():
            if today == 0 or (key, year) in was:
                continue
            last, now = timeline.previous_spend(at)[key], timeline.spend[at][key]
            near, what = tolerance(today), f"programme {key} in {year}"
            if rule.largest_cut_share is not None and key not in rule.exempt:
                breaches.append((last * (1 - rule.largest_cut_share) - now, near, what, "GBP"))
            if rule.largest_rise_share is not None and key not in rule.exempt:
                breaches.append((now - last * (1 + rule.largest_rise_share), near, what, "GBP"))
            if rule.notice and at < notice[key] and year not in past:
                breaches.append((today - now, near, f"notice of {what}", "GBP"))
    return breaches


def continuity(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B13) Less than is contracted, or other than what was spent."""
    breaches: list[Breach] = []
    for row in rows_of(place.commitments):
        if row.year not in timeline.years:
            continue
        now = timeline.spend[timeline.years.index(row.year)][row.programme_id]
        short = row.amount_gbp - now
        over = abs(short) if row.kind == "actual" else short
        what = f"programme {row.programme_id} in {row.year}, {row.kind}"
        breaches.append((over, tolerance(row.amount_gbp), what, "GBP"))
    return breaches
