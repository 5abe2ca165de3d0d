"""Whether every agency's position alone (B9) is attained by a plan that the agency could follow.

Tables ``alone_spending`` and ``alone_payments`` hold what each agency would do by itself; all other
payments are as today. The place is read again as the agency would find it alone: others'
programmes and streams ask nothing of it, and standards that hold only together do not hold. Every
rule that binds it is checked on that course and its position worked out from it.

Table ``alone_objectives`` states what that plan comes to by the scenario's own objectives and by
how much money it moves from today, which is worked out again here. That no better plan exists is
what the solver proved; seen from here, the bound that is stated must lie below the plan, doing
nothing must not be better where it keeps the rules, and a range may be stated only where the bound
leaves room. Nor can it be checked for agencies that have no position alone, whose rules the solver
found to clash, but that doing nothing breaks one of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from placeopt.budget.verify import change, rules
from placeopt.budget.verify.by_results import due_by_results
from placeopt.budget.verify.capital import capital_fits
from placeopt.budget.verify.partners import position_parts, positions
from placeopt.budget.verify.rules import Breach
from placeopt.budget.verify.timeline import (
    Tables,
    Timeline,
    base_payments,
    by_programme,
    do_nothing,
    one_off_costs,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.budget.verify.totals import totals
from placeopt.place import Place
from placeopt.scenario import Check, Scenario
from placeopt.scenario.wording import in_unit

TIE_OBJECTIVES = ("moved_from_today", "programme_order")  # what decides between plans as good
BINDING_RULES = {
    "streams": rules.streams,
    "statutory": rules.statutory,
    "outcomes": rules.outcomes,
    "pace": rules.pace,
    "uncertainty": rules.uncertainty,
    "continuity": rules.continuity,
    "prevention": change.prevention,
    "commissioning": change.commissioning,
    "capital": capital_fits,
}


def check_stand_alone_positions(place: Place, scenario: Scenario, rule: Any, plan: Tables) -> Check:
    """Every position alone that the plan states is what its agency's own plan comes to, and that
    plan is what the agency would do by the counterfactual, as far as can be seen from outside."""
    stated: dict[str, dict[int, Any]] = defaultdict(dict)
    for row in rows_of(plan.tables["positions"]):
        stated[row.agency_id][int(row.year)] = row
    wrong: list[str] = []
    for agency, rows in stated.items():
        own = _stand_alone_place(place, rule, agency)
        runs = set(_ids(place.programmes, agency, "programme_id"))
        asked = _stand_alone_scenario(scenario, rule, runs)
        nothing = do_nothing(own, asked)
        kept = not any(
            over > near for over, near, *_ in _breaches(place, own, asked, nothing, agency)
        )
        said = {year: float(row.alone_gbp) for year, row in rows.items()}
        if any(math.isnan(gbp) for gbp in said.values()):
            if not all(math.isnan(gbp) for gbp in said.values()):
                wrong.append(f"{agency} has a position alone in some years only")
            if rule.counterfactual == "today" or (
                kept and rule.counterfactual != "most_it_could_keep"
            ):
                wrong.append(f"{agency} could go on as today, but has no position alone")
            continue
        timeline = nothing
        if rule.counterfactual != "today":
            timeline, foreign = _stand_alone_timeline(own, asked, plan, agency)
            wrong += [f"{agency} alone: {what} is not its to decide, or not so" for what in foreign]
            for over, near, what, unit in _breaches(place, own, asked, timeline, agency):
                if over > near:
                    wrong.append(f"{agency} alone, {what}: {in_unit(over, unit)} too far")
        found = positions(place, scenario, rule, timeline)
        if rule.counterfactual == "today":  # as others paid for its programmes, and it for theirs
            across = position_parts(place, scenario, rule, nothing)
            for year in said:
                one = across[year, agency]
                found[year, agency] = one["paid_by_others_gbp"] - one["paid_for_others_gbp"]
        for year, gbp in said.items():
            if not abs(found[year, agency] - gbp) <= tolerance(gbp):
                text = f"{agency} alone in {year}: {gbp:,.2f} stated, its plan comes to"
                wrong.append(f"{text} {found[year, agency]:,.2f}")
        exact = rule.counterfactual != "alone_for_outcomes"
        if not exact:
            best, slips = _objectives(own, asked, timeline, nothing if kept else None, plan, agency)
            exact = best
            wrong += slips
        wrong += _ranges(agency, rows, exact)
    wrong += _unexpected_plan_rows(rule, plan, stated)
    sentence = "Every position alone is reached by a plan that its agency could follow by itself."
    return Check("B9", "positions alone", sentence, not wrong, "; ".join(wrong[:5]))


def _ranges(agency: str, rows: dict[int, Any], exact: bool) -> list[str]:
    """A range holds its position, and is no range where the plan is proven best."""
    wrong = []
    for year, row in rows.items():
        low, high, gbp = row.alone_low_gbp, row.alone_high_gbp, row.alone_gbp
        near = tolerance(gbp)
        inside = low - near <= gbp <= high + near
        if not inside or (exact and not high - low <= 2 * near):
            wrong.append(
                f"{agency} alone in {year}: {gbp:,.2f}, in a range {low:,.2f} to {high:,.2f}"
            )
    return wrong


def _objectives(
    own: Place,
    asked: Scenario,
    timeline: Timeline,
    nothing: Timeline | None,
    plan: Tables,
    agency: str,
) -> tuple[bool, list[str]]:
    """Whether the agency's plan is stated to be best to a millionth, and what is wrong about what
    it is stated to come to; ``nothing``: doing nothing, where that keeps the rules."""
    rows = {
        row.objective: row
        for row in rows_of(plan.tables["alone_objectives"])
        if row.agency_id == agency
    }
    wanted = asked.objective.minimise if "objective" in asked.model_fields_set else ()
    wanted = (*(wanted or ("weighted_outcomes",)), *TIE_OBJECTIVES)
    if tuple(rows) != wanted[: len(rows)] or not rows:
        return False, [f"{agency} alone is stated to be best by {', '.join(rows) or 'nothing'}"]
    worth, wrong = _objective_values(own, asked, timeline), []
    best = tuple(rows)[: len(wanted) - len(TIE_OBJECTIVES)] == wanted[: -len(TIE_OBJECTIVES)]
    for name, row in rows.items():
        near = (
            2e-6 * max(1.0, abs(worth[name]))
            if name not in TIE_OBJECTIVES
            else tolerance(worth[name])
        )
        if not abs(row.alone - worth[name]) <= near:
            wrong.append(f"{agency} alone: {name} is {row.alone:,.8g}, not {worth[name]:,.8g}")
        if name in TIE_OBJECTIVES:
            continue
        if not row.bound <= row.alone + near:
            wrong.append(f"{agency} alone: {name} is better than the bound {row.bound:,.8g}")
        best &= row.alone - row.bound <= 1e-6 * max(0.01, abs(row.alone))
    first = wanted[0]
    if nothing is not None:
        idle = _objective_values(own, asked, nothing)[first]
        if worth[first] > idle + 4e-6 * max(1.0, abs(idle)):
            wrong.append(f"{agency} alone would do better by {first} to go on as today")
        if rows[first].bound > idle + 4e-6 * max(1.0, abs(idle)):
            wrong.append(f"{agency} alone: going on as today is better than the bound of {first}")
    return best, wrong


def _objective_values(own: Place, asked: Scenario, timeline: Timeline) -> dict[str, float]:
    """Every objective of a course alone, and what ties are decided by."""
    order = sorted(timeline.spend_today)
    weight = {key: ((at + 1) / len(order)) ** 1.5 for at, key in enumerate(order)}
    moved = later = 0.0
    for spend in timeline.spend:
        moved += sum(abs(spend[key] - gbp) for key, gbp in timeline.spend_today.items())
        later += sum(weight[key] * spend[key] for key in order)
    return {**totals(own, asked, timeline), "moved_from_today": moved, "programme_order": later}


def _unexpected_plan_rows(rule: Any, plan: Tables, stated: dict[str, dict[int, Any]]) -> list[str]:
    """Rows of plans alone of agencies that have no position alone, or need no plan for it."""
    has = {
        agency
        for agency, rows in stated.items()
        if rule.counterfactual != "today"
        and not any(math.isnan(row.alone_gbp) for row in rows.values())
    }
    return [
        f"{name}: a row of {agency}, which has no plan alone"
        for name in ("alone_spending", "alone_payments", "alone_objectives")
        for agency in sorted(set(plan.tables[name]["agency_id"]) - has)
    ]


def _stand_alone_timeline(
    place: Place, scenario: Scenario, plan: Tables, agency: str
) -> tuple[Timeline, list[str]]:
    """The agency's course by itself, and rows of it that are not its to decide, or are not today's
    where they say so."""
    nothing = do_nothing(place, scenario)
    runs = set(place.programmes.loc[place.programmes["agency_id"] == agency, "programme_id"])
    pays = set(place.streams.loc[place.streams["agency_id"] == agency, "stream_id"])
    spend = [dict(nothing.spend_today) for _ in nothing.years]
    units = [dict(run) for run in nothing.units]
    today = base_payments(place)
    kept = {pair: gbp for pair, gbp in today.items() if pair[0] not in runs or pair[1] not in pays}
    payments = [defaultdict(float, kept) for _ in nothing.years]
    foreign = []
    for row in rows_of(plan.tables["alone_spending"]):
        if row.agency_id == agency:
            at = nothing.years.index(row.year)
            spend[at][row.programme_id] = row.alone_gbp
            if row.programme_id in units[at]:
                units[at][row.programme_id] = row.units
            if row.programme_id not in runs or _differ(row, nothing.spend_today[row.programme_id]):
                foreign.append(f"{row.programme_id}, today {row.before_gbp:,.2f}")
    for row in rows_of(plan.tables["alone_payments"]):
        if row.agency_id == agency:
            payments[nothing.years.index(row.year)][row.programme_id, row.stream_id] += (
                row.alone_gbp
            )
            pair = row.programme_id, row.stream_id
            its_own = pair[0] in runs and pair[1] in pays and row.alone_gbp >= 0
            if not its_own or _differ(row, today.get(pair, 0.0)):
                foreign.append(f"{pair[0]} from {pair[1]}, today {row.before_gbp:,.2f}")
    found = replace(
        nothing, spend=tuple(spend), units=tuple(units), payments=tuple(payments), cache={}
    )
    return found, foreign


def _differ(row: Any, today: float) -> bool:
    return not abs(row.before_gbp - today) <= tolerance(today)


def _breaches(
    place: Place, own: Place, asked: Scenario, timeline: Timeline, agency: str
) -> list[Breach]:
    """How far the agency's own course breaches what binds it, payments and its share of the one
    budget included."""
    breaches = [
        breach
        for rule in asked.rules
        if rule.name in BINDING_RULES
        for breach in BINDING_RULES[rule.name](own, asked, rule, timeline)
    ]
    costs, total = one_off_costs(own, asked, timeline), rule_of(asked, "one_budget")
    due = due_by_results(own, asked, timeline)
    today, mine = base_payments(place), set(_ids(place.streams, agency, "stream_id"))
    runs = set(_ids(place.programmes, agency, "programme_id"))
    base = sum(today.values())
    past = past_years(own, asked)
    paid_by_it = sum(gbp for (_, stream), gbp in today.items() if stream in mine)
    for at, year in enumerate(timeline.years):
        paid = by_programme(place, timeline.payments[at])
        for key in runs:
            off = abs(paid[key] - timeline.spend[at][key] - costs[at][key] - due[at][key])
            breaches.append((off, tolerance(paid[key]), f"payments for {key} in {year}", "GBP"))
        if total is not None and year not in past:
            limit = total.total(base, at) * paid_by_it / base + base - paid_by_it
            over = sum(timeline.payments[at].values()) - limit
            breaches.append((over, tolerance(limit), f"its share of {year}'s budget", "GBP"))
    return breaches


def _stand_alone_place(place: Place, rule: Any, agency: str) -> Place:
    """The place in which only the agency's own programmes and streams ask anything."""
    rows, streams = place.programmes, place.streams
    others = rows["agency_id"] != agency
    keys = set(rows.loc[~others, "programme_id"])
    alone = rows.assign(
        statutory_floor_gbp_per_year=np.where(others, 0.0, rows["statutory_floor_gbp_per_year"]),
        minimum_scale_gbp_per_year=np.where(others, 0.0, rows["minimum_scale_gbp_per_year"]),
        start_cost_gbp=np.where(others, 0.0, rows["start_cost_gbp"]),
        stop_cost_gbp=np.where(others, 0.0, rows["stop_cost_gbp"]),
        contract_years=rows["contract_years"].where(~others, 0),
        one_of=rows["one_of"].where(~others, ""),
        notice_years=rows["notice_years"].where(~others, 0),
        contract_until_year=rows["contract_until_year"].where(~others),
    )
    amounts = place.stream_amounts
    theirs = streams[(streams["agency_id"] != agency) & (streams["purpose"] == "revenue")]
    unlimited = amounts["stream_id"].isin(theirs["stream_id"])
    gbp = amounts["amount_gbp"].where(~unlimited, amounts["amount_gbp"] + 1e15)
    return place.replace(
        programmes=alone,
        stream_amounts=amounts.assign(amount_gbp=gbp),
        provider_terms=place.provider_terms[place.provider_terms["programme_id"].isin(keys)],
        provision=place.provision[place.provision["programme_id"].isin(keys)],
        commitments=_stand_alone_commitments(place, keys),
        outcomes=place.outcomes.assign(
            minimum_standard=place.outcomes["minimum_standard"].where(
                ~place.outcomes["outcome_id"].isin(rule.only_together)
            )
        ),
    )


def _stand_alone_commitments(place: Place, own: set[str]) -> Any:
    """The agency's own commitments; of others that what is actual was as today (in past years, in
    which no other rule holds)."""
    rows = place.commitments
    today = rows["programme_id"].map(by_programme(place, base_payments(place))).astype(float)
    mine = rows["programme_id"].isin(own)
    rows = rows.assign(amount_gbp=rows["amount_gbp"].where(mine, today))
    return rows[mine | (rows["kind"] == "actual")]


def _stand_alone_scenario(scenario: Scenario, rule: Any, own: set[str]) -> Scenario:
    """The question without what only holds together: groups, standards and floors of others."""
    changed = []
    one: Any
    for one in scenario.rules:
        if one.name == "statutory":
            floors = {key: gbp for key, gbp in one.floors_gbp.items() if key in own}
            one = one.model_copy(update={"floors_gbp": floors})
        elif one.name == "commissioning":
            one = one.model_copy(update={"coherent": ()})
        elif one.name == "outcomes" and rule.only_together:
            free = {"minimum_holds": False, "targets": "open"}
            terms = {key: one.terms(key).model_copy(update=free) for key in rule.only_together}
            one = one.model_copy(update={"outcome": {**one.outcome, **terms}})
        changed.append(one)
    return scenario.model_copy(update={"rules": tuple(changed)})


def _ids(table: Any, agency: str, key: str) -> list[str]:
    return [str(one) for one in table.loc[table["agency_id"] == agency, key]]
