"""Scale problems, so that tolerances mean the same for numbers of every size.

Methods and engines compare with tolerances that suit numbers of about a thousand. A problem in
millionths or in millions of millions is therefore solved in units in which its typical distance,
weight, cost and demand are of that size, and its solution is scaled back.

    distances, radii, the ceiling     divided by ``distance``
    weights                           divided by ``weight``
    fixed costs                       divided by ``cost``, which is distance x weight where both
                                      add up in the objective
    demands, capacities               divided by ``demand``

Whole numbers that are too large are divided by their common divisor, as whole numbers help proofs;
all others by a power of two, which keeps every digit. Numbers of a suitable size stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats
from placeopt.engine.settings import Progress, ProgressCallback
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

MIN_TYPICAL, MAX_TYPICAL = 1.0, 1e5  # a typical value in this range stays as it is
MAX_TYPICAL_COST = 1e8  # largest typical cost of serving or opening
TARGET_EXPONENT = 10  # else it becomes 2**TARGET_EXPONENT at most
SAMPLE_POINTS = 300  # customers and sites between which distances are sampled
MAX_MEDIAN_VALUES = 200_000  # values from which a median is taken
KINDS_ADDING_OPENING_AND_SERVICE = (
    FACILITY_LOCATION,
    CAPACITATED,
    SINGLE_SOURCE,
)  # opening and serving add up
MAX_EXACT_INTEGER = 2.0**53  # the largest exact whole number


@dataclass(frozen=True)
class Units:
    """Divisors of the numbers of a problem; all 1 if no scaling is needed."""

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


def choose_units(problem: Problem) -> Units:
    """The units in which ``problem`` is best solved."""
    distance = (
        choose_unit(_sample_distances(problem.distances))
        if _is_divisible(problem.distances)
        else 1.0
    )
    demand = choose_unit(problem.demands) if problem.capacities is not None else 1.0
    if problem.kind == COVERING:
        return Units(
            distance,
            choose_unit(problem.weights),
            choose_unit(problem.fixed_costs[problem.free]),
            demand,
        )
    if problem.kind not in KINDS_ADDING_OPENING_AND_SERVICE:
        weight = choose_unit(problem.weights)
        return Units(distance, weight, distance * weight, demand)
    typical = (
        _typical_size(_sample_distances(problem.distances))
        / distance
        * _typical_size(problem.weights)
    )
    opening = _typical_size(problem.fixed_costs[problem.free]) / distance
    weight = 1.0
    if not MIN_TYPICAL <= max(typical, opening) <= MAX_TYPICAL_COST:
        weight = choose_unit(problem.weights) if typical >= opening else _power_of_two(opening)
        if not MIN_TYPICAL <= max(typical, opening) / weight <= MAX_TYPICAL_COST:
            weight = _power_of_two(max(typical, opening))
    return Units(distance, weight, distance * weight, demand)


def scale_problem(problem: Problem, units: Units) -> Problem:
    """``problem`` with every number divided by its unit."""
    if units == Units():
        return problem
    lengths = {
        name: None if (value := getattr(problem, name)) is None else value / units.distance
        for name in ("radius", "outer_radius", "ceiling")
    }
    capacities = problem.capacities
    return problem.replace(
        distances=_divide(problem.distances, units.distance),
        weights=problem.weights / units.weight,
        fixed_costs=problem.fixed_costs / units.cost,
        demands=problem.demands / units.demand,
        capacities=None if capacities is None else capacities / units.demand,
        best_known=None,
        **lengths,
    )


def unscale_solution(problem: Problem, solution: Solution, units: Units) -> Solution:
    """The solution of the scaled problem as a solution of ``problem``."""
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


def scale_progress(progress: ProgressCallback | None, unit: float) -> ProgressCallback | None:
    """``progress``, called with values in the original units."""
    if progress is None or unit == 1.0:
        return progress

    def scaled(report: Progress) -> None:
        incumbent = None if report.incumbent is None else report.incumbent * unit
        progress(replace(report, incumbent=incumbent, bound=report.bound * unit))

    return scaled


def _typical_size(values: Floats) -> float:
    """The median absolute value of what is not zero; 0 if all is."""
    values = values[:: max(1, len(values) // MAX_MEDIAN_VALUES)]
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(size)) if len(size) else 0.0


def choose_unit(values: Floats) -> float:
    """The number that ``values`` are best divided by."""
    typical = _typical_size(values)
    if typical == 0.0 or MIN_TYPICAL <= typical <= MAX_TYPICAL:
        return 1.0
    finite = values[np.isfinite(values)]
    if (
        typical > MAX_TYPICAL
        and (finite == np.round(finite)).all()
        and np.abs(finite).max() < MAX_EXACT_INTEGER
    ):
        common_divisor = float(np.gcd.reduce(finite.astype(np.int64)))
        if MIN_TYPICAL <= typical / common_divisor <= MAX_TYPICAL:
            return common_divisor
    return _power_of_two(typical)


def _power_of_two(typical: float) -> float:
    """The power of two that scales ``typical`` to at most 2**TARGET_EXPONENT and at least half."""
    return float(np.ldexp(1.0, int(np.frexp(typical)[1]) - TARGET_EXPONENT))


def _is_divisible(distances: Distances) -> bool:
    """Whether distances may be scaled: not where a metric rounds, nor if they are user-defined."""
    if isinstance(distances, Points):
        return distances.metric in ("euclidean", "manhattan")
    return isinstance(distances, Matrix | Pairs)


def _sample_distances(distances: Distances) -> Floats:
    """All distances of a table; of points, those of a sample."""
    if isinstance(distances, Matrix):
        return distances.values.ravel()
    if isinstance(distances, Pairs):
        return np.asarray(distances.values.data)
    if isinstance(distances, Points):
        step = [max(1, size // SAMPLE_POINTS) for size in distances.shape]
        a, b = distances.customers[:: step[0]], distances.sites[:: step[1]]
        return distances.between(a, b).ravel()
    sites = np.arange(0, distances.shape[1], max(1, distances.shape[1] // SAMPLE_POINTS))
    return distances.of_sites(sites).ravel()


def _divide(distances: Distances, unit: float) -> Distances:
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
