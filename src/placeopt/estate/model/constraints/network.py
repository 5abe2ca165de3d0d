"""Rule E9 as rows: how many buildings, tiers or service points there are, and how far apart.

Each function states one equation of ``formulation.py`` and is named after it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from placeopt.engine import Block, Model
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.scenario.rules.estate.services import Network


@states(Network)
def counts_and_spacing(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Network]
) -> None:
    """(E9) How many buildings are open, of a tier or with a service, and how far apart."""
    b = problem.buildings
    for number, rule in enumerate(rules):
        block, positions, building = _counted_columns(problem, x, rule)
        scopes = [""]
        if rule.each_district:
            scopes = [str(name) for name in dict.fromkeys(b.district) if name]
        elif rule.district is not None:
            scopes = [rule.district]
        in_scope = [(b.district[building] == scope) | (scope == "") for scope in scopes]
        row, member = np.nonzero(np.array(in_scope))
        model.add_rows(
            f"network_{number}",
            rule="E9",
            labels={"district_id": scopes},
            terms=[(row, block.at(positions[member]), 1)],
            lower=-np.inf if rule.at_least is None else rule.at_least,
            upper=np.inf if rule.at_most is None else rule.at_most,
        )
        if rule.spacing_m is not None:
            if rule.district is not None:
                positions, building = positions[in_scope[0]], building[in_scope[0]]
            first, second = _pairs_too_near(problem, building, rule.spacing_m)
            rows = np.arange(len(first))
            model.add_rows(
                f"spacing_{number}",
                rule="E9",
                labels={
                    "building_id": b.ids[building[first]],
                    "other_building_id": b.ids[building[second]],
                },
                terms=[
                    (rows, block.at(positions[first]), 1),
                    (rows, block.at(positions[second]), 1),
                ],
                upper=1,
            )


def _counted_columns(
    problem: EstateProblem, x: Columns, rule: Network
) -> tuple[Block, NDArray[np.int64], NDArray[np.int64]]:
    """The block a rule counts, positions in it, and their buildings."""
    if rule.tier is not None:
        positions = np.flatnonzero(problem.tiers.ids[x.tier_tier] == rule.tier)
        return x.tier, positions, x.tier_building[positions]
    if rule.service is not None:
        positions = np.flatnonzero(problem.services.ids[x.hosts.service] == rule.service)
        return x.host, positions, x.hosts.building[positions]
    positions = np.arange(x.open.size)
    return x.open, positions, positions


def _pairs_too_near(
    problem: EstateProblem, building: NDArray[np.int64], spacing_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not len(building):
        return building, building
    b = problem.buildings
    points = np.column_stack([b.x_m[building], b.y_m[building]])
    pairs = cKDTree(points).query_pairs(np.nextafter(spacing_m, 0), output_type="ndarray")
    return pairs[:, 0], pairs[:, 1]
