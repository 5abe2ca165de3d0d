"""Each agency's position, year by year, recomputed from a plan's payments and the tables.

    position[a,t] = cashable benefits that a gains + what its units that close free (B6) + what
                    others' streams pay for its programmes - what its streams pay for others'
                    programmes + transfers in - transfers out
    (B9) position[a,t] >= alone[a,t], in every year or of the discounted sums
         transfers out <= what a has not spent, has saved and was given back, or nothing
         sum over a of what it pays beyond what it has saved <= what the one budget (B1) leaves

With ``most_it_could_keep`` a position is the unspent money of a's streams, its cashable benefits
and what providers of its programmes give back, after transfers. The stand-alone position is the
plan's own figure (table ``positions``), which ``stand_alone`` checks. The model that was solved is
not used.
"""

from __future__ import annotations

import math
from collections import defaultdict

import pandas as pd

from placeopt.budget.verify.benefits import cashable
from placeopt.budget.verify.by_results import due_by_results, refunds
from placeopt.budget.verify.outcomes import improvements
from placeopt.budget.verify.rules import in_and_out
from placeopt.budget.verify.timeline import (
    Breach,
    Names,
    Tables,
    Timeline,
    capital,
    discount_factors,
    do_nothing_spend,
    one_off_costs,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.place import Place
from placeopt.scenario import Check, Scenario
from placeopt.scenario.rules.budget.money import NobodyWorseOff, OneBudget, Prevention, Streams

Positions = dict[tuple[int, str], float]  # (year, agency id) -> GBP


def nobody_worse_off(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, timeline: Timeline, plan: Tables
) -> list[Breach]:
    """(B9) How much worse than alone an agency is after transfers, and how much more it pays than
    it has.

    An agency that cannot meet the standards alone has no stand-alone position (NaN) and cannot be
    worse off.
    """
    before, transfers = positions(place, scenario, rule, timeline), transfers_in(plan)
    stand_alone = _stated(plan.tables["positions"], "alone_gbp")
    largest = max((abs(gbp) for gbp in stand_alone.values()), default=0.0)
    factor, names = discount_factors(scenario, len(timeline.years)), Names(place)
    breaches: list[Breach] = []
    for agency in place.agencies["agency_id"]:
        shortfall = [
            stand_alone.get((year, agency), float("inf"))
            - before[year, agency]
            - transfers[year, agency]
            for year in timeline.years
        ]
        has_no_position = any(math.isnan(gbp) for gbp in shortfall)
        if rule.counterfactual != "most_it_could_keep":
            breaches += _transfers_beyond_own_money(place, scenario, rule, timeline, plan, agency)
        elif has_no_position:
            breaches += _transfers_beyond_unspent_money(
                place, scenario, rule, timeline, plan, agency
            )
        if has_no_position:
            continue
        if rule.when == "horizon":
            total = sum(f * gbp for f, gbp in zip(factor, shortfall, strict=True))
            what = f"{names.agency(agency)} over the years"
            breaches.append((total, tolerance(largest), what, "GBP"))
            continue
        for year, gbp in zip(timeline.years, shortfall, strict=True):
            what = f"{names.agency(agency)} in {year}"
            breaches.append((gbp, tolerance(largest), what, "GBP"))
    if rule.counterfactual != "most_it_could_keep":
        breaches += _transfers_beyond_the_budget(place, scenario, rule, timeline, plan)
    for row in rows_of(plan.tables["transfers"]):
        giver, taker = names.agency(row.from_agency_id), names.agency(row.to_agency_id)
        what = f"transfer from {giver} to {taker} in {row.year} below 0"
        breaches.append((-row.amount_gbp, tolerance(0), what, "GBP"))
    return breaches


def _paid_out(plan: Tables, agency: str) -> dict[int, float]:
    """GBP that an agency pays others, by year."""
    out: dict[int, float] = defaultdict(float)
    for row in rows_of(plan.tables["transfers"]):
        if row.from_agency_id == agency:
            out[row.year] += row.amount_gbp
    return out


def _transfers_beyond_own_money(
    place: Place,
    scenario: Scenario,
    rule: NobodyWorseOff,
    timeline: Timeline,
    plan: Tables,
    agency: str,
) -> list[Breach]:
    """GBP that an agency pays others beyond its unspent money, savings and refunds.

    Of the year, or of the years up to it where streams carry over.
    """
    paid_by_year, components = (
        _paid_out(plan, agency),
        position_parts(place, scenario, rule, timeline),
    )
    streams_rule, breaches = rule_of(scenario, Streams), []
    carries = streams_rule is not None and streams_rule.unspent == "carried"
    paid = has = 0.0
    for year in timeline.years:
        part = components[year, agency]
        available = part["unspent_gbp"] + part["cashable_gbp"] + part["given_back_gbp"]
        paid, has = (
            (paid + paid_by_year[year], has + available)
            if carries
            else (paid_by_year[year], available)
        )
        if paid > 0:  # an agency that pays nothing cannot breach this
            what = f"{Names(place).agency(agency)} pays others more than it has in {year}"
            breaches.append((paid - has, tolerance(has), what, "GBP"))
    return breaches


def _transfers_beyond_the_budget(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, timeline: Timeline, plan: Tables
) -> list[Breach]:
    """Transfers beyond savings, over what the one budget leaves after all spending.

    Money that a cut has taken is in no stream. Of the year; with carry-over of the reserve; where
    streams carry over, it may be set aside in earlier years.
    """
    total, streams_rule = rule_of(scenario, OneBudget), rule_of(scenario, Streams)
    if total is None:
        return []
    carries = streams_rule is not None and streams_rule.unspent == "carried"
    components = position_parts(place, scenario, rule, timeline)
    unspent_by_year = dict.fromkeys(timeline.years, 0.0)
    for agency in place.agencies["agency_id"]:
        paid_by_year, paid, saved, from_unspent_before = _paid_out(plan, agency), 0.0, 0.0, 0.0
        for year in timeline.years:
            cash = components[year, agency]["cashable_gbp"]
            paid, saved = (
                (paid + paid_by_year[year], saved + cash) if carries else (paid_by_year[year], cash)
            )
            from_unspent = max(
                0.0, paid - max(0.0, saved) - (from_unspent_before if carries else 0.0)
            )
            from_unspent_before += from_unspent
            unspent_by_year[year] += from_unspent
    years_past, breaches = past_years(place, scenario), []
    carries_within_streams = carries and not total.carry_over
    transfers, unallocated = 0.0, total.opening_reserve_gbp if total.carry_over else 0.0
    in_and_out_by_year = in_and_out(place, scenario, total, timeline)
    for year, (limit, spent) in zip(timeline.years, in_and_out_by_year, strict=True):
        over_years = total.carry_over or carries_within_streams
        transfers = unspent_by_year[year] + (transfers if over_years else 0.0)
        year_unallocated = limit - spent if total.carry_over else max(0.0, limit - spent)
        unallocated = year_unallocated + (unallocated if over_years else 0.0)
        opening_reserve = (
            total.opening_reserve_gbp if total.carry_over and year == timeline.years[-1] else 0.0
        )
        if transfers > 0 and not (total.carry_over and year in years_past):
            what = f"transfers from money that the total of {year} does not leave"
            breaches.append(
                (transfers - max(0.0, unallocated - opening_reserve), tolerance(limit), what, "GBP")
            )
    return breaches


def _transfers_beyond_unspent_money(
    place: Place,
    scenario: Scenario,
    rule: NobodyWorseOff,
    timeline: Timeline,
    plan: Tables,
    agency: str,
) -> list[Breach]:
    """GBP that an agency without a stand-alone position pays others beyond its streams' unspent
    money.

    Of the year, of the years up to it where streams carry over, or of all of them over the horizon.
    """
    paid_by_year, unspent = _paid_out(plan, agency), _unspent(place, scenario, rule, timeline)
    excess = [paid_by_year[year] - unspent[year, agency] for year in timeline.years]
    streams_rule = rule_of(scenario, Streams)
    if rule.when == "horizon":
        factor = discount_factors(scenario, len(timeline.years))
        excess = [sum(f * gbp for f, gbp in zip(factor, excess, strict=True))]
    elif streams_rule is not None and streams_rule.unspent == "carried":
        excess = [sum(excess[: at + 1]) for at in range(len(excess))]
    is_payer = sum(paid_by_year.values()) > 0  # an agency that pays nothing cannot breach this
    what = f"{Names(place).agency(agency)}, without a position alone, pays more than it has"
    return [(gbp, tolerance(gbp), what, "GBP") for gbp in excess if is_payer]


def _unspent(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, timeline: Timeline
) -> Positions:
    """Each agency's unspent money, of streams that are neither capital nor ring-fenced.

    Of all its streams with ``most_it_could_keep``.
    """
    streams_rule, payer = rule_of(scenario, Streams), {}
    for row in rows_of(place.streams):
        is_fenced = (
            streams_rule is not None
            and row.ring_fenced
            and row.stream_id not in streams_rule.release
        )
        is_bound = is_fenced or row.purpose == "capital"
        if rule.counterfactual == "most_it_could_keep" or not is_bound:
            payer[row.stream_id] = row.agency_id
    unspent: Positions = defaultdict(float)
    for row in rows_of(place.stream_amounts):
        if row.stream_id in payer:
            unspent[row.year, payer[row.stream_id]] += row.amount_gbp
    for year, payments in zip(timeline.years, timeline.payments, strict=True):
        for (_, stream), gbp in payments.items():
            if stream in payer:
                unspent[year, payer[stream]] -= gbp
    return unspent


def position_parts(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, timeline: Timeline
) -> dict[tuple[int, str], dict[str, float]]:
    """By year and agency, the parts of its position by column name."""
    columns = ("cashable_gbp", "freed_gbp", "paid_by_others_gbp", "paid_for_others_gbp")
    components: dict[tuple[int, str], dict[str, float]] = {
        (year, agency): dict.fromkeys((*columns, "given_back_gbp", "unspent_gbp"), 0.0)
        for year in timeline.years
        for agency in place.agencies["agency_id"]
    }
    improvement = improvements(place, scenario, timeline)
    for (agency, year), gbp in cashable(place, scenario, improvement).items():
        if (year, agency) in components:
            components[year, agency]["cashable_gbp"] += gbp
    agency_of_programme = dict(
        zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True)
    )
    agency_of_stream = dict(
        zip(place.streams["stream_id"], place.streams["agency_id"], strict=True)
    )
    for year, payments in zip(timeline.years, timeline.payments, strict=True):
        for (programme, stream), gbp in payments.items():
            runner, payer = agency_of_programme[programme], agency_of_stream[stream]
            if runner != payer and (year, runner) in components:
                components[year, runner]["paid_by_others_gbp"] += gbp
            if runner != payer and (year, payer) in components:
                components[year, payer]["paid_for_others_gbp"] += gbp
    units = set(place.provision["programme_id"]) if rule_of(scenario, Prevention) else set()
    for at, year in enumerate(timeline.years):
        unchanged = do_nothing_spend(place, timeline, year)
        for key in units:
            if (year, agency_of_programme[key]) in components:
                components[year, agency_of_programme[key]]["freed_gbp"] += (
                    unchanged[key] - timeline.spend[at][key]
                )
    for year, refunded in zip(timeline.years, refunds(place, scenario, timeline), strict=True):
        for key, gbp in refunded.items():
            if (year, agency_of_programme[key]) in components:
                components[year, agency_of_programme[key]]["given_back_gbp"] += gbp
    for (year, agency), gbp in _unspent(place, scenario, rule, timeline).items():
        if (year, agency) in components:
            components[year, agency]["unspent_gbp"] += gbp
    return components


def positions(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, timeline: Timeline
) -> Positions:
    """Each agency's position before transfers."""
    result: Positions = defaultdict(float)
    for key, part in position_parts(place, scenario, rule, timeline).items():
        result[key] = part["cashable_gbp"]
        if rule.counterfactual == "most_it_could_keep":
            result[key] += part["unspent_gbp"] + part["given_back_gbp"]
        else:
            result[key] += part["freed_gbp"]
            result[key] += part["paid_by_others_gbp"] - part["paid_for_others_gbp"]
    return result


def transfers_in(plan: Tables) -> Positions:
    """What each agency receives from the others less what it pays them."""
    net: Positions = defaultdict(float)
    for row in rows_of(plan.tables.get("transfers", pd.DataFrame())):
        net[row.year, row.to_agency_id] += row.amount_gbp
        net[row.year, row.from_agency_id] -= row.amount_gbp
    return net


def positions_add_up(place: Place, scenario: Scenario, timeline: Timeline, plan: Tables) -> Check:
    """Check the plan's table of positions against its payments, benefits and transfers."""
    table, rule = plan.tables["positions"], rule_of(scenario, NobodyWorseOff)
    assert rule is not None  # checked only where it is in force
    before, transfers = positions(place, scenario, rule, timeline), transfers_in(plan)
    components = position_parts(place, scenario, rule, timeline)
    columns = next(iter(components.values()), {})
    faults = []
    for column, expected in (
        *(
            (name, {key: parts_of[name] for key, parts_of in components.items()})
            for name in columns
        ),
        ("plan_before_transfers_gbp", before),
        ("transfers_gbp", transfers),
        ("plan_gbp", {key: gbp + transfers[key] for key, gbp in before.items()}),
    ):
        for key, reported in _stated(table, column).items():
            gbp = expected.get(key, 0.0)
            if not abs(reported - gbp) <= tolerance(gbp):
                year, agency = key
                faults.append(f"{column} of {agency} in {year}: {reported:,.2f}, not {gbp:,.2f}")
    stated = _stated(table, "plan_gbp")
    for year in timeline.years:
        for agency in place.agencies["agency_id"]:
            if (year, agency) not in stated:
                faults.append(f"no position of {agency} in {year}")
    sentence = "The plan's positions follow from its payments, benefits and transfers."
    return Check("", "positions", sentence, not faults, "; ".join(faults[:5]))


def cash_flow_adds_up(place: Place, scenario: Scenario, timeline: Timeline, plan: Tables) -> Check:
    """Check the plan's cash flow by agency, year and line against its spending."""
    agency_of = dict(
        zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True)
    )
    costs, needs = one_off_costs(place, scenario, timeline), capital(place, scenario, timeline)
    due, refunded = due_by_results(place, scenario, timeline), refunds(place, scenario, timeline)
    expected_unchanged: dict[tuple[int, str, str], float] = defaultdict(float)
    expected_plan: dict[tuple[int, str, str], float] = defaultdict(float)
    for at, year in enumerate(timeline.years):
        unchanged = do_nothing_spend(place, timeline, year)
        for key, agency in agency_of.items():
            expected_unchanged[year, agency, "spending"] += unchanged[key]
            expected_plan[year, agency, "spending"] += timeline.spend[at][key]
            expected_plan[year, agency, "one_off"] += costs[at][key]
            expected_plan[year, agency, "results"] += due[at][key] - refunded[at][key]
            expected_plan[year, agency, "capital"] += needs[at][key]
    for (agency, year), gbp in cashable(
        place, scenario, improvements(place, scenario, timeline)
    ).items():
        if year in timeline.years:
            expected_plan[year, agency, "benefits"] -= gbp
    faults, reported_cells = [], set()
    for row in rows_of(plan.tables["cash_flow"]):
        cell = (int(row.year), row.agency_id, row.line)
        reported_cells.add(cell)
        for reported, gbp in (
            (row.do_nothing_gbp, expected_unchanged[cell]),
            (row.plan_gbp, expected_plan[cell]),
            (row.saving_gbp, expected_unchanged[cell] - expected_plan[cell]),
        ):
            if not abs(reported - gbp) <= tolerance(gbp):
                faults.append(
                    f"{row.line} of {row.agency_id} in {row.year}: {reported:,.2f}, not {gbp:,.2f}"
                )
    for cell in {*expected_unchanged, *expected_plan} - reported_cells:
        if max(abs(expected_unchanged[cell]), abs(expected_plan[cell])) > tolerance(0):
            faults.append(f"no row for {', '.join(map(str, cell))}")
    sentence = "The plan's cash flow by agency follows from its spending, costs and benefits."
    return Check("", "cash flow", sentence, not faults, "; ".join(faults[:5]))


def _stated(table: pd.DataFrame, column: str) -> Positions:
    keys = zip(table["year"].astype(int), table["agency_id"], strict=True)
    return dict(zip(keys, table[column].astype(float), strict=True))
