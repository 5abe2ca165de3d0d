"""Solve in one order of customers and sites, whatever order they are given in.

Methods break ties by position, so the same problem with its rows shuffled could get another plan
of equal cost. A problem with ids is therefore solved in the order of the ids, and its solution is
put back into the order given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Ints
from placeopt.location.distances import Distances, Matrix, Pairs, Points
from placeopt.location.solution import Solution
from placeopt.location.statement import P_DISPERSION, Problem


def to_canonical_order(problem: Problem) -> tuple[Problem, Ints, Ints]:
    """The problem with customers and sites sorted by id, and the original positions.

    Returns:
        The problem, and the (customers,) and (sites,) positions in the problem given.
    """
    sites = _sorted_positions(problem.site_ids)
    # Sites are measured against sites: rows are columns.
    customers = sites if problem.kind == P_DISPERSION else _sorted_positions(problem.customer_ids)
    is_sorted = _is_sorted(customers) and _is_sorted(sites)
    table = None if is_sorted else _permute(problem.distances, customers, sites)
    if table is None:
        return problem, np.arange(problem.customers), np.arange(problem.sites)
    ordered = problem.replace(
        distances=table,
        weights=problem.weights[customers],
        demands=problem.demands[customers],
        fixed_costs=problem.fixed_costs[sites],
        capacities=None if problem.capacities is None else problem.capacities[sites],
        customer_ids=tuple(problem.customer_ids[i] for i in customers),
        site_ids=tuple(problem.site_ids[j] for j in sites),
    )
    return ordered, customers, sites


def from_canonical_order(
    problem: Problem, solution: Solution, customers: Ints, sites: Ints
) -> Solution:
    """The solution of the sorted problem as a solution of ``problem``."""
    if solution.problem is problem:
        return solution
    row = np.empty_like(customers)
    row[customers] = np.arange(len(customers))
    column = np.empty_like(sites)
    column[sites] = np.arange(len(sites))
    assigned = solution.assigned
    if assigned is not None:
        moved = np.asarray(assigned)[row]
        assigned = np.where(moved >= 0, sites[moved], -1)
    flows = solution.flows
    if flows is not None:
        flows = sparse.csr_array(sparse.csr_array(flows)[row][:, column])
    return replace(
        solution,
        problem=problem,
        positions=np.sort(sites[np.asarray(solution.positions, np.int64)]),
        assigned=assigned,
        flows=flows,
    )


def _sorted_positions(ids: tuple[Any, ...]) -> Ints:
    def key(position: int) -> tuple[str, Any]:
        identifier = ids[position]
        number = isinstance(identifier, int | float) and not isinstance(identifier, bool)
        return ("", identifier) if number else (type(identifier).__name__, str(identifier))

    return np.array(sorted(range(len(ids)), key=key), np.int64)


def _is_sorted(order: Ints) -> bool:
    return bool((order == np.arange(len(order))).all())


def _permute(table: Distances, customers: Ints, sites: Ints) -> Distances | None:
    if isinstance(table, Matrix):
        return Matrix(table.values[np.ix_(customers, sites)])
    if isinstance(table, Points):
        return Points(table.customers[customers], table.sites[sites], table.metric)
    if isinstance(table, Pairs):
        return Pairs(sparse.csr_array(table.values[customers][:, sites]))
    return None  # a user-defined distance is solved in the order given
