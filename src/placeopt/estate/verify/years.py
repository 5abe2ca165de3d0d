"""The verifier over years: one arrangement after another, and the money they take.

    net present cost = sum over decided years of factor[t] x (running + double running + redundancy
                       - benefit + works)[t]
                       + (annuity - sum of factors) x (running - benefit)[last]
                       + required maintenance + sales (held until the receipt, less the receipt)
                       + carbon of every year of the appraisal that is priced

in real terms; one decided year is the case of one arrangement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from placeopt.estate.verify.behaviour import visit_shares
from placeopt.estate.verify.facts import Facts, Key
from placeopt.estate.verify.sums import Arrangement, Sums, areas_of, sums_of
from placeopt.scenario.discount import annuity, discount_factors
from placeopt.scenario.rules.estate.services import Sequence

Fitted = dict[Key, float]  # (building, service) -> m2
Cash = dict[tuple[int, str, str], float]  # (year, agency, line) -> GBP
LINES = {"fixed": "running", "in_use": "running"}  # parts of a running cost -> lines
AREA_TOLERANCE_M2 = 0.01  # m2 to which areas are compared


@dataclass(frozen=True, eq=False)
class Year:
    """One decided year of a course: what is known, what is arranged, what it sums to."""

    facts: Facts
    arrangement: Arrangement
    before: Arrangement  # the year before; today's, in the first year
    sums: Sums
    today: Sums  # doing nothing in this year


@dataclass(frozen=True)
class Schedule:
    """The decided years of a plan, or of doing nothing."""

    years: tuple[Year, ...]

    @property
    def first(self) -> Year:
        return self.years[0]

    @property
    def last(self) -> Year:
        return self.years[-1]

    def totals(self) -> dict[str, float]:
        """The whole plan's figures; counts of people and buildings are the last year's."""
        sums = [year.sums for year in self.years]
        objectives = {"cost": present_cost(self), **self.last.sums.figures()}
        weights = self.first.facts.scenario.objective.weights
        if weights:
            counted = (weight * objectives[name] for name, weight in weights.items())
            objectives["weighted"] = sum(counted)
        return {
            **objectives,
            "capital": sum(sum(one.works().values()) for one in sums),
            "receipts_net": sum(net for one in sums for net, _ in one.sold.values()),
            "redundancy": sum(sum(one.redundancy.values()) for one in sums),
            "backlog": sum(gbp for _, _, gbp in backlog_of(self)),
            "unserved_visits": self.last.sums.unserved,
        }


def arrangement_today(facts: Facts) -> Arrangement:
    """Do nothing: services stay, everyone goes where residents go by themselves."""
    open_today = {i for i, row in facts.buildings.items() if row["status"] == "open"}
    hosts = {pair for pair in facts.hosted_today if pair[0] in open_today}
    at: dict[str, list[str]] = defaultdict(list)
    for i, service in hosts:
        at[service].append(i)
    served, desks = {}, {}
    for (zone, service), visits in facts.visits.items():
        going = visit_shares(facts, zone, at[service])
        if going and visits > 0:
            served[zone, service] = going
    for service, needed in facts.desks.items():
        desks.update({(i, service): needed / len(at[service]) for i in at[service]})
    return Arrangement(open_today, set(), {}, hosts, desks, served)


def do_nothing(years: list[Facts]) -> Schedule:
    """Today's arrangement in every year, with each year's own visits."""
    schedule = []
    for facts in years:
        a = arrangement_today(facts)
        sums = sums_of(facts, a, a, {}, {})
        schedule.append(Year(facts, a, a, sums, sums))
    return Schedule(tuple(schedule))


def schedule_of(
    nothing: Schedule, arranged: list[Arrangement], fitted: list[Fitted] | None = None
) -> Schedule:
    """A plan's arrangements as a course, each year's sums against the year before.

    ``fitted``: what is fitted out by each year; by default what is needed when it is needed.
    """
    known = [year.facts for year in nothing.years]
    fitted = required_fit_out(known, arranged) if fitted is None else fitted
    double = _double_running(known[0])
    befores, fitted_before = [nothing.first.arrangement, *arranged], [{}, *fitted]
    return Schedule(
        tuple(
            Year(
                year.facts,
                a,
                before,
                sums_of(year.facts, a, before, now, was, double),
                year.sums,
            )
            for year, a, before, now, was in zip(
                nothing.years, arranged, befores, fitted, fitted_before, strict=False
            )
        )
    )


def fit_out_years(facts: Facts) -> int:
    """Years that fit-out comes before a move."""
    rules = facts.scenario.of(Sequence) if facts.over_years else []
    return int(rules[0].fit_out_years) if rules else 0


def required_fit_out(known: list[Facts], arranged: list[Arrangement]) -> list[Fitted]:
    """By year, m2 of every service point not there today: as much as is used so many years later,
    and never less than before."""
    areas = [areas_of(facts, a) for facts, a in zip(known, arranged, strict=True)]
    ahead, fitted = fit_out_years(known[0]), []
    so_far: Fitted = {}
    for t in range(len(areas)):
        need = areas[t + ahead] if t + ahead < len(areas) else {}
        so_far = so_far | {
            point: max(m2, so_far.get(point, 0.0))
            for point, m2 in need.items()
            if point not in known[0].hosted_today
        }
        fitted.append(so_far)
    return fitted


def _double_running(facts: Facts) -> float:
    rules = facts.scenario.of(Sequence) if facts.over_years else []
    return float(rules[0].double_running_years) if rules else 0.0


def backlog_of(schedule: Schedule) -> Iterator[tuple[int, str, float]]:
    """(year due, building, GBP): at once where the building is not disposed of by the end; a
    candidate's when it opens."""
    seen: set[str] = set()
    for year in schedule.years:
        for i, row in year.facts.buildings.items():
            due = i not in schedule.last.arrangement.disposed
            if row["status"] == "candidate":
                due = i in year.arrangement.open and i not in seen
            else:
                due = due and year is schedule.first
            if due:
                seen.add(i)
                yield year.facts.year, i, row["backlog_gbp"]


def receipts_of(schedule: Schedule) -> Iterator[tuple[int, str, float]]:
    """(year received, building, GBP net)."""
    for year in schedule.years:
        for i, (net, lag) in year.sums.sold.items():
            yield year.facts.year + lag, i, net


def receipts_in(schedule: Schedule, year: int) -> float:
    return sum(net for when, _, net in receipts_of(schedule) if when == year)


def present_cost(schedule: Schedule) -> float:
    """Net present cost over the appraisal years (GBP)."""
    money = schedule.first.facts.scenario.money
    start, count = schedule.first.facts.year, len(schedule.years)
    factor = discount_factors(count, money.discount_rate)
    total = 0.0
    for t, year in enumerate(schedule.years):
        sums = year.sums
        yearly = sums.running - sums.benefit
        once = sum(sums.double_running.values()) + sum(sums.redundancy.values())
        once += sum(sums.works().values())
        total += factor[t] * (yearly + once)
        if year is schedule.last:
            total += (annuity(money) - float(factor[:count].sum())) * yearly
        for i, (_, lag) in sums.sold.items():
            row = year.facts.buildings[i]
            held = row["holding_cost_gbp_per_year"] + row["cost_of_capital_gbp_per_year"]
            total += factor[t] * held * annuity(money, lag)
    total += sum(factor[when - start] * gbp for when, _, gbp in backlog_of(schedule))
    return float(total) - receipts_present(schedule) + carbon_present(schedule)


def receipts_present(schedule: Schedule) -> float:
    """Worth in the first year of all net receipts (GBP)."""
    start, rate = schedule.first.facts.year, schedule.first.facts.scenario.money.discount_rate
    found = [(when - start, net) for when, _, net in receipts_of(schedule)]
    factor = discount_factors(max((ahead for ahead, _ in found), default=0) + 1, rate)
    return float(sum(factor[ahead] * net for ahead, net in found))


def carbon_priced(schedule: Schedule) -> Iterator[tuple[int, float, float, float]]:
    """(year, tCO2e, GBP a tonne, worth of a pound in the first year) of every year that is priced;
    the last decided year's emissions go on to the end of the appraisal."""
    first, last = schedule.first.facts, len(schedule.years) - 1
    money = first.scenario.money
    factor = discount_factors(money.appraisal_years, money.discount_rate).tolist()
    for t, one in enumerate(factor):
        value = first.carbon_value(first.year + t)
        if value is not None:
            yield first.year + t, schedule.years[min(t, last)].sums.carbon, value, one


def carbon_present(schedule: Schedule) -> float:
    """Worth in the first year of all carbon that is priced (GBP)."""
    return sum(tonnes * value * one for _, tonnes, value, one in carbon_priced(schedule))


def cash_of(schedule: Schedule) -> Cash:
    """What each agency pays (receipts below 0) by year and line, undiscounted.

    Staff, double running, redundancy and moves are the service's agency's, all else the
    building's. The last decided year's running costs are not carried on; sales held and receipts
    of later years are.
    """
    cash: Cash = defaultdict(float)
    facts = schedule.first.facts
    owner = {i: row["agency_id"] for i, row in facts.buildings.items()}
    provider = {s: row["agency_id"] for s, row in facts.services.items()}
    for year in schedule.years:
        sums, when = year.sums, year.facts.year
        for part, by_building in sums.parts.items():
            for i, gbp in by_building.items():
                cash[when, owner[i], LINES.get(part, part)] += gbp
        for line, points, of_service in (
            ("staffing", sums.staff, True),
            ("double_running", sums.double_running, True),
            ("moves", sums.moves, True),
            ("fit_out", sums.fit_out, False),
        ):
            for (i, s), gbp in points.items():
                cash[when, provider[s] if of_service else owner[i], line] += gbp
        for s, gbp in sums.redundancy.items():
            cash[when, provider[s], "redundancy"] += gbp
        for line, by_building in (("set_up", sums.set_up), ("closing", sums.closing)):
            for i, gbp in by_building.items():
                cash[when, owner[i], line] += gbp
        for i, (_, lag) in sums.sold.items():
            for later in range(lag):
                row = facts.buildings[i]
                cash[when + later, owner[i], "holding"] += row["holding_cost_gbp_per_year"]
                tied_up = row["cost_of_capital_gbp_per_year"]
                cash[when + later, owner[i], "cost_of_capital"] += tied_up
    for when, i, gbp in backlog_of(schedule):
        cash[when, owner[i], "backlog"] += gbp
    for when, i, net in receipts_of(schedule):
        cash[when, owner[i], "receipts"] -= net
    return {key: gbp for key, gbp in cash.items() if gbp}


def impossible_states(schedule: Schedule) -> Iterator[str]:
    """What no plan can be, whatever the rules."""
    for year in schedule.years:
        facts, a, before = year.facts, year.arrangement, year.before
        for i in sorted(a.disposed):
            row = facts.buildings[i]
            if i in a.open:
                yield f"building {i} is disposed of and open in {facts.year}"
            if row["status"] == "candidate":
                yield f"building {i} is a candidate and disposed of"
            if i in before.disposed:
                continue
            if facts.penalty(i) is None:
                yield f"the lease of building {i} cannot end in {facts.year}"
            if row["tenure"] == "freehold" and not facts.sellable(i):
                yield f"building {i} cannot be sold"
        for c in sorted(a.open):
            one = facts.buildings[c]["replaces_building_id"]
            others = {i for i in a.open if facts.buildings[i]["replaces_building_id"] == one}
            if one and (one in a.open or one in a.disposed or len(others) > 1):
                yield f"building {c} replaces {one}, which is open, disposed of or replaced already"
        for zone, service in a.served:
            if facts.visits.get((zone, service), 0.0) <= 0:
                yield f"zone {zone} has no visits to {service}, but they are assigned"
        for i in sorted(before.disposed - a.disposed):
            yield f"building {i} is disposed of before {facts.year} and not then"
        for i in sorted(_reopened(schedule, year)):
            yield f"building {i} opens again in {facts.year}"


def moves_before_fit_out(schedule: Schedule) -> Iterator[str]:
    """Service points used before their floor can have been fitted out."""
    for year in schedule.years[: fit_out_years(schedule.first.facts)]:
        for point, m2 in year.sums.area.items():
            if point not in year.facts.hosted_today and m2 > AREA_TOLERANCE_M2:
                yield f"{point[1]} moves into {point[0]} in {year.facts.year}, before it is fitted"


def returned_services(schedule: Schedule) -> Iterator[str]:
    """Services in a building that they left in an earlier decided year."""
    left: set[Key] = set()
    for year in schedule.years:
        left |= year.before.hosts - year.arrangement.hosts
        for i, s in sorted(year.arrangement.hosts & left):
            yield f"{s} comes back to {i} in {year.facts.year}"


def refilled_buildings(schedule: Schedule) -> Iterator[str]:
    """Buildings that take services in after they were emptied, today's vacant ones where they are
    disposed of as well."""
    emptied: set[str] = set()
    opened: set[str] = set()
    for year in schedule.years:
        now = {i for i, _ in year.arrangement.hosts}
        emptied |= {i for i, _ in year.before.hosts} - now
        for i in sorted(now & emptied):
            yield f"building {i} is filled again in {year.facts.year}, after it was emptied"
        rows = year.facts.buildings
        opened |= {i for i in year.arrangement.open if rows[i]["status"] == "vacant"}
        for i in sorted(year.arrangement.disposed & opened):
            yield f"building {i} was vacant, opened, and is disposed of in {year.facts.year}"


def _reopened(schedule: Schedule, year: Year) -> set[str]:
    been = set(schedule.first.before.open)
    for earlier in schedule.years:
        if earlier is year:
            break
        been |= earlier.arrangement.open
    return (year.arrangement.open - year.before.open) & been
