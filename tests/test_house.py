"""The law of the house: who may import whom, what verifiers may see, and how light an import is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import placeopt

SOURCE = Path(placeopt.__file__).parent

# In the order in which data walks through them: a room imports only from rooms before it.
ROOMS = [
    "errors",
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
    "report",
    "bench",
    "explore",
    "studio",
]
ANYWHERE = {"__init__", "__main__", "run", "cli", "studio"}
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


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(module: str) -> str:
    """The room of a dotted name inside the package: placeopt.place.tables -> place."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of the package's own modules, wherever it stands."""
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
    """The imports that a room may not make, each with its line."""
    if room in ANYWHERE:
        return []
    order = ROOMS.index(room)
    return [
        f"line {line}: {name}"
        for line, name in imports
        if room_of(name) in (ANYWHERE - {"__init__"})
        or (room_of(name) in ROOMS and ROOMS.index(room_of(name)) > order)
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert room in ROOMS or room in ANYWHERE, f"{path} stands in a room the house does not know"
    assert breaches(room, imports_of(path)) == []


def test_the_law_names_a_breach() -> None:
    upwards = [
        (3, "placeopt.engine.solve"),
        (4, "placeopt.base.errors.Finding"),
        (5, "placeopt.study.answer.solve"),
    ]
    assert breaches("place", iter(upwards)) == [
        "line 3: placeopt.engine.solve",
        "line 5: placeopt.run.solve",
    ]


def test_estate_and_budget_never_meet_outside_joint() -> None:
    for room, other in [("estate", "budget"), ("budget", "estate")]:
        for path in (SOURCE / room).rglob("*.py"):
            seen = [name for _, name in imports_of(path) if room_of(name) == other]
            assert not seen, f"{path} imports {seen}"


def test_verifiers_are_blind_to_the_solver() -> None:
    verifiers = [path for path in modules() if "verify" in (path.stem, path.parent.name)]
    assert {path.relative_to(SOURCE).parts[0] for path in verifiers} >= {
        "estate",
        "budget",
        "location",
    }
    hidden = ("problem", "formulate", "engine", "scale", "explain", "equations", "refine", "plan")
    for path in verifiers:
        for line, name in imports_of(path):
            seen = [word for word in name.split(".") if word.split("_")[0] in hidden]
            assert not seen, f"{path}:{line} a verifier imports {name}"


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
    allowed = {SOURCE / "travel" / "crs.py", SOURCE / "place" / "check_points.py"}
    for path in set(modules()) - allowed:
        text = path.read_text(encoding="utf-8")
        for word in ("to_crs(", "Transformer", "estimate_utm_crs"):
            assert word not in text, f"{path} converts coordinates: {word}"


def test_importing_configures_no_logging() -> None:
    code = "import logging, placeopt, placeopt.cli; print(len(logging.getLogger().handlers))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
