"""Rule E16 as rows: which hosts residents choose.

Each function states one equation of ``formulation.py`` and is named after it.

Sources: Rojeski and ReVelle (1970) and Wagner and Falkson (1975) for closest assignment; Huff
(1964) for distance decay; Benati and Hansen (2002) and Haase and Mueller (2014), EJOR 232, for its
linear form, in which a host's visits are the same multiple of its pull for all hosts.
"""

from __future__ import annotations

import numpy as np

from placeopt.engine import Block, Model
from placeopt.engine.model import Terms
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import pull
from placeopt.scenario.rules.estate.services import Behaviour, Capacity, Floor


@states(Behaviour)
def residents_choose(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Behaviour]
) -> None:
    """(E16) The nearest host, or all hosts in reach by their pull; under a planner no rows."""
    for rule in rules:
        if rule.residents == "nearest":
            nearest_is_used(model, problem, x, rule.overflow)
        elif rule.residents == "decay":
            spread_by_pull(model, problem, x)


def nearest_is_used(model: Model, problem: EstateProblem, x: Columns, overflow: bool) -> None:
    """(E16) No resident passes a host on the way to another, unless its building is full.

    ``nearer`` sums what hosts from the nearest on serve, one pair after another, so that every row
    has at most four entries: nearer[k] = nearer[k-1] + serve[k] >= host[k].
    """
    c = x.customers
    ids = problem.buildings.ids
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids)] = np.arange(len(ids))
    to_zone = np.flatnonzero(c.zone[c.pair_customer] >= 0)
    building = x.hosts.building[c.pair_host[to_zone]]
    order = np.lexsort((rank[building], c.pair_minutes[to_zone], c.pair_customer[to_zone]))
    pair = to_zone[order]
    customer = c.pair_customer[pair]
    rows = np.arange(len(pair))
    follows = np.flatnonzero(np.concatenate([[False], customer[1:] == customer[:-1]]))
    full = full_buildings(model, problem, x) if overflow else None
    nearer = model.add_columns("nearer", size=len(pair), upper=1)
    labels = {
        "zone_id": problem.zone_ids[c.zone[customer]],
        "service_id": problem.services.ids[c.service[customer]],
        "building_id": ids[x.hosts.building[c.pair_host[pair]]],
    }
    model.add_rows(
        "served_up_to",
        rule="E16",
        labels=labels,
        terms=[
            (rows, nearer.all, 1),
            (rows, x.serve.at(pair), -1),
            (follows, nearer.at(follows - 1), -1),
        ],
        lower=0,
        upper=0,
    )
    model.add_rows(
        "no_host_passed",
        rule="E16",
        labels=labels,
        terms=[
            (rows, nearer.all, 1),
            (rows, x.unserved.at(customer), 1),
            (rows, x.host.at(c.pair_host[pair]), -1),
            *([(rows, full.at(building[order]), 1)] if full is not None else []),
        ],
        lower=0,
    )


def full_buildings(model: Model, problem: EstateProblem, x: Columns) -> Block:
    """(E16) A building counts as full only where all its usable floor is in use."""
    rules = problem.scenario.of(Floor) and problem.scenario.of(Capacity)
    full = model.add_columns("full_building", labels=x.open.labels, upper=bool(rules), integer=True)
    every = np.arange(x.open.size)
    model.add_rows(
        "full_building",
        rule="E16",
        labels=x.open.labels,
        terms=[
            (x.hosts.building, x.area.all, 1),
            (every, x.front.all, 1),
            (every, full.all, -problem.buildings.usable_m2),
        ],
        lower=0,
    )
    _front_is_no_larger(model, problem, x)
    return full


def _front_is_no_larger(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E16) Front of house is no larger than the largest that a service there needs; otherwise it
    could fill a building. For each size, front <= size where no service there needs more."""
    need = problem.services.front_of_house_m2[x.hosts.service]
    sizes = np.unique(np.append(problem.services.front_of_house_m2, 0.0))
    buildings = x.open.size
    size, host = np.nonzero(need[None, :] > sizes[:, None])
    model.add_rows(
        "front_no_larger",
        rule="E16",
        labels={
            "building_id": np.tile(problem.buildings.ids, len(sizes)),
            "m2": np.repeat(sizes, buildings),
        },
        terms=[
            (np.arange(buildings * len(sizes)), np.tile(x.front.all, len(sizes)), 1),
            (size * buildings + x.hosts.building[host], x.host.at(host), sizes[size] - need[host]),
        ],
        upper=np.repeat(sizes, buildings),
    )


def spread_by_pull(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E16) Hosts in reach are used in proportion to their pull.

    serve[c,b] <= pull[c,b] drawn[c];  serve[c,b] >= pull[c,b] drawn[c] - most[c,b] (1 - host[b,s])

    with the strongest pull in reach scaled to 1. A customer served by one host b alone has drawn[c]
    = 1 / pull[c,b], so that drawn[c] <= 1 / (the least pull in reach), and most[c,b] = pull[c,b] /
    (the least pull in reach) is the smallest valid constant without more knowledge of the plan.
    """
    c = x.customers
    pair = np.flatnonzero(c.zone[c.pair_customer] >= 0)
    customer = c.pair_customer[pair]
    weight = pull(problem)[c.zone[customer], x.hosts.building[c.pair_host[pair]]]
    strongest = np.zeros(len(c.units))
    np.maximum.at(strongest, customer, weight)
    weight = np.divide(weight, strongest[customer], out=np.zeros_like(weight), where=weight > 0)
    least = np.ones(len(c.units))
    is_positive = weight > 0
    np.minimum.at(least, customer[is_positive], weight[is_positive])
    drawn = model.add_columns("drawn", labels={"customer": np.arange(len(least))}, upper=1 / least)
    largest = weight / least[customer]
    rows = np.arange(len(pair))
    labels = {
        "zone_id": problem.zone_ids[c.zone[customer]],
        "service_id": problem.services.ids[c.service[customer]],
        "building_id": problem.buildings.ids[x.hosts.building[c.pair_host[pair]]],
    }
    share: list[Terms] = [(rows, x.serve.at(pair), 1), (rows, drawn.at(customer), -weight)]
    model.add_rows("drawn_at_most", rule="E16", labels=labels, terms=share, upper=0)
    model.add_rows(
        "drawn_at_least",
        rule="E16",
        labels=labels,
        terms=[*share, (rows, x.host.at(c.pair_host[pair]), -largest)],
        lower=-largest,
    )
