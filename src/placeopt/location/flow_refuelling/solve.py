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
y[q] that satisfies (S3) is a mixture of sets of stations each of which refuels the trip, and no set
needs to be listed. To make it, lay the v[q,j] in a row and take those at t, t + y, t + 2y...

Sources: windows: Capar, Kuby, Leon and Tsai (2013), "An arc cover-path-cover formulation and
strategic analysis of alternative-fuel station locations", EJOR 227; see also ``statement``.
"""

from __future__ import annotations

import logging
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.deadline import Deadline, recording_timeouts
from placeopt.base.errors import UsageError, VerificationError
from placeopt.engine import Block, Model, Result, Status, solve
from placeopt.engine.interrupts import catching_interrupts
from placeopt.engine.settings import ProgressCallback, Settings
from placeopt.location.flow_refuelling.solution import StationPlan, Trip, nodes_covered
from placeopt.location.flow_refuelling.statement import TOLERANCE, FlowRefuelling
from placeopt.location.io.roads import read_flow_refuelling
from placeopt.location.scaling import choose_unit
from placeopt.location.settings_check import PLACEOPT, check_settings
from placeopt.location.verify import verify_stations

LOG = logging.getLogger("placeopt.location")
Windows = tuple[Ints, Ints, Ints]  # trip, first and last entry of each window


def locate_stations(
    problem: FlowRefuelling,
    *,
    engine: str = PLACEOPT,
    time_limit_seconds: float = 60.0,
    gap: float = 0.0,
    seed: int = 1,
    progress: ProgressCallback | None = None,
) -> StationPlan:
    """Solve ``problem`` and verify the plan.

    Args:
        problem: The problem.
        engine: An engine's name; ``placeopt`` is the model on HiGHS.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop; 0 asks for a full proof.
        seed: Seed of the engine.
        progress: Called with a report when plan or bound improves, in units of the model.

    Returns:
        The plan, or a status and a message if there is none.

    Raises:
        UsageError: If a setting makes no sense.
        VerificationError: If the plan fails its check, so that no wrong plan is ever returned.
    """
    settings = Settings(
        time_limit_seconds, gap, threads=1, seed=seed, progress=progress, engine=engine
    )
    check_settings(settings)
    deadline = Deadline(time_limit_seconds)
    if len(problem.opened_positions) > problem.p:
        message = f"p is {problem.p} and {len(problem.opened_positions)} stations are to be open"
        return StationPlan(problem, Status.INFEASIBLE, bound=-np.inf, message=message)
    with catching_interrupts() as was_interrupted, recording_timeouts() as ended_early:
        plan = solve_station_model(problem, settings)
        if was_interrupted() and not plan.proven:
            message = "; ".join(filter(None, [plan.message, "ended by Ctrl-C"]))
            plan = replace(plan, message=message)
    seconds = {"total": deadline.elapsed_seconds}
    plan = replace(plan, seconds=seconds, repeats=not ended_early)
    verification = verify_stations(problem, plan)
    if not verification.ok:
        broken = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        raise VerificationError(f"{problem.name or 'flow-refuelling'}: {broken}")
    return plan


def solve_station_model(problem: FlowRefuelling, settings: Settings) -> StationPlan:
    """Solve the model (S1) to (S5).

    Args:
        problem: The problem.
        settings: The settings of the solve; ``placeopt`` is the model on HiGHS.

    Returns:
        The plan, not verified yet.
    """
    engine = "highs" if settings.engine == PLACEOPT else settings.engine
    model, windows, unit = station_model(problem)
    LOG.info("flow refuelling: %d windows, by %s", len(windows[0]), engine)
    arrays = model.arrays()
    if engine == "cp-sat" and problem.capacities is None:
        arrays.integer[:] = True  # CP-SAT takes whole numbers only; shares gain nothing here
    result = solve(arrays, replace(settings, engine=engine))
    plan = _plan_from_result(problem, model, windows, result, unit)
    return replace(plan, engine=engine, method=f"arc cover model, {engine}", message=result.message)


def locate_stations_file(path: str | Path, p: int | None = None, **options: Any) -> StationPlan:
    """Read the table of roads at ``path`` with its table of ``flows``, and solve it.

    Args:
        path: Table of roads; see ``io.roads``.
        p: The most stations.
        options: ``flows``, ``sites``, fields of ``FlowRefuelling`` (``capacity`` is one number for
            all) and of ``locate_stations``.

    Raises:
        UsageError: Where a table, a field or an option makes no sense.
    """
    names = ("engine", "time_limit_seconds", "gap", "seed")
    solve_options = {name: options.pop(name) for name in names if name in options}
    if "capacity" in options:
        options["capacities"] = options.pop("capacity")
    known_fields = {field.name for field in fields(FlowRefuelling) if field.init} | {"sites"}
    faults = [f"{name}: flow-refuelling has none" for name in options if name not in known_fields]
    faults += [
        f"{name}: it is missing; give it" for name in ("flows", "vehicle_range")
        if name not in options
    ]  # fmt: skip
    if faults or p is None:
        faults += ["p: it is missing; give the most stations"] if p is None else []
        raise UsageError("; ".join(faults))
    return locate_stations(read_flow_refuelling(path, p=p, **options), **solve_options)


def station_windows(problem: FlowRefuelling) -> Windows:
    """Each window as (trip, first, last), a stretch of ``paths.node`` with both ends included.

    A stretch whose last comes before its first is empty.
    """
    paths, max_distance = problem.paths, problem.vehicle_range * (1 + TOLERANCE)
    start, end, at = paths.start[:-1], paths.start[1:] - 1, paths.distance_along
    all_trips = np.arange(len(start))
    last_near_origin = (
        first_at_least(at, start, end + 1, np.full(len(start), max_distance / 2), over=True) - 1
    )
    first_near_end = first_at_least(at, start, end + 1, paths.lengths - max_distance / 2)
    beyond_range = np.flatnonzero(at > max_distance)
    trip_of = paths.trip[beyond_range]
    first_within_range = first_at_least(
        at, start[trip_of], beyond_range, at[beyond_range] - max_distance
    )
    return (
        np.concatenate([all_trips, all_trips, trip_of]),
        np.concatenate([start, first_near_end, first_within_range]),
        np.concatenate([last_near_origin, end, beyond_range - 1]),
    )


def first_at_least(
    values: Floats, low: Ints, high: Ints, limit: Floats, over: bool = False
) -> Ints:
    """For each stretch [low, high) of ascending ``values`` the first value of at least ``limit``.

    With ``over``, the first of more than ``limit``. ``high`` where there is none. All stretches are
    halved at the same time.
    """
    low, high = low.copy(), high.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        middle_value = values[np.minimum(middle, len(values) - 1)]
        is_reached = middle_value > limit if over else middle_value >= limit
        high = np.where(is_open & is_reached, middle, high)
        low = np.where(is_open & ~is_reached, middle + 1, low)
    return low


def station_model(problem: FlowRefuelling) -> tuple[Model, Windows, float]:
    """The model (S1) to (S5), its windows, and the number that the objective was divided by."""
    model = Model("flow refuelling")
    lower, upper = np.zeros(problem.nodes), np.ones(problem.nodes)
    lower[list(problem.opened_positions)] = 1.0
    upper[list(problem.closed_positions)] = 0.0
    z = model.add_columns("open", lower=lower, upper=upper, integer=True,
                          labels={"node_id": np.array(problem.node_ids, object)})  # fmt: skip
    trip_value, shares = problem.trip_value, problem.node_shares
    if problem.threshold is not None:
        trip_value, shares = (1 - problem.node_weight) * trip_value, problem.node_weight * shares
    unit = choose_unit(
        np.concatenate([trip_value, shares]) if problem.threshold is not None else trip_value
    )
    y = model.add_columns("refuelled", size=len(trip_value), upper=1.0, cost=-trip_value / unit)
    trip, first, last = windows = station_windows(problem)
    window_size = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(len(trip)), window_size)
    entry = (
        np.arange(len(row))
        - np.repeat(np.cumsum(window_size) - window_size, window_size)
        + np.repeat(first, window_size)
    )
    paths, zeros = problem.paths, np.zeros(problem.nodes, np.int64)
    model.add_rows("count", rule="S1", size=1, upper=problem.p, terms=[(zeros, z.all, 1.0)])
    refuelled_share = (np.arange(len(trip)), y.at(trip), -1.0)
    if problem.capacities is None:
        stops = (row, z.at(paths.node[entry]), 1.0)
        model.add_rows(
            "window", rule="S2", size=len(trip), lower=0.0, terms=[stops, refuelled_share]
        )
    else:
        v = _add_stops(model, problem, z)
        model.add_rows("window", rule="S3", size=len(trip), lower=0.0,
                       terms=[(row, v.at(entry), 1.0), refuelled_share])  # fmt: skip
    if problem.threshold is not None:
        _add_thresholds(model, problem, y, shares / unit)
    return model, windows, unit


def _add_stops(model: Model, problem: FlowRefuelling, z: Block) -> Block:
    """(S4), with each capacity scaled to 1."""
    assert problem.capacities is not None
    node, entries = problem.paths.node, np.arange(len(problem.paths.node))
    capacity = problem.capacities[node]
    may_stop = (capacity > 0) | (problem.station_use <= 0)
    v = model.add_columns("stops", size=len(node), upper=may_stop.astype(float))
    model.add_rows("only_open", rule="S4", size=len(node), upper=0.0,
                   terms=[(entries, v.all, 1.0), (entries, z.at(node), -1.0)])  # fmt: skip
    load_per_stop = np.where(
        capacity > 0, problem.station_use / np.where(capacity > 0, capacity, 1.0), 0.0
    )
    sites = np.arange(problem.nodes)
    model.add_rows("capacity", rule="S4", size=problem.nodes, upper=0.0,
                   terms=[(node, v.all, load_per_stop), (sites, z.all, -1.0)])  # fmt: skip
    return v


def _add_thresholds(model: Model, problem: FlowRefuelling, y: Block, node_value: Floats) -> None:
    """(S5), with each origin's volume scaled to 1."""
    outgoing = np.bincount(problem.origin, problem.volume, problem.nodes)
    origins = np.flatnonzero(outgoing > 0)
    n = model.add_columns("covered", size=len(origins), upper=1.0, cost=-node_value[origins],
                          integer=True)  # fmt: skip
    counted_trips = np.flatnonzero(outgoing[problem.origin] > 0)
    share_of_origin = problem.volume[counted_trips] / outgoing[problem.origin[counted_trips]]
    refuelled = (
        np.searchsorted(origins, problem.origin[counted_trips]),
        y.at(counted_trips),
        share_of_origin,
    )
    threshold = (np.arange(len(origins)), n.all, -float(problem.threshold or 0.0))
    model.add_rows(
        "threshold", rule="S5", size=len(origins), lower=0.0, terms=[refuelled, threshold]
    )


def objective_of(problem: FlowRefuelling, shares: Floats) -> float:
    """The objective of refuelling these shares (trips,)."""
    refuelled_value = float(problem.trip_value @ shares)
    if problem.threshold is None:
        return refuelled_value
    covered_share = float(problem.node_shares[nodes_covered(problem, shares)].sum())
    return problem.node_weight * covered_share + (1 - problem.node_weight) * refuelled_value


def _plan_from_result(
    problem: FlowRefuelling, model: Model, windows: Windows, result: Result, unit: float
) -> StationPlan:
    bound = -result.bound * unit
    if not result.has_plan:
        return StationPlan(problem, result.status, bound=bound)
    is_open = result.value(model.columns["open"]) > 0.5
    node, trip = problem.paths.node, windows[0]
    stops = is_open[node].astype(float)
    if problem.capacities is not None:
        stops *= result.value(model.columns["stops"]).clip(0.0, 1.0)
    total = np.r_[0.0, np.cumsum(stops)]
    share_in_window = np.where(
        windows[2] >= windows[1], total[windows[2] + 1] - total[windows[1]], 0.0
    )
    share = np.ones(len(problem.volume))
    np.minimum.at(share, trip, share_in_window)
    trips: list[Trip] = []
    for q in np.flatnonzero(share > 1e-9):
        entries = slice(problem.paths.start[q], problem.paths.start[q + 1])
        if problem.capacities is None:
            trips.append(Trip(int(q), 1.0, tuple(node[entries][is_open[node[entries]]].tolist())))
        else:
            mixture = station_mixture(stops[entries], float(share[q]))
            trips += [
                Trip(int(q), part, tuple(node[entries][stops_at].tolist()))
                for part, stops_at in mixture
            ]
    plan = StationPlan(problem, result.status, bound=bound, trips=tuple(trips),
                       positions=np.flatnonzero(is_open))  # fmt: skip
    objective = objective_of(problem, plan.shares)
    is_close = abs(bound - objective) <= 1e-6 * max(abs(objective), abs(bound))
    if result.status is Status.OPTIMAL and is_close:
        bound = objective
    return replace(plan, objective=objective, bound=max(bound, objective))


def station_mixture(stops: Floats, share: float) -> list[tuple[float, Bools]]:
    """Sets of stations whose shares add up to ``share`` and that stop no more than ``stops``."""
    ends = np.r_[0.0, np.cumsum(stops)]
    cuts = np.unique(np.r_[0.0, ends % share, share])
    widths = np.diff(cuts)
    mixture: dict[bytes, tuple[float, Bools]] = {}
    for width, t in zip(widths, cuts[:-1] + widths / 2, strict=True):
        if width > 1e-12 * share:
            chosen = np.diff(np.ceil((ends - t) / share)) >= 1
            width_before = mixture.get(chosen.tobytes(), (0.0, chosen))[0]
            mixture[chosen.tobytes()] = (width_before + float(width), chosen)
    return list(mixture.values())
