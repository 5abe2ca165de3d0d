"""Why each building is kept, closed or opened, and when: the rule or the saving that moved it.

Over years each reason names its years: what a building is needed for in which of them, which
ceiling of which year would not hold with it open, and what kept it open until it closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from placeopt.estate.course import Course
from placeopt.estate.decision import Costs
from placeopt.estate.plan.held import against, needed_for
from placeopt.estate.problem import EstateProblem
from placeopt.estate.years import Years

if TYPE_CHECKING:
    from placeopt.place import Place


@dataclass(frozen=True)
class Told:
    """What the sentences are made from."""

    years: Years
    course: Course
    spent: Costs  # the last year's, with what is paid once of all years
    needed: list[list[list[str]]]  # by year and building
    against: list[list[list[str]]]
    names: dict[str, str]

    @property
    def problem(self) -> EstateProblem:
        return self.years.last

    @property
    def several(self) -> bool:
        return len(self.years.problems) > 1

    def year(self, t: int) -> int:
        return self.years.problems[t].year

    def name(self, identity: str) -> str:
        return self.names.get(identity) or identity

    def when(self, found: list[list[list[str]]], i: int) -> list[str]:
        """The reasons of a building, each with its years where several are decided."""
        years: dict[str, list[int]] = {}
        for t, of_year in enumerate(found):
            for what in of_year[i]:
                years.setdefault(what, []).append(self.year(t))
        if not self.several:
            return list(years)
        return [f"{what}{_span(at, len(found))}" for what, at in years.items()]


def reasons(place: Place, years: Years, course: Course, spent: Costs) -> list[str]:
    """One to a few sentences for every building."""
    names = {
        str(identity): str(name)
        for table, key in (("services", "service_id"), ("tiers", "tier_id"),
                           ("districts", "district_id"), ("buildings", "building_id"))
        for identity, name in zip(place.tables[table][key], place.tables[table]["name"],
                                  strict=True)
    }  # fmt: skip
    pairs = list(zip(years.problems, course.decisions, strict=True))
    told = Told(
        years=years,
        course=course,
        spent=spent,
        needed=[needed_for(problem, plan, names) for problem, plan in pairs],
        against=[against(problem, plan, names) for problem, plan in pairs],
        names=names,
    )
    return [
        _open(told, i) if course.last.open[i] else _closed(told, i)
        for i in range(len(years.first.buildings.ids))
    ]


def _open(told: Told, i: int) -> str:
    plan, b = told.course.last, told.problem.buildings
    if b.unknown_use[i]:
        return "Kept: what it hosts today is not known, so nothing is closed or moved in (E13)."
    parts = []
    if b.must_open[i]:
        parts.append("Decided already: it stays open (E13).")
    if told.several and not b.open_today[i]:
        opened = next(t for t, d in enumerate(told.course.decisions) if d.open[i])
        parts.append(f"Opens in {told.year(opened)}.")
    moves = _moves_in(told, i)
    if moves:
        spent = told.spent.capital_gbp[i]
        parts.append(f"Takes in {moves} for GBP {spent:,.0f} of capital.")
    needed = told.when(told.needed, i)
    if needed:
        parts.append(f"Without it this would fail: {'; '.join(needed)}.")
    elif plan.host[i].any() and not b.must_open[i]:
        used = told.spent.area_m2[i].sum() + told.spent.front_m2[i]
        full = used / b.usable_m2[i] if b.usable_m2[i] > 0 else 0
        parts.append(
            f"The cheapest home found for its services within the rules; {100 * full:.0f} % of "
            "its usable area is in use."
        )
    if not plan.host[i].any() and not b.must_open[i] and not needed:
        parts.append("Open without a service: a rule on the number of buildings asks for it (E9).")
    return " ".join(parts)


def _closed(told: Told, i: int) -> str:
    b = told.problem.buildings
    if b.candidate[i]:
        return "Not needed."
    parts = []
    if b.must_close[i]:
        parts.append("Decided already: it closes (E13).")
    if b.open_today[i]:
        parts += _closes(told, i)
    else:
        parts.append("Not needed for any service.")
    broken = told.when(told.against, i)
    if broken and b.open_today[i]:
        parts.append(f"With it open {' and '.join(broken)}.")
    parts.append(_left(told, i))
    return " ".join(parts)


def _closes(told: Told, i: int) -> list[str]:
    """That it closes, what it saves, and what kept it open before."""
    b = told.problem.buildings
    closes = next(t for t, d in enumerate(told.course.decisions) if not d.open[i])
    saved = b.fixed_gbp_per_year[i] - told.spent.running_gbp_per_year[i]
    when = f" in {told.year(closes)}" if told.several else ""
    hosted = [told.name(s) for s in told.problem.services.ids[told.problem.hosted[i]]]
    moved = f" ({', '.join(hosted)})" if hosted else ""
    parts = [f"Closing{when} saves GBP {saved:,.0f} a year before rehousing its services{moved}."]
    return parts + _kept_until(told, i, closes) if closes else parts


def _kept_until(told: Told, i: int, closes: int) -> list[str]:
    """What the year before its closing needed it for, or waited for."""
    before, now = told.course.decisions[closes - 1], told.course.decisions[closes]
    earlier, year = told.year(closes - 1), told.year(closes)
    parts = []
    if told.needed[closes - 1][i]:
        parts.append(
            f"In {earlier} it was still needed for {'; '.join(told.needed[closes - 1][i])}."
        )
    enters = now.host & ~before.host
    fitted = told.years.fit_out_years
    to = np.flatnonzero(enters[:, before.host[i]].any(axis=1))
    if fitted and len(to):
        homes = ", ".join(told.name(str(told.problem.buildings.ids[n])) for n in to[:3])
        more = f" and {len(to) - 3} more" if len(to) > 3 else ""
        parts.append(
            f"Its services' new places in {homes}{more} are fitted out in {year - fitted} and "
            f"used from {year} on (E12)."
        )
    most = told.years.moves_per_year
    been = told.course.decisions[closes - 2].host if closes > 1 else told.problem.hosted
    if most is not None and (before.host & ~been).sum() >= most:
        parts.append(f"In {earlier} as many services moved as may in a year, {most} (E12).")
    ends = [problem.buildings.can_end[i] for problem in told.years.problems]
    if now.disposed[i] and ends[closes] and not ends[closes - 1]:
        when = f"from {year} on" if all(ends[closes:]) else f"in {year}"
        parts.append(f"Its lease can end {when}.")
    return parts


def _left(told: Told, i: int) -> str:
    """How a closed building is left: sold, its lease ended, or held empty."""
    plan, b = told.course.last, told.problem.buildings
    if not plan.disposed[i]:
        return f"Held empty for GBP {b.holding_gbp_per_year[i]:,.0f} a year."
    t = next(t for t, d in enumerate(told.course.decisions) if d.disposed[i])
    year = told.year(t)
    when = f" in {year}" if told.several else ""
    if b.sellable[i]:
        comes = year + int(b.sale_lag_years[i])
        paid = f", paid in {comes}" if told.several and comes > year else ""
        return f"Sold{when} for GBP {b.receipt_net_gbp[i]:,.0f} net{paid}."
    penalty = told.years.problems[t].buildings.penalty_gbp[i]
    return f"Its lease is ended{when}{f' for GBP {penalty:,.0f}' if penalty else ''}."


def _moves_in(told: Told, i: int) -> str:
    """The services that move into a building, by year."""
    said, was = [], told.problem.hosted[i]
    for t, decision in enumerate(told.course.decisions):
        ids = [told.name(str(s)) for s in told.problem.services.ids[decision.host[i] & ~was]]
        if ids:
            said.append(", ".join(ids) + (f" in {told.year(t)}" if told.several else ""))
        was = decision.host[i]
    return "; ".join(said)


def _span(years: list[int], decided: int) -> str:
    """The years in which something holds: nothing where it is all of them."""
    if len(years) == decided:
        return ""
    if len(years) == 1:
        return f" in {years[0]}"
    together = years[-1] - years[0] + 1 == len(years)
    return f" in {years[0]} to {years[-1]}" if together else f" in {', '.join(map(str, years))}"
