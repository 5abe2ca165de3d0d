"""Large neighbourhood search over all decided years at once.

By turns the columns around a building, of some services, or where the plan differs from guides
(relaxation of the last year, plans of single years) are free in all years, and everything else is
fixed. Hosts that neither the plan, nor today, nor a guide uses are left out. Every result is a plan
of the whole model; it proves no bound.

Source: Shaw (1998) for large neighbourhood search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Status, solve
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.search.kernel_search import SUPPORT_TOLERANCE, fix_columns, structural_mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BUILDINGS_FREE, SERVICES_FREE, HOSTS_FREE = 0.2, 0.3, 0.2  # shares free at first
TRY_SHARE = 0.15  # of the time, at most, for one neighbourhood
GROW, SHRINK = 1.2, 0.8  # size factors after a neighbourhood was, or was not, solved in time
NEIGHBOURHOODS = 3  # kinds: around a building, of services, of hosts that differ


def improve_years(
    columns: Sequence[Columns],
    problem: EstateProblem,
    arrays: Arrays,
    values: Floats,
    guides: Sequence[Floats],
    seconds: float,
    is_good_enough: Callable[[float], bool],
) -> Floats:
    """Return a plan over years at least as good as ``values``.

    Args:
        columns: the columns of each decided year; of one year alone where one is searched.
        problem: arrays of one of the years: buildings and services are the same in all.
        arrays: the model of all years.
        values: (columns,) the plan to improve.
        guides: (H,) values from 0 to 1 of a year's host columns; hosts above 0 are candidates.
        seconds: time limit.
        is_good_enough: ends the search when it is true of the best objective.

    Returns:
        (columns,) the best plan's vector.
    """
    solver = problem.scenario.solver
    rng = np.random.default_rng(solver.seed)
    structural = structural_mask(columns, len(arrays.cost))
    began = time.perf_counter()
    best, size_factors, attempts = arrays.objective(values), np.ones(NEIGHBOURHOODS), 0
    while not is_good_enough(best):
        remaining = seconds - (time.perf_counter() - began)
        if remaining <= 0:
            record_timeout("the search for better plans over years")
            break
        kind = attempts % NEIGHBOURHOODS
        candidates = _candidate_hosts(columns, values, guides)
        free_hosts, free_buildings = _neighbourhood(
            columns, problem, values, guides, candidates, kind, size_factors[kind], rng
        )
        restricted = fix_columns(
            arrays,
            structural & ~structural_columns(columns, free_hosts, free_buildings, len(values)),
            values,
        )
        result = solve(
            restricted,
            Settings(
                time_limit_seconds=min(remaining, TRY_SHARE * seconds),
                gap=solver.gap / 10,
                threads=solver.threads,
                seed=solver.seed + attempts,
                warm_start=values,
            ),
        )
        is_solved = result.status is Status.OPTIMAL
        size_factors[kind] *= GROW if is_solved else SHRINK
        attempts += 1
        if result.values is not None and result.objective is not None and result.objective < best:
            best, values = result.objective, result.values
        if result.status is Status.INTERRUPTED:
            break
        if (
            is_solved and free_hosts.sum() == candidates.sum()
        ):  # the neighbourhood was all candidates
            break
    return values


def _candidate_hosts(columns: Sequence[Columns], values: Floats, guides: Sequence[Floats]) -> Bools:
    """Return (H,) hosts of today, of the plan or of a guide, in any year."""
    x = columns[0]
    in_plan = np.max([values[year_columns.host.all] for year_columns in columns], axis=0) > 0.5
    in_guides = np.max([np.zeros(x.host.size), *guides], axis=0) > SUPPORT_TOLERANCE
    candidates: Bools = ~x.is_new | in_plan | in_guides
    return candidates


def _neighbourhood(
    columns: Sequence[Columns],
    problem: EstateProblem,
    values: Floats,
    guides: Sequence[Floats],
    candidates: Bools,
    kind: int,
    size_factor: float,
    rng: np.random.Generator,
) -> tuple[Bools, Bools]:
    """Return hosts (H,) and buildings (B,) that are free, of the ``candidates`` (H,)."""
    x = columns[0]
    b, services = problem.buildings, len(problem.services.ids)
    free_buildings = np.zeros(len(b.ids), bool)
    if kind == 0:
        centre = rng.integers(len(b.ids))
        distance = np.hypot(b.x_m - b.x_m[centre], b.y_m - b.y_m[centre])
        free_buildings[
            np.argsort(distance)[: max(2, round(BUILDINGS_FREE * size_factor * len(b.ids)))]
        ] = True
        return candidates & free_buildings[x.hosts.building], free_buildings
    if kind == 1:
        chosen = rng.permutation(services)[: max(1, round(SERVICES_FREE * size_factor * services))]
        host = candidates & np.isin(x.hosts.service, chosen)
    else:
        last = values[columns[-1].host.all]
        guide = guides[int(rng.integers(len(guides)))] if guides else last
        priority = np.where(candidates, np.abs(last - guide) + 0.2 * rng.random(len(last)), -1.0)
        host = np.zeros(len(last), bool)
        host[
            np.argsort(-priority)[: max(2, round(HOSTS_FREE * size_factor * candidates.sum()))]
        ] = True
        host &= candidates
    free_buildings[x.hosts.building[host]] = True
    return host, free_buildings


def structural_columns(
    columns: Sequence[Columns], host: Bools, building: Bools, size: int
) -> Bools:
    """Return (columns,) the structural columns of these hosts (H,) and buildings (B,) in every
    year."""
    mask = np.zeros(size, bool)
    for x in columns:
        mask[x.host.all], mask[x.open.all] = host, building
        mask[x.tier.all] = building[x.tier_building]
        mask[x.dispose.all] = building[x.dispose_building]
    return mask
