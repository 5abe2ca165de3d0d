"""All engines: what they support, their licence, and how to get them.

An engine that PuLP or OR-Tools reaches is one more record here; any other has a module of its own
beside it. Nothing is imported before an engine runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """One engine and what it supports.

    Attributes:
        name: Name of the engine.
        module: Module with a function ``solve(arrays, settings) -> Result`` in ``engine``.
        description: What it is.
        integers: Whether it takes integer columns.
        continuous: Whether it takes continuous columns.
        duals: Whether it returns row duals and reduced costs of linear programs, with the signs of
            ``Result``; they are returned only where strong duality has been checked.
        warm_start: Whether it starts from a given plan.
        bound: Whether it states how far from optimal a plan is.
        progress: Whether it reports while it runs; the others report once, at the end.
        interrupt: Whether Ctrl-C returns the best plan so far.
        seed: Whether the same seed gives the same run.
        licence: Its licence.
        install: How to install it.
        solver_names: Its names in the library that reaches it; the first that is installed is used.
    """

    name: str
    module: str

    description: str
    integers: bool = True
    continuous: bool = True
    duals: bool = False
    warm_start: bool = False
    bound: bool = True
    progress: bool = False
    interrupt: bool = True

    seed: bool = True
    licence: str = ""
    install: str = "installed with placeopt"
    solver_names: tuple[str, ...] = ()


ORTOOLS = "placeopt.engine.ortools_engines"
PULP = "placeopt.engine.pulp_engines"


def through_pulp(
    name: str, description: str, install: str, *solver_names: str, licence: str = "commercial"
) -> Engine:
    """A solver reached through PuLP: it passes on a plan, but no bound, duals or progress.

    Args:
        name: Name of the engine.
        description: What it is.
        install: How to install it.
        solver_names: Its names in PuLP.
        licence: Its licence.
    """
    return Engine(
        name,
        PULP,
        description,
        bound=False,
        interrupt=False,
        seed=False,
        licence=licence,
        install=install,
        solver_names=solver_names,
    )


ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            "highs",
            "placeopt.engine.highs",
            "branch and cut, simplex, interior point: the default",
            duals=True,
            warm_start=True,
            progress=True,
            licence="MIT",
        ),
        Engine(
            "cbc",
            PULP,
            "branch and cut, strong where the relaxation is tight",
            interrupt=False,
            licence="EPL 2.0",
            solver_names=("PULP_CBC_CMD", "COIN_CMD"),
        ),
        Engine(
            "cp-sat",
            ORTOOLS,
            "constraint programming over whole numbers",
            continuous=False,
            warm_start=True,
            licence="Apache 2.0",
            solver_names=("sat",),
        ),
        Engine(
            "scip",
            ORTOOLS,
            "branch and cut, strong bounds on hub and covering models",
            warm_start=True,
            licence="Apache 2.0",
            solver_names=("scip",),
        ),
        Engine(
            "glop",
            ORTOOLS,
            "simplex for linear programs",
            integers=False,
            duals=True,
            licence="Apache 2.0",
            solver_names=("glop",),
        ),
        Engine(
            "pdlp",
            ORTOOLS,
            "first-order method for very large linear programs",
            integers=False,
            duals=True,
            seed=False,
            licence="Apache 2.0",
            solver_names=("pdlp",),
        ),
        through_pulp(
            "gurobi", "Gurobi through PuLP", "pip install gurobipy", "GUROBI", "GUROBI_CMD"
        ),
        through_pulp("cplex", "CPLEX through PuLP", "pip install cplex", "CPLEX_PY", "CPLEX_CMD"),
        through_pulp("copt", "COPT through PuLP", "pip install coptpy", "COPT", "COPT_CMD"),
        through_pulp("xpress", "Xpress through PuLP", "pip install xpress", "XPRESS_PY", "XPRESS"),
    )
}
