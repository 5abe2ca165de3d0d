"""Compare the time of solves with their time limits, in every room.

One process at a time, its code loaded and warm; wall seconds are those of the whole call:
statement, search, what is completed, explanation, verification. Wall may be the limit plus the
larger of a tenth and two seconds ("over" is what goes beyond). On a machine with other work wall
seconds grow and CPU seconds do not: read both.

    python benchmarks/limits.py --limits 0.5,2,6 --rooms estate,budget,location
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
Case = tuple[str, Callable[[float], str]]  # name; solves within a limit and says how it ended


def scenarios() -> Iterator[Case]:
    """Every shipped scenario, and those that cannot be met, as they stand."""
    from placeopt.scenario import read_scenario

    for file in sorted(DATA.glob("*/scenarios/*.toml")):
        scenario = read_scenario(file)
        yield f"{scenario.problem} {file.stem}", _solves(scenario)
    marlshire = DATA / "marlshire" / "scenarios"
    estate, budget = (read_scenario(marlshire / f"{n}.toml") for n in ("estate", "budget"))
    yield "estate clash", _solves(_clashing_estate(estate))
    yield "estate years clash", _solves(_clashing_estate(read_scenario(marlshire / "trust.toml")))
    yield "estate behaviour", _solves(_by_themselves(estate))
    yield "budget clash", _solves(_short(budget, 0.5))
    three = read_scenario(marlshire / "cut_over_three_years.toml")
    yield "budget years clash", _solves(_short(three, 0.5))


def _clashing_estate(scenario: Any) -> Any:
    """The question with a standard that no building can keep."""
    from placeopt.scenario.rules.estate.services import Access

    rule = Access(services="all", minutes=1.0, share=1.0, modes=("walk",), who="all")
    return scenario.model_copy(update={"rules": (*scenario.rules, rule)})


def _by_themselves(scenario: Any) -> Any:
    """The question with residents who go to the nearest place."""
    from placeopt.scenario.rules.estate.services import Behaviour

    return scenario.model_copy(update={"rules": (*scenario.rules, Behaviour(residents="nearest"))})


def _short(scenario: Any, share: float) -> Any:
    """The question with a total reduced by a share that no budget can keep to."""
    from placeopt.scenario.rules.budget.money import OneBudget

    kept = tuple(rule for rule in scenario.rules if not isinstance(rule, OneBudget))
    return scenario.model_copy(update={"rules": (OneBudget(reduction_share=share), *kept)})


def _solves(scenario: Any) -> Callable[[float], str]:
    from placeopt.base.errors import NoPlanError
    from placeopt.place import read_place
    from placeopt.study.answer import solve

    place = read_place(scenario.place_path)

    def solved(seconds: float) -> str:
        solver = scenario.solver.model_copy(update={"time_limit_seconds": seconds})
        try:
            answer = solve(place, scenario.model_copy(update={"solver": solver}))
        except NoPlanError:
            return "no plan"
        return str(answer.result.status)

    return solved


def locations() -> Iterator[Case]:
    """Each location problem on random points of some size."""
    import numpy as np

    from placeopt.location import Points, Problem, locate
    from placeopt.location.statement import KINDS, KINDS_USING

    rng = np.random.default_rng(1)
    for kind in KINDS:
        n = 80 if kind in ("p-dispersion",) else 300
        xy = rng.uniform(0, 1000, (n, 2))
        given = {
            "p": 20, "radius": 120.0, "capacities": np.full(n, 40.0),
            "fixed_costs": np.full(n, 300.0),
        }  # fmt: skip
        chosen = {k: v for k, v in given.items() if v is not None and kind in KINDS_USING[k]}
        problem = Problem(kind, Points(xy, xy), **chosen)

        def solved(seconds: float, problem: Any = problem) -> str:
            return str(locate(problem, time_limit_seconds=seconds).status)

        yield f"location {kind}", solved


def cpu() -> float:
    """CPU seconds of this process and its children."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Measure what is asked for, a line each."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--limits", default="0.5,2,6")
    ask.add_argument("--only", default="", help="part of a case's name")
    ask.add_argument("--out", type=Path)
    asked = ask.parse_args()
    rows = [("case", "limit_s", "wall_s", "cpu_s", "over_s", "status", "load")]
    for name, solved in [*scenarios(), *locations()]:
        if asked.only and asked.only not in name:
            continue
        for limit in map(float, asked.limits.split(",")):
            wall, spent = time.perf_counter(), cpu()
            status = solved(limit)
            wall, spent = time.perf_counter() - wall, cpu() - spent
            over = max(wall - limit - max(0.1 * limit, 2.0), 0.0)
            rows.append((name, f"{limit:g}", f"{wall:.1f}", f"{spent:.1f}", f"{over:.1f}", status,
                         f"{os.getloadavg()[0]:.1f}"))  # fmt: skip
            print(*rows[-1], sep=",", flush=True)
    if asked.out:
        with asked.out.open("w", newline="") as file:
            csv.writer(file).writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
