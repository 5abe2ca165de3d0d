"""Solve a scenario file for a place by the reference model: ``python -m models.estate``."""

import sys
from pathlib import Path

import pulp
from models.estate import solve

from placeopt.place import read_place
from placeopt.scenario import read_scenario
from placeopt.travel import measure


def main(place_path: str, scenario_path: str) -> None:
    """Solve a scenario file for a place and print the decision on every building."""
    place, scenario = read_place(Path(place_path)), read_scenario(Path(scenario_path))
    m, best = solve(place, measure(place, **scenario.travel.model_dump()), scenario)
    if best is None:
        print("No plan keeps all the rules.")
        return
    print(f"{scenario.objective.minimise[0]}: {best:,.2f}")
    for b, row in m.buildings.items():
        here = [s for s in m.services if (b, s) in m.host and pulp.value(m.host[b, s]) > 0.5]
        word = "open" if pulp.value(m.open[b]) > 0.5 else "closed"
        print(f"{b:10} {row['name']:30} {word:7} {', '.join(here)}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
