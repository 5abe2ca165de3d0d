"""The verifier on rules about money and carbon (E10, E11, E14, E15)."""

from __future__ import annotations

from placeopt.estate.verify.registry import RuleResult, checks, checks_all_years
from placeopt.estate.verify.residents import TOLERANCE
from placeopt.estate.verify.years import Schedule, Year, receipts_in
from placeopt.scenario.rules.estate.services import Capital, Carbon, FairRents, Revenue
from placeopt.scenario.wording import pounds


@checks_all_years(Capital)
def capital(rule: Capital, schedule: Schedule) -> RuleResult:
    """(E10) Works of every year are paid from the pot, its remainder of earlier years, and receipts
    recycled.

    For one decided year all receipts count; for several, those received by then.
    """
    pots = rule.pots(len(schedule.years))
    available, is_single_year = 0.0, len(schedule.years) == 1
    detail = ""
    for t, year in enumerate(schedule.years):
        available += pots[t]
        receipts = receipts_in(schedule, year.facts.year)
        if is_single_year:
            receipts = sum(net for net, _ in year.sums.sold.values())
        available += rule.recycled_share * receipts
        works = year.sums.works()
        spent = sum(works[work] for work in rule.pays_for)
        detail = f"{pounds(spent)} of {pounds(available)}"
        if not is_single_year:
            detail += f" in {year.facts.year}"
        if spent > available + max(1.0, TOLERANCE * max(spent, available)):
            return False, detail
        available -= spent
    return True, detail


@checks(Revenue)
def revenue(rule: Revenue, year: Year) -> RuleResult:
    """(E11) The running cost of the year is under its ceiling."""
    spent = year.sums.running
    ceiling = rule.ceiling_gbp_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * year.today.running
    detail = f"{pounds(spent)} of {pounds(ceiling)} a year"
    return spent <= ceiling + max(1.0, TOLERANCE * ceiling), detail


@checks(Carbon)
def carbon(rule: Carbon, year: Year) -> RuleResult:
    """(E14) The carbon of open buildings is under its ceiling."""
    emitted, ceiling = year.sums.carbon, rule.ceiling_tco2e_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * year.today.carbon
    detail = f"{emitted:,.1f} of {ceiling:,.1f} tCO2e a year"
    return emitted <= ceiling + TOLERANCE * max(ceiling, 1.0), detail


@checks(FairRents)
def fair_rents(rule: FairRents, year: Year) -> RuleResult:
    """(E15) Rents cover all buildings' costs; no agency pays more than its buildings cost today.

    Rents are set for the last decided year; before it, all buildings together cost no more than
    today.
    """
    facts, arrangement, sums = year.facts, year.arrangement, year.sums
    cost = sums.running - sum(sums.staff.values())
    slack = max(1.0, TOLERANCE * cost)
    if not arrangement.rents and not arrangement.transfers:
        today = year.today.running - sum(year.today.staff.values())
        let_m2 = sum(sums.area.values())
        if cost > let_m2 * today + slack:
            return False, f"rents cannot bring {pounds(cost)}: {let_m2:,.1f} m2 are let"
        detail = f"{pounds(cost)} of today's {pounds(today)}, rents not yet set"
        return cost <= today + slack, detail
    paid: dict[str, float] = {}
    before: dict[str, float] = {}
    for (i, s), m2 in sums.area.items():
        agency = facts.services[s]["agency_id"]
        paid[agency] = paid.get(agency, 0.0) + m2 * arrangement.rents.get(i, 0.0)
    for i, row in facts.buildings.items():
        own = sum(gbp.get(i, 0.0) for gbp in year.today.parts.values())
        before[row["agency_id"]] = before.get(row["agency_id"], 0.0) + own
    if abs(sum(paid.values()) - cost) > slack:
        return False, f"rents bring {pounds(sum(paid.values()))}, buildings cost {pounds(cost)}"
    if abs(sum(arrangement.transfers.values())) > slack:
        return False, "transfers do not add up to nothing"
    if min(arrangement.rents.values(), default=0.0) < -TOLERANCE:
        return False, "a rent is below 0"
    for agency in {*paid, *before}:
        net = paid.get(agency, 0.0) + arrangement.transfers.get(agency, 0.0)
        if net > before.get(agency, 0.0) + slack:
            before_gbp = before.get(agency, 0.0)
            return False, f"{agency or 'no agency'} pays {pounds(net)}, today {pounds(before_gbp)}"
    moved = sum(max(0.0, gbp) for gbp in arrangement.transfers.values())
    return True, f"{pounds(cost)} a year covered, {pounds(moved)} of it by transfers"
