"""The verifier on visits sent past a nearer host: their number, the reasons, and the cost of
sending others nearer. Everything is recomputed from the rows of the plan.

One visit more or less at a service point changes the floor in use of its year and, where the
service is new there, the fit-out; both are measured by a small step of floor.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from placeopt.estate.verify.facts import Key
from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.residents import full_offer
from placeopt.estate.verify.tables import compare_columns, compare_figure
from placeopt.estate.verify.years import Schedule, Year, fit_out_years, receipts_in
from placeopt.scenario.discount import annuity, discount_factors
from placeopt.scenario.reassignment import (
    AREA_TOLERANCE_M2,
    COST_TOLERANCE_GBP,
    MINUTES_TOLERANCE,
    VISIT_TOLERANCE,
    cost_ceiling_gbp,
    is_used_up,
    planner_assigns,
    uses_reassignment,
)
from placeopt.scenario.rules.estate.services import Capacity, Capital, Floor
from placeopt.scenario.wording import pounds

REASONS = ("floor", "capital", "cost", "open")
Change = tuple[list[float], float]  # GBP of capital paid by each year, GBP of net present cost


def wrong_sent_past(
    schedule: Schedule, nothing: Schedule, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield every figure about visits sent past a nearer host that differs from the one
    recomputed."""
    scenario = schedule.first.facts.scenario
    if not planner_assigns(scenario):
        if "sent_past" in tables:
            yield "sent_past: residents go by themselves, and nobody is sent"
        return
    columns = _expected_columns(schedule, nothing, summary)
    keys = [(*key,) for key in rows(tables["sent_past"], "year", "service_id")]
    for key in sorted(columns["visits_per_year"].keys() - set(keys)):
        yield f"sent_past: no row of {key[0]} {key[1]}"
    yield from compare_columns("sent_past", tables["sent_past"], ("year", "service_id"), columns)
    last = schedule.last.facts.year
    found = {
        name: sum(visits for (year, _), visits in figures.items() if year == last)
        for name, figures in columns.items()
    }
    served, past = found.pop("visits_per_year"), found["past_nearer_visits_per_year"]
    for name, visits in found.items():
        yield from compare_figure(f"summary {name}", _stated(summary, name), visits)
    share, stated = past / served if served else 0.0, _stated(summary, "past_nearer_share")
    if not abs(stated - share) <= 1e-4:
        yield f"summary past_nearer_share: stated {stated:.4f}, found {share:.4f}"
    if uses_reassignment(scenario):
        yield from _reassignment(schedule, nothing, summary)


def _stated(summary: Mapping[str, Any], name: str) -> float:
    return float(summary[name]) if name in summary else math.nan


def _reassignment(
    schedule: Schedule, nothing: Schedule, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield statements on the reassignment that are wrong: minutes, cost above its ceiling, or a
    bound above the minutes."""
    if "reassignment_status" not in summary:
        yield "summary: nothing is stated of sending visits nearer"
        return
    best, cost = _stated(summary, "cost_best_found"), schedule.totals()["cost"]
    ceiling = cost_ceiling_gbp(
        schedule.first.facts.scenario, best, -math.inf, nothing.totals()["cost"]
    )
    minutes = sum(year.sums.minutes for year in schedule.years)
    visits = sum(_visits_served(year) for year in schedule.years)
    for name, value in {
        "reassignment_cost_gbp": cost - best,
        "reassignment_cost_ceiling_gbp": ceiling,
        "reassignment_minutes_after": minutes,
        "reassignment_mean_minutes_after": minutes / visits if visits else 0.0,
    }.items():
        yield from compare_figure(f"summary {name}", _stated(summary, name), value)
    if cost > ceiling + max(1.0, 1e-6 * abs(ceiling)):
        yield f"cost: {pounds(cost)}, sending visits nearer may raise it to {pounds(ceiling)}"
    before, bound = (
        _stated(summary, f"reassignment_minutes_{name}") for name in ("before", "proven_bound")
    )
    tolerance = max(0.5, 1e-6 * minutes)
    if not before >= minutes - tolerance:
        yield f"summary reassignment_minutes_before: {before:,.0f} are fewer than {minutes:,.0f}"
    if bound > minutes + tolerance:
        yield f"summary reassignment_minutes_proven_bound: {bound:,.0f} is above {minutes:,.0f}"
    gap = _stated(summary, "reassignment_gap_share")
    if math.isfinite(bound) and not abs(gap * minutes - max(minutes - bound, 0.0)) <= tolerance:
        yield f"summary reassignment_gap_share: {gap:.4f} is not that of {bound:,.0f}"
    if summary["reassignment_status"] == "optimal" and not minutes - bound <= 10 * tolerance:
        yield "summary reassignment_status: optimal, but the bound does not show it"


def _visits_served(year: Year) -> float:
    return sum(
        year.facts.visits.get(key, 0.0) * sum(shares.values())
        for key, shares in year.arrangement.served.items()
    )


def _expected_columns(
    schedule: Schedule, nothing: Schedule, summary: Mapping[str, Any]
) -> dict[str, dict[tuple[Any, ...], float]]:
    """Return the columns of the table as recomputed: (year, service) -> visits a year."""
    facts = schedule.first.facts
    best = summary.get("cost_best_found")
    cost = schedule.totals()["cost"]
    ceiling = cost_ceiling_gbp(facts.scenario, best, cost, nothing.totals()["cost"])
    no_money_left = is_used_up(ceiling - cost, cost)
    short = _capital_used_up(schedule)
    columns: dict[str, dict[tuple[Any, ...], float]] = {
        name: {}
        for name in (
            "visits_per_year",
            *(f"past_{reason}_visits_per_year" for reason in ("nearer", *REASONS)),
        )
    }
    for t, year in enumerate(schedule.years):
        for s, row in year.facts.services.items():
            if row["back_office"]:
                continue
            key = (year.facts.year, s)
            by_reason = _visits_by_reason(schedule, t, s, short, no_money_left)
            columns["past_nearer_visits_per_year"][key] = sum(by_reason.values())
            for reason in REASONS:
                columns[f"past_{reason}_visits_per_year"][key] = by_reason[reason]
            columns["visits_per_year"][key] = sum(
                year.facts.visits.get((zone, s), 0.0) * sum(shares.values())
                for (zone, service), shares in year.arrangement.served.items()
                if service == s
            )
    return columns


def _visits_by_reason(
    schedule: Schedule, t: int, s: str, short: list[bool], no_money_left: bool
) -> dict[str, float]:
    """Return visits to a service in a year sent past a nearer host, by reason."""
    year = schedule.years[t]
    facts, arrangement = year.facts, year.arrangement
    hosts = sorted(i for i, service in arrangement.hosts if service == s)
    has_full_offer = {i: full_offer(facts, arrangement, i, s) for i in hosts}
    rate = facts.services[s]["area_m2_per_1000_visits"] / 1000
    is_unlimited = not (facts.scenario.of(Floor) and facts.scenario.of(Capacity)) or rate <= 0
    least = max(VISIT_TOLERANCE * rate, AREA_TOLERANCE_M2)
    with_space = {
        i for i in hosts if is_unlimited or facts.usable_m2(i) - year.sums.area_used(i) > least
    }
    change_elsewhere = {i: _marginal_change(schedule, t, (i, s), rate, 1) for i in with_space}
    change_at_host: dict[str, Change] = {}
    by_reason: dict[str, float] = defaultdict(float)
    for (zone, service), shares in arrangement.served.items():
        if service != s:
            continue
        for i, share in shares.items():
            minutes_limit = facts.fastest.get((zone, i), math.inf) - MINUTES_TOLERANCE
            nearer = {
                j
                for j in hosts
                if facts.fastest.get((zone, j), math.inf) < minutes_limit
                and (has_full_offer[j] or not has_full_offer.get(i))
            }
            if not nearer:
                continue
            if i not in change_at_host:
                change_at_host[i] = _marginal_change(schedule, t, (i, s), rate, -1)
            reasons = {
                _obstacle(change_at_host[i], change_elsewhere[j], short, no_money_left)
                for j in nearer
                if j in with_space
            }
            reason = next((r for r in ("open", "cost", "capital") if r in reasons), "floor")
            by_reason[reason] += share * facts.visits.get((zone, s), 0.0)
    return by_reason


def _obstacle(leaving: Change, joining: Change, short: list[bool], no_money_left: bool) -> str:
    """Return why a visit cannot be moved: capital, cost, or nothing (open)."""
    for k, used in enumerate(short):
        if used and leaving[0][k] + joining[0][k] > COST_TOLERANCE_GBP:
            return "capital"
    return "cost" if no_money_left and leaving[1] + joining[1] > COST_TOLERANCE_GBP else "open"


def _marginal_change(schedule: Schedule, t: int, point: Key, rate: float, sign: int) -> Change:
    """Return the change by one visit more (1) or less (-1) at a service point in a year."""
    facts, count = schedule.first.facts, len(schedule.years)
    money, row = facts.scenario.money, facts.buildings[point[0]]
    factor = discount_factors(count, money.discount_rate).tolist()
    weight = factor[t]
    if t == count - 1:
        weight += annuity(money) - sum(factor)
    gbp = sign * rate * row["running_cost_gbp_per_m2_per_year"] * weight
    if point in facts.hosted_today:
        return [0.0] * count, gbp
    areas = [year.sums.area.get(point, 0.0) for year in schedule.years]
    fitted_before = _fitted(areas, fit_out_years(facts))
    areas[t] += sign * AREA_TOLERANCE_M2
    fitted_after = _fitted(areas, fit_out_years(facts))
    per_m2 = row["fit_out_gbp_per_m2"] * rate / AREA_TOLERANCE_M2
    paid_by = [per_m2 * (new - old) for new, old in zip(fitted_after, fitted_before, strict=True)]
    paid = [by - (paid_by[k - 1] if k else 0.0) for k, by in enumerate(paid_by)]
    return paid_by, gbp + sum(f * one for f, one in zip(factor, paid, strict=True))


def _fitted(areas: list[float], years_ahead: int) -> list[float]:
    """Return m2 fitted out by each year: the most used so many years later, never decreasing."""
    found: list[float] = []
    for t in range(len(areas)):
        needed = areas[t + years_ahead] if t + years_ahead < len(areas) else 0.0
        found.append(max(needed, found[-1]) if found else needed)
    return found


def _capital_used_up(schedule: Schedule) -> list[bool]:
    """Return whether by each year a pot that pays for fit-out is used up."""
    used_up = [False] * len(schedule.years)
    for rule in schedule.first.facts.scenario.of(Capital):
        if "fit_out" not in rule.pays_for:
            continue
        pots = rule.pots(len(schedule.years))
        available = spent = 0.0
        for t, year in enumerate(schedule.years):
            receipts = receipts_in(schedule, year.facts.year)
            if len(schedule.years) == 1:
                receipts = sum(net for net, _ in year.sums.sold.values())
            available += pots[t] + rule.recycled_share * receipts
            works = year.sums.works()
            spent += sum(works[kind] for kind in rule.pays_for)
            used_up[t] |= is_used_up(available - spent, available)
    return used_up
