"""The estate problem of one year as a readable model in PuLP, also the oracle of tests.

Which buildings stay open, which services each hosts, and where residents' visits are served.
It reads a place's tables itself and shares no code with the formulation in ``placeopt.estate``;
tests compare the two. It is slow for a county: use ``placeopt solve`` there.

    python -m models.estate PLACE SCENARIO.toml

Sets        z zones, b buildings, s services, k tiers
Decisions   open[b], ends[b] (sold, or its lease ended), tier[b,k], host[b,s]    0 or 1
            serve[z,s,b] share of a zone's visits, desks[b,s], area[b,s], front[b] m2
Minimise    net present cost, or visit-minutes, open buildings, carbon

(E1) sum_b serve[z,s,b] + unserved[z,s] = 1              all visits are served
(E2) serve[z,s,b] <= host[b,s]                           only where the service is hosted
     sum_z visits[z,s] serve[z,s,b] >= least[s]          at a point with the full offer
(E3) host[b,s] <= open[b], and as the tier allows        only in an open building
(E4) sum_s area[b,s] + front[b] <= usable[b] open[b]     the services fit
(E5) area[b,s] = base[s] host[b,s] + rate[s] visits      visits use floor area
(E6) host[b,x] = host[b,y];  host[b,x] + host[b,y] <= 1  pairs that must, that may not
(E7) cover[z] <= sum of host in reach; residents covered >= share of residents
(E8) minutes used against today's, by zone and group; the worst off; Kolm-Pollak
(E9) counts of buildings within limits, and a distance between them
(E10) capital <= pot + recycled receipts    (E11) running cost <= ceiling    (E13) pinned
(E14) carbon of open buildings <= ceiling    (E15) buildings cost no more than today
(E16) residents pass no host

``data`` reads the tables and makes the decisions; ``people``, ``buildings`` and ``money`` state the
rules; this file assembles and solves the model.
"""

from __future__ import annotations

from typing import Any

import pulp
from models.estate.buildings import (
    all_visits_are_served,
    buildings_are_counted,
    only_as_the_tier_allows,
    only_in_open_buildings,
    only_where_hosted,
    pairs_share_or_do_not,
    pinned_buildings,
    what_is_there_fits,
)
from models.estate.data import Model, decide, read_tables
from models.estate.money import (
    capital_and_revenue_fit,
    carbon_fits,
    emitted,
    present_cost,
    rents_cover_the_trust,
)
from models.estate.people import (
    nobody_loses_too_much,
    residents_are_near,
    residents_choose_hosts,
    worst_mean,
)

from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.travel import TravelTimes


def build(place: Place, times: TravelTimes, scenario: Scenario) -> Model:
    """The whole model without its objective."""
    m = Model(place, times, scenario)
    read_tables(m)
    decide(m)
    for equation in (
        all_visits_are_served,
        only_where_hosted,
        only_in_open_buildings,
        only_as_the_tier_allows,
        what_is_there_fits,
        pairs_share_or_do_not,
        residents_are_near,
        nobody_loses_too_much,
        residents_choose_hosts,
        buildings_are_counted,
        capital_and_revenue_fit,
        carbon_fits,
        rents_cover_the_trust,
        pinned_buildings,
    ):
        equation(m)
    return m


def objective(m: Model, name: str) -> Any:
    """An objective of the estate as an expression."""
    if name == "weighted":
        weights = m.scenario.objective.weights
        return pulp.lpSum(weight * objective(m, part) for part, weight in weights.items())
    if name == "cost":
        return present_cost(m)
    if name == "visit_minutes":
        return pulp.lpSum(
            m.visits[z, s] * m.minutes[z, b] * share for (z, s, b), share in m.serve.items()
        )
    if name == "worst_off":
        return worst_mean(m, list(m.visits), 0.1)
    if name == "carbon":
        return emitted(m)
    if name == "buildings":
        return pulp.lpSum(m.open.values())
    raise ValueError(f"no objective {name!r} in this model")


def solve(place: Place, times: TravelTimes, scenario: Scenario) -> tuple[Model, float | None]:
    """The optimal plan for the scenario's first objective; None if infeasible."""
    m = build(place, times, scenario)
    m.lp.setObjective(objective(m, scenario.objective.minimise[0]))
    status = m.lp.solve(pulp.HiGHS(msg=False, gapRel=0.0, threads=1))
    if pulp.LpStatus[status] != "Optimal":
        return m, None
    return m, float(pulp.value(m.lp.objective))
