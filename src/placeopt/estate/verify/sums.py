"""Costs and quantities of an arrangement of one year, by the verifier's own definitions.

Works are those of the year: what is newly hosted, fitted out, of a new tier, closed or disposed of
against the arrangement of the year before.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from placeopt.estate.verify.facts import Facts, Key
from placeopt.scenario.rules.estate.services import Together

PARTS = ("fixed", "in_use", "tiers", "holding", "cost_of_capital")  # of running a building
WORKS = ("fit_out", "moves", "set_up", "closing")
STAFF = "staffing_cost_gbp_per_point_per_year"
BY_VISITS = "staff_gbp_per_1000_visits"


@dataclass
class Arrangement:
    """Buildings, tiers, hosts and assignment of one year: the plan's, or today's.

    Attributes:
        open: building ids.
        disposed: building ids, up to and in the year.
        tier: building -> tier.
        hosts: (building, service) pairs.
        desks: (building, service) -> desks.
        served: (zone, service) -> building -> share of the zone's visits.
        rents: building -> GBP/m2/year.
        transfers: agency -> GBP/year paid in.
    """

    open: set[str]
    disposed: set[str]
    tier: dict[str, str]
    hosts: set[Key]
    desks: dict[Key, float]
    served: dict[Key, dict[str, float]]
    rents: dict[str, float] = field(default_factory=dict)
    transfers: dict[str, float] = field(default_factory=dict)


@dataclass
class Sums:
    """Costs and quantities of an arrangement in its year.

    Attributes:
        area: (building, service) -> m2.
        load: (building, service) -> visits, or desks.
        front: building -> m2.
        fitted: (building, service) -> m2 fitted out by the end of the year, where new since today.
        parts: part of ``PARTS`` -> building -> GBP.
        staff: (building, service) -> GBP.
        double_running: (building, service) -> GBP of staff paid twice where a point closed.
        redundancy: service -> GBP, of points fewer than the year before.
        fit_out: (building, service) -> GBP.
        moves: (building, service) -> GBP.
        set_up: building -> GBP.
        closing: building -> GBP.
        sold: building disposed of in the year -> net receipt, years until it is received.
        benefit: GBP of preferred pairs.
        minutes: of all visits, one way.
        open: number of open buildings.
        carbon: tCO2e; NaN where no building states it.
        unserved: visits.
        worst_off: mean minutes of the worst-off tenth of visits.
    """

    area: dict[Key, float]
    load: dict[Key, float]
    front: dict[str, float]
    fitted: dict[Key, float]
    parts: dict[str, dict[str, float]]
    staff: dict[Key, float]
    double_running: dict[Key, float]
    redundancy: dict[str, float]
    fit_out: dict[Key, float]
    moves: dict[Key, float]
    set_up: dict[str, float]
    closing: dict[str, float]
    sold: dict[str, tuple[float, int]]
    benefit: float
    minutes: float
    open: int
    carbon: float
    unserved: float
    worst_off: float

    def area_used(self, i: str) -> float:
        """Return m2 in use in a building."""
        return self.front.get(i, 0.0) + sum(m2 for (b, _), m2 in self.area.items() if b == i)

    def running_of(self, i: str) -> float:
        """Return GBP of the year that the building costs to run, staff included."""
        own = sum(gbp.get(i, 0.0) for gbp in self.parts.values())
        return own + sum(gbp for (b, _), gbp in self.staff.items() if b == i)

    @property
    def running(self) -> float:
        """GBP of the year that all buildings cost to run."""
        own = sum(sum(gbp.values()) for gbp in self.parts.values())
        return own + sum(self.staff.values())

    def works(self) -> dict[str, float]:
        """Return GBP of the year by kind of work."""
        return {kind: sum(getattr(self, kind).values()) for kind in WORKS}

    def works_at(self, i: str) -> float:
        """Return GBP of the year's works in a building."""
        points = sum(
            gbp for kind in (self.fit_out, self.moves) for (b, _), gbp in kind.items() if b == i
        )
        return points + self.set_up.get(i, 0.0) + self.closing.get(i, 0.0)

    def figures(self) -> dict[str, float]:
        """Return the year's totals by the objectives' names."""
        return {
            "visit_minutes": self.minutes,
            "buildings": float(self.open),
            "carbon": self.carbon,
            "worst_off": self.worst_off,
            "running_cost": self.running,
        }


def areas_of(facts: Facts, arrangement: Arrangement) -> dict[Key, float]:
    """Return (building, service) -> m2: the base area, and what visits or desks take."""
    load, _, _ = _loads(facts, arrangement)
    return {
        (i, s): facts.services[s]["area_base_m2"]
        + facts.services[s]["area_m2_per_1000_visits"] * load[i, s] / 1000
        for i, s in sorted(arrangement.hosts)
    }


def sums_of(
    facts: Facts,
    arrangement: Arrangement,
    before: Arrangement,
    fitted: dict[Key, float],
    fitted_before: dict[Key, float],
    double_running_years: float = 0.0,
) -> Sums:
    """Return the costs and quantities of a year's arrangement.

    Args:
        facts: the year.
        arrangement: the year's.
        before: that of the year before.
        fitted: m2 fitted out by the end of the year.
        fitted_before: m2 fitted out by the end of the year before.
        double_running_years: in which staff of a closed point are paid twice.
    """
    load, minutes, served = _loads(facts, arrangement)
    area = areas_of(facts, arrangement)
    front: dict[str, float] = {}
    for i, s in arrangement.hosts:
        front[i] = max(front.get(i, 0.0), facts.services[s]["front_of_house_m2"])
    closed_points = before.hosts - arrangement.hosts
    sums = Sums(
        area=area,
        load=load,
        front=front,
        fitted=fitted,
        parts={part: {} for part in PARTS},
        staff={
            (i, s): facts.services[s][STAFF] + facts.services[s][BY_VISITS] * load[i, s] / 1000
            for i, s in sorted(arrangement.hosts)
        },
        double_running={
            (i, s): double_running_years * facts.services[s][STAFF] for i, s in closed_points
        },
        redundancy=_redundancy(facts, arrangement, before),
        fit_out={
            point: facts.buildings[point[0]]["fit_out_gbp_per_m2"]
            * (m2 - fitted_before.get(point, 0.0))
            for point, m2 in fitted.items()
        },
        moves={
            (i, s): facts.services[s]["moving_cost_gbp"]
            for i, s in arrangement.hosts - before.hosts
        },
        set_up={
            i: facts.tiers[k]["setup_cost_gbp"] * facts.buildings[i]["raised"]
            for i, k in arrangement.tier.items()
            if before.tier.get(i) != k
        },
        closing={},
        sold={},
        benefit=_benefit(facts, arrangement),
        minutes=minutes,
        open=len(arrangement.open),
        carbon=sum(facts.buildings[i]["carbon_tco2e_per_year"] for i in arrangement.open)
        if facts.number_stated("carbon_tco2e_per_year")
        else math.nan,
        unserved=round(sum(facts.visits.values()) - served, 6) + 0.0,  # never -0.0
        worst_off=mean_of_worst(minutes_used(facts, arrangement, set(facts.services)), 0.1),
    )
    used_m2 = defaultdict(float, front)
    for (i, _), m2 in area.items():
        used_m2[i] += m2
    for i in facts.buildings:
        _add_building(facts, arrangement, before, sums, i, used_m2[i])
    return sums


def _loads(facts: Facts, arrangement: Arrangement) -> tuple[dict[Key, float], float, float]:
    """Return visits or desks at every service point, visit-minutes, and visits served."""
    load: dict[Key, float] = defaultdict(float, arrangement.desks)
    minutes = served = 0.0
    for (zone, service), shares in arrangement.served.items():
        visits = facts.visits.get((zone, service), 0.0)
        for i, share in shares.items():
            load[i, service] += visits * share
            minutes += visits * share * facts.fastest.get((zone, i), math.inf)
            served += visits * share
    return load, minutes, served


def _add_building(
    facts: Facts, arrangement: Arrangement, before: Arrangement, sums: Sums, i: str, used_m2: float
) -> None:
    """Add a building's running cost, closing and sale."""
    row = facts.buildings[i]
    if i in arrangement.open:
        sums.parts["fixed"][i] = row["running_cost_fixed_gbp_per_year"]
        sums.parts["in_use"][i] = row["running_cost_gbp_per_m2_per_year"] * used_m2
    is_held = facts.held_empty(i, arrangement.open, arrangement.disposed)
    if is_held:
        sums.parts["holding"][i] = row["holding_cost_gbp_per_year"]
    if i in arrangement.open or is_held:
        sums.parts["cost_of_capital"][i] = row["cost_of_capital_gbp_per_year"]
    if i in arrangement.tier:
        sums.parts["tiers"][i] = facts.tiers[arrangement.tier[i]]["running_cost_gbp_per_year"]
    closing = 0.0
    if row["status"] == "open" and i in before.open and i not in arrangement.open:
        closing += row["closure_cost_gbp"]
    if i in arrangement.disposed and i not in before.disposed:
        closing += facts.penalty(i) or 0.0
        if facts.sellable(i):
            kept_share = 1 - row["sale_cost_share"] - row["receipt_clawback_share"]
            net_gbp = row["capital_receipt_gbp"] * kept_share
            sums.sold[i] = net_gbp, int(row["sale_lag_years"])
    sums.closing[i] = closing


def _redundancy(facts: Facts, arrangement: Arrangement, before: Arrangement) -> dict[str, float]:
    """Return service -> GBP for staff of points closed without a new point to move to."""
    given_up = Counter(s for _, s in before.hosts - arrangement.hosts)
    new = Counter(s for _, s in arrangement.hosts - before.hosts)
    return {
        s: (given_up[s] - new[s]) * facts.services[s]["redundancy_gbp_per_point"]
        for s in given_up
        if given_up[s] > new[s]
    }


def _benefit(facts: Facts, arrangement: Arrangement) -> float:
    """Return GBP a year of preferred pairs in one building."""
    if not facts.scenario.of(Together):
        return 0.0
    total = 0.0
    for row in facts.place.compatibility.to_dict("records"):
        if row["relation"] == "prefer":
            both = sum(
                (i, row["service_a"]) in arrangement.hosts
                and (i, row["service_b"]) in arrangement.hosts
                for i in facts.buildings
            )
            total += both * row["benefit_gbp_per_year"]
    return total


def minutes_used(
    facts: Facts, arrangement: Arrangement, services: set[str]
) -> dict[Key, tuple[float, float]]:
    """Return (zone, service) -> minutes to the hosts used by share, and visits; unserved counts
    0."""
    return {
        (zone, service): (
            sum(
                share * facts.fastest.get((zone, i), math.inf)
                for i, share in arrangement.served.get((zone, service), {}).items()
            ),
            visits,
        )
        for (zone, service), visits in facts.visits.items()
        if service in services and visits > 0
    }


def mean_of_worst(used: dict[Key, tuple[float, float]], share: float) -> float:
    """Return the mean minutes of the worst-off share of the visits."""
    remaining = visits_counted = share * sum(visits for _, visits in used.values())
    total = 0.0
    for minutes, visits in sorted(used.values(), reverse=True):
        taken = min(visits, remaining)
        total += taken * minutes if taken else 0.0
        remaining -= taken
    return total / visits_counted if visits_counted > 0 else 0.0
