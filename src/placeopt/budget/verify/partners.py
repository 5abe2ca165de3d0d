"""Where each agency stands, year by year, recomputed from a plan's payments and the tables.

    position[a,t] = cashable benefits that a gains + what its units that close free (B6) + what
                    others' streams pay for its programmes - what its streams pay for others'
                    programmes + transfers in - transfers out
    (B9) position[a,t] >= alone[a,t], in every year or of the discounted sums
         transfers out <= what a has not spent, has saved and was given back, or nothing
         sum over a of what it pays beyond what it has saved <= what the one budget (B1) leaves

With ``most_it_could_keep`` a position is the money of a's streams that is not spent, its cashable
benefits and what providers of its programmes give back, after transfers. What an agency would reach
alone is the plan's own figure (table ``positions``); ``alone`` checks that it is reached. It knows
nothing of the model that was solved.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pandas as pd

from placeopt.budget.verify.benefits import cashable
from placeopt.budget.verify.by_results import due_by_results, refunds
from placeopt.budget.verify.outcomes import improvements
from placeopt.budget.verify.rules import Breach, in_and_out
from placeopt.budget.verify.timeline import (
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

Positions = dict[tuple[int, str], float]  # (year, agency id) -> GBP


def nobody_worse_off(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline, plan: Tables
) -> list[Breach]:
    """(B9) How much worse than alone an agency stands after transfers, and how much more it pays
    others than it has; one that could not keep the standards alone has no position alone (NaN) and
    cannot be worse off."""
    before, moved = positions(place, scenario, rule, timeline), transfers_in(plan)
    alone = _stated(plan.tables["positions"], "alone_gbp")
    size = max((abs(gbp) for gbp in alone.values()), default=0.0)
    factor = discount_factors(scenario, len(timeline.years))
    breaches: list[Breach] = []
    for agency in place.agencies["agency_id"]:
        worse = [
            alone.get((year, agency), float("inf")) - before[year, agency] - moved[year, agency]
            for year in timeline.years
        ]
        without = any(math.isnan(gbp) for gbp in worse)
        if rule.counterfactual != "most_it_could_keep":
            breaches += _gives_what_it_has(place, scenario, rule, timeline, plan, agency)
        elif without:
            breaches += _gives_what_is_unspent(place, scenario, rule, timeline, plan, agency)
        if without:
            continue
        if rule.when == "horizon":
            total = sum(f * gbp for f, gbp in zip(factor, worse, strict=True))
            breaches.append((total, tolerance(size), f"agency {agency} over the years", "GBP"))
            continue
        for year, gbp in zip(timeline.years, worse, strict=True):
            breaches.append((gbp, tolerance(size), f"agency {agency} in {year}", "GBP"))
    if rule.counterfactual != "most_it_could_keep":
        breaches += _fits_in_one_budget(place, scenario, rule, timeline, plan)
    for row in rows_of(plan.tables["transfers"]):
        what = f"transfer from {row.from_agency_id} to {row.to_agency_id} in {row.year} below 0"
        breaches.append((-row.amount_gbp, tolerance(0), what, "GBP"))
    return breaches


def _paid_out(plan: Tables, agency: str) -> dict[int, float]:
    """What an agency pays others, by year."""
    out: dict[int, float] = defaultdict(float)
    for row in rows_of(plan.tables["transfers"]):
        if row.from_agency_id == agency:
            out[row.year] += row.amount_gbp
    return out


def _gives_what_it_has(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline, plan: Tables, agency: str
) -> list[Breach]:
    """What an agency pays others beyond what it has not spent, has saved and was given back: of the
    year, or of the years up to it where streams carry what they do not spend."""
    out, found = _paid_out(plan, agency), position_parts(place, scenario, rule, timeline)
    kept, breaches = rule_of(scenario, "streams"), []
    carries = kept is not None and kept.unspent == "carried"
    paid = has = 0.0
    for year in timeline.years:
        one = found[year, agency]
        free = one["unspent_gbp"] + one["cashable_gbp"] + one["given_back_gbp"]
        paid, has = (paid + out[year], has + free) if carries else (out[year], free)
        if paid > 0:  # who pays nothing owes nothing, whatever its streams do
            what = f"agency {agency} pays others more than it has in {year}"
            breaches.append((paid - has, tolerance(has), what, "GBP"))
    return breaches


def _fits_in_one_budget(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline, plan: Tables
) -> list[Breach]:
    """What agencies pay others beyond what each has saved, over what the total of the one budget
    leaves beside all that is spent: what a cut has taken is in no stream. Of the year; with
    carry-over of the reserve; where streams carry, it may be put aside in years before."""
    total, kept = rule_of(scenario, "one_budget"), rule_of(scenario, "streams")
    if total is None:
        return []
    carries = kept is not None and kept.unspent == "carried"
    found = position_parts(place, scenario, rule, timeline)
    beyond = dict.fromkeys(timeline.years, 0.0)
    for agency in place.agencies["agency_id"]:
        out, paid, saved, taken = _paid_out(plan, agency), 0.0, 0.0, 0.0
        for year in timeline.years:
            cash = found[year, agency]["cashable_gbp"]
            paid, saved = (paid + out[year], saved + cash) if carries else (out[year], cash)
            own = max(0.0, paid - max(0.0, saved) - (taken if carries else 0.0))
            taken += own
            beyond[year] += own
    past, breaches = past_years(place, scenario), []
    put_aside = carries and not total.carry_over
    given, left = 0.0, total.opening_reserve_gbp if total.carry_over else 0.0
    of_years = in_and_out(place, scenario, total, timeline)
    for year, (limit, spent) in zip(timeline.years, of_years, strict=True):
        over_years = total.carry_over or put_aside
        given = beyond[year] + (given if over_years else 0.0)
        rest = limit - spent if total.carry_over else max(0.0, limit - spent)
        left = rest + (left if over_years else 0.0)
        back = total.opening_reserve_gbp if total.carry_over and year == timeline.years[-1] else 0.0
        if given > 0 and not (total.carry_over and year in past):
            what = f"transfers from money that the total of {year} does not leave"
            breaches.append((given - max(0.0, left - back), tolerance(limit), what, "GBP"))
    return breaches


def _gives_what_is_unspent(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline, plan: Tables, agency: str
) -> list[Breach]:
    """What an agency without a position alone pays others beyond its streams' unspent money: of the
    year, of the years up to it where streams carry, or of all of them over the horizon."""
    out, has = _paid_out(plan, agency), _unspent(place, scenario, rule, timeline)
    over = [out[year] - has[year, agency] for year in timeline.years]
    kept = rule_of(scenario, "streams")
    if rule.when == "horizon":
        factor = discount_factors(scenario, len(timeline.years))
        over = [sum(f * gbp for f, gbp in zip(factor, over, strict=True))]
    elif kept is not None and kept.unspent == "carried":
        over = [sum(over[: at + 1]) for at in range(len(over))]
    pays = sum(out.values()) > 0  # who pays nothing owes nothing, whatever its streams do
    what = f"agency {agency}, without a position alone, pays more than it has"
    return [(gbp, tolerance(gbp), what, "GBP") for gbp in over if pays]


def _unspent(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> Positions:
    """Each agency's money that is not spent, of streams that are neither for capital nor held in a
    ring-fence; of all its streams where the most that it could keep is what counts."""
    kept, payer = rule_of(scenario, "streams"), {}
    for row in rows_of(place.streams):
        fenced = kept is not None and row.ring_fenced and row.stream_id not in kept.release
        bound = fenced or row.purpose == "capital"
        if rule.counterfactual == "most_it_could_keep" or not bound:
            payer[row.stream_id] = row.agency_id
    stands: Positions = defaultdict(float)
    for row in rows_of(place.stream_amounts):
        if row.stream_id in payer:
            stands[row.year, payer[row.stream_id]] += row.amount_gbp
    for year, payments in zip(timeline.years, timeline.payments, strict=True):
        for (_, stream), gbp in payments.items():
            if stream in payer:
                stands[year, payer[stream]] -= gbp
    return stands


def position_parts(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline
) -> dict[tuple[int, str], dict[str, float]]:
    """By year and agency, what its position is made of, each under its column's name."""
    columns = ("cashable_gbp", "freed_gbp", "paid_by_others_gbp", "paid_for_others_gbp")
    found: dict[tuple[int, str], dict[str, float]] = {
        (year, agency): dict.fromkeys((*columns, "given_back_gbp", "unspent_gbp"), 0.0)
        for year in timeline.years
        for agency in place.agencies["agency_id"]
    }
    better = improvements(place, scenario, timeline)
    for (agency, year), gbp in cashable(place, scenario, better).items():
        if (year, agency) in found:
            found[year, agency]["cashable_gbp"] += gbp
    runs = dict(zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True))
    pays = dict(zip(place.streams["stream_id"], place.streams["agency_id"], strict=True))
    for year, payments in zip(timeline.years, timeline.payments, strict=True):
        for (programme, stream), gbp in payments.items():
            runner, payer = runs[programme], pays[stream]
            if runner != payer and (year, runner) in found:
                found[year, runner]["paid_by_others_gbp"] += gbp
            if runner != payer and (year, payer) in found:
                found[year, payer]["paid_for_others_gbp"] += gbp
    units = set(place.provision["programme_id"]) if rule_of(scenario, "prevention") else set()
    for at, year in enumerate(timeline.years):
        nothing = do_nothing_spend(place, timeline, year)
        for key in units:
            if (year, runs[key]) in found:
                found[year, runs[key]]["freed_gbp"] += nothing[key] - timeline.spend[at][key]
    for year, given in zip(timeline.years, refunds(place, scenario, timeline), strict=True):
        for key, gbp in given.items():
            if (year, runs[key]) in found:
                found[year, runs[key]]["given_back_gbp"] += gbp
    for (year, agency), gbp in _unspent(place, scenario, rule, timeline).items():
        if (year, agency) in found:
            found[year, agency]["unspent_gbp"] += gbp
    return found


def positions(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> Positions:
    """Each agency's position before transfers."""
    stands: Positions = defaultdict(float)
    for key, part in position_parts(place, scenario, rule, timeline).items():
        stands[key] = part["cashable_gbp"]
        if rule.counterfactual == "most_it_could_keep":
            stands[key] += part["unspent_gbp"] + part["given_back_gbp"]
        else:
            stands[key] += part["freed_gbp"]
            stands[key] += part["paid_by_others_gbp"] - part["paid_for_others_gbp"]
    return stands


def transfers_in(plan: Tables) -> Positions:
    """What each agency receives from the others less what it pays them."""
    moved: Positions = defaultdict(float)
    for row in rows_of(plan.tables.get("transfers", pd.DataFrame())):
        moved[row.year, row.to_agency_id] += row.amount_gbp
        moved[row.year, row.from_agency_id] -= row.amount_gbp
    return moved


def positions_add_up(place: Place, scenario: Scenario, timeline: Timeline, plan: Tables) -> Check:
    """The plan's table of positions says what its payments, benefits and transfers come to."""
    table, rule = plan.tables["positions"], rule_of(scenario, "nobody_worse_off")
    before, moved = positions(place, scenario, rule, timeline), transfers_in(plan)
    made = position_parts(place, scenario, rule, timeline)
    columns = next(iter(made.values()), {})
    wrong = []
    for column, found in (
        *((name, {key: one[name] for key, one in made.items()}) for name in columns),
        ("plan_before_transfers_gbp", before),
        ("transfers_gbp", moved),
        ("plan_gbp", {key: gbp + moved[key] for key, gbp in before.items()}),
    ):
        for key, said in _stated(table, column).items():
            gbp = found.get(key, 0.0)
            if not abs(said - gbp) <= tolerance(gbp):
                year, agency = key
                wrong.append(f"{column} of {agency} in {year}: {said:,.2f}, not {gbp:,.2f}")
    stated = _stated(table, "plan_gbp")
    for year in timeline.years:
        for agency in place.agencies["agency_id"]:
            if (year, agency) not in stated:
                wrong.append(f"no position of {agency} in {year}")
    sentence = "The plan's positions follow from its payments, benefits and transfers."
    return Check("", "positions", sentence, not wrong, "; ".join(wrong[:5]))


def cash_flow_adds_up(place: Place, scenario: Scenario, timeline: Timeline, plan: Tables) -> Check:
    """The plan's cash flow by agency, year and line is what the tables make of its spending."""
    runs = dict(zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True))
    costs, needs = one_off_costs(place, scenario, timeline), capital(place, scenario, timeline)
    due, given = due_by_results(place, scenario, timeline), refunds(place, scenario, timeline)
    nothing: dict[tuple[int, str, str], float] = defaultdict(float)
    planned: dict[tuple[int, str, str], float] = defaultdict(float)
    for at, year in enumerate(timeline.years):
        as_it_was = do_nothing_spend(place, timeline, year)
        for key, agency in runs.items():
            nothing[year, agency, "spending"] += as_it_was[key]
            planned[year, agency, "spending"] += timeline.spend[at][key]
            planned[year, agency, "one_off"] += costs[at][key]
            planned[year, agency, "results"] += due[at][key] - given[at][key]
            planned[year, agency, "capital"] += needs[at][key]
    for (agency, year), gbp in cashable(
        place, scenario, improvements(place, scenario, timeline)
    ).items():
        if year in timeline.years:
            planned[year, agency, "benefits"] -= gbp
    wrong, seen = [], set()
    for row in rows_of(plan.tables["cash_flow"]):
        cell = (int(row.year), row.agency_id, row.line)
        seen.add(cell)
        for said, gbp in (
            (row.do_nothing_gbp, nothing[cell]),
            (row.plan_gbp, planned[cell]),
            (row.saving_gbp, nothing[cell] - planned[cell]),
        ):
            if not abs(said - gbp) <= tolerance(gbp):
                wrong.append(
                    f"{row.line} of {row.agency_id} in {row.year}: {said:,.2f}, not {gbp:,.2f}"
                )
    for cell in {*nothing, *planned} - seen:
        if max(abs(nothing[cell]), abs(planned[cell])) > tolerance(0):
            wrong.append(f"no row for {', '.join(map(str, cell))}")
    sentence = "The plan's cash flow by agency follows from its spending, costs and benefits."
    return Check("", "cash flow", sentence, not wrong, "; ".join(wrong[:5]))


def _stated(table: pd.DataFrame, column: str) -> Positions:
    keys = zip(table["year"].astype(int), table["agency_id"], strict=True)
    return dict(zip(keys, table[column].astype(float), strict=True))
