"""Every arrangement of a tiny place tried in turn: an oracle that shares nothing with the model.

For each set of hosts, open buildings, tiers and disposals that keeps the rules of yes and no, a
small linear program (scipy) finds who is served where at least cost. The objective is the least
over all of them.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from scipy.optimize import linprog

from placeopt.estate.verify import arrangement_today
from placeopt.estate.verify_rules import access, network, opened, pinned, together
from placeopt.estate.verify_sums import Arrangement, Facts, facts_of, sums_of
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.estate_rules import (
    Access,
    Capital,
    Carbon,
    Network,
    Opened,
    Pinned,
    Revenue,
    Served,
    Together,
)
from placeopt.travel import TravelTimes

YES_OR_NO = (
    (Opened, opened),
    (Together, together),
    (Access, access),
    (Network, network),
    (Pinned, pinned),
)


def best_by_enumeration(place: Place, times: TravelTimes, scenario: Scenario) -> float | None:
    """The least objective over every arrangement; None where none keeps the rules."""
    facts = facts_of(place, times, scenario)
    today = sums_of(facts, arrangement_today(facts))
    ids = list(facts.buildings)
    options = [[o for o in _options(facts, i) if _possible(facts, scenario, i, o)] for i in ids]
    best = math.inf
    arrangements = []
    for combination in product(*options):
        a = Arrangement(
            open={i for i, (is_open, _, _, _) in zip(ids, combination, strict=True) if is_open},
            disposed={i for i, (_, _, _, gone) in zip(ids, combination, strict=True) if gone},
            tier={i: k for i, (_, k, _, _) in zip(ids, combination, strict=True) if k},
            hosts={(i, s) for i, (_, _, h, _) in zip(ids, combination, strict=True) for s in h},
            desks={},
            served={},
        )
        arrangements.append((_without_visits(facts, a, scenario), a))
    arrangements.sort(key=lambda pair: pair[0])
    for floor, a in arrangements:
        if floor >= best:
            break
        emitted = sum(facts.buildings[i]["carbon_tco2e_per_year"] for i in a.open)
        if any(emitted > rule.share_of_today * today.carbon for rule in scenario.of(Carbon)):
            continue
        if all(
            check(rule, facts, a, None, None)[0]
            for kind, check in YES_OR_NO
            for rule in scenario.of(kind)
        ):
            found = _served(facts, a, today, scenario)
            if found is not None:
                best = min(best, found)
    return None if best == math.inf else best


def _options(facts: Facts, i: str):
    """(open, tier, hosts, disposed) of one building."""
    row = facts.buildings[i]
    existing = row["status"] != "candidate"
    if not facts.unknown_use(i):
        yield False, "", (), False
        can_end = facts.sellable(i) if row["tenure"] == "freehold" else facts.penalty(i) is not None
        if existing and can_end:
            yield False, "", (), True
    for tier in ["", *facts.tiers]:
        if tier and facts.unknown_use(i):
            continue
        for flags in product((False, True), repeat=len(facts.services)):
            yield (
                True,
                tier,
                tuple(s for s, on in zip(facts.services, flags, strict=True) if on),
                False,
            )


def _possible(facts: Facts, scenario: Scenario, i: str, option) -> bool:
    """Whether one building may be like that, whatever the others are."""
    is_open, tier, hosts, gone = option
    a = Arrangement(
        open={i} if is_open else set(),
        disposed={i} if gone else set(),
        tier={i: tier} if tier else {},
        hosts={(i, s) for s in hosts},
        desks={},
        served={},
    )
    row = facts.buildings[i]
    front = max((facts.services[s]["front_of_house_m2"] for s in hosts), default=0.0)
    base = front + sum(facts.services[s]["area_base_m2"] for s in hosts)
    fits = base <= row["floor_area_m2"] * row["usable_share"] or not is_open
    return fits and all(
        check(rule, facts, a, None, None)[0]
        for kind, check in ((Opened, opened), (Together, together))
        for rule in scenario.of(kind)
    )


def _without_visits(facts: Facts, a: Arrangement, scenario: Scenario) -> float:
    """The objective before anyone is served: a lower bound."""
    return sums_of(facts, a).totals()[scenario.objective.minimise[0]]


def _served(facts: Facts, a: Arrangement, today, scenario: Scenario) -> float | None:
    """The least objective of one arrangement: a linear program over who is served where."""
    empty = sums_of(facts, a)
    objective = scenario.objective.minimise[0]
    columns: list[tuple[str, str, str]] = []  # zone ("" for desks), service, building
    for (zone, service), visits in facts.visits.items():
        if visits > 0:
            columns += [
                (zone, service, i)
                for i, s in sorted(a.hosts)
                if s == service and (zone, i) in facts.fastest
            ]
    columns += [("", s, i) for i, s in sorted(a.hosts) if facts.services[s]["back_office"]]
    amount = np.array([facts.visits.get((z, s), facts.desks.get(s, 0.0)) for z, s, _ in columns])
    m2 = [facts.services[s]["area_m2_per_1000_visits"] / 1000 for _, s, _ in columns]
    m2 = amount * np.array(m2)
    rows = [facts.buildings[i] for _, _, i in columns]
    yearly = m2 * np.array([row["running_cost_gbp_per_m2_per_year"] for row in rows])
    new = np.array([(i, s) not in facts.hosted_today for _, s, i in columns])
    once = m2 * new * np.array([row["fit_out_gbp_per_m2"] for row in rows])
    if objective == "cost":
        cost = empty.annuity * yearly + once
    elif objective == "visit_minutes":
        cost = amount * np.array([facts.fastest.get((z, i), 0.0) for z, _, i in columns])
    else:
        cost = np.zeros(len(columns))
    upper, most, equal, exact = [], [], [], []

    def at(test) -> np.ndarray:
        return np.array([float(test(*column)) for column in columns])

    for i in a.open:
        row = facts.buildings[i]
        upper.append(m2 * at(lambda z, s, b, i=i: b == i))
        most.append(row["floor_area_m2"] * row["usable_share"] - empty.area_used(i) + 1e-9)
    lost = max(rule.unserved_share for rule in scenario.of(Served))
    for z, s in [key for key, visits in facts.visits.items() if visits > 0]:
        line = at(lambda zone, service, b, z=z, s=s: (zone, service) == (z, s))
        upper.append(line) if lost else equal.append(line)
        most.append(1.0) if lost else exact.append(1.0)
    for s in facts.services:
        here = at(lambda z, service, b, s=s: service == s) * amount
        total = sum(v for (_, service), v in facts.visits.items() if service == s)
        total = facts.desks.get(s, total)
        if lost:
            upper.append(-here)
            most.append(-(1 - lost) * total)
        if facts.services[s]["back_office"]:
            line = at(lambda z, service, b, s=s: service == s)
            upper.append(line) if lost else equal.append(line)
            most.append(1.0) if lost else exact.append(1.0)
    for rule in scenario.of(Capital):
        upper.append(once)
        pot = rule.pots()[0] + rule.recycled_share * sum(empty.receipts.values())
        most.append(pot - sum(empty.capital.values()) + 1e-6)
    for rule in scenario.of(Revenue):
        ceiling = rule.ceiling_gbp_per_year
        if ceiling is None:
            ceiling = rule.share_of_today * sum(today.running.values())
        upper.append(yearly)
        most.append(ceiling - sum(empty.running.values()) + 1e-6)
    if not columns:
        possible = all(value >= 0 for value in most) and not any(exact)
        return empty.totals()[objective] if possible else None
    found = linprog(
        cost,
        A_ub=np.array(upper) if upper else None,
        b_ub=most or None,
        A_eq=np.array(equal) if equal else None,
        b_eq=exact or None,
        bounds=(0, 1),
    )
    return empty.totals()[objective] + found.fun if found.status == 0 else None
