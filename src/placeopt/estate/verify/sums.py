"""The verifier's sums: what an arrangement of one year costs and uses, by definition.

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
    """Who is open, hosts and serves whom in a year: the plan's, or today's."""

    open: set[str]
    disposed: set[str]  # up to and in the year
    tier: dict[str, str]
    hosts: set[Key]  # (building, service)
    desks: dict[Key, float]
    served: dict[Key, dict[str, float]]  # (zone, service) -> building -> share
    rents: dict[str, float] = field(default_factory=dict)  # building -> GBP/m2/year
    transfers: dict[str, float] = field(default_factory=dict)  # agency -> GBP/year paid in


@dataclass
class Sums:
    """What an arrangement costs and uses in its year."""

    area: dict[Key, float]  # (building, service) -> m2
    load: dict[Key, float]  # (building, service) -> visits, or desks
    front: dict[str, float]  # building -> m2
    fitted: dict[Key, float]  # m2 fitted out by the end of the year, of what is new since today
    parts: dict[str, dict[str, float]]  # by PARTS: building -> GBP
    staff: dict[Key, float]  # (building, service) -> GBP
    double_running: dict[Key, float]  # staff paid once more where a service point closed
    redundancy: dict[str, float]  # service -> GBP, of points fewer than the year before
    fit_out: dict[Key, float]
    moves: dict[Key, float]
    set_up: dict[str, float]
    closing: dict[str, float]
    sold: dict[str, tuple[float, int]]  # disposals of the year: net receipt, years until it comes
    benefit: float
    minutes: float
    open: int
    carbon: float
    unserved: float
    worst_off: float

    def area_used(self, i: str) -> float:
        return self.front.get(i, 0.0) + sum(m2 for (b, _), m2 in self.area.items() if b == i)

    def running_of(self, i: str) -> float:
        """GBP of the year that the building costs to run, staff included."""
        own = sum(gbp.get(i, 0.0) for gbp in self.parts.values())
        return own + sum(gbp for (b, _), gbp in self.staff.items() if b == i)

    @property
    def running(self) -> float:
        own = sum(sum(gbp.values()) for gbp in self.parts.values())
        return own + sum(self.staff.values())

    def works(self) -> dict[str, float]:
        """GBP of the year by kind of work."""
        return {kind: sum(getattr(self, kind).values()) for kind in WORKS}

    def works_at(self, i: str) -> float:
        """GBP of the year's works in a building."""
        points = sum(
            gbp for kind in (self.fit_out, self.moves) for (b, _), gbp in kind.items() if b == i
        )
        return points + self.set_up.get(i, 0.0) + self.closing.get(i, 0.0)

    def figures(self) -> dict[str, float]:
        """What is counted in a year, by the objectives' names."""
        return {
            "visit_minutes": self.minutes,
            "buildings": float(self.open),
            "carbon": self.carbon,
            "worst_off": self.worst_off,
            "running_cost": self.running,
        }


def areas_of(facts: Facts, a: Arrangement) -> dict[Key, float]:
    """(building, service) -> m2: the base area, and what visits or desks take."""
    load, _, _ = _loads(facts, a)
    return {
        (i, s): facts.services[s]["area_base_m2"]
        + facts.services[s]["area_m2_per_1000_visits"] * load[i, s] / 1000
        for i, s in sorted(a.hosts)
    }


def sums_of(
    facts: Facts,
    a: Arrangement,
    before: Arrangement,
    fitted: dict[Key, float],
    fitted_before: dict[Key, float],
    double_running_years: float = 0.0,
) -> Sums:
    """The arithmetic of a year's arrangement that follows ``before``."""
    load, minutes, served = _loads(facts, a)
    area = areas_of(facts, a)
    front: dict[str, float] = {}
    for i, s in a.hosts:
        front[i] = max(front.get(i, 0.0), facts.services[s]["front_of_house_m2"])
    gone = before.hosts - a.hosts
    sums = Sums(
        area=area,
        load=load,
        front=front,
        fitted=fitted,
        parts={part: {} for part in PARTS},
        staff={
            (i, s): facts.services[s][STAFF] + facts.services[s][BY_VISITS] * load[i, s] / 1000
            for i, s in sorted(a.hosts)
        },
        double_running={(i, s): double_running_years * facts.services[s][STAFF] for i, s in gone},
        redundancy=_redundancy(facts, a, before),
        fit_out={
            point: facts.buildings[point[0]]["fit_out_gbp_per_m2"]
            * (m2 - fitted_before.get(point, 0.0))
            for point, m2 in fitted.items()
        },
        moves={(i, s): facts.services[s]["moving_cost_gbp"] for i, s in a.hosts - before.hosts},
        set_up={
            i: facts.tiers[k]["setup_cost_gbp"] * facts.buildings[i]["raised"]
            for i, k in a.tier.items()
            if before.tier.get(i) != k
        },
        closing={},
        sold={},
        benefit=_benefit(facts, a),
        minutes=minutes,
        open=len(a.open),
        carbon=sum(facts.buildings[i]["carbon_tco2e_per_year"] for i in a.open)
        if facts.number_stated("carbon_tco2e_per_year")
        else math.nan,
        unserved=round(sum(facts.visits.values()) - served, 6) + 0.0,  # never -0.0
        worst_off=mean_of_worst(minutes_used(facts, a, set(facts.services)), 0.1),
    )
    used = defaultdict(float, front)
    for (i, _), m2 in area.items():
        used[i] += m2
    for i in facts.buildings:
        _add_building(facts, a, before, sums, i, used[i])
    return sums


def _loads(facts: Facts, a: Arrangement) -> tuple[dict[Key, float], float, float]:
    """Visits or desks at every service point, visit-minutes, and visits served."""
    load: dict[Key, float] = defaultdict(float, a.desks)
    minutes = served = 0.0
    for (zone, service), shares in a.served.items():
        visits = facts.visits.get((zone, service), 0.0)
        for i, share in shares.items():
            load[i, service] += visits * share
            minutes += visits * share * facts.fastest.get((zone, i), math.inf)
            served += visits * share
    return load, minutes, served


def _add_building(
    facts: Facts, a: Arrangement, before: Arrangement, sums: Sums, i: str, used_m2: float
) -> None:
    row = facts.buildings[i]
    if i in a.open:
        sums.parts["fixed"][i] = row["running_cost_fixed_gbp_per_year"]
        sums.parts["in_use"][i] = row["running_cost_gbp_per_m2_per_year"] * used_m2
    held = facts.held_empty(i, a.open, a.disposed)
    if held:
        sums.parts["holding"][i] = row["holding_cost_gbp_per_year"]
    if i in a.open or held:
        sums.parts["cost_of_capital"][i] = row["cost_of_capital_gbp_per_year"]
    if i in a.tier:
        sums.parts["tiers"][i] = facts.tiers[a.tier[i]]["running_cost_gbp_per_year"]
    closing = 0.0
    if row["status"] == "open" and i in before.open and i not in a.open:
        closing += row["closure_cost_gbp"]
    if i in a.disposed and i not in before.disposed:
        closing += facts.penalty(i) or 0.0
        if facts.sellable(i):
            kept = 1 - row["sale_cost_share"] - row["receipt_clawback_share"]
            net = row["capital_receipt_gbp"] * kept
            sums.sold[i] = net, int(row["sale_lag_years"])
    sums.closing[i] = closing


def _redundancy(facts: Facts, a: Arrangement, before: Arrangement) -> dict[str, float]:
    """Service -> GBP for staff of points given up who have no new point to go to."""
    given_up = Counter(s for _, s in before.hosts - a.hosts)
    new = Counter(s for _, s in a.hosts - before.hosts)
    return {
        s: (given_up[s] - new[s]) * facts.services[s]["redundancy_gbp_per_point"]
        for s in given_up
        if given_up[s] > new[s]
    }


def _benefit(facts: Facts, a: Arrangement) -> float:
    """GBP a year of preferred pairs under one roof."""
    if not facts.scenario.of(Together):
        return 0.0
    total = 0.0
    for row in facts.place.compatibility.to_dict("records"):
        if row["relation"] == "prefer":
            both = sum(
                (i, row["service_a"]) in a.hosts and (i, row["service_b"]) in a.hosts
                for i in facts.buildings
            )
            total += both * row["benefit_gbp_per_year"]
    return total


def minutes_used(
    facts: Facts, a: Arrangement, services: set[str]
) -> dict[Key, tuple[float, float]]:
    """(zone, service) -> minutes to the hosts used by share, and visits; unserved counts 0."""
    return {
        (zone, service): (
            sum(
                share * facts.fastest.get((zone, i), math.inf)
                for i, share in a.served.get((zone, service), {}).items()
            ),
            visits,
        )
        for (zone, service), visits in facts.visits.items()
        if service in services and visits > 0
    }


def mean_of_worst(used: dict[Key, tuple[float, float]], share: float) -> float:
    """Mean minutes of the worst-off share of the visits."""
    left = most = share * sum(visits for _, visits in used.values())
    total = 0.0
    for minutes, visits in sorted(used.values(), reverse=True):
        taken = min(visits, left)
        total += taken * minutes if taken else 0.0
        left -= taken
    return total / most if most > 0 else 0.0
