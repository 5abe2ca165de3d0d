"""spopt (PySAL) as a rival: its own models, with HiGHS through PuLP, as its users run it.

Its answer is read as a user would read it: ``problem.status`` 1 is taken as its claim of an
optimum, which our verifier and the other engines' bounds then judge.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.errors import EngineError, EngineMissing
from placeopt.location.plans import objective_of
from placeopt.location.problems import Problem


def solve_with_spopt(problem: Problem, time_limit: float) -> dict[str, Any]:
    """A plain record of spopt's answer."""
    try:
        import pulp
        from spopt import locate
    except ImportError as error:
        raise EngineMissing("spopt is not installed: pip install placeopt[bench]") from error
    table = np.array(problem.distances.dense())
    solver = pulp.HiGHS(msg=False, timeLimit=time_limit, threads=1)
    if problem.kind == "p-median":
        model = locate.PMedian.from_cost_matrix(table, problem.weights, p_facilities=problem.p)
    elif problem.kind == "p-centre":
        model = locate.PCenter.from_cost_matrix(table, p_facilities=problem.p)
    elif problem.kind == "covering":
        model = locate.LSCP.from_cost_matrix(table, problem.radius)
    elif problem.kind == "maximal-covering":
        model = locate.MCLP.from_cost_matrix(
            table, problem.weights, problem.radius, p_facilities=problem.p
        )
    elif problem.kind == "p-dispersion":
        model = locate.PDispersion.from_cost_matrix(table, p_facilities=problem.p)
    else:
        raise EngineError(f"spopt has no {problem.kind}")
    model = model.solve(solver)
    opened = [j for j, y in enumerate(model.fac_vars) if (y.value() or 0) > 0.5]
    positions = np.array(opened, np.int64)
    objective, assignment = objective_of(problem, positions) if opened else (None, None)
    claimed = model.problem.status == 1
    return {
        "status": "optimal" if claimed else "failed",
        "objective": objective,
        "bound": objective if claimed else None,
        "positions": opened,
        "assignment": None if assignment is None else [int(j) for j in assignment],
        "flows": None,
        "seconds": {},
        "trace": [],
        "method": "spopt, HiGHS through PuLP",
        "message": "the bound is its claim: spopt reports none",
    }
