"""The reference models under ``models/`` as rivals: what an analyst would write in PuLP.

PuLP solves them with HiGHS or CBC. They come with a checkout of the repository, not with the
package.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from placeopt.base.errors import EngineMissing
from placeopt.bench.subjects.subject import SolveSettings


def reference_model(name: str) -> ModuleType:
    """The module ``models.NAME``.

    Raises:
        EngineMissing: If there is no checkout.
    """
    checkout = Path(__file__).resolve().parents[4]
    if not (checkout / "models").is_dir():
        raise EngineMissing("the reference models come with a checkout of the repository")
    if str(checkout) not in sys.path:
        sys.path.append(str(checkout))
    return importlib.import_module(f"models.{name}")


def solve_with_pulp(problem: Any, settings: SolveSettings) -> str:
    """Solve a PuLP problem with the engine of ``settings``; return how it ended.

    This reads ``sol_status``, because ``status`` is 1 also for an incumbent at the time limit.
    """
    import pulp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PuLP's own, of PuLP 4
        if settings.engine == "pulp-highs":
            solver = pulp.HiGHS(
                msg=False, timeLimit=settings.seconds, gapRel=settings.gap, threads=1
            )
        else:
            solver = pulp.PULP_CBC_CMD(
                msg=False, timeLimit=settings.seconds, gapRel=settings.gap, threads=1
            )
        problem.solve(solver)
    if problem.sol_status == pulp.LpSolutionOptimal:
        return "optimal"
    if problem.sol_status == pulp.LpSolutionIntegerFeasible:
        return "feasible at limit"
    if problem.sol_status == pulp.LpSolutionInfeasible:
        return "infeasible"
    return "no plan at limit"


def objective_of(problem: Any) -> float:
    """The objective of a solved PuLP problem."""
    import pulp

    return float(pulp.value(problem.objective))
