"""Enumerate every schedule of a tiny place: an oracle that shares no code with the model.

The possible states of each building in each decided year (open, hosts, tier, disposal) are listed,
every combination over buildings is tried, cheapest first, and a small linear program (scipy) finds
the assignment and the fit-out. The arithmetic is the verifier's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from collections.abc import Sequence as Listed
from dataclasses import replace
from itertools import product

import numpy as np
from scipy.optimize import linprog

from placeopt.estate.verify.facts import Facts, facts_of
from placeopt.estate.verify.registry import check_of
from placeopt.estate.verify.rules import count_moves_in, least_visits
from placeopt.estate.verify.sums import Arrangement
from placeopt.estate.verify.years import (
    Schedule,
    Year,
    do_nothing,
    fit_out_years,
    impossible_states,
    present_cost,
    receipts_in,
    schedule_of,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.discount import annuity, discount_factors
from placeopt.scenario.rules.estate.services import (
    Capacity,
    Capital,
    FairRents,
    Floor,
    Revenue,
    Sequence,
)
from placeopt.scenario.rules.estate.services import Served as ServedRule
from placeopt.travel import TravelTimes
from tests.estate.enumeration_people import (
    access_rows,
    behaviour_rows,
    fairness_rows,
    full_sets,
    worst_mean,
)

OF_A_BUILDING = ("opened", "together")
YES_OR_NO = (*OF_A_BUILDING, "access", "network", "pinned", "carbon")


def best_by_enumeration(place: Place, times: TravelTimes, scenario: Scenario) -> float | None:
    """The least objective over every schedule; None where none meets the rules."""
    nothing = do_nothing(facts_of(place, times, scenario))
    each = [_schedules_of(nothing, i) for i in nothing.first.facts.buildings]
    floors = np.zeros(1)
    for schedules in each:
        floors = np.add.outer(floors, [floor for floor, _ in schedules]).ravel()
    shape = [len(schedules) for schedules in each]
    spared = _spared(nothing)
    best = math.inf
    for number in np.argsort(floors, kind="stable"):
        if floors[number] - spared >= best:
            break
        chosen = np.unravel_index(number, shape)
        parts = [schedules[n][1] for schedules, n in zip(each, chosen, strict=True)]
        schedule = _unfitted(nothing, [_joined(arranged) for arranged in zip(*parts, strict=True)])
        if any(impossible_states(schedule)):
            continue
        if _keeps_discrete_rules(schedule):
            known = _objective(schedule) if spared else floors[number] + _redundancy_cost(schedule)
            for full in full_sets(schedule):
                found = Served(schedule, full).least()
                if found is not None:
                    best = min(best, known + found)
    return None if best == math.inf else best


def _spared(nothing: Schedule) -> float:
    """The largest saving on empty buildings from candidates that use them."""
    rows = nothing.first.facts.buildings
    taken = {row["replaces_building_id"] for row in rows.values()} - {""}
    money = nothing.first.facts.scenario.money
    yearly = ("holding_cost_gbp_per_year", "cost_of_capital_gbp_per_year")
    return sum(rows[i][name] for i in taken for name in yearly) * max(annuity(money), 1.0)


def _joined(parts: tuple[Arrangement, ...]) -> Arrangement:
    return Arrangement(
        open=set().union(*(a.open for a in parts)),
        disposed=set().union(*(a.disposed for a in parts)),
        tier={i: k for a in parts for i, k in a.tier.items()},
        hosts=set().union(*(a.hosts for a in parts)),
        desks={},
        served={},
    )


def _schedules_of(nothing: Schedule, i: str) -> list[tuple[float, tuple[Arrangement, ...]]]:
    """The possible schedules of one building, with the objective without any assignment: a part of
    the objective's lower bound."""
    services = {  # redundancy depends on all buildings: ``_redundancy_cost``
        s: {**row, "redundancy_gbp_per_point": 0.0}
        for s, row in nothing.first.facts.services.items()
    }
    alone = [
        replace(year.facts, buildings={i: year.facts.buildings[i]}, services=services)
        for year in nothing.years
    ]
    today = nothing.first.arrangement
    before = replace(
        today,
        open=today.open & {i},
        hosts={point for point in today.hosts if point[0] == i},
    )
    options = [[a for a in _options(facts, i) if _possible(facts, a, before)] for facts in alone]
    found = []
    for arranged in product(*options):
        years, last = [], before
        for facts, a in zip(alone, arranged, strict=True):
            years.append(Year(facts, a, last, None, None))
            last = a
        if any(impossible_states(Schedule(tuple(years)))):
            continue
        was = Schedule(tuple(Year(facts, before, before, None, None) for facts in alone))
        found.append((_objective(_unfitted(was, arranged)), arranged))
    return found


def _unfitted(nothing: Schedule, arranged: Listed[Arrangement]) -> Schedule:
    """A schedule without its fit-out, which the linear program determines."""
    return schedule_of(nothing, list(arranged), [{}] * len(arranged))


def _objective(schedule: Schedule) -> float:
    name = schedule.first.facts.scenario.objective.minimise[0]
    return present_cost(schedule) if name == "cost" else schedule.totals()[name]


def _redundancy_cost(schedule: Schedule) -> float:
    """Redundancy in the objective, which depends on all points of a service, not on one
    building."""
    objective, rate = (of := schedule.first.facts.scenario).objective, of.money.discount_rate
    weight = {"cost": 1.0, "weighted": objective.weights.get("cost", 0.0)}
    factor = discount_factors(len(schedule.years), rate)
    paid = [sum(year.sums.redundancy.values()) for year in schedule.years]
    return weight.get(objective.minimise[0], 0.0) * float(factor @ paid)


def _options(facts: Facts, i: str) -> Iterator[Arrangement]:
    """All states of one building in a year."""

    def arranged(is_open: bool, tier: str, hosts: tuple[str, ...], gone: bool) -> Arrangement:
        return Arrangement(
            open={i} if is_open else set(),
            disposed={i} if gone else set(),
            tier={i: tier} if tier else {},
            hosts={(i, s) for s in hosts},
            desks={},
            served={},
        )

    if not facts.unknown_use(i):
        yield arranged(False, "", (), False)
        if facts.buildings[i]["status"] != "candidate":
            yield arranged(False, "", (), True)
    for tier in ["", *facts.tiers]:
        if tier and facts.unknown_use(i):
            continue
        for flags in product((False, True), repeat=len(facts.services)):
            hosts = tuple(s for s, on in zip(facts.services, flags, strict=True) if on)
            yield arranged(True, tier, hosts, False)


def _possible(facts: Facts, a: Arrangement, before: Arrangement) -> bool:
    """Whether a state of one building is possible, for some states of the others."""
    year = Year(facts, a, before, None, None)
    for i in a.open:
        hosts = [facts.services[s] for _, s in a.hosts]
        front = max((row["front_of_house_m2"] for row in hosts), default=0.0)
        used = front + sum(row["area_base_m2"] for row in hosts)
        if facts.scenario.of(Floor) and used > facts.usable_m2(i):
            return False
    return all(
        check_of(rule)(rule, Schedule((year,)))[0]
        for rule in facts.scenario.rules
        if rule.name in OF_A_BUILDING
    )


def _keeps_discrete_rules(schedule: Schedule) -> bool:
    for rule in schedule.first.facts.scenario.rules:
        for year in schedule.years:
            if not rule.holds_in(year.facts.year):
                continue
            if rule.name == "access":  # as served is no more: ``access_rows``
                rule = rule.model_copy(update={"counts": "nearest"})
            if rule.name in YES_OR_NO and not check_of(rule)(rule, Schedule((year,)))[0]:
                return False
            if rule.name == "sequence" and len(schedule.years) > 1:
                most = rule.moves_per_year
                if most is not None and count_moves_in(year) > most:
                    return False
                if not _stays_away(rule, schedule):
                    return False
    return True


def _stays_away(rule: Sequence, schedule: Schedule) -> bool:
    """Whether no service or building returns, from one letter a year: + there, - not."""
    known = schedule.first.facts
    arranged = [schedule.first.before, *(year.arrangement for year in schedule.years)]
    for i, row in known.buildings.items():
        of_services = [
            "".join("+" if (i, s) in a.hosts else "-" for a in arranged) for s in known.services
        ]
        some = "".join("+" if "+" in each else "-" for each in zip(*of_services, strict=True))
        back = [of for of in of_services if re.search(r"\+-+\+", of)]
        if back and not rule.services_may_return:
            return False
        if rule.buildings_may_refill:
            continue
        opened = row["status"] == "vacant" and any(i in a.open for a in arranged)
        if re.search(r"\+-+\+", some) or (opened and i in arranged[-1].disposed):
            return False
    return True


class Served:
    """A linear program for the assignment and the fit-out of a fixed schedule.

    ``full``: the buildings of each year that are full, where residents pass those.
    """

    def __init__(self, schedule: Schedule, full: tuple[frozenset[str], ...]) -> None:
        self.schedule, self.full = schedule, full
        self.scenario = schedule.first.facts.scenario
        self.columns = [c for t, year in enumerate(schedule.years) for c in _columns(t, year)]
        self.fits = [
            (t, *point)
            for t in range(len(schedule.years))
            for point in sorted(set().union(*(year.arrangement.hosts for year in schedule.years)))
            if point not in schedule.first.facts.hosted_today
        ]
        self.further = 0  # columns of the rules about people, after all others
        self.upper, self.most, self.equal, self.exact = [], [], [], []

    def least(self) -> float | None:
        """The assignment's part of the objective; None if it is infeasible."""
        cost = self._cost()
        self._floors()
        self._visits_and_desks()
        self._least_visits()
        self._fit_out()
        self._money()
        access_rows(self)
        fairness_rows(self)
        behaviour_rows(self)
        if not len(cost):
            possible = all(value >= 0 for value in self.most) and not any(self.exact)
            return 0.0 if possible else None
        width = len(self.columns) + len(self.fits) + self.further
        found = linprog(
            _padded_rows([cost], width)[0],
            A_ub=_padded_rows(self.upper, width) if self.upper else None,
            b_ub=self.most or None,
            A_eq=_padded_rows(self.equal, width) if self.equal else None,
            b_eq=self.exact or None,
            bounds=[(0, 1)] * len(self.columns) + [(0, None)] * (width - len(self.columns)),
        )
        return found.fun if found.status == 0 else None

    def at_most(self, row: np.ndarray, most: float) -> None:
        self.upper.append(row)
        self.most.append(most)

    def column(self) -> int:
        """The position of a new column from 0, for a rule about residents."""
        self.further += 1
        return len(self.columns) + len(self.fits) + self.further - 1

    def served(self, value) -> np.ndarray:
        """A row over all columns from a value of each (t, zone, service, building)."""
        return np.array([float(value(*c)) for c in self.columns] + [0.0] * len(self.fits))

    def fitted(self, value) -> np.ndarray:
        return np.array([0.0] * len(self.columns) + [float(value(*f)) for f in self.fits])

    def facts(self, t: int) -> Facts:
        return self.schedule.years[t].facts

    def amount(self, t: int, z: str, s: str) -> float:
        return self.facts(t).visits[z, s] if z else self.facts(t).desks[s]

    def m2(self, t: int, z: str, s: str, b: str) -> float:
        return self.amount(t, z, s) * self.facts(t).services[s]["area_m2_per_1000_visits"] / 1000

    def in_use(self, t: int, z: str, s: str, b: str) -> float:
        return self.m2(t, z, s, b) * self.facts(t).buildings[b]["running_cost_gbp_per_m2_per_year"]

    def runs(self, t: int, z: str, s: str, b: str) -> float:
        """GBP a year of floor in use and of staff that the visits take."""
        rate = self.facts(t).services[s]["staff_gbp_per_1000_visits"] / 1000
        return self.in_use(t, z, s, b) + self.amount(t, z, s) * rate

    def fit_out_in(self, year: int) -> np.ndarray:
        """GBP of fit-out in a year: area fitted by then less that of the year before."""

        def paid(t: int, b: str, s: str) -> float:
            rate = self.facts(t).buildings[b]["fit_out_gbp_per_m2"]
            return rate * ((t == year) - (t == year - 1))

        return self.fitted(paid)

    def _cost(self) -> np.ndarray:
        asked = self.scenario.objective
        if asked.weights:
            parts = [weight * self._cost_of(name) for name, weight in asked.weights.items()]
            width = max(len(part) for part in parts)
            return sum(np.pad(part, (0, width - len(part))) for part in parts)
        return self._cost_of(asked.minimise[0])

    def _cost_of(self, name: str) -> np.ndarray:
        years = len(self.schedule.years)
        if name == "visit_minutes":
            last = years - 1
            return self.served(
                lambda t, z, s, b: (
                    (t == last) * self.amount(t, z, s) * self.facts(t).fastest.get((z, b), 0.0)
                )
            )
        if name == "worst_off":
            keys = [key for key, visits in self.facts(years - 1).visits.items() if visits > 0]
            return worst_mean(self, years - 1, keys, 0.1)
        if name != "cost":
            return self.served(lambda *_: 0.0)
        money = self.scenario.money
        factor = discount_factors(years, money.discount_rate)
        weight = factor.copy()
        weight[-1] += annuity(money) - factor.sum()
        cost = self.served(lambda t, z, s, b: weight[t] * self.runs(t, z, s, b))
        return cost + sum(factor[t] * self.fit_out_in(t) for t in range(years))

    def _floors(self) -> None:
        """Without the rule of capacity only base areas count, which each building has already
        met."""
        if not (self.scenario.of(Floor) and self.scenario.of(Capacity)):
            return
        for t, year in enumerate(self.schedule.years):
            for i in year.arrangement.open:
                self.upper.append(
                    self.served(
                        lambda u, z, s, b, t=t, i=i: (u == t and b == i) * self.m2(u, z, s, b)
                    )
                )
                self.most.append(year.facts.usable_m2(i) - year.sums.area_used(i) + 1e-9)

    def _visits_and_desks(self) -> None:
        lost = max((rule.unserved_share for rule in self.scenario.of(ServedRule)), default=1.0)
        for t, year in enumerate(self.schedule.years):
            facts = year.facts
            keys = [key for key, visits in facts.visits.items() if visits > 0]
            for key in [*keys, *(("", s) for s in facts.desks)]:
                line = self.served(lambda u, z, s, b, t=t, key=key: u == t and (z, s) == key)
                (self.upper if lost else self.equal).append(line)
                (self.most if lost else self.exact).append(1.0)
            for service in facts.services if lost else ():
                total = sum(v for (_, s), v in facts.visits.items() if s == service)
                here = self.served(
                    lambda u, z, s, b, t=t, of=service: (u == t and s == of) * self.amount(u, z, s)
                )
                self.upper.append(-here)
                self.most.append(-(1 - lost) * facts.desks.get(service, total))

    def _least_visits(self) -> None:
        """(E2) Points with the full offer serve a least number of visits."""
        for t, year in enumerate(self.schedule.years):
            for point in sorted(year.arrangement.hosts):
                least = least_visits(year, *point)
                if least > 0:
                    here = self.served(
                        lambda u, z, s, b, t=t, point=point: (
                            (u == t and (b, s) == point) * self.amount(u, z, s)
                        )
                    )
                    self.at_most(-here, -least)

    def _fit_out(self) -> None:
        """Floor area is fitted out in time and stays fitted out."""
        ahead = fit_out_years(self.facts(0))
        for t, b, s in self.fits:
            used = self.served(
                lambda u, z, of, i, t=t, b=b, s=s: (u, i, of) == (t, b, s) and self.m2(u, z, of, i)
            )
            ready = self.fitted(lambda u, i, of, t=t, b=b, s=s: (u, i, of) == (t - ahead, b, s))
            self.upper.append(used - ready)
            self.most.append(-self.schedule.years[t].sums.area.get((b, s), 0.0) + 1e-9)
            if t:
                before = self.fitted(lambda u, i, of, t=t, b=b, s=s: (u, i, of) == (t - 1, b, s))
                now = self.fitted(lambda u, i, of, t=t, b=b, s=s: (u, i, of) == (t, b, s))
                self.upper.append(before - now)
                self.most.append(0.0)

    def _money(self) -> None:
        alone = len(self.schedule.years) == 1
        for rule in self.scenario.of(Capital):
            pots = rule.pots(len(self.schedule.years))
            there, spent = 0.0, self.served(lambda *_: 0.0)
            for t, year in enumerate(self.schedule.years):
                came = receipts_in(self.schedule, year.facts.year)
                if alone:
                    came = sum(net for net, _ in year.sums.sold.values())
                there += pots[t]
                there += rule.recycled_share * came
                works = year.sums.works()
                there -= sum(works[work] for work in rule.pays_for)
                if "fit_out" in rule.pays_for:
                    spent = spent + self.fit_out_in(t)
                self.upper.append(spent)
                self.most.append(there + 1e-6)
        for rule in self.scenario.of(Revenue):
            for t, year in enumerate(self.schedule.years):
                if not rule.holds_in(year.facts.year):
                    continue
                ceiling = rule.ceiling_gbp_per_year
                if ceiling is None:
                    ceiling = rule.share_of_today * year.today.running
                self.upper.append(
                    self.served(lambda u, z, s, b, t=t: (u == t) * self.runs(u, z, s, b))
                )
                self.most.append(ceiling - year.sums.running + 1e-6)
        for _ in self.scenario.of(FairRents):
            for t, year in enumerate(self.schedule.years):
                today = year.today.running - sum(year.today.staff.values())
                now = year.sums.running - sum(year.sums.staff.values())
                in_use = self.served(lambda u, *at, t=t: (u == t) * self.in_use(u, *at))
                let = self.served(lambda u, *at, t=t: (u == t) * self.m2(u, *at))
                self.at_most(in_use, today - now + 1e-6)
                self.at_most(
                    in_use - today * let, today * sum(year.sums.area.values()) - now + 1e-6
                )


def _padded_rows(rows: list[np.ndarray], width: int) -> np.ndarray:
    """Rows padded to the present number of columns."""
    return np.array([np.pad(row, (0, width - len(row))) for row in rows])


def _columns(t: int, year: Year) -> Iterator[tuple[int, str, str, str]]:
    """(t, zone, service, building) that may serve; zone "" for desks."""
    for i, s in sorted(year.arrangement.hosts):
        if year.facts.services[s]["back_office"]:
            yield t, "", s, i
            continue
        for zone, service in year.facts.visits:
            served = service == s and year.facts.visits[zone, s] > 0
            if served and (zone, i) in year.facts.fastest:
                yield t, zone, s, i
