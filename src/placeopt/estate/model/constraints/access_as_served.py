"""Rule E7 as rows where a standard is counted by service given (``counts = "served"``).

    sum over points p with visits of residents[p] x sum of near[z,b] over b within the minutes of p
    + sum over points p without visits of residents[p] cover[p] >= share x residents
    near[z,b] <= serve[z,b];  near[z,b] <= full[b] where only the full offer counts
    serve[z,b] = 0 where b is above the ceiling of any point of z

A point is a group of residents of zone z with the same modes (``problem/access.py``). Unserved
visits are not within the minutes. Points without visits to the service are counted by the nearest
host; so is the ceiling of all points, beside the rows here (``access.py``). A plan that keeps these
rows keeps the standard by the nearest host as well: ``without_assignment_rules`` relaxes to that. A
relaxed assignment counts as within the minutes if a host left out is: a relaxation.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.engine import Model
from placeopt.engine.model import Terms
from placeopt.estate.model.constraints.access import add_cover, eligible_hosts
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.scenario.rules.estate.services import Access


@states(Access)
def residents_served_within_minutes(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Access]
) -> None:
    """(E7) A share of residents is served within the minutes, and none above the ceiling."""
    for number, standard in enumerate(problem.standards):
        if not standard.is_counted_as_served:
            continue
        if standard.has_share:
            terms = share_served_terms(model, problem, x, standard, f"{number}")
            model.add_rows(
                f"share_served_{number}",
                rule="E7",
                labels={"service_id": [standard.service_id], "district_id": [standard.scope]},
                terms=terms,
                lower=standard.rule.share,
            )
        if standard.rule.ceiling_minutes is not None:
            _nobody_sent_past_ceiling(model, problem, x, standard, number)


def share_served_terms(
    model: Model, problem: EstateProblem, x: Columns, standard: Standard, name: str
) -> list[Terms]:
    """Return the share of a standard's residents served within its minutes, as the terms of one
    row; adds the columns that it needs."""
    c, total = x.customers, standard.residents.sum()
    customer = _customers_of_points(problem, x, standard)
    has_visits = customer >= 0
    weight = np.zeros((len(c.units), len(problem.buildings.ids)))
    np.add.at(
        weight,
        customer[has_visits],
        standard.within[has_visits] * (standard.residents[has_visits] / total)[:, None],
    )
    pair = np.flatnonzero(c.service[c.pair_customer] == standard.service)
    resident_share = weight[c.pair_customer[pair], x.hosts.building[c.pair_host[pair]]]
    pair, resident_share = pair[resident_share > 0], resident_share[resident_share > 0]
    terms: list[Terms] = []
    if standard.rule.offer == "full":
        depends_on_tier = np.zeros(x.host.size, bool)
        depends_on_tier[x.full_host] = True
        is_never_full = (x.full_column < 0)[c.pair_host[pair]]
        is_always_full = ~is_never_full & ~depends_on_tier[c.pair_host[pair]]
        terms.append(
            _full_offer_terms(
                model,
                problem,
                x,
                pair[~is_never_full & ~is_always_full],
                resident_share[~is_never_full & ~is_always_full],
                name,
            )
        )
        pair, resident_share = pair[is_always_full], resident_share[is_always_full]
    terms.append((0, x.serve.at(pair), resident_share))
    terms += _relaxed_terms(x, standard, weight)
    hosts, column = eligible_hosts(x, standard)
    if not has_visits.all():
        reach = standard.within[~has_visits][:, x.hosts.building[hosts]]
        cover, group_residents = add_cover(
            model, standard, name, reach, standard.residents[~has_visits], column
        )
        terms.append((0, cover.all, group_residents / total))
    return terms


def _customers_of_points(problem: EstateProblem, x: Columns, standard: Standard) -> Ints:
    """Return (P,) the customer of each point's visits; -1 where its zone has none."""
    c, s = x.customers, standard.service
    of_zone = np.full(len(problem.zone_ids), -1)
    customers = np.flatnonzero(c.service == s)
    assert (c.zone[customers] >= 0).all()  # the model has a customer for every zone
    of_zone[c.zone[customers]] = customers
    result: Ints = of_zone[standard.zone]
    return result


def _full_offer_terms(
    model: Model, problem: EstateProblem, x: Columns, pair: Ints, resident_share: Floats, name: str
) -> Terms:
    """Return terms for visits to hosts whose tier decides the offer: they count where it is
    full."""
    c, rows = x.customers, np.arange(len(pair))
    labels = {
        "zone_id": problem.zone_ids[c.zone[c.pair_customer[pair]]],
        "building_id": problem.buildings.ids[x.hosts.building[c.pair_host[pair]]],
    }
    served_in_full = model.add_columns(f"near_{name}", labels=labels, upper=1)
    for name_of_limit, columns in (
        ("served", x.serve.at(pair)),
        ("full", x.full_column[c.pair_host[pair]]),
    ):
        model.add_rows(
            f"near_{name_of_limit}_{name}",
            rule="E7",
            labels=labels,
            terms=[(rows, served_in_full.all, 1), (rows, columns, -1)],
            upper=0,
        )
    return 0, served_in_full.all, resident_share


def _relaxed_terms(x: Columns, standard: Standard, weight: Floats) -> list[Terms]:
    """Return terms for relaxed assignments, which count like the best host that the model leaves
    out."""
    c = x.customers
    relaxed = np.flatnonzero((c.service == standard.service) & np.isfinite(c.relaxed_minutes))
    if not len(relaxed):
        return []
    hosts, _ = eligible_hosts(x, standard)
    is_in_model = np.zeros((len(c.units), x.host.size), bool)
    is_in_model[c.pair_customer, c.pair_host] = True
    left_out = np.where(
        is_in_model[relaxed][:, hosts], 0.0, weight[relaxed][:, x.hosts.building[hosts]]
    )
    return [(0, x.relaxed_assignment.at(relaxed), left_out.max(axis=1, initial=0.0))]


def _nobody_sent_past_ceiling(
    model: Model, problem: EstateProblem, x: Columns, standard: Standard, number: int
) -> None:
    """(E7) No visits of a zone go to a host above the ceiling of any of its residents counted."""
    c = x.customers
    customer = _customers_of_points(problem, x, standard)
    has_visits = customer >= 0
    past_ceiling = np.zeros((len(c.units), len(problem.buildings.ids)), bool)
    np.logical_or.at(past_ceiling, customer[has_visits], ~standard.under_ceiling[has_visits])
    is_far = past_ceiling[c.pair_customer, x.hosts.building[c.pair_host]]
    pair = np.flatnonzero(is_far & (c.service[c.pair_customer] == standard.service))
    customers_far, row = np.unique(c.pair_customer[pair], return_inverse=True)
    model.add_rows(
        f"sent_beyond_{number}",
        rule="E7",
        labels={
            "zone_id": problem.zone_ids[c.zone[customers_far]],
            "service_id": np.full(len(customers_far), standard.service_id),
        },
        terms=[(row.ravel(), x.serve.at(pair), 1)],
        upper=0,
    )
