"""The set covering problem, written to be read.

Statement   Keep as few buildings as can be so that every zone has one within a given number of
            minutes.
Sets        z zones, b buildings
Data        near[z]        the buildings within the limit of zone z           measured
Variables   keep[b] binary
Minimise    (1) sum over b of keep[b]
Subject to  (2) sum over b in near[z] of keep[b] >= 1     for every zone z

A zone that no building is near makes the model infeasible: run on a place, such zones are listed.
Source: Toregas, Swain, ReVelle and Bergman (1971), Operations Research 19(6), 1363-1373.
Run it on a place:  python models/set_covering.py data/marlshire --minutes 25
"""

from __future__ import annotations

import argparse

import numpy as np
import pulp


def set_covering(near: np.ndarray) -> pulp.LpProblem:
    """The model. Shape: ``near`` (zones, buildings) of booleans."""
    zones, buildings = range(near.shape[0]), range(near.shape[1])
    model = pulp.LpProblem("set_covering", pulp.LpMinimize)
    keep = [model.add_variable(f"keep_{b}", cat="Binary") for b in buildings]

    model += pulp.lpSum(keep), "buildings"  # (1)
    for z in zones:
        model += pulp.lpSum(keep[b] for b in np.flatnonzero(near[z])) >= 1, f"near_{z}"  # (2)
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
