"""The p-median problem as a readable model.

Statement   Keep p buildings so that the total minutes of residents to their nearest kept building
            are least.
Sets        z zones, b buildings; a pair (z, b) exists where b can be reached from z
Data        weight[z]      residents of zone z                                zones.population
            minutes[z,b]   minutes one way, NaN where out of reach            measured
            p              number of buildings kept
Variables   keep[b] binary, go[z,b] >= 0 (integer at the optimum)
Minimise    (1) sum over z, b of weight[z] minutes[z,b] go[z,b]
Subject to  (2) sum over b of go[z,b] = 1     every zone is assigned
            (3) go[z,b] <= keep[b]            only to a building that is kept
            (4) sum over b of keep[b] = p     p buildings are kept

With --k-nearest a zone goes to one of its k nearest buildings only (or one as near as the k-th):
other pairs are left out.

Source: ReVelle and Swain (1970), Geographical Analysis 2(1), 30-42; k nearest: Church (2018),
International Regional Science Review 41.
Run it on a place:  python models/p_median.py data/marlshire --p 5
"""

from __future__ import annotations

import argparse

import numpy as np
import pulp


def p_median(weight: np.ndarray, minutes: np.ndarray, p: int) -> pulp.LpProblem:
    """The model. Shapes: ``weight`` (zones,), ``minutes`` (zones, buildings) with NaN."""
    zones, buildings = range(minutes.shape[0]), range(minutes.shape[1])
    pairs = [(z, b) for z in zones for b in buildings if not np.isnan(minutes[z, b])]
    reach: dict[int, list[int]] = {z: [] for z in zones}
    for z, b in pairs:
        reach[z].append(b)

    model = pulp.LpProblem("p_median", pulp.LpMinimize)
    keep = [model.add_variable(f"keep_{b}", cat="Binary") for b in buildings]
    go = {(z, b): model.add_variable(f"go_{z}_{b}", 0) for z, b in pairs}

    model += pulp.lpSum(weight[z] * minutes[z, b] * go[z, b] for z, b in pairs), "minutes"  # (1)
    for z in zones:
        model += pulp.lpSum(go[z, b] for b in reach[z]) == 1, f"goes_{z}"  # (2)
    for z, b in pairs:
        model += go[z, b] <= keep[b], f"kept_{z}_{b}"  # (3)
    model += pulp.lpSum(keep) == p, "count"  # (4)
    return model


def k_nearest(minutes: np.ndarray, k: int) -> np.ndarray:
    """Minutes, with NaN beyond each zone's k nearest buildings."""
    far = np.where(np.isnan(minutes), np.inf, minutes)
    limit = np.sort(far, axis=1)[:, min(k, far.shape[1]) - 1]
    return np.where(far <= limit[:, None], minutes, np.nan)


def main() -> None:
    from placeopt.place import read_place
    from placeopt.travel import measure

    parser = argparse.ArgumentParser(description="The p-median of a place, in PuLP.")
    parser.add_argument("place", help="folder of a place")
    parser.add_argument("--p", type=int, default=5, help="number of buildings kept")
    parser.add_argument("--k-nearest", type=int, help="buildings that a zone knows")
    parser.add_argument("--mode", default="drive")
    arguments = parser.parse_args()

    place = read_place(arguments.place)
    minutes = measure(place, method="crow_fly", modes=(arguments.mode,)).matrix(arguments.mode)
    if arguments.k_nearest:
        minutes = k_nearest(minutes, arguments.k_nearest)
    weight = place.zones["population"].to_numpy(float)
    model = p_median(weight, minutes, arguments.p)
    model.solve(pulp.HiGHS(msg=False, threads=2))
    if model.sol_status != pulp.LpSolutionOptimal:
        raise SystemExit(f"{pulp.LpStatus[model.status]}: try more buildings")
    value = {variable.name: variable.varValue for variable in model.variables()}
    print(f"{pulp.value(model.objective) / weight.sum():.2f} minutes for the mean resident")
    for b, name in enumerate(place.buildings["name"]):
        if value[f"keep_{b}"] > 0.5:
            print(f"  keep {place.buildings['building_id'][b]} {name}")


if __name__ == "__main__":
    main()
