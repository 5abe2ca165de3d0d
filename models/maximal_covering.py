"""The maximal covering problem as a readable model.

Statement   Keep p buildings so that the number of residents within a given number of minutes of one
            of them is greatest.
Sets        z zones, b buildings
Data        weight[z]      residents of zone z                                zones.population
            near[z]        the buildings within the limit of zone z           measured
            p              number of buildings kept
Variables   keep[b] binary, covered[z] in [0, 1] (integer at the optimum)
Minimise    (1) - sum over z of weight[z] covered[z]
Subject to  (2) covered[z] <= sum over b in near[z] of keep[b]
            (3) sum over b of keep[b] = p

Source: Church and ReVelle (1974), Papers of the Regional Science Association 32, 101-118.
Run it on a place:  python models/maximal_covering.py data/marlshire --p 5 --minutes 15
"""

from __future__ import annotations

import argparse

import numpy as np
import pulp


def maximal_covering(weight: np.ndarray, near: np.ndarray, p: int) -> pulp.LpProblem:
    """The model. Shapes: ``weight`` (zones,), ``near`` (zones, buildings) of booleans."""
    zones, buildings = range(near.shape[0]), range(near.shape[1])
    model = pulp.LpProblem("maximal_covering", pulp.LpMinimize)
    keep = [model.add_variable(f"keep_{b}", cat="Binary") for b in buildings]
    covered = [model.add_variable(f"covered_{z}", 0, 1) for z in zones]

    model += -pulp.lpSum(weight[z] * covered[z] for z in zones), "residents"  # (1)
    for z in zones:
        kept_near = pulp.lpSum(keep[b] for b in np.flatnonzero(near[z]))
        model += covered[z] <= kept_near, f"covers_{z}"  # (2)
    model += pulp.lpSum(keep) == p, "count"  # (3)
    return model


def main() -> None:
    from placeopt.place import read_place
    from placeopt.travel import measure

    parser = argparse.ArgumentParser(description="The maximal covering of a place, in PuLP.")
    parser.add_argument("place", help="folder of a place")
    parser.add_argument("--p", type=int, default=5, help="number of buildings kept")
    parser.add_argument("--minutes", type=float, default=15.0, help="what counts as near")
    parser.add_argument("--mode", default="drive")
    arguments = parser.parse_args()

    place = read_place(arguments.place)
    minutes = measure(place, method="crow_fly", modes=(arguments.mode,)).matrix(arguments.mode)
    weight = place.zones["population"].to_numpy(float)
    model = maximal_covering(weight, minutes <= arguments.minutes, arguments.p)
    model.solve(pulp.HiGHS(msg=False, threads=2))
    if model.sol_status != pulp.LpSolutionOptimal:
        raise SystemExit(f"{pulp.LpStatus[model.status]}: there are fewer buildings than that")
    value = {variable.name: variable.varValue for variable in model.variables()}
    share = -pulp.value(model.objective) / weight.sum()
    print(f"{share:.1%} of residents within {arguments.minutes:g} minutes")
    for b, name in enumerate(place.buildings["name"]):
        if value[f"keep_{b}"] > 0.5:
            print(f"  keep {place.buildings['building_id'][b]} {name}")


if __name__ == "__main__":
    main()
