"""Check a solution by repeating its arithmetic from the problem alone.

The check does not know how the solution was found: it reads distances, weights and the plan, one
customer at a time where that is affordable, and compares.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.location.flow_refuelling.solution import StationPlan
from placeopt.location.flow_refuelling.statement import FlowRefuelling
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_DISPERSION,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)
from placeopt.scenario.verification import Check, Verification

RELATIVE_TOLERANCE = 1e-6


def verify(problem: Problem, solution: Solution) -> Verification:
    """Check whether the plan keeps the problem's rules and costs what it states.

    Args:
        problem: The problem.
        solution: A solution of it.

    Returns:
        One check for each rule, with its fault if it fails.
    """
    if solution.objective is None:
        return Verification(checks=())
    sites = np.asarray(solution.positions, np.int64)
    checks = [_check("opened", "sites are distinct and exist", _site_fault(problem, sites))]
    checks.append(_check("count", "as many sites as asked", _count_fault(problem, sites)))
    checks.append(_check("decided", "earlier decisions are kept", _decision_fault(problem, sites)))
    if all(check.holds for check in checks):
        recomputed, fault = _recompute(problem, solution, sites)
        size = abs(recomputed) + _opening_size(problem, sites)
        checks.append(_check("service", "every customer is served as the problem asks", fault))
        checks.append(
            _check(
                "objective",
                "the plan costs what it says",
                _objective_fault(solution, recomputed, size),
            )
        )
        checks.append(_check("bound", "the bound is on its side", _bound_fault(solution, size)))
        return Verification(tuple(checks), totals={"objective": recomputed})
    return Verification(tuple(checks))


def verify_stations(problem: FlowRefuelling, plan: StationPlan) -> Verification:
    """Check whether a plan of stations keeps its rules and refuels what it states, trip by trip.

    Args:
        problem: The problem.
        plan: A plan of it.

    Returns:
        One check for each rule, with its fault if it fails.
    """
    if plan.objective is None:
        return Verification(checks=())
    stations = np.asarray(plan.positions, np.int64).tolist()
    missing = set(problem.opened_positions) - set(stations)
    wrongly_open = set(problem.closed_positions) & set(stations)
    decided = (
        f"missing {sorted(missing)}, wrongly open {sorted(wrongly_open)}"
        if missing or wrongly_open
        else ""
    )
    all_nodes = set(range(problem.nodes))
    faults = {
        "opened": ""
        if len(set(stations) & all_nodes) == len(stations)
        else "a node is opened twice",
        "count": "" if len(stations) <= problem.p else f"{len(stations)} stations",
        "decided": decided,
        "service": _refuelling_fault(problem, plan, set(stations)),
        "capacity": _station_capacity_fault(problem, plan),
    }
    value = _refuelling_value(problem, plan)
    tolerance = RELATIVE_TOLERANCE * abs(value)
    faults["objective"] = (
        "" if abs(value - plan.objective) <= tolerance
        else f"it says {plan.objective:.10g}, the tables say {value:.10g}"
    )  # fmt: skip
    faults["bound"] = "" if plan.bound >= plan.objective - tolerance else "the bound lies below"
    sentences = {
        "opened": "stations are distinct and exist", "count": "at most as many as asked",
        "decided": "earlier decisions are kept", "service": "trips get there and back",
        "capacity": "no station refuels more than it can", "objective": "it counts what it says",
        "bound": "the bound is on its side",
    }  # fmt: skip
    checks = tuple(_check(name, sentences[name], fault) for name, fault in faults.items())
    return Verification(checks, totals={"objective": value})


def _refuelling_fault(problem: FlowRefuelling, plan: StationPlan, stations: set[int]) -> str:
    """A fault if a trip stops off its path, at no station, or too far apart; "" otherwise."""
    paths, reach = problem.paths, problem.vehicle_range * (1 + RELATIVE_TOLERANCE)
    shares = np.zeros(len(problem.volume))
    for trip in plan.trips:
        entries = range(paths.start[trip.flow], paths.start[trip.flow + 1])
        distance_of = {int(paths.node[k]): float(paths.distance_along[k]) for k in entries}
        if not set(trip.stations) <= stations & set(distance_of):
            return f"trip {trip.flow} stops where there is no station on its path"
        stops_at = sorted(distance_of[j] for j in trip.stations)
        length = max(distance_of.values())
        if not stops_at or 2 * stops_at[0] > reach or 2 * (length - stops_at[-1]) > reach:
            return f"trip {trip.flow} does not get from its end to a station and back"
        if any(b - a > reach for a, b in pairwise(stops_at)):
            return f"trip {trip.flow} does not get from one station to the next"
        shares[trip.flow] += trip.share
    return "more than all of a trip is refuelled" if (shares > 1 + RELATIVE_TOLERANCE).any() else ""


def _station_capacity_fault(problem: FlowRefuelling, plan: StationPlan) -> str:
    if problem.capacities is None:
        return ""
    load, paths = np.zeros(problem.nodes), problem.paths
    for trip in plan.trips:
        first, last = paths.start[trip.flow], paths.start[trip.flow + 1] - 1
        tanks = (
            problem.vehicle_range
            * (1 + 1e-9)
            // (2 * (paths.distance_along[last] - paths.distance_along[first]))
        )
        for j in trip.stations:
            visits = 1 if j in (paths.node[first], paths.node[last]) else 2
            load[j] += visits * trip.share * problem.volume[trip.flow] / max(tanks, 1)
    overloaded = np.flatnonzero(load > problem.capacities * (1 + 1e-5))
    return (
        f"stations {overloaded[:5].tolist()} refuel more than they can" if len(overloaded) else ""
    )


def _refuelling_value(problem: FlowRefuelling, plan: StationPlan) -> float:
    refuelled_value = covered_volume = 0.0
    amounts_from: dict[int, list[float]] = {}
    for trip in plan.trips:
        amount = trip.share * problem.volume[trip.flow]
        first, last = problem.paths.start[trip.flow], problem.paths.start[trip.flow + 1] - 1
        length = problem.paths.distance_along[last] - problem.paths.distance_along[first]
        refuelled_value += amount * (length if problem.by_distance else 1.0)
        amounts_from.setdefault(int(problem.origin[trip.flow]), []).append(amount)
    if problem.threshold is None:
        return float(refuelled_value)
    trip_ends = (
        [problem.origin, problem.destination] if problem.count_destinations else [problem.origin]
    )
    for origin, amounts in amounts_from.items():
        total = problem.volume[problem.origin == origin].sum()
        if total > 0 and sum(amounts) >= problem.threshold * total * (1 - RELATIVE_TOLERANCE):
            covered_volume += sum(problem.volume[end == origin].sum() for end in trip_ends)
    share = covered_volume / (len(trip_ends) * problem.volume.sum()) if covered_volume else 0.0
    return float(problem.node_weight * share + (1 - problem.node_weight) * refuelled_value)


def _check(name: str, sentence: str, fault: str) -> Check:
    return Check(number="", name=name, sentence=sentence, holds=not fault, detail=fault)


def _site_fault(problem: Problem, sites: Ints) -> str:
    if len(set(sites.tolist())) != len(sites):
        return "a site is opened twice"
    outside = [j for j in sites.tolist() if not 0 <= j < problem.sites]
    return f"no sites {outside}" if outside else ""


def _count_fault(problem: Problem, sites: Ints) -> str:
    exact = {P_MEDIAN, P_DISPERSION, CAPACITATED_P_MEDIAN}
    if problem.kind in exact and len(sites) != problem.p:
        return f"{len(sites)} sites, not {problem.p}"
    if problem.kind in (P_CENTRE, MAXIMAL_COVERING) and len(sites) > (problem.p or 0):
        return f"{len(sites)} sites, more than {problem.p}"
    return ""


def _decision_fault(problem: Problem, sites: Ints) -> str:
    missing = set(problem.opened_positions) - set(sites.tolist())
    wrong = set(problem.closed_positions) & set(sites.tolist())
    return f"missing {sorted(missing)}, wrongly open {sorted(wrong)}" if missing or wrong else ""


def _recompute(problem: Problem, solution: Solution, sites: Ints) -> tuple[float, str]:
    """The objective from the tables alone, and a fault of service ("" = none)."""
    if problem.kind == P_DISPERSION:
        pairs = [
            float(problem.distances.of_sites(sites[b : b + 1])[sites[a], 0])
            for b in range(len(sites))
            for a in range(len(sites))
            if a != b
        ]
        return min(pairs, default=np.inf), ""
    if solution.flows is not None:
        return _recompute_splittable(problem, solution, sites)
    if solution.assigned is None:
        return np.nan, "no customer is assigned"
    assignment = np.asarray(solution.assigned)
    closed_used = set(assignment[assignment >= 0].tolist()) - set(sites.tolist())
    if closed_used:
        return np.nan, f"customers are sent to closed sites {sorted(closed_used)[:5]}"
    distance = np.full(problem.customers, np.inf)
    for start in range(0, len(sites), 200):
        block = problem.distances.of_sites(sites[start : start + 200])
        for column, site in enumerate(sites[start : start + 200]):
            is_assigned_here = assignment == site
            distance[is_assigned_here] = block[is_assigned_here, column]
    is_beyond = problem.ceiling is not None and (distance[assignment >= 0] > problem.ceiling).any()
    fault = f"a customer is beyond the ceiling of {problem.ceiling}" if is_beyond else ""
    served = np.flatnonzero(assignment >= 0)
    fault = fault or _k_nearest_fault(problem, served, distance[served])
    return _objective_and_fault(problem, sites, assignment, distance, fault)


def _objective_and_fault(
    problem: Problem, sites: Ints, assignment: Ints, distance: Floats, fault: str
) -> tuple[float, str]:
    opening = float(sum(problem.fixed_costs[j] for j in sites))
    if problem.kind == MAXIMAL_COVERING:
        return float(problem.weights @ problem.coverage(distance)), fault
    if problem.kind == COVERING:
        covered = distance <= float(problem.radius or 0)
        covered_weight = float(problem.weights[covered].sum())
        required_weight = problem.share * float(problem.weights.sum())
        is_short = (
            not covered.all()
            if problem.share >= 1
            else covered_weight < required_weight * (1 - RELATIVE_TOLERANCE)
        )
        return opening, fault or ("a customer is not covered" if is_short else "")
    is_counted = problem.weights > 0 if problem.kind == P_CENTRE else np.ones(len(distance), bool)
    if not np.isfinite(distance[is_counted]).all():
        return np.nan, fault or "a customer is not served"
    if problem.kind == P_CENTRE:
        return float(distance[is_counted].max(initial=0.0)), fault
    service = float((problem.weights * distance)[problem.weights > 0].sum())
    if problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN) and problem.capacities is not None:
        load = np.bincount(assignment, problem.demands, minlength=problem.sites).astype(float)
        overloaded = np.flatnonzero(load > problem.capacities + RELATIVE_TOLERANCE * load)
        if len(overloaded):
            fault = fault or f"sites {overloaded[:5].tolist()} hold more than they can"
        fault = fault or _fill_fault(problem, load, RELATIVE_TOLERANCE)
    return service + (opening if problem.kind in (FACILITY_LOCATION, SINGLE_SOURCE) else 0.0), fault


def _recompute_splittable(problem: Problem, solution: Solution, sites: Ints) -> tuple[float, str]:
    """The same for a plan in which customers may be split."""
    assert solution.flows is not None
    assert problem.kind == CAPACITATED
    table = problem.distances.dense()
    total, load, served = 0.0, np.zeros(problem.sites), np.zeros(problem.customers)
    flows = solution.flows.tocoo()
    for i, j, share in zip(flows.coords[0], flows.coords[1], flows.data, strict=True):
        if (
            j not in set(sites.tolist())
            or share < -RELATIVE_TOLERANCE
            or not np.isfinite(table[i, j])
        ):
            return np.nan, f"customer {i} is sent to site {j}, share {share:g}"
        if problem.ceiling is not None and table[i, j] > problem.ceiling:
            return np.nan, f"customer {i} is beyond the ceiling"
        total += float(share * problem.weights[i] * table[i, j])
        load[j] += share * problem.demands[i]
        served[i] += share
    if np.abs(served - 1).max() > 1e-5:
        return np.nan, "a customer is not served in full"
    capacities = problem.capacities if problem.capacities is not None else np.inf
    overloaded = load > capacities + 1e-5 * load
    fault = "a site holds more than it can" if overloaded.any() else ""
    rows, columns = flows.coords
    fault = fault or _fill_fault(problem, load, 1e-5)
    fault = fault or _k_nearest_fault(problem, rows, table[rows, columns])
    return total + float(problem.fixed_costs[sites].sum()), fault


def _fill_fault(problem: Problem, load: Floats, tolerance: float) -> str:
    """A fault if an opened site must be full and is not; ``load`` (sites,) is the demand served."""
    if not problem.fill_opened or problem.capacities is None:
        return ""
    for j in problem.opened_positions:
        if abs(load[j] - problem.capacities[j]) > tolerance * problem.capacities[j]:
            return (
                f"site {j} holds {load[j]:.10g} and is to be full at {problem.capacities[j]:.10g}"
            )
    return ""


def _k_nearest_fault(problem: Problem, customers: Ints, distance: Floats) -> str:
    """A fault if k or more sites are nearer than the one that a customer is assigned to.

    ``customers`` are the rows of assigned customers, ``distance`` is that to the assigned site.
    """
    if problem.k_nearest is None:
        return ""
    nearer = np.zeros(len(customers), np.int64)
    for start in range(0, problem.sites, 200):
        block = problem.distances.of_sites(np.arange(start, min(start + 200, problem.sites)))
        nearer += (block[customers] < np.asarray(distance)[:, None] * (1 - 1e-9)).sum(axis=1)
    is_beyond = nearer >= np.broadcast_to(problem.k_nearest, problem.customers)[customers]
    return (
        f"customer {customers[is_beyond][0]} goes past its nearest sites" if is_beyond.any() else ""
    )


def _opening_size(problem: Problem, sites: Ints) -> float:
    """The sum of absolute opening costs: the size of the amounts added up."""
    return (
        float(sum(abs(problem.fixed_costs[j]) for j in sites))
        if _has_opening_costs(problem)
        else 0.0
    )


def _has_opening_costs(problem: Problem) -> bool:
    return problem.kind in (COVERING, FACILITY_LOCATION, CAPACITATED, SINGLE_SOURCE)


def _objective_fault(solution: Solution, recomputed: float, size: float) -> str:
    """A fault if the plan states another total; ``size`` is that of the amounts added up."""
    stated = float(solution.objective or 0.0)
    if stated == recomputed or abs(stated - recomputed) <= RELATIVE_TOLERANCE * size:
        return ""
    return f"it says {stated:.10g}, the tables say {recomputed:.10g}"


def _bound_fault(solution: Solution, size: float) -> str:
    value, bound = float(solution.objective or 0.0), solution.bound
    slack = RELATIVE_TOLERANCE * size if np.isfinite(size) else 0.0
    wrong = bound < value - slack if solution.problem.maximised else bound > value + slack
    if wrong and np.isfinite(bound):
        return f"the bound {bound:.10g} lies on the wrong side of {value:.10g}"
    return ""
