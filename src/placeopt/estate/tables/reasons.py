"""Reasons why each building is kept, closed or opened, and when: the rule or the saving.

Over years each reason names its years: what a building is needed for, which ceiling of which year
would fail with it open, and what kept it open until it closes. A reason is a code with numbers,
each recomputed from the plan, and a sentence made from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import Costs
from placeopt.estate.solution.timeline import Timeline
from placeopt.estate.tables.binding_rules import rules_broken_if_closed, rules_broken_if_open
from placeopt.scenario.wording import per_cent, pounds

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place

OBJECTIVE_PHRASES = {  # objective -> what a plan minimises, in words
    "cost": "net present cost",
    "visit_minutes": "minutes of visits",
    "buildings": "number of buildings",
    "carbon": "carbon",
    "worst_off": "minutes of the worst-off",
    "weighted": "weighted sum",
}


@dataclass(frozen=True)
class Reason:
    """One reason for the decision on a building.

    Attributes:
        code: kind of reason.
        sentence: made from the code and the numbers.
        year: that it is about.
        amount: in ``unit``; NaN where there is none.
        unit: GBP, GBP/year, share, moves or "".
        subjects: ids of services or buildings.
    """

    code: str
    sentence: str
    year: int
    amount: float = math.nan
    unit: str = ""
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Inputs of the reasons.

    Attributes:
        years: the problem of every decided year.
        timeline: the plan.
        spent: the last year's costs, with one-off costs of all years.
        broken_if_closed: by year and building, the rules that fail without it.
        broken_if_open: by year and building, the rules that fail if it were open as well.
        names: id -> name.
    """

    years: Years
    timeline: Timeline
    spent: Costs
    broken_if_closed: list[list[list[str]]]
    broken_if_open: list[list[list[str]]]
    names: dict[str, str]

    @property
    def problem(self) -> EstateProblem:
        return self.years.last

    @property
    def several(self) -> bool:
        return len(self.years.problems) > 1

    def year(self, t: int) -> int:
        return self.years.problems[t].year

    @property
    def last_year(self) -> int:
        return self.year(len(self.years.problems) - 1)

    def name(self, identity: str) -> str:
        return self.names.get(identity) or identity

    def when(self, found: list[list[list[str]]], i: int) -> list[str]:
        """Return the rules listed for a building, each with its years where several are decided."""
        years: dict[str, list[int]] = {}
        for t, of_year in enumerate(found):
            for what in of_year[i]:
                years.setdefault(what, []).append(self.year(t))
        if not self.several:
            return list(years)
        return [
            f"{what}{_describe_years(of_years, len(found))}" for what, of_years in years.items()
        ]


def reasons_table(place: Place, years: Years, timeline: Timeline, spent: Costs) -> pd.DataFrame:
    """Return one row a reason: building_id, code, year, amount, unit, subjects, sentence; at least
    one for every building."""
    import pandas as pd

    names = {
        str(identity): str(name)
        for table, key in (("services", "service_id"), ("tiers", "tier_id"),
                           ("districts", "district_id"), ("buildings", "building_id"))
        for identity, name in zip(place.tables[table][key], place.tables[table]["name"],
                                  strict=True)
    }  # fmt: skip
    pairs = list(zip(years.problems, timeline.decisions, strict=True))
    facts = Facts(
        years=years,
        timeline=timeline,
        spent=spent,
        broken_if_closed=[rules_broken_if_closed(problem, plan, names) for problem, plan in pairs],
        broken_if_open=[rules_broken_if_open(problem, plan, names) for problem, plan in pairs],
        names=names,
    )
    rows = [
        (identity, r.code, r.year, r.amount, r.unit, "; ".join(r.subjects), r.sentence)
        for i, identity in enumerate(years.first.buildings.ids)
        for r in (_reasons_open(facts, i) if timeline.last.open[i] else _reasons_closed(facts, i))
    ]
    columns = ["building_id", "code", "year", "amount", "unit", "subjects", "sentence"]
    return pd.DataFrame(rows, columns=columns)


def why_texts(reasons: pd.DataFrame, ids: Iterable[str]) -> list[str]:
    """Return the reasons of each building as one text."""
    texts = reasons.groupby("building_id")["sentence"].agg(" ".join)
    return [str(texts[identity]) for identity in ids]


def _reasons_open(facts: Facts, i: int) -> list[Reason]:
    """Return the reasons of an open building."""
    plan, b, last = facts.timeline.last, facts.problem.buildings, facts.last_year
    if b.unknown_use[i]:
        text = "Kept: what it hosts today is not known, so nothing is closed or moved in (E13)."
        return [Reason("unknown_use", text, last)]
    found = []
    if b.must_open[i]:
        found.append(Reason("must_stay", "Decided already: it stays open (E13).", last))
    if facts.several and not b.open_today[i]:
        opening = next(t for t, d in enumerate(facts.timeline.decisions) if d.open[i])
        year = facts.year(opening)
        found.append(Reason("opens", f"Opens in {year}.", year))
    moves = _describe_moves_in(facts, i)
    if moves:
        capital = float(facts.spent.capital_gbp[i])
        text = f"Takes in {moves}" + (f" for {pounds(capital)} of capital." if capital else ".")
        services = facts.problem.services.ids[plan.host[i] & ~facts.problem.hosted[i]]
        found.append(Reason("takes_in", text, last, capital, "GBP", tuple(map(str, services))))
    needed = facts.when(facts.broken_if_closed, i)
    if needed:
        text = f"Without it this would fail: {'; '.join(needed)}."
        found.append(Reason("needed", text, last))
    elif plan.host[i].any() and not b.must_open[i]:
        found.append(_reason_hosts(facts, i))
    if not plan.host[i].any() and not b.must_open[i] and not needed:
        text = "Open without a service, and no standard of access or number of buildings needs it."
        found.append(Reason("no_service", text, last))
    return found


def _reason_hosts(facts: Facts, i: int) -> Reason:
    """Return that no single rule needs an open building, and its use of floor where its area is
    known."""
    b, first = facts.problem.buildings, facts.years.scenario.objective.minimise[0]
    used = float(facts.spent.area_m2[i].sum() + facts.spent.front_m2[i])
    text = "No standard of access or number of buildings needs it by itself"
    text += (
        f"; the plan found for the least {OBJECTIVE_PHRASES.get(first, first)} has services in it"
    )
    if not b.usable_m2[i] > 0:
        return Reason("hosts", f"{text}.", facts.last_year)
    share = used / float(b.usable_m2[i])
    text += f", and {per_cent(share)} of its usable area is in use."
    return Reason("hosts", text, facts.last_year, share, "share")


def _reasons_closed(facts: Facts, i: int) -> list[Reason]:
    """Return the reasons of a closed building."""
    b, last = facts.problem.buildings, facts.last_year
    if b.candidate[i]:
        return [Reason("not_used", "Not needed.", last)]
    found = []
    if b.must_close[i]:
        found.append(Reason("must_close", "Decided already: it closes (E13).", last))
    if b.open_today[i]:
        found += _reasons_closes(facts, i)
    else:
        found.append(Reason("stays_empty", "Not needed for any service.", last))
    broken = facts.when(facts.broken_if_open, i)
    if broken and b.open_today[i]:
        found.append(Reason("would_break", f"With it open {' and '.join(broken)}.", last))
    return [*found, _reason_disposal(facts, i)]


def _reasons_closes(facts: Facts, i: int) -> list[Reason]:
    """Return that a building closes, the effect on its running cost, and what kept it open
    before."""
    b = facts.problem.buildings
    closes = next(t for t, d in enumerate(facts.timeline.decisions) if not d.open[i])
    saved = float(b.fixed_gbp_per_year[i] - facts.spent.running_gbp_per_year[i])
    year = facts.year(closes)
    when = f" in {year}" if facts.several else ""
    services = tuple(map(str, facts.problem.services.ids[facts.problem.hosted[i]]))
    hosted = [facts.name(s) for s in services]
    moved = f" ({', '.join(hosted)})" if hosted else ""
    if abs(saved) < 0.5:
        effect = "leaves its fixed cost as it is,"
    else:
        effect = f"{'saves' if saved > 0 else 'costs a further'} {pounds(abs(saved))} a year"
    text = f"Closing{when} {effect} before rehousing its services{moved}."
    found = [Reason("closes", text, year, saved, "GBP/year", services)]
    return found + _reasons_kept_until(facts, i, closes) if closes else found


def _reasons_kept_until(facts: Facts, i: int, closes: int) -> list[Reason]:
    """Return why the building stayed open in the year before its closing."""
    before, now = facts.timeline.decisions[closes - 1], facts.timeline.decisions[closes]
    earlier, year = facts.year(closes - 1), facts.year(closes)
    found = []
    broken = facts.broken_if_closed[closes - 1][i]
    if broken:
        text = f"In {earlier} it was still needed for {'; '.join(broken)}."
        found.append(Reason("needed_until", text, earlier))
    enters = now.host & ~before.host
    fitted = facts.years.fit_out_years
    destinations = np.flatnonzero(enters[:, before.host[i]].any(axis=1))
    if fitted and len(destinations):
        ids = [str(facts.problem.buildings.ids[n]) for n in destinations]
        more = f" and {len(destinations) - 3} more" if len(destinations) > 3 else ""
        text = (
            f"Its services' new places in {', '.join(map(facts.name, ids[:3]))}{more} are fitted "
            f"out in {year - fitted} and used from {year} on (E12)."
        )
        found.append(Reason("fitted_out", text, year - fitted, subjects=tuple(ids)))
    limit = facts.years.moves_per_year
    host_before = facts.timeline.decisions[closes - 2].host if closes > 1 else facts.problem.hosted
    if limit is not None and (before.host & ~host_before).sum() >= limit:
        text = f"In {earlier} as many services moved as may in a year, {limit} (E12)."
        found.append(Reason("moves_used_up", text, earlier, float(limit), "moves"))
    can_end = [problem.buildings.can_end[i] for problem in facts.years.problems]
    if now.disposed[i] and can_end[closes] and not can_end[closes - 1]:
        when = f"from {year} on" if all(can_end[closes:]) else f"in {year}"
        found.append(Reason("lease_can_end", f"Its lease can end {when}.", year))
    return found


def _reason_disposal(facts: Facts, i: int) -> Reason:
    """Return how a closed building is left: sold, its lease ended, or held empty."""
    plan, b = facts.timeline.last, facts.problem.buildings
    if not plan.disposed[i]:
        cost = float(b.holding_gbp_per_year[i])
        text = f"Held empty for {pounds(cost)} a year."
        return Reason("held", text, facts.last_year, cost, "GBP/year")
    t = next(t for t, d in enumerate(facts.timeline.decisions) if d.disposed[i])
    year = facts.year(t)
    when = f" in {year}" if facts.several else ""
    if b.sellable[i]:
        comes, net = year + int(b.sale_lag_years[i]), float(b.receipt_net_gbp[i])
        paid = f", paid in {comes}" if facts.several and comes > year else ""
        return Reason("sold", f"Sold{when} for {pounds(net)} net{paid}.", year, net, "GBP")
    penalty = float(facts.years.problems[t].buildings.penalty_gbp[i])
    text = f"Its lease is ended{when}{f' for {pounds(penalty)}' if penalty else ''}."
    return Reason("lease_ended", text, year, penalty, "GBP")


def _describe_moves_in(facts: Facts, i: int) -> str:
    """Return the services that move into a building, by year."""
    parts, hosted_before = [], facts.problem.hosted[i]
    for t, decision in enumerate(facts.timeline.decisions):
        ids = [
            facts.name(str(s))
            for s in facts.problem.services.ids[decision.host[i] & ~hosted_before]
        ]
        if ids:
            parts.append(", ".join(ids) + (f" in {facts.year(t)}" if facts.several else ""))
        hosted_before = decision.host[i]
    return "; ".join(parts)


def _describe_years(years: list[int], decided: int) -> str:
    """Return the years of a reason in words; "" where it holds in all."""
    if len(years) == decided:
        return ""
    if len(years) == 1:
        return f" in {years[0]}"
    is_consecutive = years[-1] - years[0] + 1 == len(years)
    return (
        f" in {years[0]} to {years[-1]}" if is_consecutive else f" in {', '.join(map(str, years))}"
    )
