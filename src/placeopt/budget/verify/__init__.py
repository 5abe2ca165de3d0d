"""Re-check a budget plan from the tables alone: a place, a scenario and a plan, nothing else.

The arithmetic is redone in plain Python, with its own reading of the curves. Every rule must hold
in every decided year. Every figure of the plan's tables (payments, spending, one-off costs,
outcomes, reserves, cash flow, positions, objectives) must follow from the plan's payments and
spending and the place's tables. The verifier does not use the model that was solved.

Tolerances: money 1 GBP or a millionth, whichever is larger; outcomes a millionth of the larger
of level and baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from placeopt.budget.verify import capital, change, rules  # noqa: F401 (they register checks)
from placeopt.budget.verify.cells import check_cells
from placeopt.budget.verify.completeness import check_completeness
from placeopt.budget.verify.partners import nobody_worse_off
from placeopt.budget.verify.registry import CHECKS
from placeopt.budget.verify.stand_alone import check_stand_alone_positions
from placeopt.budget.verify.sums import check_sums
from placeopt.budget.verify.timeline import (
    Breach,
    Names,
    Tables,
    Timeline,
    actual_spend_keys,
    do_nothing,
    plan_timeline,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.budget.verify.totals import totals
from placeopt.place import Place
from placeopt.scenario import Check, Rule, Scenario, Verification
from placeopt.scenario.rules.budget.money import NobodyWorseOff
from placeopt.scenario.wording import in_unit, pounds_and_pence

MAX_BREACHES = 5  # of a broken rule that its detail names


def verify(place: Place, scenario: Scenario, plan: Tables) -> Verification:
    """Check every rule of the scenario and the plan's own arithmetic against the tables.

    Args:
        place: The place.
        scenario: The scenario.
        plan: The plan's tables.

    Returns:
        One check for each rule and group of figures; only the first check where the tables cannot
        be read.
    """
    readable = check_completeness(place, scenario, plan)
    if not readable.holds:
        return Verification((readable,))
    timeline, do_nothing_timeline = (
        plan_timeline(place, scenario, plan),
        do_nothing(place, scenario),
    )
    checks = [readable, _maxima(place, scenario, timeline), *_rules(place, scenario, timeline)]
    position_rule = rule_of(scenario, NobodyWorseOff)
    if position_rule is not None:
        breaches = nobody_worse_off(place, scenario, position_rule, timeline, plan)
        checks.append(_check(position_rule, breaches, Names(place).of_rule()))
        checks.append(check_stand_alone_positions(place, scenario, position_rule, plan))
    checks += check_sums(place, scenario, plan, timeline)
    checks += check_cells(place, scenario, plan, timeline)
    broken_today = [
        check for check in _rules(place, scenario, do_nothing_timeline) if not check.holds
    ]
    return Verification(
        checks=tuple(checks),
        totals=totals(place, scenario, timeline),
        do_nothing=totals(place, scenario, do_nothing_timeline),
        broken_today=tuple(broken_today),
    )


def verify_stand_alone_positions(
    place: Place, scenario: Scenario, tables: Mapping[str, pd.DataFrame]
) -> Check:
    """(B9) Check the stand-alone positions where rules clash and there is no plan.

    Args:
        place: The place.
        scenario: The scenario.
        tables: ``positions_alone``, ``alone_spending``, ``alone_payments`` and
            ``alone_objectives``.
    """
    tables_only = _TablesOnly({**tables, "positions": tables["positions_alone"]})
    rule = next(rule for rule in scenario.rules if isinstance(rule, NobodyWorseOff))
    return check_stand_alone_positions(place, scenario, rule, tables_only)


@dataclass(frozen=True)
class _TablesOnly:
    """Tables by name, where there is no plan."""

    tables: Mapping[str, pd.DataFrame]


def _rules(place: Place, scenario: Scenario, timeline: Timeline) -> list[Check]:
    """One check for each rule of the scenario that applies to a timeline of spending."""
    names = Names(place).of_rule()
    return [
        _check(rule, CHECKS[rule.name](place, scenario, timeline), names)
        for rule in scenario.rules
        if rule.name in CHECKS
    ]


def _check(rule: Rule, breaches: list[Breach], names: dict[str, str]) -> Check:
    broken = [breach for breach in breaches if not breach[0] <= breach[1]]
    detail = "nothing to check"
    if broken:
        detail = _broken_in_words(broken)
    elif breaches:
        excess, allowed, subject, unit = max(breaches, key=_by_tolerance)
        headroom = f"{in_unit(-excess, unit)} of room" if -excess > allowed else "met exactly"
        detail = f"{subject}: {headroom}"
    sentence, stated_at = rule.sentence(names), str(rule.origin)
    return Check(rule.number, rule.name, sentence, not broken, detail, stated_at=stated_at)


def _by_tolerance(breach: Breach) -> float:
    """How far a breach goes in multiples of its tolerance: comparable between units."""
    return breach[0] / breach[1]


def _broken_in_words(broken: list[Breach]) -> str:
    """The largest breaches: in money where all are of money, else in multiples of tolerance."""
    in_money = all(unit == "GBP" for *_, unit in broken)
    broken = sorted(broken, key=(lambda b: -b[0]) if in_money else (lambda b: -_by_tolerance(b)))
    parts = [f"{subject}: {in_unit(excess, unit)} too far" for excess, _, subject, unit in
             broken[:MAX_BREACHES]]  # fmt: skip
    if len(broken) > MAX_BREACHES:
        parts.append(f"and {len(broken) - MAX_BREACHES} more")
    return "; ".join(parts)


def _maxima(place: Place, scenario: Scenario, timeline: Timeline) -> Check:
    faults, actual, names = [], actual_spend_keys(place, scenario), Names(place)
    for row in rows_of(place.programmes):
        key, maximum = row.programme_id, row.maximum_gbp_per_year
        for at, year in enumerate(timeline.years):
            excess = timeline.spend[at][key] - maximum  # NaN where no maximum is known
            if excess > tolerance(maximum) and (key, year) not in actual:
                faults.append(f"{names.programme(key)} in {year}: {pounds_and_pence(excess)} over")
    sentence = "No programme gets more than can usefully be spent."
    return Check("", "maximum", sentence, not faults, ", ".join(faults))
