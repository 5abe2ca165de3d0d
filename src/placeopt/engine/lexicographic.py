"""Several objectives in order: the first is made as small as can be, then the next, and so on.

After each objective but the last a row is added,

    cost_k x <= value_k + slack_k |value_k|,

where value_k is that of the best plan found (not the bound), so that this plan stays a start for
the next objective. Source: Isermann (1982), OR Spektrum 4, 223-228.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from placeopt.engine.model import Arrays, Floats, Model
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.result import Result, Status
from placeopt.engine.solve import CLOSED, Progress, solve
from placeopt.errors import EngineError

Objective = tuple[str, ArrayLike] | tuple[str, ArrayLike, float]  # name, cost vector, offset


@dataclass(frozen=True)
class Stage:
    """What came of one objective: the best ``value`` when it was its turn, the ``bound`` proven
    then, ``allowed`` (the value up to which later objectives may move it; inf for the last), and
    ``final``, its value in the plan that is returned. Bounds hold for the model with the rows of
    the objectives before.
    """

    status: Status
    value: float
    bound: float
    allowed: float
    final: float


def solve_in_order(
    model: Model | Arrays,
    objectives: Sequence[Objective],
    slacks: Sequence[float] = (),
    *,
    engine: str = "highs",
    time_limit_seconds: float = 300.0,
    gap: float = 1e-4,
    threads: int = 2,
    seed: int = 1,
    start: Floats | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Result, Mapping[str, Stage]]:
    """Minimise ``objectives`` one after another over the columns and rows of ``model``.

    ``slacks``: for each objective but the last (or none: all 0) the share of its value by which
    the later ones may worsen it. The time limit is for all together. The result is the last
    solve's, with its seconds summed; it is "optimal" only if every objective was. Where an
    objective finds no plan, its result is returned and the stages end before it; where Ctrl-C or
    the limit ends a later objective without a plan, the plan before it stands.
    """
    slacks = list(slacks) or [0.0] * (len(objectives) - 1)
    if not objectives or len(slacks) != len(objectives) - 1:
        raise EngineError(f"{len(objectives)} objectives with {len(slacks)} slacks")
    began = time.perf_counter()
    arrays = model.arrays() if isinstance(model, Model) else model
    arrays = replace(arrays, cost=np.zeros_like(arrays.cost), offset=0.0)
    seconds: dict[str, float] = {"build": time.perf_counter() - began}
    named = [_named(objective, len(arrays.cost)) for objective in objectives]
    done: list[tuple[str, Status, float, float, float]] = []
    result = Result(Status.FAILED)
    for k, (name, cost, offset) in enumerate(named):
        remaining = time_limit_seconds - (time.perf_counter() - began)
        latest = solve(
            replace(arrays, cost=cost, offset=offset),
            engine=engine,
            time_limit_seconds=max(0.05, remaining / (len(named) - k)),
            gap=gap,
            threads=threads,
            seed=seed,
            start=start if engine_named(engine).start else None,
            progress=progress,
        )
        for part, spent in latest.seconds.items():
            seconds[part] = seconds.get(part, 0.0) + spent
        if latest.values is None or latest.objective is None:
            result = _kept(result, latest) if done else latest
            break
        result = latest
        slack = slacks[k] if k < len(slacks) else np.inf
        allowed = latest.objective + slack * abs(latest.objective) if k < len(slacks) else np.inf
        done.append((name, latest.status, latest.objective, latest.bound, allowed))
        if latest.status is Status.INTERRUPTED:
            break
        if k < len(slacks):
            arrays, start = _with_ceiling(arrays, cost, allowed - offset), latest.values
    result = replace(_worst_status(result, done), seconds=seconds)
    stages = {}
    for (name, status, value, bound, allowed), (_, cost, offset) in zip(done, named, strict=False):
        final = float(cost @ result.values + offset) if result.values is not None else np.nan
        stages[name] = Stage(status, value, bound, allowed, final)
    return result, stages


def _named(objective: Objective, size: int) -> tuple[str, Floats, float]:
    name, cost = objective[0], np.asarray(objective[1], float)
    if cost.shape != (size,):
        raise EngineError(f"objective {name!r} has shape {cost.shape}, the model {size} columns")
    return name, cost, float(objective[2]) if len(objective) == 3 else 0.0


def _with_ceiling(arrays: Arrays, cost: Floats, ceiling: float) -> Arrays:
    """The model with one more row that keeps ``cost`` under ``ceiling``, scaled to plain size."""
    scale = max(1e-12, float(np.abs(cost).max(initial=0.0)))
    row = sparse.csr_array(cost[None, :] / scale)
    ceiling = ceiling / scale
    room = CLOSED * max(1.0, abs(ceiling)) / 10  # so that the plan itself is not cut off
    return replace(
        arrays,
        matrix=sparse.csr_array(sparse.vstack([arrays.matrix, row], format="csr")),
        row_lower=np.append(arrays.row_lower, -np.inf),
        row_upper=np.append(arrays.row_upper, ceiling + room),
    )


def _kept(before: Result, latest: Result) -> Result:
    """The plan of the objective before, where the next one found none in time."""
    stopped = latest.status is Status.INTERRUPTED
    message = f"the next objective ended without a plan ({latest.status}); this one is kept"
    return replace(
        before, status=Status.INTERRUPTED if stopped else Status.FEASIBLE, message=message
    )


def _worst_status(
    result: Result, done: Sequence[tuple[str, Status, float, float, float]]
) -> Result:
    unproven = [name for name, status, *_ in done if status is Status.FEASIBLE]
    if result.status is Status.OPTIMAL and unproven:
        message = f"optimal only for what {', '.join(unproven)} reached in its time"
        return replace(result, status=Status.FEASIBLE, message=message)
    return result
