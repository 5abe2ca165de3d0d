"""A plan, and a bound, where residents go by themselves and zones and hosts are many.

The rule's rows speak of every zone, service and host; on a county they are too many. Here the
model speaks of all residents of a service as one customer, as it does where the planner sends
them, and learns where they go from cuts (``equations/drawn.py``): first at points of the
relaxation, then at the hosts of every plan that is tried. What a host serves less than it draws
has a price far above what it could save, so that a search starts from the planner's plan; a plan
without such a lack is one of the place. Every bound is one of the whole problem.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model, Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.estate.equations.drawn import Drawing, add_drawing, cut_off
from placeopt.estate.formulate import Formulation
from placeopt.estate.kernel import USED, decided, first, keeping
from placeopt.estate.problem import EstateProblem
from placeopt.estate.strengthen import count_at_least

Floats = NDArray[np.float64]
Watch = Callable[[Progress], None]
Bools = NDArray[np.bool_]
Plan = tuple[float, Floats]  # what it comes to, and a full vector
KINDS = 3  # of neighbourhoods
DEAR = 1e-3  # of the least cost, for each m2 of floor that a host lacks
LEARN_SHARE, COUNT_SHARE, FIRST_SHARE = 0.2, 0.1, 0.25  # of the time, at most
IMPROVE_SHARE = 0.7  # of the time left, for neighbourhoods; the rest is for the bound
TRY_SHARE = 0.15  # of that, at most, for one neighbourhood
TRIES = 12  # neighbourhoods in a row without a better plan, then it is left to the search
AROUND, SERVICES, DIFFERENT = 0.25, 0.3, 0.25  # shares that are free at first
WIDER, NARROWER, WIDEST = 1.25, 0.8, 4.0
SAME = 1e-6  # relative: a plan no better than this is no better
ROUNDS = 40  # of cuts at the relaxation, at most
LEARNT = 2e-4  # of the bound: cuts at the relaxation that raise it by less are enough
BREACH = 1e-4  # of all visits to a service, that a point of the relaxation may break
EXACT = 1e-7  # the same, of a plan


@dataclass
class Learning:
    """A model that learns where residents go; it only ever gains rows."""

    formulation: Formulation
    drawing: Drawing

    @property
    def model(self) -> Model:
        return self.formulation.model

    def solve(self, arrays: Arrays, seconds: float, gap: float, **more: Any) -> Result:
        """Minimise ``arrays`` as the scenario's solver settings ask."""
        solver = self.formulation.problem.scenario.solver
        return solve(
            arrays,
            time_limit_seconds=max(seconds, 0.5),
            gap=gap,
            threads=solver.threads,
            seed=solver.seed,
            **more,
        )

    def relaxed(self, seconds: float) -> Result:
        """The linear relaxation with the cuts that it asks for; what stands counts at the limit."""
        began = time.perf_counter()
        last = Result(Status.NO_PLAN)
        for _ in range(ROUNDS):
            arrays = self.model.arrays()
            left = seconds - (time.perf_counter() - began)
            free = replace(arrays, integer=np.zeros_like(arrays.integer))
            result = self.solve(free, left, 0.0)
            if result.values is None:
                return result if result.status is Status.INFEASIBLE else last
            rise, last = result.bound - last.bound, result
            learnt = self.learn(result.values, BREACH)
            if not learnt or left < 1.0 or rise < LEARNT * abs(result.bound):
                break
        return last

    def learn(self, values: Floats, breach: float) -> int:
        """Add the cuts that ``values`` break; how many."""
        return cut_off(self.model, self.drawing, values, breach)

    def without_lack(self) -> Arrays:
        """The model in which every host serves what it draws, as far as is known by now."""
        arrays = self.model.arrays()
        upper = arrays.upper.copy()
        upper[self.drawing.lacking.all] = 0.0
        return replace(arrays, upper=upper)

    def borne_out(self, values: Floats, seconds: float) -> tuple[float, Floats] | None:
        """What the plan with these hosts comes to, its residents where they go, and its values."""
        x = self.formulation.columns
        kept = np.zeros(len(values), bool)
        for block in (x.open, x.host, x.tier):
            kept[block.all] = True
        while True:
            arrays = keeping(self.model.arrays(), kept, values)
            result = self.solve(arrays, seconds, 1e-5)
            if result.values is None or result.objective is None:
                return None
            if not self.learn(result.values, EXACT):
                return result.objective, result.values

    def lacks(self, values: Floats) -> Bools:
        """(H,) hosts that serve less than they draw."""
        found: Bools = values[self.drawing.lacking.all] > 10 * EXACT
        return found


def minimise_drawn(
    problem: EstateProblem,
    formulation: Formulation,
    seconds: float,
    progress: Watch | None,
) -> Result:
    """Minimise a model of all residents at large under ``problem``'s rule of where they go.

    A result with a plan is one where they do; ``INFEASIBLE`` is proven. The values are of the
    model's columns, ``formulation`` has gained columns and rows.
    """
    began = time.perf_counter()

    def left() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    relaxation = relaxed(formulation, seconds / 4)
    if relaxation.values is None:
        return relaxation
    dear = DEAR * max(abs(relaxation.bound), 1.0)
    drawing = add_drawing(formulation.model, problem, formulation.columns, dear)
    learning = Learning(formulation, drawing)
    relaxation = learning.relaxed(LEARN_SHARE * seconds)
    count_at_least(formulation, formulation, COUNT_SHARE * seconds, learning.without_lack())
    found = first(formulation, FIRST_SHARE * seconds)
    bound, plan = relaxation.bound, None
    if found is not None:
        relaxation = found.relaxation
        bound = max(bound, relaxation.bound)
        plan = learning.borne_out(found.values, left() / 2)
    if plan is not None:
        plan = improved(learning, plan, relaxation, IMPROVE_SHARE * left(), bound)
    return _proven(learning, plan, bound, left, progress)


def relaxed(formulation: Formulation, seconds: float) -> Result:
    """The linear relaxation of a model."""
    arrays = formulation.model.arrays()
    solver = formulation.problem.scenario.solver
    free = replace(arrays, integer=np.zeros_like(arrays.integer))
    return solve(
        free, time_limit_seconds=seconds, gap=0.0, threads=solver.threads, seed=solver.seed
    )


def improved(
    learning: Learning, plan: Plan, relaxation: Result, seconds: float, bound: float
) -> Plan:
    """A plan no worse, one part of it after another solved again; first where hosts lack."""
    formulation = learning.formulation
    gap = formulation.problem.scenario.solver.gap
    rng = np.random.default_rng(formulation.problem.scenario.solver.seed)
    choices = decided((formulation.columns,), len(plan[1]))
    began = time.perf_counter()
    wide, failed = np.ones(KINDS), 0
    for tries in itertools.count():
        left = seconds - (time.perf_counter() - began)
        lacks = learning.lacks(plan[1]).any()
        near = plan[0] - bound <= gap * abs(plan[0])
        if left <= 0 or near or failed >= (3 * TRIES if lacks else TRIES):
            break
        kind = tries % KINDS
        free = neighbourhood(learning, plan[1], relaxation, kind, wide[kind], rng)
        part = keeping(learning.model.arrays(), choices & ~free, plan[1])
        each = min(left, TRY_SHARE * seconds)
        found = learning.solve(part, each, gap / 10, start=plan[1])
        done = found.status is Status.OPTIMAL
        wide[kind] = min(WIDER * wide[kind], WIDEST) if done else NARROWER * wide[kind]
        failed += 1
        if found.values is None or found.objective is None:
            continue
        if found.objective < plan[0] - SAME * abs(plan[0]):
            better = learning.borne_out(found.values, left)
            if better is not None and better[0] < plan[0] - SAME * abs(plan[0]):
                plan, failed = better, 0
    return plan


def neighbourhood(
    learning: Learning,
    values: Floats,
    relaxation: Result,
    kind: int,
    wide: float,
    rng: np.random.Generator,
) -> Bools:
    """(columns,) what may change: around a building, and its services' hosts; or some services;
    or where plan and relaxation differ. A building, or services, that lack come first. Of hosts
    only those of today, of the plan, or of use to the relaxation."""
    x, problem = learning.formulation.columns, learning.formulation.problem
    b, services = problem.buildings, len(problem.services.ids)
    lacks = np.flatnonzero(learning.lacks(values))
    assert relaxation.values is not None  # ``first`` has seen to it
    plan, guide = values[x.host.all], relaxation.values[x.host.all]
    worth = ~x.new | (plan > 0.5) | (guide > USED)
    if kind == 0:
        one = rng.choice(lacks) if len(lacks) else -1
        of = x.hosts.building[one] if len(lacks) else rng.integers(len(b.ids))
        far = np.hypot(b.x_m - b.x_m[of], b.y_m - b.y_m[of])
        near = np.zeros(len(b.ids), bool)
        near[np.argsort(far)[: max(2, round(AROUND * wide * len(b.ids)))]] = True
        host = near[x.hosts.building]
        if len(lacks):
            host |= x.hosts.service == x.hosts.service[one]
    elif kind == 1:
        order = rng.permutation(services)
        order = order[np.argsort(~np.isin(order, x.hosts.service[lacks]), kind="stable")]
        host = np.isin(x.hosts.service, order[: max(2, round(SERVICES * wide * services))])
    else:
        draw = np.abs(plan - guide) + 0.2 * rng.random(len(plan))
        host = np.zeros(len(plan), bool)
        host[np.argsort(-draw)[: max(2, round(DIFFERENT * wide * worth.sum()))]] = True
    host &= worth
    touched = np.zeros(len(b.ids), bool)
    touched[x.hosts.building[host]] = True
    free = np.zeros(len(values), bool)
    free[x.host.all], free[x.open.all] = host, touched
    free[x.tier.all], free[x.dispose.all] = touched[x.tier_building], touched[x.dispose_building]
    return free


def _proven(
    learning: Learning,
    plan: Plan | None,
    bound: float,
    left: Callable[[], float],
    progress: Watch | None,
) -> Result:
    """The whole model searched while time is left: what it finds is borne out, or learnt from."""
    gap = learning.formulation.problem.scenario.solver.gap
    if plan is not None and learning.lacks(plan[1]).any():
        plan = None
    while plan is None or plan[0] - bound > gap * abs(plan[0]):
        seconds = left()
        start = None if plan is None else plan[1]
        found = learning.solve(
            learning.without_lack(), seconds, gap, start=start, progress=progress
        )
        bound = max(bound, found.bound)
        if found.status is Status.INFEASIBLE and plan is None:
            return found
        if found.values is None:
            break
        better = learning.borne_out(found.values, left())
        if better is not None and not learning.lacks(better[1]).any():
            plan = better if plan is None or better[0] < plan[0] else plan
        if found.status is not Status.OPTIMAL or left() <= 1.0:
            break
    if plan is None:
        return Result(Status.NO_PLAN, bound=bound)
    result = Result(Status.FEASIBLE, objective=plan[0], bound=min(bound, plan[0]), values=plan[1])
    return replace(result, status=Status.OPTIMAL) if result.gap <= gap else result
