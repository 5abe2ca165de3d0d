"""spopt (PySAL) as a rival: its own models, with HiGHS through PuLP, as its users run it.

spopt reads only PuLP's ``status``, which is 1 for a proven optimum and for any plan at the time
limit. What it reports to its user is kept as ``claimed``; whether the solver had a proof is read
from ``sol_status``. Its objective is recomputed from the sites (and shares) it opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.base.errors import EngineError, EngineMissing
from placeopt.location.objective_values import objective_of
from placeopt.location.statement import Problem

SPOPT_KINDS = (
    "p-median",
    "p-centre",
    "covering",
    "maximal-covering",
    "p-dispersion",
    "capacitated-p-median",
)


def solve_with_spopt(problem: Problem, time_limit: float) -> dict[str, Any]:
    """A plain record of spopt's answer.

    Args:
        problem: The problem.
        time_limit: Time limit in seconds.

    Returns:
        The record.

    Raises:
        EngineMissing: If spopt is not installed.
    """
    try:
        import pulp
        from spopt import locate
    except ImportError as error:
        raise EngineMissing("spopt is not installed: pip install placeopt[bench]") from error
    table = np.array(problem.distances.dense())
    solver = pulp.HiGHS(msg=False, timeLimit=time_limit, threads=1)
    predefined: dict[str, Any] = {}
    if problem.opened_positions:
        is_predefined = np.zeros(problem.sites, int)
        is_predefined[list(problem.opened_positions)] = 1
        predefined["predefined_facilities_arr"] = is_predefined
    if problem.kind == "p-median":
        model = locate.PMedian.from_cost_matrix(table, problem.weights, problem.p, **predefined)
    elif problem.kind == "capacitated-p-median":
        model = locate.PMedian.from_cost_matrix(
            table, problem.weights, problem.p, facility_capacities=problem.capacities, **predefined
        )
    elif problem.kind == "p-centre":
        model = locate.PCenter.from_cost_matrix(table, problem.p, **predefined)
    elif problem.kind == "covering" and problem.backup:
        model = locate.LSCPB.from_cost_matrix(table, problem.radius, solver, **predefined)
    elif problem.kind == "covering":
        model = locate.LSCP.from_cost_matrix(table, problem.radius, **predefined)
    elif problem.kind == "capacitated-facility-location":  # like_lscp: its capacitated LSCP
        model = locate.LSCP.from_cost_matrix(
            table,
            problem.ceiling,
            demand_quantity_arr=problem.demands,
            facility_capacity_arr=problem.capacities,
            **predefined,
        )
    elif problem.kind == "maximal-covering":
        model = locate.MCLP.from_cost_matrix(
            table, problem.weights, problem.radius, problem.p, **predefined
        )
    elif problem.kind == "p-dispersion":
        model = locate.PDispersion.from_cost_matrix(table, problem.p, **predefined)
    else:
        raise EngineError(f"spopt has no {problem.kind}")
    try:
        if isinstance(model, locate.LSCPB):
            model = model.solve(results=False)
        elif isinstance(model, locate.PDispersion):
            model = model.solve(solver)
        else:
            model = model.solve(solver, results=False)
    except RuntimeError as error:  # what spopt raises where PuLP's status is not 1
        return _record_without_plan(str(error))
    opened = [j for j, y in enumerate(model.fac_vars) if (y.value() or 0) > 0.5]
    objective, assignment, flows = _objective_and_assignment(problem, model, opened)
    proven = model.problem.sol_status == pulp.LpSolutionOptimal and objective is not None
    status = "optimal" if proven else "failed" if objective is None else "feasible at limit"
    return {
        "status": status,
        "claimed": model.problem.status == pulp.LpStatusOptimal,
        "objective": objective,
        "bound": objective if proven else None,
        "positions": opened,
        "assignment": assignment,
        "flows": flows,
        "seconds": {},
        "trace": [],
        "method": "spopt, HiGHS through PuLP",
        "message": "" if proven else "spopt passes on no bound",
    }


def _record_without_plan(message: str) -> dict[str, Any]:
    return {
        "status": "failed", "claimed": False, "objective": None, "bound": None, "positions": [],
        "assignment": None, "flows": None, "seconds": {}, "trace": [],
        "method": "spopt, HiGHS through PuLP", "message": message,
    }  # fmt: skip


def _objective_and_assignment(
    problem: Problem, model: Any, opened: list[int]
) -> tuple[Any, Any, Any]:
    """Objective, assignment and flows of the sites that spopt opened; None if they are no plan."""
    positions = np.array(opened, np.int64)
    if not opened:
        return None, None, None
    if problem.capacities is None:
        objective, assignment = objective_of(problem, positions)
        return objective, [int(j) for j in assignment], None
    share = np.zeros(problem.distances.shape)
    for (i, j), variable in np.ndenumerate(model.cli_assgn_vars):
        share[i, j] = variable.value() or 0.0
    if problem.kind == "capacitated-p-median":
        assignment = share.argmax(axis=1)
        table = problem.distances.dense()
        cost = float(problem.weights @ table[np.arange(len(table)), assignment])
        return cost, [int(j) for j in assignment], None
    share[:, np.setdiff1d(np.arange(problem.sites), positions)] = 0.0
    share[share < 1e-9] = 0.0
    flows = [[int(i), int(j), float(share[i, j])] for i, j in np.argwhere(share)]
    return float(problem.fixed_costs[positions].sum()), None, flows
