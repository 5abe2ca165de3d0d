"""What is measured: named suites of cases, generated from seeds or read from the user's files.

A case is a few plain values, so that it can be handed to another process and written in a record;
``problem_of`` makes the problem from them. Generated families run anywhere:

    points    customers = sites, uniform in a square of side 1,000, whole part of the distance
    grid      as points, drawn around p centres
    covering  points, with a radius that ten sites would need to cover half

Standard files are read from a folder that the user names (``benchmarks/README.md`` says where to
get them); a suite takes from it what is there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.errors import UsageError

if TYPE_CHECKING:
    from placeopt.location import Problem


@dataclass(frozen=True)
class Case:
    """One instance: its name, its family and how to make it."""

    name: str
    family: str
    kind: str
    generator: str = ""
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    best_known: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


SUITES = {
    "smoke": "one tiny case of every problem; seconds",
    "generated": "every problem at two or three sizes from seeds",
    "spopt": "the models spopt has, at n = 100 to 300",
    "pmed": "OR-Library p-median files (folder/pmed)",
    "p-centre": "p-centre on OR-Library p-median files (folder/pmed)",
    "tsplib": "p-median on rl1304 (folder/tsplib)",
    "facility": "uncapacitated facility location (folder/cap, folder/ufl)",
    "capacitated": "capacitated facility location (folder/cap)",
    "single-source": "Holmberg and Diaz-Fernandez (folder/sscfl)",
    "capacitated-p-median": "pmedcap files (folder/cpmp)",
    "maximal-covering": "New York and Bronx (folder/mclp)",
    "large": "10,000 points and a million demand points; minutes",
}


def suite(name: str, folder: str | Path | None = None) -> list[Case]:
    """The cases of a suite. ``folder``: where the standard files are."""
    if name not in SUITES:
        raise UsageError(f"no suite {name!r}; there are {', '.join(SUITES)}")
    if name in _GENERATED:
        return _GENERATED[name]()
    if folder is None or not Path(folder).is_dir():
        raise UsageError(f"suite {name} reads standard files; name the folder that holds them")
    from placeopt.bench.files import cases_of_files

    cases = cases_of_files(name, Path(folder))
    if not cases:
        raise UsageError(f"there are no files for suite {name} in {folder}")
    return cases


def problem_of(case: Case) -> Problem:
    """The problem that a case stands for."""
    from placeopt.location import read_problem

    if case.path:
        problem = read_problem(case.kind, case.path, **case.options)
        return problem.replace(name=case.name, best_known=case.best_known)
    return _generate(case)


def _smoke() -> list[Case]:
    return [_case(kind, 12, 3, 1, "smoke") for kind in _kinds()]


def _generated() -> list[Case]:
    sizes = {"p-dispersion": (30, 60), "single-source": (40, 80), "capacitated-p-median": (40, 80)}
    return [
        _case(kind, n, max(3, n // 20), seed, kind)
        for kind in _kinds()
        for n in sizes.get(kind, (100, 300))
        for seed in (1, 2)
    ]


def _spopt() -> list[Case]:
    kinds = ("p-median", "covering", "maximal-covering", "p-centre")
    cases = [_case(kind, n, n // 20, 1, kind) for kind in kinds for n in (100, 200, 300)]
    return [*cases, _case("p-dispersion", 30, 5, 1, "p-dispersion")]


def _large() -> list[Case]:
    return [
        _case("p-median", 10_000, 1_000, 1, "large", exact=True),
        _case("p-median", 10_000, 100, 1, "large", exact=True),
        _case("maximal-covering", 1_000_000, 10, 1, "large", sites=100),
    ]


_GENERATED = {"smoke": _smoke, "generated": _generated, "spopt": _spopt, "large": _large}


def _kinds() -> tuple[str, ...]:
    from placeopt.location import KINDS

    return KINDS


def _case(kind: str, n: int, p: int, seed: int, family: str, **more: Any) -> Case:
    options = {"n": n, "p": p, "seed": seed, **more}
    return Case(f"{kind}-{n}-{p}-s{seed}", family, kind, "points", options=options)


def _generate(case: Case) -> Problem:
    """Uniform points; capacities fit about a fifth more than the demand with p or n/5 sites."""
    import numpy as np

    from placeopt.location import Points, Problem
    from placeopt.location.problems import NEEDS_CAPACITY, NEEDS_P, NEEDS_RADIUS

    n, p, seed = (int(case.options[key]) for key in ("n", "p", "seed"))
    rng = np.random.default_rng([seed, n, p])
    customers = rng.random((n, 2)) * 1000
    sites = customers
    if "sites" in case.options:
        sites = rng.random((int(case.options["sites"]), 2)) * 1000
    m = len(sites)
    metric = "euclidean" if case.options.get("exact") or "sites" in case.options else "floor"
    fields: dict[str, Any] = {}
    if case.kind in NEEDS_P:
        fields["p"] = p
    if case.kind in NEEDS_RADIUS:
        fields["radius"] = float(round(1000 * np.sqrt(0.5 / (np.pi * 10))))
    if case.kind in ("facility-location", "capacitated-facility-location", "single-source"):
        fields["fixed_costs"] = rng.integers(500, 1500, m).astype(float)
    if case.kind in NEEDS_CAPACITY:
        fields["demands"] = rng.integers(1, 20, n).astype(float)
        opened = p if case.kind in NEEDS_P else max(3, n // 10)
        capacity = np.ceil(1.25 * fields["demands"].sum() / opened) + 10
        fields["capacities"] = np.full(m, float(capacity))
    points = Points(customers, sites, metric)  # type: ignore[arg-type]
    return Problem(case.kind, points, name=case.name, **fields)
