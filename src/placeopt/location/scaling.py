"""Problems in units of their own, so that tolerances mean the same for every size of number.

Methods and engines compare with tolerances that suit numbers of about a thousand. A problem in
millionths or in millions of millions is therefore solved in units in which its usual distance,
weight, cost and demand are of that size, and its solution is put back.

    distances, radii, the ceiling     divided by ``distance``
    weights                           divided by ``weight``
    fixed costs                       divided by ``cost``, which is distance x weight where both
                                      add up in the objective
    demands, capacities               divided by ``demand``

Whole numbers that are too large are divided by what they all share, as whole numbers help proofs;
all others by a power of two, which changes no digit. What is of a good size already stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.location.distances import Distances, Matrix, Pairs, Points
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED,
    COVERING,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_DISPERSION,
    SINGLE_SOURCE,
    Problem,
)

Floats = NDArray[np.float64]

LEAST, MOST = 1.0, 1e5  # a usual value within this range stays as it is
MOST_COST = 1e8  # and a usual cost of serving or opening up to this one
USUAL = 10  # else it becomes 2**USUAL at most
SAMPLE = 300  # customers and sites of which points are measured
LOOKED_AT = 200_000  # values of which the median is taken
TOGETHER = (FACILITY_LOCATION, CAPACITATED, SINGLE_SOURCE)  # opening and serving add up
EXACT = 2.0**53  # whole numbers up to here are exact


@dataclass(frozen=True)
class Units:
    """What the numbers of a problem are divided by; all 1 where nothing need be."""

    distance: float = 1.0
    weight: float = 1.0
    cost: float = 1.0
    demand: float = 1.0

    def objective(self, kind: str) -> float:
        """The unit of the objective of a problem of ``kind``."""
        if kind in (P_CENTRE, P_DISPERSION):
            return self.distance
        if kind == MAXIMAL_COVERING:
            return self.weight
        return self.cost if kind == COVERING else self.distance * self.weight


def units_of(problem: Problem) -> Units:
    """The units in which ``problem`` is best solved."""
    distance = unit_of(_some(problem.distances)) if _divisible(problem.distances) else 1.0
    demand = unit_of(problem.demands) if problem.capacities is not None else 1.0
    if problem.kind == COVERING:
        return Units(distance, unit_of(problem.weights), unit_of(problem.fixed_costs), demand)
    if problem.kind not in TOGETHER:
        weight = unit_of(problem.weights)
        return Units(distance, weight, distance * weight, demand)
    usual = _usual(_some(problem.distances)) / distance * _usual(problem.weights)
    opening = _usual(problem.fixed_costs) / distance
    weight = 1.0
    if not LEAST <= max(usual, opening) <= MOST_COST:
        weight = unit_of(problem.weights) if usual >= opening else _power(opening)
        if not LEAST <= max(usual, opening) / weight <= MOST_COST:
            weight = _power(max(usual, opening))
    return Units(distance, weight, distance * weight, demand)


def in_units(problem: Problem, units: Units) -> Problem:
    """``problem`` with every number divided by its unit."""
    if units == Units():
        return problem
    lengths = {
        name: None if (value := getattr(problem, name)) is None else value / units.distance
        for name in ("radius", "outer_radius", "ceiling")
    }
    capacities = problem.capacities
    return problem.replace(
        distances=_divided(problem.distances, units.distance),
        weights=problem.weights / units.weight,
        fixed_costs=problem.fixed_costs / units.cost,
        demands=problem.demands / units.demand,
        capacities=None if capacities is None else capacities / units.demand,
        best_known=None,
        **lengths,
    )


def as_asked(problem: Problem, solution: Solution, units: Units) -> Solution:
    """The solution of the problem in ``units`` as one of ``problem``."""
    if units == Units():
        return solution
    unit = units.objective(problem.kind)
    return replace(
        solution,
        problem=problem,
        objective=None if solution.objective is None else solution.objective * unit,
        bound=solution.bound * unit,
        trace=tuple((t, cost * unit, bound * unit) for t, cost, bound in solution.trace),
    )


def reporter(
    report: Callable[[float, float], None] | None, unit: float
) -> Callable[[float, float], None] | None:
    """``report``, fed with numbers in units."""
    if report is None or unit == 1.0:
        return report
    return lambda cost, bound: report(cost * unit, bound * unit)


def _usual(values: Floats) -> float:
    """The median of what is not zero, 0 where all is."""
    values = values[:: max(1, len(values) // LOOKED_AT)]
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(size)) if len(size) else 0.0


def unit_of(values: Floats) -> float:
    """What ``values`` are best divided by."""
    usual = _usual(values)
    if usual == 0.0 or LEAST <= usual <= MOST:
        return 1.0
    finite = values[np.isfinite(values)]
    if usual > MOST and (finite == np.round(finite)).all() and np.abs(finite).max() < EXACT:
        shared = float(np.gcd.reduce(finite.astype(np.int64)))
        if LEAST <= usual / shared <= MOST:
            return shared
    return _power(usual)


def _power(usual: float) -> float:
    """The power of two that brings ``usual`` to between a half and the whole of 2**USUAL."""
    return float(np.ldexp(1.0, int(np.frexp(usual)[1]) - USUAL))


def _divisible(distances: Distances) -> bool:
    """Whether distances may be divided: not where a metric rounds, nor a user's own."""
    if isinstance(distances, Points):
        return distances.metric in ("euclidean", "manhattan")
    return isinstance(distances, Matrix | Pairs)


def _some(distances: Distances) -> Floats:
    """Distances that stand for all: all of a table, of points those of a sample."""
    if isinstance(distances, Matrix):
        return distances.values.ravel()
    if isinstance(distances, Pairs):
        return np.asarray(distances.values.data)
    if isinstance(distances, Points):
        step = [max(1, size // SAMPLE) for size in distances.shape]
        a, b = distances.customers[:: step[0]], distances.sites[:: step[1]]
        return distances.between(a, b).ravel()
    sites = np.arange(0, distances.shape[1], max(1, distances.shape[1] // SAMPLE))
    return distances.of_sites(sites).ravel()


def _divided(distances: Any, unit: float) -> Distances:
    if unit == 1.0:
        return distances
    if isinstance(distances, Points):
        return Points(distances.customers / unit, distances.sites / unit, distances.metric)
    if isinstance(distances, Matrix):
        return Matrix(distances.values / unit)
    assert isinstance(distances, Pairs)
    values = distances.values
    return Pairs(
        sparse.csr_array((values.data / unit, values.indices, values.indptr), values.shape)
    )
