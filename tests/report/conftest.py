"""One estate answer and one budget answer of a small place, written once for all report tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from placeopt.engine import Answer
from placeopt.place import Place, synthesise
from placeopt.report import write_results
from placeopt.run import solve
from placeopt.scenario import Scenario, read_scenario

HOSTILE = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://example.invalid")'


@dataclass(frozen=True)
class Written:
    answer: Answer
    folder: Path


@pytest.fixture(scope="session")
def place() -> Place:
    """A small county with a script and a formula for names."""
    small = synthesise(zones=30, buildings=32, seed=3)
    buildings, programmes = small.buildings.copy(), small.programmes.copy()
    buildings.loc[0, "name"], buildings.loc[1, "name"] = HOSTILE, FORMULA
    programmes.loc[0, "name"] = HOSTILE
    return small.replace(buildings=buildings, programmes=programmes)


def ask(folder: Path, problem: str, rules: str = "") -> Scenario:
    path = folder / f"{problem}.toml"
    text = f'question = "What {HOSTILE!r} then?"\nproblem = "{problem}"\n'
    text = text.replace('"x"', "x")
    path.write_text(text + "[solver]\ngap = 0.05\ntime_limit_seconds = 60\n" + rules)
    return read_scenario(path)


@pytest.fixture(scope="session")
def estate(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("estate")
    answer = solve(place, ask(folder, "estate"))
    write_results(answer, folder / "out")
    return Written(answer, folder / "out")


@pytest.fixture(scope="session")
def budget(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("budget")
    cut = '[[rules]]\nrule = "one_budget"\nreduction_share = 0.05\n'
    answer = solve(place, ask(folder, "budget", cut))
    write_results(answer, folder / "out")
    return Written(answer, folder / "out")


@pytest.fixture(scope="session")
def infeasible(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("infeasible")
    ceiling = '[[rules]]\nrule = "revenue"\nceiling_gbp_per_year = 1\n'
    answer = solve(place, ask(folder, "estate", ceiling))
    write_results(answer, folder / "out")
    return Written(answer, folder / "out")
