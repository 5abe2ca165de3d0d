"""Solve flow refuelling: the arcs of a path each need a station that can refuel them.

With z[j] = 1 where node j has a station and y[q] the refuelled share of trip q:

    (S1) sum_j z[j] <= p
    (S2) y[q] <= sum_{j in W} z[j]      for every window W of q's path that must hold a station
    (S3) y[q] <= sum_{j in W} v[q,j]    instead, with capacities: v[q,j] the share that stops at j
    (S4) v[q,j] <= z[j],  sum_q e[q] g[q,j] f[q] v[q,j] <= Q[j] z[j]
    (S5) sum_{q from o} f[q] y[q] >= threshold n[o] sum_{q from o} f[q]

The windows of a path: all nodes at most R / 2 from the origin; all at most R / 2 from the
destination; before each node that is farther than R from the origin, the nodes at most R before it.

A window is a stretch of the path, so (S3) is a matrix of intervals, which is totally unimodular: a
y[q] that keeps (S3) is a mix of sets of stations each of which refuels the trip, and no set need be
listed. The mix is made by laying the v[q,j] in a row and taking what stands at t, t + y, t + 2y...

Sources: windows: Capar, Kuby, Leon and Tsai (2013), "An arc cover-path-cover formulation and
strategic analysis of alternative-fuel station locations", EJOR 227; see also ``statement``.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import watching_the_clock
from placeopt.base.errors import UsageError, VerificationError
from placeopt.engine import Model, Result, Status, solve
from placeopt.engine.interrupts import noted
from placeopt.location.flow_refuelling.solution import StationPlan, Trip, nodes_covered
from placeopt.location.flow_refuelling.statement import TOLERANCE, FlowRefuelling
from placeopt.location.io.roads import read_flow_refuelling
from placeopt.location.scaling import unit_of
from placeopt.location.solve_options import check_options
from placeopt.location.verify import verify_stations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def locate_stations(
    problem: FlowRefuelling,
    *,
    engine: str = "placeopt",
    time_limit_seconds: float = 60.0,
    gap: float = 0.0,
    seed: int = 1,
) -> StationPlan:
    """Solve ``problem`` and verify the plan.

    Args:
        problem: Roads, trips, range and what else is asked.
        engine: An engine's name; ``placeopt`` is the model on HiGHS.
        time_limit_seconds: Wall clock.
        gap: Relative gap at which to stop; 0 asks for a full proof.
        seed: Of the engine.

    Returns:
        The plan, or a status and a message where there is none.

    Raises:
        UsageError: Where a setting makes no sense.
        VerificationError: If the plan fails its check, so that no wrong plan is ever returned.
    """
    check_options(engine, time_limit_seconds, gap)
    began = time.perf_counter()
    if len(problem.opened_positions) > problem.p:
        said = f"p is {problem.p} and {len(problem.opened_positions)} stations are to be open"
        return StationPlan(problem, Status.INFEASIBLE, bound=-np.inf, message=said)
    engine = "highs" if engine == "placeopt" else engine
    model, windows, unit = station_model(problem)
    arrays = model.arrays()
    if engine == "cp-sat" and problem.capacities is None:
        arrays.integer[:] = True  # CP-SAT takes whole numbers only; shares gain nothing here
    with noted() as ctrl_c_came, watching_the_clock() as ended:
        result = solve(arrays, engine=engine, time_limit_seconds=time_limit_seconds, gap=gap,
                       threads=1, seed=seed)  # fmt: skip
    plan = _read(problem, model, windows, result, unit)
    message = result.message
    if ctrl_c_came() and not plan.proven:
        message = "; ".join(filter(None, [message, "ended by Ctrl-C"]))
    seconds = {"total": time.perf_counter() - began}
    plan = replace(plan, engine=engine, method=f"arc cover model, {engine}", message=message,
                   seconds=seconds, repeats=not ended)  # fmt: skip
    verification = verify_stations(problem, plan)
    if not verification.ok:
        broken = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        raise VerificationError(f"{problem.name or 'flow-refuelling'}: {broken}")
    return plan


def locate_stations_file(path: str | Path, p: int | None = None, **options: Any) -> StationPlan:
    """Read the table of roads at ``path`` with its table of ``flows``, and solve it.

    Args:
        path: Table of roads; see ``files.roads``.
        p: The most stations.
        options: ``flows``, ``sites``, fields of ``FlowRefuelling`` (``capacity`` is one number for
            all) and of ``locate_stations``.

    Raises:
        UsageError: Where a table, a field or an option makes no sense.
    """
    names = ("engine", "time_limit_seconds", "gap", "seed")
    solving = {name: options.pop(name) for name in names if name in options}
    if "capacity" in options:
        options["capacities"] = options.pop("capacity")
    known = {field.name for field in fields(FlowRefuelling) if field.init} | {"sites"}
    faults = [f"{name}: flow-refuelling has none" for name in options if name not in known]
    faults += [
        f"{name}: it is missing; give it" for name in ("flows", "vehicle_range")
        if name not in options
    ]  # fmt: skip
    if faults or p is None:
        faults += ["p: it is missing; give the most stations"] if p is None else []
        raise UsageError("; ".join(faults))
    return locate_stations(read_flow_refuelling(path, p=p, **options), **solving)


def windows_of(problem: FlowRefuelling) -> tuple[Ints, Ints, Ints]:
    """(trip, first, last): each window as a stretch of ``paths.node``, both ends in; a stretch
    whose last comes before its first is empty."""
    paths, reach = problem.paths, problem.vehicle_range * (1 + TOLERANCE)
    start, end, at = paths.start[:-1], paths.start[1:] - 1, paths.at
    every = np.arange(len(start))
    near_origin = first_at_least(at, start, end + 1, np.full(len(start), reach / 2), over=True) - 1
    near_end = first_at_least(at, start, end + 1, paths.lengths - reach / 2)
    later = np.flatnonzero(at > reach)
    owner = paths.trip[later]
    behind = first_at_least(at, start[owner], later, at[later] - reach)
    return (
        np.concatenate([every, every, owner]),
        np.concatenate([start, near_end, behind]),
        np.concatenate([near_origin, end, later - 1]),
    )


def first_at_least(
    values: Floats, low: Ints, high: Ints, limit: Floats, over: bool = False
) -> Ints:
    """For each stretch [low, high) of ascending ``values`` the first of at least ``limit`` (or,
    with ``over``, of more), ``high`` where there is none; all stretches are halved at once."""
    low, high = low.copy(), high.copy()
    while (going := low < high).any():
        middle = (low + high) // 2
        there = values[np.minimum(middle, len(values) - 1)]
        reached = there > limit if over else there >= limit
        high = np.where(going & reached, middle, high)
        low = np.where(going & ~reached, middle + 1, low)
    return low


def station_model(problem: FlowRefuelling) -> tuple[Model, tuple[Ints, Ints, Ints], float]:
    """(S1) to (S5), the windows, and what the objective was divided by."""
    model = Model("flow refuelling")
    lower, upper = np.zeros(problem.nodes), np.ones(problem.nodes)
    lower[list(problem.opened_positions)] = 1.0
    upper[list(problem.closed_positions)] = 0.0
    z = model.add_columns("open", lower=lower, upper=upper, integer=True,
                          labels={"node_id": np.array(problem.node_ids, object)})  # fmt: skip
    worth, shares = problem.worth, problem.node_shares
    if problem.threshold is not None:
        worth, shares = (1 - problem.node_weight) * worth, problem.node_weight * shares
    unit = unit_of(np.concatenate([worth, shares]) if problem.threshold is not None else worth)
    y = model.add_columns("refuelled", size=len(worth), upper=1.0, cost=-worth / unit)
    trip, first, last = windows = windows_of(problem)
    held = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(len(trip)), held)
    entry = np.arange(len(row)) - np.repeat(np.cumsum(held) - held, held) + np.repeat(first, held)
    paths, zeros = problem.paths, np.zeros(problem.nodes, np.int64)
    model.add_rows("count", rule="S1", size=1, upper=problem.p, terms=[(zeros, z.all, 1.0)])
    claims = (np.arange(len(trip)), y.at(trip), -1.0)
    if problem.capacities is None:
        stops = (row, z.at(paths.node[entry]), 1.0)
        model.add_rows("window", rule="S2", size=len(trip), lower=0.0, terms=[stops, claims])
    else:
        v = _stops(model, problem, z)
        model.add_rows("window", rule="S3", size=len(trip), lower=0.0,
                       terms=[(row, v.at(entry), 1.0), claims])  # fmt: skip
    if problem.threshold is not None:
        _thresholds(model, problem, y, shares / unit)
    return model, windows, unit


def _stops(model: Model, problem: FlowRefuelling, z: Any) -> Any:
    """(S4), each capacity as 1."""
    assert problem.capacities is not None
    node, each = problem.paths.node, np.arange(len(problem.paths.node))
    room = problem.capacities[node]
    may = (room > 0) | (problem.stops <= 0)
    v = model.add_columns("stops", size=len(node), upper=may.astype(float))
    model.add_rows("only_open", rule="S4", size=len(node), upper=0.0,
                   terms=[(each, v.all, 1.0), (each, z.at(node), -1.0)])  # fmt: skip
    take = np.where(room > 0, problem.stops / np.where(room > 0, room, 1.0), 0.0)
    sites = np.arange(problem.nodes)
    model.add_rows("capacity", rule="S4", size=problem.nodes, upper=0.0,
                   terms=[(node, v.all, take), (sites, z.all, -1.0)])  # fmt: skip
    return v


def _thresholds(model: Model, problem: FlowRefuelling, y: Any, worth: Floats) -> None:
    """(S5), each origin's volume as 1."""
    out = np.bincount(problem.origin, problem.volume, problem.nodes)
    origins = np.flatnonzero(out > 0)
    n = model.add_columns("covered", size=len(origins), upper=1.0, cost=-worth[origins],
                          integer=True)  # fmt: skip
    of = np.flatnonzero(out[problem.origin] > 0)
    part = problem.volume[of] / out[problem.origin[of]]
    done = (np.searchsorted(origins, problem.origin[of]), y.at(of), part)
    needed = (np.arange(len(origins)), n.all, -float(problem.threshold or 0.0))
    model.add_rows("threshold", rule="S5", size=len(origins), lower=0.0, terms=[done, needed])


def objective_of(problem: FlowRefuelling, shares: Floats) -> float:
    """What refuelling these shares counts for."""
    plain = float(problem.worth @ shares)
    if problem.threshold is None:
        return plain
    covered = float(problem.node_shares[nodes_covered(problem, shares)].sum())
    return problem.node_weight * covered + (1 - problem.node_weight) * plain


def _read(problem: FlowRefuelling, model: Model, windows, result: Result, unit: float):
    bound = -result.bound * unit
    if not result.has_plan:
        return StationPlan(problem, result.status, bound=bound)
    is_open = result.value(model.columns["open"]) > 0.5
    node, trip = problem.paths.node, windows[0]
    stops = is_open[node].astype(float)
    if problem.capacities is not None:
        stops *= result.value(model.columns["stops"]).clip(0.0, 1.0)
    total = np.r_[0.0, np.cumsum(stops)]
    there = np.where(windows[2] >= windows[1], total[windows[2] + 1] - total[windows[1]], 0.0)
    share = np.ones(len(problem.volume))
    np.minimum.at(share, trip, there)
    trips: list[Trip] = []
    for q in np.flatnonzero(share > 1e-9):
        on = slice(problem.paths.start[q], problem.paths.start[q + 1])
        if problem.capacities is None:
            trips.append(Trip(int(q), 1.0, tuple(node[on][is_open[node[on]]].tolist())))
        else:
            mixed = mix_of(stops[on], float(share[q]))
            trips += [Trip(int(q), part, tuple(node[on][some].tolist())) for part, some in mixed]
    plan = StationPlan(problem, result.status, bound=bound, trips=tuple(trips),
                       positions=np.flatnonzero(is_open))  # fmt: skip
    objective = objective_of(problem, plan.shares)
    near = abs(bound - objective) <= 1e-6 * max(abs(objective), abs(bound))
    if result.status is Status.OPTIMAL and near:
        bound = objective
    return replace(plan, objective=objective, bound=max(bound, objective))


def mix_of(stops: Floats, share: float) -> list[tuple[float, NDArray[np.bool_]]]:
    """Sets of stations, with shares that add up to ``share``, that stop no more than ``stops``."""
    ends = np.r_[0.0, np.cumsum(stops)]
    cuts = np.unique(np.r_[0.0, ends % share, share])
    parts = np.diff(cuts)
    mixed: dict[bytes, tuple[float, NDArray[np.bool_]]] = {}
    for part, t in zip(parts, cuts[:-1] + parts / 2, strict=True):
        if part > 1e-12 * share:
            some = np.diff(np.ceil((ends - t) / share)) >= 1
            before = mixed.get(some.tobytes(), (0.0, some))[0]
            mixed[some.tobytes()] = (before + float(part), some)
    return list(mixed.values())
