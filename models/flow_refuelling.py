"""The flow refuelling problem as a readable model.

Statement   Open p stations on a road network so that the volume of refuelled trips is greatest:
            a vehicle refuels on its own path, has range R, and travels there and back repeatedly.
Sets        j nodes, q trips; W the windows of a trip's path that must hold a station: the nodes
            at most R / 2 from its origin; those at most R / 2 from its destination; and before
            each node that is farther than R from the origin the nodes at most R before it
Data        volume[q]      vehicles of trip q                                 flows.csv
            node[q], at[q] the nodes of its path and their distances along it   roads.csv
            R              range on a full tank
            p              number of stations
            room[j]        capacity of a station, if limited
            take[q][k]     use of the k-th node of its path by all of trip q: volume, twice within
                           the path (there and back), divided by the number of return trips on a
                           full tank
Variables   open[j] binary, refuelled[q] in [0, 1], stops[q,k] >= 0 (with room only)
Minimise    (1) - sum over q of volume[q] refuelled[q]
Subject to  (2) sum over j of open[j] <= p
            (3) refuelled[q] <= sum over k in W of open[node k]        for each W of q
            (4) refuelled[q] <= sum over k in W of stops[q,k]          instead of (3), with room
            (5) stops[q,k] <= open[node k]
            (6) sum over q, k with node k = j of take[q][k] stops[q,k] <= room[j] open[j]

Sources: Kuby and Lim (2005), Socio-Economic Planning Sciences 39, 125-145; Capar, Kuby, Leon and
Tsai (2013), European Journal of Operational Research 227, 142-151; Upchurch, Kuby and Lim (2009),
Geographical Analysis 41, 85-106.
Run it on two tables:  python models/flow_refuelling.py roads.csv flows.csv --p 2 --range 100
"""

from __future__ import annotations

import argparse

import numpy as np
import pulp

Path = tuple[list[int], np.ndarray]  # nodes, and how far along each of them lies


def windows(at: np.ndarray, reach: float) -> list[list[int]]:
    """The positions along a path, from 0, in each window that must have a station."""
    near = [k for k, far in enumerate(at) if far <= reach / 2]
    near_end = [k for k, far in enumerate(at) if at[-1] - far <= reach / 2]
    before = [
        [k for k in range(later) if at[later] - at[k] <= reach]
        for later, far in enumerate(at)
        if far > reach
    ]
    return [near, near_end, *before]


def takes(at: np.ndarray, volume: float, reach: float) -> np.ndarray:
    """A trip's use of each station on its path."""
    often = max(1, int(reach / (2 * at[-1])))
    between = [1 < k + 1 < len(at) for k in range(len(at))]
    return np.where(between, 2.0, 1.0) * volume / often


def flow_refuelling(
    nodes: int,
    volume: np.ndarray,
    paths: list[Path],
    reach: float,
    p: int,
    room: np.ndarray | None = None,
) -> pulp.LpProblem:
    """The model. Shapes: ``volume`` (trips,), ``room`` (nodes,)."""
    model = pulp.LpProblem("flow_refuelling", pulp.LpMinimize)
    opened = [model.add_variable(f"open_{j}", cat="Binary") for j in range(nodes)]
    refuelled = [model.add_variable(f"refuelled_{q}", 0, 1) for q in range(len(paths))]

    model += -pulp.lpSum(v * y for v, y in zip(volume, refuelled, strict=True)), "volume"  # (1)
    model += pulp.lpSum(opened) <= p, "count"  # (2)
    taken: list[list[pulp.LpAffineExpression]] = [[] for _ in range(nodes)]
    for q, (node, at) in enumerate(paths):
        stops = [opened[j] for j in node]
        if room is not None:
            stops = [model.add_variable(f"stops_{q}_{k}", 0) for k in range(len(node))]
            for k, j in enumerate(node):
                model += stops[k] <= opened[j], f"only_open_{q}_{k}"  # (5)
                taken[j].append(takes(at, volume[q], reach)[k] * stops[k])
        for w, window in enumerate(windows(at, reach)):
            held = pulp.lpSum(stops[k] for k in window)
            model += refuelled[q] <= held, f"window_{q}_{w}"  # (3), (4)
    if room is not None:
        for j in range(nodes):
            model += pulp.lpSum(taken[j]) <= room[j] * opened[j], f"room_{j}"  # (6)
    return model


def main() -> None:
    from placeopt.location.io.roads import read_flow_refuelling

    parser = argparse.ArgumentParser(description="Flow refuelling on two tables, in PuLP.")
    parser.add_argument("roads", help="table with from, to, length")
    parser.add_argument("flows", help="table with origin, destination, volume")
    parser.add_argument("--p", type=int, default=3, help="number of stations")
    parser.add_argument("--range", type=float, required=True, help="how far a full tank goes")
    parser.add_argument("--room", type=float, help="what each station can refuel")
    arguments = parser.parse_args()

    stated = read_flow_refuelling(
        arguments.roads, arguments.flows, p=arguments.p, vehicle_range=arguments.range
    )
    start, at = stated.paths.start, stated.paths.distance_along
    paths = [
        (stated.paths.node[a:b].tolist(), at[a:b])
        for a, b in zip(start, start[1:], strict=False)  # noqa: RUF007
    ]
    room = None if arguments.room is None else np.full(stated.nodes, arguments.room)
    model = flow_refuelling(stated.nodes, stated.volume, paths, arguments.range, arguments.p, room)
    model.solve(pulp.HiGHS(msg=False, threads=2))
    value = {variable.name: variable.varValue for variable in model.variables()}
    done = -pulp.value(model.objective)
    print(f"{done:,.6g} of {stated.volume.sum():,.6g} vehicles get there and back")
    for j, name in enumerate(stated.node_ids):
        if value[f"open_{j}"] > 0.5:
            print(f"  open {name}")


if __name__ == "__main__":
    main()
