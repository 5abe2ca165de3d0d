"""The verifier over years: one arrangement after another, and their costs.

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
AREA_TOLERANCE_M2 = 0.01  # to which areas are compared


@dataclass(frozen=True, eq=False)
class Year:
    """One decided year of a schedule.

    Attributes:
        facts: the year's facts.
        arrangement: of the year.
        before: arrangement of the year before; today's, in the first year.
        sums: costs and quantities.
        today: sums of doing nothing in this year.
    """

    facts: Facts
    arrangement: Arrangement
    before: Arrangement
    sums: Sums
    today: Sums


@dataclass(frozen=True)
class Schedule:
    """The decided years of a plan, or of doing nothing.

    Attributes:
        years: (T,) in order.
    """

    years: tuple[Year, ...]

    @property
    def first(self) -> Year:
        return self.years[0]

    @property
    def last(self) -> Year:
        return self.years[-1]

    def totals(self) -> dict[str, float]:
        """Return the plan's totals; numbers of residents and buildings are the last year's."""
        sums = [year.sums for year in self.years]
        objectives = {"cost": present_cost(self), **self.last.sums.figures()}
        weights = self.first.facts.scenario.objective.weights
        if weights:
            counted = (weight * objectives[name] for name, weight in weights.items())
            objectives["weighted"] = sum(counted)
        return {
            **objectives,
            "capital": sum(sum(year_sums.works().values()) for year_sums in sums),
            "receipts_net": sum(net for year_sums in sums for net, _ in year_sums.sold.values()),
            "redundancy": sum(sum(year_sums.redundancy.values()) for year_sums in sums),
            "backlog": sum(gbp for _, _, gbp in backlog_of(self)),
            "unserved_visits": self.last.sums.unserved,
        }


def arrangement_today(facts: Facts) -> Arrangement:
    """Return today's arrangement: services stay, and residents use the hosts they choose."""
    open_today = {i for i, row in facts.buildings.items() if row["status"] == "open"}
    hosts = {pair for pair in facts.hosted_today if pair[0] in open_today}
    hosts_of: dict[str, list[str]] = defaultdict(list)
    for i, service in hosts:
        hosts_of[service].append(i)
    served, desks = {}, {}
    for (zone, service), visits in facts.visits.items():
        chosen = visit_shares(facts, zone, hosts_of[service])
        if chosen and visits > 0:
            served[zone, service] = chosen
    for service, needed in facts.desks.items():
        desks.update({(i, service): needed / len(hosts_of[service]) for i in hosts_of[service]})
    return Arrangement(open_today, set(), {}, hosts, desks, served)


def do_nothing(years: list[Facts]) -> Schedule:
    """Return today's arrangement in every year, with each year's own visits."""
    schedule = []
    for facts in years:
        arrangement = arrangement_today(facts)
        sums = sums_of(facts, arrangement, arrangement, {}, {})
        schedule.append(Year(facts, arrangement, arrangement, sums, sums))
    return Schedule(tuple(schedule))


def schedule_of(
    nothing: Schedule, arranged: list[Arrangement], fitted: list[Fitted] | None = None
) -> Schedule:
    """Return the schedule of a plan, each year's sums against the year before.

    Args:
        nothing: the schedule of doing nothing.
        arranged: arrangement of each decided year.
        fitted: m2 fitted out by each year; by default what is needed, as late as possible.
    """
    known = [year.facts for year in nothing.years]
    fitted = required_fit_out(known, arranged) if fitted is None else fitted
    double = _double_running(known[0])
    befores, fitted_before = [nothing.first.arrangement, *arranged], [{}, *fitted]
    return Schedule(
        tuple(
            Year(
                year.facts,
                arrangement,
                before,
                sums_of(year.facts, arrangement, before, now, was, double),
                year.sums,
            )
            for year, arrangement, before, now, was in zip(
                nothing.years, arranged, befores, fitted, fitted_before, strict=False
            )
        )
    )


def fit_out_years(facts: Facts) -> int:
    """Return the years from fit-out to a move."""
    rules = facts.scenario.of(Sequence) if facts.over_years else []
    return int(rules[0].fit_out_years) if rules else 0


def required_fit_out(known: list[Facts], arranged: list[Arrangement]) -> list[Fitted]:
    """Return by year the m2 to fit out at every new point: the area used so many years later, never
    decreasing."""
    areas = [
        areas_of(facts, arrangement) for facts, arrangement in zip(known, arranged, strict=True)
    ]
    years_ahead, fitted = fit_out_years(known[0]), []
    so_far: Fitted = {}
    for t in range(len(areas)):
        needed = areas[t + years_ahead] if t + years_ahead < len(areas) else {}
        so_far = so_far | {
            point: max(m2, so_far.get(point, 0.0))
            for point, m2 in needed.items()
            if point not in known[0].hosted_today
        }
        fitted.append(so_far)
    return fitted


def _double_running(facts: Facts) -> float:
    """Return the years in which staff of a closed point are paid twice."""
    rules = facts.scenario.of(Sequence) if facts.over_years else []
    return float(rules[0].double_running_years) if rules else 0.0


def backlog_of(schedule: Schedule) -> Iterator[tuple[int, str, float]]:
    """Yield (year due, building, GBP): in the first year where the building is not disposed of by
    the end; a candidate's when it opens."""
    opened: set[str] = set()
    for year in schedule.years:
        for i, row in year.facts.buildings.items():
            is_due = i not in schedule.last.arrangement.disposed
            if row["status"] == "candidate":
                is_due = i in year.arrangement.open and i not in opened
            else:
                is_due = is_due and year is schedule.first
            if is_due:
                opened.add(i)
                yield year.facts.year, i, row["backlog_gbp"]


def receipts_of(schedule: Schedule) -> Iterator[tuple[int, str, float]]:
    """Yield (year received, building, GBP net)."""
    for year in schedule.years:
        for i, (net, lag) in year.sums.sold.items():
            yield year.facts.year + lag, i, net


def receipts_in(schedule: Schedule, year: int) -> float:
    """Return the net receipts of a year (GBP)."""
    return sum(net for when, _, net in receipts_of(schedule) if when == year)


def present_cost(schedule: Schedule) -> float:
    """Return the net present cost over the appraisal years (GBP)."""
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
            holding_gbp = row["holding_cost_gbp_per_year"] + row["cost_of_capital_gbp_per_year"]
            total += factor[t] * holding_gbp * annuity(money, lag)
    total += sum(factor[when - start] * gbp for when, _, gbp in backlog_of(schedule))
    return float(total) - receipts_present(schedule) + carbon_present(schedule)


def receipts_present(schedule: Schedule) -> float:
    """Return the present value of all net receipts (GBP)."""
    start, rate = schedule.first.facts.year, schedule.first.facts.scenario.money.discount_rate
    found = [(when - start, net) for when, _, net in receipts_of(schedule)]
    factor = discount_factors(max((ahead for ahead, _ in found), default=0) + 1, rate)
    return float(sum(factor[ahead] * net for ahead, net in found))


def carbon_priced(schedule: Schedule) -> Iterator[tuple[int, float, float, float]]:
    """Yield (year, tCO2e, GBP a tonne, present value of a pound) of every priced year; the last
    decided year's emissions continue to the end of the appraisal."""
    first, last = schedule.first.facts, len(schedule.years) - 1
    money = first.scenario.money
    factor = discount_factors(money.appraisal_years, money.discount_rate).tolist()
    for t, present_factor in enumerate(factor):
        gbp_per_tonne = first.carbon_value(first.year + t)
        if gbp_per_tonne is not None:
            yield (
                first.year + t,
                schedule.years[min(t, last)].sums.carbon,
                gbp_per_tonne,
                present_factor,
            )


def carbon_present(schedule: Schedule) -> float:
    """Return the present value of priced carbon (GBP)."""
    return sum(
        tonnes * gbp_per_tonne * present_factor
        for _, tonnes, gbp_per_tonne, present_factor in carbon_priced(schedule)
    )


def cash_of(schedule: Schedule) -> Cash:
    """Return what each agency pays (receipts below 0) by year and line, undiscounted.

    Staff, double running, redundancy and moves are the service's agency's, all else the building's.
    The last decided year's running costs do not continue; sales held and receipts of later years
    do.
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
    """Yield states that no plan can have, whatever the rules."""
    for year in schedule.years:
        facts, arrangement, before = year.facts, year.arrangement, year.before
        for i in sorted(arrangement.disposed):
            row = facts.buildings[i]
            if i in arrangement.open:
                yield f"building {i} is disposed of and open in {facts.year}"
            if row["status"] == "candidate":
                yield f"building {i} is a candidate and disposed of"
            if i in before.disposed:
                continue
            if facts.penalty(i) is None:
                yield f"the lease of building {i} cannot end in {facts.year}"
            if row["tenure"] == "freehold" and not facts.sellable(i):
                yield f"building {i} cannot be sold"
        for c in sorted(arrangement.open):
            original = facts.buildings[c]["replaces_building_id"]
            others = {
                i
                for i in arrangement.open
                if facts.buildings[i]["replaces_building_id"] == original
            }
            if original and (
                original in arrangement.open or original in arrangement.disposed or len(others) > 1
            ):
                text = f"building {c} replaces {original}, which is open, disposed of or replaced"
                yield f"{text} already"
        for zone, service in arrangement.served:
            if facts.visits.get((zone, service), 0.0) <= 0:
                yield f"zone {zone} has no visits to {service}, but they are assigned"
        for i in sorted(before.disposed - arrangement.disposed):
            yield f"building {i} is disposed of before {facts.year} and not then"
        for i in sorted(_reopened(schedule, year)):
            yield f"building {i} opens again in {facts.year}"


def moves_before_fit_out(schedule: Schedule) -> Iterator[str]:
    """Yield service points used before their floor can have been fitted out."""
    for year in schedule.years[: fit_out_years(schedule.first.facts)]:
        for point, m2 in year.sums.area.items():
            if point not in year.facts.hosted_today and m2 > AREA_TOLERANCE_M2:
                yield f"{point[1]} moves into {point[0]} in {year.facts.year}, before it is fitted"


def returned_services(schedule: Schedule) -> Iterator[str]:
    """Yield services in a building that they left in an earlier decided year."""
    left_points: set[Key] = set()
    for year in schedule.years:
        left_points |= year.before.hosts - year.arrangement.hosts
        for i, s in sorted(year.arrangement.hosts & left_points):
            yield f"{s} comes back to {i} in {year.facts.year}"


def refilled_buildings(schedule: Schedule) -> Iterator[str]:
    """Yield buildings that take services after they were emptied; today's vacant ones where they
    are disposed of as well."""
    emptied: set[str] = set()
    opened: set[str] = set()
    for year in schedule.years:
        hosts_now = {i for i, _ in year.arrangement.hosts}
        emptied |= {i for i, _ in year.before.hosts} - hosts_now
        for i in sorted(hosts_now & emptied):
            yield f"building {i} is filled again in {year.facts.year}, after it was emptied"
        rows = year.facts.buildings
        opened |= {i for i in year.arrangement.open if rows[i]["status"] == "vacant"}
        for i in sorted(year.arrangement.disposed & opened):
            yield f"building {i} was vacant, opened, and is disposed of in {year.facts.year}"


def _reopened(schedule: Schedule, year: Year) -> set[str]:
    """Return buildings that open after they were open before."""
    open_before = set(schedule.first.before.open)
    for earlier in schedule.years:
        if earlier is year:
            break
        open_before |= earlier.arrangement.open
    return (year.arrangement.open - year.before.open) & open_before
