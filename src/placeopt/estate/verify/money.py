"""The verifier on rules about money and carbon: capital (E10), revenue (E11), carbon (E14), fair
rents (E15)."""

from __future__ import annotations

from placeopt.estate.verify.residents import TOLERANCE, RuleResult
from placeopt.estate.verify.years import Schedule, Year, receipts_in
from placeopt.scenario.rules.estate.services import Capital, Carbon, FairRents, Revenue
from placeopt.scenario.wording import pounds


def capital(rule: Capital, schedule: Schedule) -> RuleResult:
    """(E10) Works of every year, from the pot, what was left of it, and receipts recycled.

    Of one decided year all receipts count; of several, those received by then.
    """
    pots = rule.pots(len(schedule.years))
    there, alone = 0.0, len(schedule.years) == 1
    detail = ""
    for t, year in enumerate(schedule.years):
        there += pots[t]
        came = receipts_in(schedule, year.facts.year)
        if alone:
            came = sum(net for net, _ in year.sums.sold.values())
        there += rule.recycled_share * came
        works = year.sums.works()
        spent = sum(works[work] for work in rule.pays_for)
        detail = f"{pounds(spent)} of {pounds(there)}"
        if not alone:
            detail += f" in {year.facts.year}"
        if spent > there + max(1.0, TOLERANCE * max(spent, there)):
            return False, detail
        there -= spent
    return True, detail


def revenue(rule: Revenue, year: Year) -> RuleResult:
    """(E11)"""
    spent = year.sums.running
    ceiling = rule.ceiling_gbp_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * year.today.running
    detail = f"{pounds(spent)} of {pounds(ceiling)} a year"
    return spent <= ceiling + max(1.0, TOLERANCE * ceiling), detail


def carbon(rule: Carbon, year: Year) -> RuleResult:
    """(E14)"""
    emitted, ceiling = year.sums.carbon, rule.ceiling_tco2e_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * year.today.carbon
    detail = f"{emitted:,.1f} of {ceiling:,.1f} tCO2e a year"
    return emitted <= ceiling + TOLERANCE * max(ceiling, 1.0), detail


def fair_rents(rule: FairRents, year: Year) -> RuleResult:
    """(E15) Rents cover all buildings' costs; nobody pays more than its buildings cost today.

    Rents are set for the last decided year; before it, all buildings together cost no more than
    today.
    """
    facts, a, sums = year.facts, year.arrangement, year.sums
    cost = sums.running - sum(sums.staff.values())
    slack = max(1.0, TOLERANCE * cost)
    if not a.rents and not a.transfers:
        today = year.today.running - sum(year.today.staff.values())
        let = sum(sums.area.values())
        if cost > let * today + slack:
            return False, f"rents cannot bring {pounds(cost)}: {let:,.1f} m2 are let"
        detail = f"{pounds(cost)} of today's {pounds(today)}, rents not yet set"
        return cost <= today + slack, detail
    paid: dict[str, float] = {}
    before: dict[str, float] = {}
    for (i, s), m2 in sums.area.items():
        agency = facts.services[s]["agency_id"]
        paid[agency] = paid.get(agency, 0.0) + m2 * a.rents.get(i, 0.0)
    for i, row in facts.buildings.items():
        own = sum(gbp.get(i, 0.0) for gbp in year.today.parts.values())
        before[row["agency_id"]] = before.get(row["agency_id"], 0.0) + own
    if abs(sum(paid.values()) - cost) > slack:
        return False, f"rents bring {pounds(sum(paid.values()))}, buildings cost {pounds(cost)}"
    if abs(sum(a.transfers.values())) > slack:
        return False, "transfers do not add up to nothing"
    if min(a.rents.values(), default=0.0) < -TOLERANCE:
        return False, "a rent is below 0"
    for agency in {*paid, *before}:
        net = paid.get(agency, 0.0) + a.transfers.get(agency, 0.0)
        if net > before.get(agency, 0.0) + slack:
            was = before.get(agency, 0.0)
            return False, f"{agency or 'no agency'} pays {pounds(net)}, today {pounds(was)}"
    moved = sum(max(0.0, gbp) for gbp in a.transfers.values())
    return True, f"{pounds(cost)} a year covered, {pounds(moved)} of it by transfers"
