"""The set covering problem as a readable model.

Statement   Keep the fewest buildings so that every zone has one within a given number of minutes.
Sets        z zones, b buildings
Data        near[z]        the buildings within the limit of zone z           measured
            weight[z]      residents, where a share of them is enough         zones.population
Variables   keep[b] binary, covered[z] in [0, 1], twice[z] binary
Minimise    (1) sum over b of keep[b]
Subject to  (2) sum over b in near[z] of keep[b] >= covered[z]     for every zone z
            (3) covered[z] = 1, or
                sum over z of weight[z] covered[z] >= share sum over z of weight[z]
Then        (4) among the best plans, one with most residents near two buildings: minimise
                - sum over z of weight[z] twice[z], with (3) and
            (5) sum over b in near[z] of keep[b] >= covered[z] + twice[z],  twice[z] <= covered[z]
            (6) sum over b of keep[b] <= the fewest

A zone without a building near by makes the model infeasible; the script lists such zones.
Sources: Toregas, Swain, ReVelle and Bergman (1971), Operations Research 19(6), 1363-1373; (4):
Hogan and ReVelle (1986), Management Science 32(11), 1434-1444.
Run it on a place:  python models/set_covering.py data/marlshire --minutes 25
"""

from __future__ import annotations

import argparse

import numpy as np
import pulp


def backup_covering(
    near: np.ndarray, weight: np.ndarray, fewest: int, share: float = 1.0
) -> pulp.LpProblem:
    """(4): the second model, once the fewest buildings are known. ``weight`` (zones,)."""
    zones, buildings = range(near.shape[0]), range(near.shape[1])
    model = pulp.LpProblem("backup_covering", pulp.LpMinimize)
    keep = [model.add_variable(f"keep_{b}", cat="Binary") for b in buildings]
    covered = [model.add_variable(f"covered_{z}", 0 if share < 1 else 1, 1) for z in zones]
    twice = [model.add_variable(f"twice_{z}", cat="Binary") for z in zones]

    model += -pulp.lpSum(weight[z] * twice[z] for z in zones), "residents"  # (4)
    for z in zones:
        kept_near = pulp.lpSum(keep[b] for b in np.flatnonzero(near[z]))
        model += kept_near >= covered[z] + twice[z], f"near_{z}"  # (5)
        model += twice[z] <= covered[z], f"once_{z}"  # (5)
    enough = share * weight.sum()
    model += pulp.lpSum(weight[z] * covered[z] for z in zones) >= enough, "share"  # (3)
    model += pulp.lpSum(keep) <= fewest, "fewest"  # (6)
    return model


def set_covering(
    near: np.ndarray, weight: np.ndarray | None = None, share: float = 1.0
) -> pulp.LpProblem:
    """The model. Shapes: ``near`` (zones, buildings) of booleans, ``weight`` (zones,)."""
    zones, buildings = range(near.shape[0]), range(near.shape[1])
    model = pulp.LpProblem("set_covering", pulp.LpMinimize)
    keep = [model.add_variable(f"keep_{b}", cat="Binary") for b in buildings]

    model += pulp.lpSum(keep), "buildings"  # (1)
    covered: list = [1] * len(zones)
    if weight is not None and share < 1:
        covered = [model.add_variable(f"covered_{z}", 0, 1) for z in zones]
        reached = pulp.lpSum(weight[z] * covered[z] for z in zones)
        model += reached >= share * weight.sum(), "share"  # (3)
    for z in zones:
        kept_near = pulp.lpSum(keep[b] for b in np.flatnonzero(near[z]))
        model += kept_near >= covered[z], f"near_{z}"  # (2)
    return model


def main() -> None:
    from placeopt.place import read_place
    from placeopt.travel import measure

    parser = argparse.ArgumentParser(description="The set covering of a place, in PuLP.")
    parser.add_argument("place", help="folder of a place")
    parser.add_argument("--minutes", type=float, default=25.0, help="what counts as near")
    parser.add_argument("--mode", default="drive")
    arguments = parser.parse_args()

    place = read_place(arguments.place)
    minutes = measure(place, method="crow_fly", modes=(arguments.mode,)).matrix(arguments.mode)
    near = minutes <= arguments.minutes
    alone = place.zones.loc[~near.any(axis=1), "zone_id"]
    if len(alone):
        raise SystemExit(f"no building is near zones {', '.join(alone)}: give more minutes")
    model = set_covering(near)
    model.solve(pulp.HiGHS(msg=False, threads=2))
    value = {variable.name: variable.varValue for variable in model.variables()}
    print(f"{pulp.value(model.objective):.0f} buildings, each zone within {arguments.minutes:g}")
    for b, name in enumerate(place.buildings["name"]):
        if value[f"keep_{b}"] > 0.5:
            print(f"  keep {place.buildings['building_id'][b]} {name}")


if __name__ == "__main__":
    main()
