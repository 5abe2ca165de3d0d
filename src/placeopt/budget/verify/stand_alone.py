"""Check that every stand-alone position (B9) is reached by a plan that the agency could follow.

Tables ``alone_spending`` and ``alone_payments`` hold each agency's stand-alone plan; all other
payments are as today. The place is read again from the agency's point of view: others' programmes
and streams set no limits, and standards that only hold together are dropped. Every rule that binds
the agency is checked on that timeline, and its position is computed from it.

Table ``alone_objectives`` states the value of that plan by the scenario's own objectives and the
money it moves from today, which is recomputed here. That no better plan exists was proven by the
solver. Here three things can be checked: the stated bound is not above the plan, doing nothing is
not better where it keeps the rules, and a range is stated only where the bound leaves room. For
agencies without a stand-alone position, whose rules the solver found to clash, it is checked that
doing nothing breaks one of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.verify.by_results import due_by_results
from placeopt.budget.verify.partners import position_parts, positions
from placeopt.budget.verify.registry import CHECKS
from placeopt.budget.verify.timeline import (
    Breach,
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
from placeopt.scenario import Check, Rule, Scenario
from placeopt.scenario.rules.budget.money import (
    Commissioning,
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Statutory,
)
from placeopt.scenario.wording import in_unit

TIE_OBJECTIVES = ("moved_from_today", "programme_order")  # decide between equally good plans
BINDING_RULES = {  # of an agency alone
    *("streams", "statutory", "outcomes", "pace", "uncertainty", "continuity"),
    *("prevention", "commissioning", "capital"),
}


def check_stand_alone_positions(
    place: Place, scenario: Scenario, rule: NobodyWorseOff, plan: Tables
) -> Check:
    """Check that every stand-alone position follows from its agency's own plan.

    That plan must also be what the counterfactual asks for, as far as this can be checked without
    solving.
    """
    stated: dict[str, dict[int, Any]] = defaultdict(dict)
    for row in rows_of(plan.tables["positions"]):
        stated[row.agency_id][int(row.year)] = row
    faults: list[str] = []
    for agency, rows in stated.items():
        own_place = _stand_alone_place(place, rule, agency)
        own_programmes = set(_ids(place.programmes, agency, "programme_id"))
        own_scenario = _stand_alone_scenario(scenario, rule, own_programmes)
        do_nothing_timeline = do_nothing(own_place, own_scenario)
        keeps_rules = not any(
            excess > allowed
            for excess, allowed, *_ in _breaches(
                place, own_place, own_scenario, do_nothing_timeline, agency
            )
        )
        reported = {year: float(row.alone_gbp) for year, row in rows.items()}
        if any(math.isnan(gbp) for gbp in reported.values()):
            if not all(math.isnan(gbp) for gbp in reported.values()):
                faults.append(f"{agency} has a position alone in some years only")
            if rule.counterfactual == "today" or (
                keeps_rules and rule.counterfactual != "most_it_could_keep"
            ):
                faults.append(f"{agency} could go on as today, but has no position alone")
            continue
        timeline = do_nothing_timeline
        if rule.counterfactual != "today":
            timeline, foreign = _stand_alone_timeline(own_place, own_scenario, plan, agency)
            faults += [
                f"{agency} alone: {what} is not its to decide, or not so" for what in foreign
            ]
            for excess, allowed, what, unit in _breaches(
                place, own_place, own_scenario, timeline, agency
            ):
                if excess > allowed:
                    faults.append(f"{agency} alone, {what}: {in_unit(excess, unit)} too far")
        positions_found = positions(place, scenario, rule, timeline)
        if rule.counterfactual == "today":  # as others paid for its programmes, and it for theirs
            today_parts = position_parts(place, scenario, rule, do_nothing_timeline)
            for year in reported:
                part = today_parts[year, agency]
                positions_found[year, agency] = (
                    part["paid_by_others_gbp"] - part["paid_for_others_gbp"]
                )
        for year, gbp in reported.items():
            if not abs(positions_found[year, agency] - gbp) <= tolerance(gbp):
                text = f"{agency} alone in {year}: {gbp:,.2f} stated, its plan comes to"
                faults.append(f"{text} {positions_found[year, agency]:,.2f}")
        is_exact = rule.counterfactual != "alone_for_outcomes"
        if not is_exact:
            is_best, objective_faults = _objectives(
                own_place,
                own_scenario,
                timeline,
                do_nothing_timeline if keeps_rules else None,
                plan,
                agency,
            )
            is_exact = is_best
            faults += objective_faults
        faults += _ranges(agency, rows, is_exact)
    faults += _unexpected_plan_rows(rule, plan, stated)
    sentence = "Every position alone is reached by a plan that its agency could follow by itself."
    return Check("B9", "positions alone", sentence, not faults, "; ".join(faults[:5]))


def _ranges(agency: str, rows: dict[int, Any], exact: bool) -> list[str]:
    """A range must contain its position, and be a point where the plan is proven best."""
    faults = []
    for year, row in rows.items():
        low, high, gbp = row.alone_low_gbp, row.alone_high_gbp, row.alone_gbp
        allowed = tolerance(gbp)
        is_inside = low - allowed <= gbp <= high + allowed
        if not is_inside or (exact and not high - low <= 2 * allowed):
            faults.append(
                f"{agency} alone in {year}: {gbp:,.2f}, in a range {low:,.2f} to {high:,.2f}"
            )
    return faults


def _objectives(
    own_place: Place,
    own_scenario: Scenario,
    timeline: Timeline,
    do_nothing_timeline: Timeline | None,
    plan: Tables,
    agency: str,
) -> tuple[bool, list[str]]:
    """Check the objectives that are stated for the agency's plan.

    Args:
        own_place: The place from the agency's point of view.
        own_scenario: The scenario from the same point of view.
        timeline: The agency's own plan.
        do_nothing_timeline: Doing nothing, where that keeps the rules.
        plan: The plan's tables.
        agency: The agency's id.

    Returns:
        Whether the plan is stated to be best to a millionth, and the faults.
    """
    rows = {
        row.objective: row
        for row in rows_of(plan.tables["alone_objectives"])
        if row.agency_id == agency
    }
    expected = (
        own_scenario.objective.minimise if "objective" in own_scenario.model_fields_set else ()
    )
    expected = (*(expected or ("weighted_outcomes",)), *TIE_OBJECTIVES)
    if tuple(rows) != expected[: len(rows)] or not rows:
        return False, [f"{agency} alone is stated to be best by {', '.join(rows) or 'nothing'}"]
    values, faults = _objective_values(own_place, own_scenario, timeline), []
    is_best = tuple(rows)[: len(expected) - len(TIE_OBJECTIVES)] == expected[: -len(TIE_OBJECTIVES)]
    for name, row in rows.items():
        allowed = (
            2e-6 * max(1.0, abs(values[name]))
            if name not in TIE_OBJECTIVES
            else tolerance(values[name])
        )
        if not abs(row.alone - values[name]) <= allowed:
            faults.append(f"{agency} alone: {name} is {row.alone:,.8g}, not {values[name]:,.8g}")
        if name in TIE_OBJECTIVES:
            continue
        if not row.bound <= row.alone + allowed:
            faults.append(f"{agency} alone: {name} is better than the bound {row.bound:,.8g}")
        is_best &= row.alone - row.bound <= 1e-6 * max(0.01, abs(row.alone))
    first = expected[0]
    if do_nothing_timeline is not None:
        unchanged_value = _objective_values(own_place, own_scenario, do_nothing_timeline)[first]
        if values[first] > unchanged_value + 4e-6 * max(1.0, abs(unchanged_value)):
            faults.append(f"{agency} alone would do better by {first} to go on as today")
        if rows[first].bound > unchanged_value + 4e-6 * max(1.0, abs(unchanged_value)):
            faults.append(f"{agency} alone: going on as today is better than the bound of {first}")
    return is_best, faults


def _objective_values(
    own_place: Place, own_scenario: Scenario, timeline: Timeline
) -> dict[str, float]:
    """Every objective of a stand-alone timeline, and the objectives that break ties."""
    order = sorted(timeline.spend_today)
    weight = {key: ((at + 1) / len(order)) ** 1.5 for at, key in enumerate(order)}
    movement = order_value = 0.0
    for spend in timeline.spend:
        movement += sum(abs(spend[key] - gbp) for key, gbp in timeline.spend_today.items())
        order_value += sum(weight[key] * spend[key] for key in order)
    return {
        **totals(own_place, own_scenario, timeline),
        "moved_from_today": movement,
        "programme_order": order_value,
    }


def _unexpected_plan_rows(
    rule: NobodyWorseOff, plan: Tables, stated: dict[str, dict[int, Any]]
) -> list[str]:
    """Rows of stand-alone plans of agencies without a position, or whose position needs no plan."""
    with_plan = {
        agency
        for agency, rows in stated.items()
        if rule.counterfactual != "today"
        and not any(math.isnan(row.alone_gbp) for row in rows.values())
    }
    return [
        f"{name}: a row of {agency}, which has no plan alone"
        for name in ("alone_spending", "alone_payments", "alone_objectives")
        for agency in sorted(set(plan.tables[name]["agency_id"]) - with_plan)
    ]


def _stand_alone_timeline(
    place: Place, scenario: Scenario, plan: Tables, agency: str
) -> tuple[Timeline, list[str]]:
    """The agency's own timeline, and faults of its rows.

    Rows are at fault that are not the agency's to decide, or misstate today's spending.
    """
    do_nothing_timeline = do_nothing(place, scenario)
    own_programmes = set(
        place.programmes.loc[place.programmes["agency_id"] == agency, "programme_id"]
    )
    own_streams = set(place.streams.loc[place.streams["agency_id"] == agency, "stream_id"])
    spend = [dict(do_nothing_timeline.spend_today) for _ in do_nothing_timeline.years]
    units = [dict(run) for run in do_nothing_timeline.units]
    today = base_payments(place)
    fixed_payments = {
        pair: gbp
        for pair, gbp in today.items()
        if pair[0] not in own_programmes or pair[1] not in own_streams
    }
    payments = [defaultdict(float, fixed_payments) for _ in do_nothing_timeline.years]
    faults = []
    for row in rows_of(plan.tables["alone_spending"]):
        if row.agency_id == agency:
            at = do_nothing_timeline.years.index(row.year)
            spend[at][row.programme_id] = row.alone_gbp
            if row.programme_id in units[at]:
                units[at][row.programme_id] = row.units
            if row.programme_id not in own_programmes or _differ(
                row, do_nothing_timeline.spend_today[row.programme_id]
            ):
                faults.append(f"{row.programme_id}, today {row.before_gbp:,.2f}")
    for row in rows_of(plan.tables["alone_payments"]):
        if row.agency_id == agency:
            payments[do_nothing_timeline.years.index(row.year)][
                row.programme_id, row.stream_id
            ] += row.alone_gbp
            pair = row.programme_id, row.stream_id
            is_own = pair[0] in own_programmes and pair[1] in own_streams and row.alone_gbp >= 0
            if not is_own or _differ(row, today.get(pair, 0.0)):
                faults.append(f"{pair[0]} from {pair[1]}, today {row.before_gbp:,.2f}")
    result = replace(
        do_nothing_timeline,
        spend=tuple(spend),
        units=tuple(units),
        payments=tuple(payments),
        cache={},
    )
    return result, faults


def _differ(row: Any, today: float) -> bool:
    return not abs(row.before_gbp - today) <= tolerance(today)


def _breaches(
    place: Place, own_place: Place, own_scenario: Scenario, timeline: Timeline, agency: str
) -> list[Breach]:
    """How far the agency's own timeline breaches the rules that bind it.

    Payments and the agency's share of the one budget are included.
    """
    breaches = [
        breach
        for rule in own_scenario.rules
        if rule.name in BINDING_RULES
        for breach in CHECKS[rule.name](own_place, own_scenario, timeline)
    ]
    costs, total = (
        one_off_costs(own_place, own_scenario, timeline),
        rule_of(own_scenario, OneBudget),
    )
    due = due_by_results(own_place, own_scenario, timeline)
    today, own_streams = base_payments(place), set(_ids(place.streams, agency, "stream_id"))
    own_programmes = set(_ids(place.programmes, agency, "programme_id"))
    base = sum(today.values())
    years_past = past_years(own_place, own_scenario)
    own_payments = sum(gbp for (_, stream), gbp in today.items() if stream in own_streams)
    for at, year in enumerate(timeline.years):
        paid = by_programme(place, timeline.payments[at])
        for key in own_programmes:
            deviation = abs(paid[key] - timeline.spend[at][key] - costs[at][key] - due[at][key])
            breaches.append(
                (deviation, tolerance(paid[key]), f"payments for {key} in {year}", "GBP")
            )
        if total is not None and year not in years_past:
            limit = total.total(base, at) * own_payments / base + base - own_payments
            excess = sum(timeline.payments[at].values()) - limit
            breaches.append((excess, tolerance(limit), f"its share of {year}'s budget", "GBP"))
    return breaches


def _stand_alone_place(place: Place, rule: NobodyWorseOff, agency: str) -> Place:
    """The place in which only the agency's own programmes and streams set limits."""
    rows, streams = place.programmes, place.streams
    is_other = rows["agency_id"] != agency
    own_programmes = set(rows.loc[~is_other, "programme_id"])
    programmes = rows.assign(
        statutory_floor_gbp_per_year=np.where(is_other, 0.0, rows["statutory_floor_gbp_per_year"]),
        minimum_scale_gbp_per_year=np.where(is_other, 0.0, rows["minimum_scale_gbp_per_year"]),
        start_cost_gbp=np.where(is_other, 0.0, rows["start_cost_gbp"]),
        stop_cost_gbp=np.where(is_other, 0.0, rows["stop_cost_gbp"]),
        contract_years=rows["contract_years"].where(~is_other, 0),
        one_of=rows["one_of"].where(~is_other, ""),
        notice_years=rows["notice_years"].where(~is_other, 0),
        contract_until_year=rows["contract_until_year"].where(~is_other),
    )
    amounts = place.stream_amounts
    other_streams = streams[(streams["agency_id"] != agency) & (streams["purpose"] == "revenue")]
    is_unlimited = amounts["stream_id"].isin(other_streams["stream_id"])
    gbp = amounts["amount_gbp"].where(~is_unlimited, amounts["amount_gbp"] + 1e15)
    return place.replace(
        programmes=programmes,
        stream_amounts=amounts.assign(amount_gbp=gbp),
        provider_terms=place.provider_terms[
            place.provider_terms["programme_id"].isin(own_programmes)
        ],
        provision=place.provision[place.provision["programme_id"].isin(own_programmes)],
        commitments=_stand_alone_commitments(place, own_programmes),
        outcomes=place.outcomes.assign(
            minimum_standard=place.outcomes["minimum_standard"].where(
                ~place.outcomes["outcome_id"].isin(rule.only_together)
            )
        ),
    )


def _stand_alone_commitments(place: Place, own_programmes: set[str]) -> pd.DataFrame:
    """The agency's own commitments, and others' actual spending as it is today.

    The latter keeps past years, in which no other rule holds.
    """
    rows = place.commitments
    today = rows["programme_id"].map(by_programme(place, base_payments(place))).astype(float)
    is_own = rows["programme_id"].isin(own_programmes)
    rows = rows.assign(amount_gbp=rows["amount_gbp"].where(is_own, today))
    return rows[is_own | (rows["kind"] == "actual")]


def _stand_alone_scenario(
    scenario: Scenario, rule: NobodyWorseOff, own_programmes: set[str]
) -> Scenario:
    """The question without what only holds together: groups, standards and floors of others."""
    rules: list[Rule] = []
    for changed_rule in scenario.rules:
        if isinstance(changed_rule, Statutory):
            floors = {
                key: gbp for key, gbp in changed_rule.floors_gbp.items() if key in own_programmes
            }
            rules.append(changed_rule.model_copy(update={"floors_gbp": floors}))
        elif isinstance(changed_rule, Commissioning):
            rules.append(changed_rule.model_copy(update={"coherent": ()}))
        elif isinstance(changed_rule, Outcomes) and rule.only_together:
            unconstrained = {"minimum_holds": False, "targets": "open"}
            terms = {
                key: changed_rule.terms(key).model_copy(update=unconstrained)
                for key in rule.only_together
            }
            all_terms = {**changed_rule.outcome, **terms}
            rules.append(changed_rule.model_copy(update={"outcome": all_terms}))
        else:
            rules.append(changed_rule)
    return scenario.model_copy(update={"rules": tuple(rules)})


def _ids(table: pd.DataFrame, agency: str, key: str) -> list[str]:
    return [str(value) for value in table.loc[table["agency_id"] == agency, key]]
