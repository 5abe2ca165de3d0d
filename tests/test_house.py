"""The import rules: which room may import which, what verifiers may see, and how light an import
is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import placeopt

SOURCE = Path(placeopt.__file__).parent

# In the order in which data walks through them: a room imports only from rooms before it. Of these
# joint, explore and studio have their place in the order and are not built yet.
ROOMS = [
    "base",
    "place",
    "travel",
    "scenario",
    "engine",
    "location",
    "estate",
    "budget",
    "joint",
    "store",
    "study",
    "report",
    "bench",
    "explore",
    "studio",
]
ANYWHERE = {"__init__", "__main__", "errors", "run", "cli", "studio"}
HEAVY = [
    "pandas",
    "geopandas",
    "shapely",
    "ortools",
    "highspy",
    "numba",
    "pandera",
    "matplotlib",
    "pulp",
    "xlsxwriter",
    "scipy",
]
SOLVERS = {"highspy", "ortools", "pulp", "cvxpy", "pyscipopt", "gurobipy", "cplex", "coptpy",
           "xpress", "spopt"}  # fmt: skip
# Allowed imports of a verifier besides its own folder: inputs, and records of results.
VERIFIER_SEES = {
    "estate": ("base", "place", "travel", "scenario"),
    "budget": ("base", "place", "travel", "scenario"),
    "location": (
        *("base", "scenario.verification"),
        *("location.statement", "location.solution", "location.distances"),
        *("location.flow_refuelling.statement", "location.flow_refuelling.solution"),
    ),
}
PLANS = ("engine.answer", "engine.Plan")  # a plan is tables from any source


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(module: str) -> str:
    """The room of a dotted name inside the package: placeopt.place.tables -> place."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of the package's own modules, at any level."""
    package = ["placeopt", *path.relative_to(SOURCE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: -node.level], *([base] if base else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "placeopt")


def breaches(room: str, imports: Iterator[tuple[int, str]]) -> list[str]:
    """Forbidden imports of a room, each with its line."""
    if room in ANYWHERE:
        return []
    order = ROOMS.index(room)
    return [
        f"line {line}: {name}"
        for line, name in imports
        if name == "placeopt"
        or room_of(name) in (ANYWHERE - {"__init__"})
        or (room_of(name) in ROOMS and ROOMS.index(room_of(name)) > order)
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_before_it(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert room in ROOMS or room in ANYWHERE, f"{path} stands in a room the house does not know"
    assert breaches(room, imports_of(path)) == []


def test_the_law_names_a_breach() -> None:
    upwards = [
        (3, "placeopt.engine.solve"),
        (4, "placeopt.base.errors.Finding"),
        (5, "placeopt.study.answer.solve"),
        (6, "placeopt"),
    ]
    assert breaches("place", iter(upwards)) == [
        "line 3: placeopt.engine.solve",
        "line 5: placeopt.study.answer.solve",
        "line 6: placeopt",
    ]


def test_estate_and_budget_never_meet_outside_joint() -> None:
    for room, other in [("estate", "budget"), ("budget", "estate")]:
        for path in (SOURCE / room).rglob("*.py"):
            seen = [name for _, name in imports_of(path) if room_of(name) == other]
            assert not seen, f"{path} imports {seen}"


def module_of(path: Path) -> str:
    """The dotted name of a file of the package; a folder's ``__init__`` has the folder's."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def arrows() -> dict[str, set[str]]:
    """By module, the modules of the package that it imports, for typing or lazily too."""
    known = {module_of(path): path for path in modules()}
    found: dict[str, set[str]] = {}
    for module, path in known.items():
        names = [name for _, name in imports_of(path)]
        named = {name if name in known else name.rpartition(".")[0] for name in names}
        found[module] = (named & set(known)) - {module, *_parents(module)}
    return found


def _parents(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[:i]) for i in range(1, len(parts))}


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Circular imports between files: each circle once, sorted."""
    order: list[str] = []
    seen: set[str] = set()

    def walk(module: str) -> None:
        seen.add(module)
        for other in sorted(arrows.get(module, ())):
            if other not in seen:
                walk(other)
        order.append(module)

    for module in sorted(arrows):
        if module not in seen:
            walk(module)
    back: dict[str, set[str]] = {}
    for module, others in arrows.items():
        for other in others:
            back.setdefault(other, set()).add(module)
    done: set[str] = set()
    found = []
    for module in reversed(order):
        group, waiting = set(), [module]
        while waiting:
            one = waiting.pop()
            if one not in done:
                done.add(one)
                group.add(one)
                waiting += back.get(one, set()) - done
        if len(group) > 1:
            found.append(sorted(group))
    return sorted(found)


def test_no_files_import_one_another_round_about() -> None:
    assert circles(arrows()) == []


def test_a_circle_is_seen() -> None:
    drawn = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert circles(drawn) == [["a", "b", "c"]]


def test_only_engines_and_rivals_import_solvers() -> None:
    """Models reach solvers through ``placeopt.engine``; only rivals in benchmarks call solvers
    directly."""
    for path in modules():
        inside = path.relative_to(SOURCE).parts
        if inside[0] == "engine" or inside[:2] == ("bench", "rivals"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            asked = {name.split(".")[0] for name in names} & SOLVERS
            assert not asked, f"{path}:{node.lineno} imports {asked}"


def unseemly(room: str, imports: Iterator[tuple[int, str]]) -> list[str]:
    """What a verifier of ``room`` imports that it may not see."""
    allowed = [f"placeopt.{name}" for name in (*VERIFIER_SEES[room], f"{room}.verify", *PLANS)]
    return [
        f"line {line}: {name}"
        for line, name in imports
        if not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]


def test_verifiers_are_blind_to_the_solver() -> None:
    verifiers = [path for path in modules() if "verify" in (path.stem, path.parent.name)]
    rooms = {path.relative_to(SOURCE).parts[0] for path in verifiers}
    assert rooms == set(VERIFIER_SEES)
    for path in verifiers:
        room = path.relative_to(SOURCE).parts[0]
        assert unseemly(room, imports_of(path)) == [], path


def test_a_verifier_that_looks_at_a_model_is_seen() -> None:
    looks = [(1, "placeopt.estate.model.formulation"), (2, "placeopt.scenario.discount.annuity")]
    assert unseemly("estate", iter(looks)) == ["line 1: placeopt.estate.model.formulation"]


@pytest.mark.parametrize("module", ["placeopt", "placeopt.cli"])
def test_an_import_stays_light(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [], f"import {module} loads {done.stdout}"


@pytest.mark.parametrize("order", ["highspy, ortools.linear_solver.pywraplp", None])
def test_highspy_and_ortools_live_in_one_process(order: str | None) -> None:
    order = order or "ortools.linear_solver.pywraplp, highspy"
    done = subprocess.run([sys.executable, "-c", f"import {order}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_only_the_crs_module_converts_coordinates() -> None:
    # The checks of a place convert one outline, a system's own area of use, and no coordinates.
    allowed = {SOURCE / "travel" / "crs.py", SOURCE / "place" / "check" / "points.py"}
    for path in set(modules()) - allowed:
        text = path.read_text(encoding="utf-8")
        for word in ("to_crs(", "Transformer", "estimate_utm_crs"):
            assert word not in text, f"{path} converts coordinates: {word}"


def test_importing_configures_no_logging() -> None:
    code = "import logging, placeopt, placeopt.cli; print(len(logging.getLogger().handlers))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
