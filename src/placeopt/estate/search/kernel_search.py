"""Good first plans by kernel search.

``kernel_plan`` solves the model restricted to the kernel: the buildings, hosts and tiers in the
support of the linear relaxation. Where that has no plan, columns with a reduced cost near 0 are
added. The plan is one of the whole model; nothing is proven.

Source: Angelelli, Mansini and Speranza (2010), Kernel search.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline
from placeopt.engine import Result, solve
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns, structural_columns
from placeopt.estate.search.large_neighbourhood import SUPPORT_TOLERANCE

log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class KernelSearchParameters:
    """How a first plan is found; the defaults were chosen on the made-up counties.

    Attributes:
        gap: relative gap to which the kernel is solved, or the scenario's if that is larger.
        support: columns with a smaller value in the relaxation are not in its support.
        reduced_cost: of the relaxation's objective: columns below join the wider kernel.
        least_seconds: of a kernel's solve, however late it is.
    """

    gap: float = 0.01
    support: float = SUPPORT_TOLERANCE
    reduced_cost: float = 1e-5
    least_seconds: float = 0.5


@dataclass(frozen=True)
class KernelPlan:
    """A first plan and the relaxation that its kernel comes from.

    Attributes:
        values: (columns,) a vector that keeps all rows.
        relaxation: the linear relaxation, with its bound and reduced costs.
    """

    values: Floats
    relaxation: Result


def kernel_plan(
    formulation: Formulation,
    deadline: Deadline,
    parameters: KernelSearchParameters | None = None,
) -> KernelPlan | None:
    """Return a first plan of one year by kernel search; ``None`` where none was found in time, or
    the engine cannot start from one."""
    settings = Settings.of(formulation.problem.scenario.solver)
    if not engine_named(settings.engine).warm_start:
        return None
    arrays = formulation.model.arrays()
    return kernel_plan_of(arrays, (formulation.columns,), settings, deadline, parameters)


def kernel_plan_of(
    arrays: Arrays,
    columns: Sequence[Columns],
    settings: Settings,
    deadline: Deadline,
    parameters: KernelSearchParameters | None = None,
) -> KernelPlan | None:
    """Return a first plan of a model by kernel search.

    Args:
        arrays: the model.
        columns: the columns of each decided year in it.
        settings: the scenario's.
        deadline: when the search ends.
        parameters: how it goes.

    Returns:
        The plan with its relaxation; ``None`` where none was found in time.
    """
    parameters = parameters or KernelSearchParameters()
    settings = replace(settings, engine="highs", time_limit_seconds=deadline.seconds_left())
    relaxation = solve(arrays.relaxed(), replace(settings, gap=0.0))
    if relaxation.values is None:
        return None
    for left_out in _left_out(arrays, columns, relaxation, parameters):
        kernel = solve(
            replace(arrays, upper=np.where(left_out, 0.0, arrays.upper)),
            replace(
                settings,
                time_limit_seconds=deadline.seconds_left(at_least=parameters.least_seconds),
                gap=max(settings.gap, parameters.gap),
            ),
        )
        log.info(
            "kernel search without %d of %d columns: %s",
            left_out.sum(),
            len(left_out),
            kernel.status,
        )
        if kernel.values is not None:
            return KernelPlan(kernel.values, relaxation)
    return None


def _left_out(
    arrays: Arrays,
    columns: Sequence[Columns],
    relaxation: Result,
    parameters: KernelSearchParameters,
) -> list[NDArray[np.bool_]]:
    """Return masks (columns,) of what each kernel in turn leaves out: all that the relaxation does
    not use, then what is also costly to it."""
    assert relaxation.values is not None  # the caller has seen to it
    unused = (
        structural_columns(columns, len(arrays.cost))
        & (relaxation.values < parameters.support)
        & (arrays.lower <= 0)
    )
    if relaxation.reduced_costs is None:
        return [unused]
    limit = parameters.reduced_cost * max(1.0, abs(relaxation.bound))
    costly = unused & (relaxation.reduced_costs > limit)
    for x in columns:
        costly[x.dispose.all] = False  # a closed building may always be disposed of
    return [unused, costly]
