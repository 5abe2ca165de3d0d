"""CBC and all other solvers that PuLP can reach.

PuLP passes on a plan and a status, and neither is trusted: the caller checks the plan again, and
without a bound the status is never "optimal". CBC's bound is read from its log.
"""

from __future__ import annotations

import re
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.errors import EngineError, EngineMissing
from placeopt.engine.convert import to_pulp
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.result import Result, Status

if TYPE_CHECKING:
    import pulp

    from placeopt.engine.settings import Settings


def solve(arrays: Arrays, settings: Settings) -> Result:
    """Minimise ``arrays`` with the solver that ``settings`` names."""
    import pulp

    if settings.warm_start is not None:
        raise EngineError(f"{settings.engine} cannot take a plan to start from here; highs can")
    began = time.perf_counter()
    name = _installed(settings.engine)
    problem = to_pulp(arrays)
    with TemporaryDirectory(prefix="placeopt-") as folder:
        log = Path(folder) / "log"
        options, ignored = _options(name, settings)
        if settings.engine == "cbc":
            options["logPath"] = str(log)
            options["options"] = [f"randomCbcSeed {settings.seed}", f"randomSeed {settings.seed}"]
        passed = time.perf_counter()
        _free_highs_threads(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # PuLP's own, of PuLP 4
                problem.solve(pulp.getSolver(name, **options))
        except pulp.PulpSolverError as error:
            raise EngineError(f"{settings.engine} broke: {error}") from None
        finally:
            _free_highs_threads(name)
        ended = time.perf_counter()
        text = log.read_text(errors="replace") if log.exists() else ""
    result = _result(problem, arrays, text)
    message = "; ".join(filter(None, [result.message, ignored]))
    return Result(
        **{key: getattr(result, key) for key in ("status", "bound", "values")},
        message=message,
        seconds={"transfer": passed - began, "solve": ended - passed},
        version=f"PuLP {pulp.__version__} {name}" + _cbc_version(text),
    )


_CBC_INFEASIBLE = re.compile(
    r"proven infeasible|relaxation infeasible|problem is infeasible|problem was infeasible"
    r"|processing says infeasible|PrimalInfeasible",
    re.IGNORECASE,
)


def _free_highs_threads(name: str) -> None:
    """Release HiGHS's threads, as it refuses another number of them within one process."""
    if name == "HiGHS":
        import highspy

        highspy.Highs.resetGlobalScheduler(True)


def _options(name: str, settings: Settings) -> tuple[dict[str, Any], str]:
    """The settings in PuLP's terms, and a sentence on those that this solver does not take."""
    import inspect

    import pulp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        taken = inspect.signature(type(pulp.getSolver(name, msg=False)).__init__).parameters
    wanted = {
        "timeLimit": settings.time_limit_seconds,
        "gapRel": settings.gap,
        "threads": settings.threads,
    }
    options = {key: value for key, value in wanted.items() if key in taken}
    ignored = [key for key in wanted if key not in taken]
    if settings.engine != "cbc":
        ignored.append("seed")
    sentence = f"PuLP's {name} does not take {', '.join(ignored)}" if ignored else ""
    return {"msg": False, **options}, sentence


def require_installed(engine: str) -> None:
    """Check that an engine is installed.

    Raises:
        EngineMissing: If it is not.
        EngineError: If PuLP has no such solver.
    """
    _installed(engine)


def _installed(engine: str) -> str:
    import pulp

    names = engine_named(engine).solver_names
    known = pulp.listSolvers()
    if engine.startswith("pulp:") and names[0] not in known:
        raise EngineError(f"PuLP knows no solver {names[0]!r}; it knows {', '.join(known)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in names:
            if name in known and pulp.getSolver(name, msg=False).available():
                return name
    raise EngineMissing(f"{engine} is not installed: {engine_named(engine).install}")


def _result(problem: pulp.LpProblem, arrays: Arrays, log: str) -> Result:
    import pulp

    solved = problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    plan = _plan(problem, arrays) if solved else None
    bound = _cbc_bound(log, arrays, problem, plan)
    if problem.sol_status == pulp.LpSolutionInfeasible or problem.status == pulp.LpStatusInfeasible:
        proven = not log or _CBC_INFEASIBLE.search(log)  # an incomplete log proves nothing
        stopped = "Stopped on" in log or not proven
        return Result(Status.NO_PLAN if stopped else Status.INFEASIBLE, bound=bound)
    if problem.status == pulp.LpStatusUnbounded:
        return Result(Status.UNBOUNDED)
    if plan is None:
        return Result(Status.NO_PLAN, bound=bound)
    if problem.sol_status == pulp.LpSolutionOptimal:
        message = "" if np.isfinite(bound) else "the solver says optimal, but PuLP passes no bound"
        return Result(Status.OPTIMAL, bound=bound, values=plan, message=message)
    return Result(Status.FEASIBLE, bound=bound, values=plan)


def _plan(problem: pulp.LpProblem, arrays: Arrays) -> Floats | None:
    """The columns' values; a column that PuLP left out can take any value, so the nearest to 0."""
    plan: Floats = np.clip(0.0, arrays.lower, arrays.upper)
    for variable in problem.variables():
        if variable.name.startswith("x") and variable.varValue is None:
            return None
        if variable.name != "__dummy":
            plan[int(variable.name.removeprefix("x"))] = variable.varValue
    return plan


def _cbc_bound(log: str, arrays: Arrays, problem: pulp.LpProblem, plan: Floats | None) -> float:
    """The bound that CBC's log states, -inf if none. PuLP's files leave the offset out."""
    if not log:
        return -np.inf
    lower = re.findall(r"^Lower bound:\s+(\S+)", log, re.MULTILINE)
    if lower:
        return float(lower[-1]) + arrays.offset
    proven = "Optimal solution found" in log or re.search(r"^Optimal - objective", log, re.M)
    if proven and plan is not None and "within gap tolerance" not in log:
        return arrays.objective(plan)
    return -np.inf


def _cbc_version(log: str) -> str:
    found = re.search(r"^Version: (\S+)", log, re.MULTILINE)
    return f" {found[1]}" if found else ""
