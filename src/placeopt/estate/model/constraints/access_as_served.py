"""Rule E7 as rows where a standard is met by service that is given (``counts = "served"``).

    sum over points p with visits of residents[p] x sum of near[z,b] over b within the minutes of p
    + sum over points p without visits of residents[p] cover[p] >= share x residents
    near[z,b] <= serve[z,b];  near[z,b] <= full[b] where only the full offer counts
    serve[z,b] = 0 where b is beyond the ceiling of any point of z

A point is a group of residents of zone z who travel alike (``access.py``). What is unserved is
not within. Points without visits to the service count by the nearest host, and so does the
ceiling of all points beside the rows here (``network.py``). A plan that keeps these rows keeps the
standard by the nearest host as well: ``planner_alone`` relaxes to that.
Where a customer may be sent to hosts that the model leaves out, it may be within: a relaxation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model
from placeopt.engine.model import Terms
from placeopt.estate.model.constraints.access import add_cover, eligible_hosts
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.scenario.rules.estate.services import Access

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def residents_served_within_minutes(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Access]
) -> None:
    """(E7) A share of residents is served within the minutes, nobody beyond the ceiling."""
    for number, standard in enumerate(problem.standards):
        if not standard.is_counted_as_served:
            continue
        if standard.has_share:
            share = share_served_terms(model, problem, x, standard, f"{number}")
            model.add_rows(
                f"share_served_{number}",
                rule="E7",
                labels={"service_id": [standard.service_id], "district_id": [standard.scope]},
                terms=share,
                lower=standard.rule.share,
            )
        if standard.rule.ceiling_minutes is not None:
            _nobody_sent_past_ceiling(model, problem, x, standard, number)


def share_served_terms(
    model: Model, problem: EstateProblem, x: Columns, standard: Standard, name: str
) -> list[Terms]:
    """The share of the standard's residents who are served within its minutes, as the terms of
    one row; adds the columns that it needs."""
    c, total = x.customers, standard.residents.sum()
    customer = _customers_of_points(problem, x, standard)
    going = customer >= 0
    weight = np.zeros((len(c.units), len(problem.buildings.ids)))
    np.add.at(
        weight,
        customer[going],
        standard.within[going] * (standard.residents[going] / total)[:, None],
    )
    pair = np.flatnonzero(c.service[c.pair_customer] == standard.service)
    worth = weight[c.pair_customer[pair], x.hosts.building[c.pair_host[pair]]]
    pair, worth = pair[worth > 0], worth[worth > 0]
    terms: list[Terms] = []
    if standard.rule.offer == "full":
        depends = np.zeros(x.host.size, bool)
        depends[x.full_host] = True
        never = (x.full_column < 0)[c.pair_host[pair]]
        sure = ~never & ~depends[c.pair_host[pair]]
        terms.append(
            _full_offer_terms(model, problem, x, pair[~never & ~sure], worth[~never & ~sure], name)
        )
        pair, worth = pair[sure], worth[sure]
    terms.append((0, x.serve.at(pair), worth))
    terms += _relaxed_terms(x, standard, weight)
    hosts, column = eligible_hosts(x, standard)
    if not going.all():
        reach = standard.within[~going][:, x.hosts.building[hosts]]
        cover, people = add_cover(model, standard, name, reach, standard.residents[~going], column)
        terms.append((0, cover.all, people / total))
    return terms


def _customers_of_points(problem: EstateProblem, x: Columns, standard: Standard) -> Ints:
    """(P,) the customer that a point's visits are of; -1 where its zone has none."""
    c, s = x.customers, standard.service
    of_zone = np.full(len(problem.zone_ids), -1)
    at = np.flatnonzero(c.service == s)
    assert (c.zone[at] >= 0).all()  # the model speaks of every zone by itself
    of_zone[c.zone[at]] = at
    found: Ints = of_zone[standard.zone]
    return found


def _full_offer_terms(
    model: Model, problem: EstateProblem, x: Columns, pair: Ints, worth: Floats, name: str
) -> Terms:
    """Visits to hosts whose tier says whether they have the full offer: they count where it is."""
    c, at = x.customers, np.arange(len(pair))
    labels = {
        "zone_id": problem.zone_ids[c.zone[c.pair_customer[pair]]],
        "building_id": problem.buildings.ids[x.hosts.building[c.pair_host[pair]]],
    }
    near = model.add_columns(f"near_{name}", labels=labels, upper=1)
    for what, columns in (("served", x.serve.at(pair)), ("full", x.full_column[c.pair_host[pair]])):
        model.add_rows(
            f"near_{what}_{name}",
            rule="E7",
            labels=labels,
            terms=[(at, near.all, 1), (at, columns, -1)],
            upper=0,
        )
    return 0, near.all, worth


def _relaxed_terms(x: Columns, standard: Standard, weight: Floats) -> list[Terms]:
    """Who is sent to a host that the model leaves out counts as if it were the best of these."""
    c = x.customers
    further = np.flatnonzero((c.service == standard.service) & np.isfinite(c.relaxed_minutes))
    if not len(further):
        return []
    hosts, _ = eligible_hosts(x, standard)
    stands = np.zeros((len(c.units), x.host.size), bool)
    stands[c.pair_customer, c.pair_host] = True
    left_out = np.where(stands[further][:, hosts], 0.0, weight[further][:, x.hosts.building[hosts]])
    return [(0, x.relaxed_assignment.at(further), left_out.max(axis=1, initial=0.0))]


def _nobody_sent_past_ceiling(
    model: Model, problem: EstateProblem, x: Columns, standard: Standard, number: int
) -> None:
    """No visits of a zone go where any of its residents counted would be beyond the ceiling."""
    c = x.customers
    customer = _customers_of_points(problem, x, standard)
    going = customer >= 0
    beyond = np.zeros((len(c.units), len(problem.buildings.ids)), bool)
    np.logical_or.at(beyond, customer[going], ~standard.under_ceiling[going])
    far = beyond[c.pair_customer, x.hosts.building[c.pair_host]]
    pair = np.flatnonzero(far & (c.service[c.pair_customer] == standard.service))
    some, row = np.unique(c.pair_customer[pair], return_inverse=True)
    model.add_rows(
        f"sent_beyond_{number}",
        rule="E7",
        labels={
            "zone_id": problem.zone_ids[c.zone[some]],
            "service_id": np.full(len(some), standard.service_id),
        },
        terms=[(row.ravel(), x.serve.at(pair), 1)],
        upper=0,
    )
