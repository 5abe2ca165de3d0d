"""Rules E7 and E9 to E15 as rows: residents, the network, money and what is decided already.

Each function states one equation of ``formulation.py`` and is named after what it says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from placeopt.engine import Block, Model
from placeopt.estate.model.objectives import (
    Expression,
    buildings_cost,
    capital,
    carbon,
    running_cost,
)
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.problem.customers import minimal_rows, unique_rows
from placeopt.estate.solution import decision
from placeopt.scenario.rules.estate.services import (
    Access,
    Capital,
    Carbon,
    FairRents,
    Network,
    Pinned,
    Revenue,
)


def near_enough(model: Model, problem: EstateProblem, x: Columns, rules: list[Access]) -> None:
    """(E7) A share of residents is within the minutes, and nobody beyond the ceiling, by the
    nearest host; ``access_as_served.py`` has the share as served."""
    for number, standard in enumerate(problem.standards):
        hosts, column = offering_hosts(x, standard)
        building = x.hosts.building[hosts]
        if standard.asks_share and not standard.counts_served:
            _share_within(model, standard, number, standard.within[:, building], column)
        if standard.rule.ceiling_minutes is not None:
            _nobody_beyond(model, standard, number, standard.under_ceiling[:, building], column)


def offering_hosts(x: Columns, standard: Standard) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of hosts that could count for a standard, and the columns that say they do."""
    hosts = x.hosts.of_service(standard.service)
    column = x.full_number[hosts] if standard.rule.offer == "full" else x.host.at(hosts)
    return hosts[column >= 0], column[column >= 0]


def _share_within(
    model: Model,
    standard: Standard,
    number: int,
    reach: NDArray[np.bool_],
    column: NDArray[np.int64],
) -> None:
    cover, residents = add_cover(model, standard, f"{number}", reach, standard.residents, column)
    total = standard.residents.sum()
    model.add_rows(
        f"share_within_{number}",
        rule="E7",
        labels={"service_id": [standard.service_id], "district_id": [standard.scope]},
        terms=[(0, cover.all, residents / total)],
        lower=standard.rule.share,
    )


def add_cover(
    model: Model,
    standard: Standard,
    name: str,
    reach: NDArray[np.bool_],
    residents: NDArray[np.float64],
    column: NDArray[np.int64],
) -> tuple[Block, NDArray[np.float64]]:
    """Columns that are 1 only where a host is in ``reach``, and how many residents each counts.

    Residents with the same buildings in reach are one column; those with none are never covered.
    """
    classes, member = unique_rows(reach)
    people = np.bincount(member, residents, len(classes)).astype(float)
    some = classes.any(axis=1)
    classes, people = classes[some], people[some]
    at = np.arange(len(people))
    labels = {"service_id": np.full(len(at), standard.service_id), "group": at}
    cover = model.add_columns(f"cover_{name}", labels=labels, upper=1, integer=True)
    group, host = np.nonzero(classes)
    model.add_rows(
        f"covered_{name}",
        rule="E7",
        labels=labels,
        terms=[(at, cover.all, 1), (group, column[host], -1)],
        upper=0,
    )
    return cover, people


def _nobody_beyond(
    model: Model,
    standard: Standard,
    number: int,
    reach: NDArray[np.bool_],
    column: NDArray[np.int64],
) -> None:
    classes, _ = unique_rows(reach)
    classes = minimal_rows(classes)
    group, host = np.nonzero(classes)
    model.add_rows(
        f"ceiling_{number}",
        rule="E7",
        labels={
            "service_id": np.full(len(classes), standard.service_id),
            "group": np.arange(len(classes)),
        },
        terms=[(group, column[host], 1)],
        lower=1,
    )


def counts_and_spacing(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Network]
) -> None:
    """(E9) How many buildings are open, of a tier or with a service, and how far apart."""
    b = problem.buildings
    for number, rule in enumerate(rules):
        block, at, building = _counted(problem, x, rule)
        scopes = [""]
        if rule.each_district:
            scopes = [str(name) for name in dict.fromkeys(b.district) if name]
        elif rule.district is not None:
            scopes = [rule.district]
        inside = [(b.district[building] == scope) | (scope == "") for scope in scopes]
        row, member = np.nonzero(np.array(inside))
        model.add_rows(
            f"network_{number}",
            rule="E9",
            labels={"district_id": scopes},
            terms=[(row, block.at(at[member]), 1)],
            lower=-np.inf if rule.at_least is None else rule.at_least,
            upper=np.inf if rule.at_most is None else rule.at_most,
        )
        if rule.spacing_m is not None:
            if rule.district is not None:
                at, building = at[inside[0]], building[inside[0]]
            first, second = _too_near(problem, building, rule.spacing_m)
            rows = np.arange(len(first))
            model.add_rows(
                f"spacing_{number}",
                rule="E9",
                labels={
                    "building_id": b.ids[building[first]],
                    "other_building_id": b.ids[building[second]],
                },
                terms=[(rows, block.at(at[first]), 1), (rows, block.at(at[second]), 1)],
                upper=1,
            )


def _counted(
    problem: EstateProblem, x: Columns, rule: Network
) -> tuple[Block, NDArray[np.int64], NDArray[np.int64]]:
    """The block a rule counts, positions in it, and their buildings."""
    if rule.tier is not None:
        at = np.flatnonzero(problem.tiers.ids[x.tier_tier] == rule.tier)
        return x.tier, at, x.tier_building[at]
    if rule.service is not None:
        at = np.flatnonzero(problem.services.ids[x.hosts.service] == rule.service)
        return x.host, at, x.hosts.building[at]
    every = np.arange(x.open.size)
    return x.open, every, every


def _too_near(
    problem: EstateProblem, building: NDArray[np.int64], spacing_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not len(building):
        return building, building
    b = problem.buildings
    points = np.column_stack([b.x_m[building], b.y_m[building]])
    near = cKDTree(points).query_pairs(np.nextafter(spacing_m, 0), output_type="ndarray")
    return near[:, 0], near[:, 1]


def capital_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Capital]) -> None:
    """(E10) Works, moves, set-up and closing fit in the pot and the recycled receipts."""
    for number, rule in enumerate(rules):
        spent = capital(problem, x, rule.recycled_share, rule.pays_for)
        model.add_rows(
            f"capital_{number}",
            rule="E10",
            size=1,
            terms=spent.rows(),
            upper=rule.pots()[0] - spent.constant,
        )


def revenue_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Revenue]) -> None:
    """(E11) The running cost of a year fits under the ceiling."""
    for number, rule in enumerate(rules):
        yearly = running_cost(problem, x)
        ceiling = rule.ceiling_gbp_per_year
        if ceiling is None:
            assert rule.share_of_today is not None  # the rule has one or the other
            ceiling = rule.share_of_today * decision.running_today(problem)
        model.add_rows(
            f"revenue_{number}",
            rule="E11",
            size=1,
            terms=yearly.rows(),
            upper=ceiling - yearly.constant,
        )


def carbon_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Carbon]) -> None:
    """(E14) The carbon of open buildings fits under the ceiling."""
    b = problem.buildings
    for number, rule in enumerate(rules):
        emitted = carbon(problem, x)
        ceiling = rule.ceiling_tco2e_per_year
        if ceiling is None:
            assert rule.share_of_today is not None  # the rule has one or the other
            ceiling = rule.share_of_today * float(b.carbon_tco2e_per_year[b.open_today].sum())
        model.add_rows(f"carbon_{number}", rule="E14", size=1, terms=emitted.rows(), upper=ceiling)


def rents_can_be_fair(
    model: Model, problem: EstateProblem, x: Columns, rules: list[FairRents]
) -> None:
    """(E15) All buildings together cost no more than today: without that no rents are fair. At
    least a square metre is let for what they cost: without that nobody pays a rent."""
    yearly = buildings_cost(problem, x)
    before = decision.costs(problem, decision.today(problem))
    ceiling = before.running_gbp_per_year.sum() - before.staffing_gbp_per_year.sum()
    share = buildings_cost(problem, x, 1 / ceiling) if ceiling > 0 else Expression()
    model.add_rows(
        "rents_are_paid",
        rule="E15",
        size=1,
        terms=[*share.rows(), (0, x.area.all, -1)],
        upper=-share.constant,
    )
    model.add_rows(
        "fair_rents",
        rule="E15",
        size=1,
        terms=yearly.rows(),
        upper=float(ceiling) - yearly.constant,
    )


def decided_already(model: Model, problem: EstateProblem, x: Columns, rules: list[Pinned]) -> None:
    """(E13) Pinned buildings stay open or close."""
    b = problem.buildings
    for name, pinned, value in (("keep", b.must_open, 1), ("close", b.must_close, 0)):
        at = np.flatnonzero(pinned)
        model.add_rows(
            f"pinned_{name}",
            rule="E13",
            labels={"building_id": b.ids[at]},
            terms=[(np.arange(len(at)), x.open.at(at), 1)],
            lower=value,
            upper=value,
        )
