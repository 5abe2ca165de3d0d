"""spopt (PySAL) as a rival: its own models, with HiGHS through PuLP, as its users run it.

spopt reads PuLP's ``status`` alone, which is 1 for a proven optimum and for whatever was at hand
when time ran out. What it tells its user is kept as ``claimed``; whether the solver had a proof
is read from ``sol_status``. Its objective is recomputed from the sites (and shares) it opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.base.errors import EngineError, EngineMissing
from placeopt.location.objective_values import objective_of
from placeopt.location.statement import Problem

SPOPT_HAS = (
    "p-median",
    "p-centre",
    "covering",
    "maximal-covering",
    "p-dispersion",
    "capacitated-p-median",
)


def solve_with_spopt(problem: Problem, time_limit: float) -> dict[str, Any]:
    """A plain record of spopt's answer."""
    try:
        import pulp
        from spopt import locate
    except ImportError as error:
        raise EngineMissing("spopt is not installed: pip install placeopt[bench]") from error
    table = np.array(problem.distances.dense())
    solver = pulp.HiGHS(msg=False, timeLimit=time_limit, threads=1)
    fixed: dict[str, Any] = {}
    if problem.opened_positions:
        there = np.zeros(problem.sites, int)
        there[list(problem.opened_positions)] = 1
        fixed["predefined_facilities_arr"] = there
    if problem.kind == "p-median":
        model = locate.PMedian.from_cost_matrix(table, problem.weights, problem.p, **fixed)
    elif problem.kind == "capacitated-p-median":
        model = locate.PMedian.from_cost_matrix(
            table, problem.weights, problem.p, facility_capacities=problem.capacities, **fixed
        )
    elif problem.kind == "p-centre":
        model = locate.PCenter.from_cost_matrix(table, problem.p, **fixed)
    elif problem.kind == "covering" and problem.backup:
        model = locate.LSCPB.from_cost_matrix(table, problem.radius, solver, **fixed)
    elif problem.kind == "covering":
        model = locate.LSCP.from_cost_matrix(table, problem.radius, **fixed)
    elif problem.kind == "capacitated-facility-location":  # like_lscp: its capacitated LSCP
        model = locate.LSCP.from_cost_matrix(
            table,
            problem.ceiling,
            demand_quantity_arr=problem.demands,
            facility_capacity_arr=problem.capacities,
            **fixed,
        )
    elif problem.kind == "maximal-covering":
        model = locate.MCLP.from_cost_matrix(
            table, problem.weights, problem.radius, problem.p, **fixed
        )
    elif problem.kind == "p-dispersion":
        model = locate.PDispersion.from_cost_matrix(table, problem.p, **fixed)
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
        return _nothing(str(error))
    opened = [j for j, y in enumerate(model.fac_vars) if (y.value() or 0) > 0.5]
    objective, assignment, flows = _plan(problem, model, opened)
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


def _nothing(message: str) -> dict[str, Any]:
    return {
        "status": "failed", "claimed": False, "objective": None, "bound": None, "positions": [],
        "assignment": None, "flows": None, "seconds": {}, "trace": [],
        "method": "spopt, HiGHS through PuLP", "message": message,
    }  # fmt: skip


def _plan(problem: Problem, model: Any, opened: list[int]) -> tuple[Any, Any, Any]:
    """Objective, assignment and flows of what spopt opened; objective None where it is no plan."""
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
