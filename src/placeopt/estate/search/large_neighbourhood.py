"""A better plan over years: most of it kept, one part of it after another solved again.

By turns what lies around a building, some services, or what plan and guides (the relaxation of the
last year, plans of single years) make differently is free in all years at once; what neither the
plan, nor today, nor a guide makes use of is left out. Every answer is a plan of the whole model;
nothing is proven here. Source: Shaw (1998) for large neighbourhoods.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Status, solve
from placeopt.engine.model import Arrays
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.search.kernel_search import SUPPORT_TOLERANCE, fix_columns, structural_mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BUILDINGS_FREE, SERVICES_FREE, HOSTS_FREE = 0.2, 0.3, 0.2  # shares that are free at first
TRY_SHARE = 0.15  # of the time, at most, for one part
GROW, SHRINK = 1.2, 0.8
NEIGHBOURHOODS = 3


def improve_years(
    columns: Sequence[Columns],
    problem: EstateProblem,
    arrays: Arrays,
    values: Floats,
    guides: Sequence[Floats],
    seconds: float,
    enough: Callable[[float], bool],
) -> Floats:
    """A plan at least as good as ``values``; stops when its objective is ``enough``.

    ``columns`` of each year, or of one by itself; ``guides``: (host columns of a year,) shares
    from 0 to 1 of hosts worth a look.
    """
    solver = problem.scenario.solver
    rng = np.random.default_rng(solver.seed)
    choices = structural_mask(columns, len(arrays.cost))
    began = time.perf_counter()
    best, wide, tries = arrays.objective(values), np.ones(NEIGHBOURHOODS), 0
    while not enough(best):
        left = seconds - (time.perf_counter() - began)
        if left <= 0:
            record_timeout("the search for better plans over years")
            break
        kind = tries % NEIGHBOURHOODS
        worth = _candidate_hosts(columns, values, guides)
        host, touched = _neighbourhood(
            columns, problem, values, guides, worth, kind, wide[kind], rng
        )
        part = fix_columns(
            arrays, choices & ~structural_columns(columns, host, touched, len(values)), values
        )
        found = solve(
            part,
            time_limit_seconds=min(left, TRY_SHARE * seconds),
            gap=solver.gap / 10,
            threads=solver.threads,
            seed=solver.seed + tries,
            warm_start=values,
        )
        done = found.status is Status.OPTIMAL
        wide[kind] *= GROW if done else SHRINK
        tries += 1
        if found.values is not None and found.objective is not None and found.objective < best:
            best, values = found.objective, found.values
        if found.status is Status.INTERRUPTED:
            break
        if done and host.sum() == worth.sum():  # nothing that is worth a look was kept
            break
    return values


def _candidate_hosts(columns: Sequence[Columns], values: Floats, guides: Sequence[Floats]) -> Bools:
    """(H,) hosts of today, of the plan or of a guide, in any year."""
    x = columns[0]
    plan = np.max([values[of.host.all] for of in columns], axis=0) > 0.5
    guided = np.max([np.zeros(x.host.size), *guides], axis=0) > SUPPORT_TOLERANCE
    worth: Bools = ~x.is_new | plan | guided
    return worth


def _neighbourhood(
    columns: Sequence[Columns],
    problem: EstateProblem,
    values: Floats,
    guides: Sequence[Floats],
    worth: Bools,
    kind: int,
    wide: float,
    rng: np.random.Generator,
) -> tuple[Bools, Bools]:
    """Hosts (H,) and buildings (B,) that may change, of the hosts ``worth`` a look."""
    x = columns[0]
    b, services = problem.buildings, len(problem.services.ids)
    touched = np.zeros(len(b.ids), bool)
    if kind == 0:
        of = rng.integers(len(b.ids))
        far = np.hypot(b.x_m - b.x_m[of], b.y_m - b.y_m[of])
        touched[np.argsort(far)[: max(2, round(BUILDINGS_FREE * wide * len(b.ids)))]] = True
        return worth & touched[x.hosts.building], touched
    if kind == 1:
        some = rng.permutation(services)[: max(1, round(SERVICES_FREE * wide * services))]
        host = worth & np.isin(x.hosts.service, some)
    else:
        last = values[columns[-1].host.all]
        guide = guides[int(rng.integers(len(guides)))] if guides else last
        draw = np.where(worth, np.abs(last - guide) + 0.2 * rng.random(len(last)), -1.0)
        host = np.zeros(len(last), bool)
        host[np.argsort(-draw)[: max(2, round(HOSTS_FREE * wide * worth.sum()))]] = True
        host &= worth
    touched[x.hosts.building[host]] = True
    return host, touched


def structural_columns(
    columns: Sequence[Columns], host: Bools, building: Bools, size: int
) -> Bools:
    """(columns,) what becomes of these hosts and buildings in every year."""
    free = np.zeros(size, bool)
    for x in columns:
        free[x.host.all], free[x.open.all] = host, building
        free[x.tier.all] = building[x.tier_building]
        free[x.dispose.all] = building[x.dispose_building]
    return free
