"""Budgets of many programmes over years, solved to a proven gap, and by other methods.

    python benchmarks/budget.py --ways ours cbc highs                 # S-curves
    python benchmarks/budget.py --pace --ways ours cbc highs          # and a pace on each programme
    python benchmarks/budget.py --concave --pace --ways ours cbc highs cvxpy

The place is that of ``placeopt.bench.subjects.many_programmes``. Every method has the same problem
and its own process with one thread, which is killed with all its children ten seconds after its
limit:

    ours    placeopt.budget's solve; its bound is proven for the curves themselves
    cbc     the model with curves cut into straight pieces (within ``--cut`` of an outcome's range,
            from below), in PuLP on CBC
    highs   the same model on HiGHS
    cvxpy   the concave problem in cvxpy on Clarabel (pip install "placeopt[bench]")

A plan's value is that of the curves themselves. "above" is how far it lies above the bound that
ours proves; "breach" the furthest that it breaks a limit, as a share of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.bench.subjects.many_programmes import make_scenario, many_programmes
from placeopt.budget.problem import effects, objective_values
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.build import build_problem
from placeopt.engine.settings import Settings

NAME = "weighted_outcomes"
Found = tuple[Floats | None, float]  # spend (T, P) and what the way itself calls its bound


def ours(problem: BudgetProblem, task: dict[str, Any]) -> Found:
    from placeopt.budget.search.refinement import solve_lexicographic

    asked = make_scenario(task["years"], task["gap"], task["time_limit"], pace=task["pace"])
    solver = asked.solver.model_copy(update={"threads": 1})
    solved = solve_lexicographic(problem, solver)
    return solved.spend, solved.result.bound


def in_pieces(problem: BudgetProblem, task: dict[str, Any]) -> Found:
    """One model for good: the curves from below, so its plan holds; its bound is the model's."""
    from placeopt import engine
    from placeopt.budget.model.formulation import formulate
    from placeopt.budget.search.approximation import Approximation
    from placeopt.budget.search.rounding import spend_from_result

    began = time.perf_counter()
    model = formulate(problem, Approximation(problem, task["cut"]).pieces("under"), NAME)
    left = max(1.0, task["time_limit"] - (time.perf_counter() - began))
    result = engine.solve(
        model, Settings(engine=task["way"], time_limit_seconds=left, gap=task["gap"], threads=1)
    )
    return (spend_from_result(problem, model, result) if result.has_plan else None), result.bound


def cvxpy(problem: BudgetProblem, task: dict[str, Any]) -> Found:
    """Hill curves of exponent 1, m s / (k + s), as they are."""
    import cvxpy as cp
    import scipy.sparse as sp

    money, decided, pairs = 1e6, len(problem.horizon.years), len(problem.pairs.stream)
    pay = cp.Variable((decided, pairs), nonneg=True)
    n = np.arange(pairs)
    of_p = sp.csr_matrix((np.ones(pairs), (n, problem.pairs.programme)))
    of_f = sp.csr_matrix((np.ones(pairs), (n, problem.pairs.stream)))
    spend = pay @ of_p
    m = np.array([curve.maximum_effect for curve in problem.curves.response])
    k = np.array([curve.scale_gbp for curve in problem.curves.response]) / money
    before, p = problem.programmes.base_spend / money, problem.curves.programme
    today = m * before[p] / (k + before[p])
    years = np.ones((decided, 1))
    lost = cp.multiply(years * (m * k), cp.inv_pos(years * k + spend[:, p]))
    effect = years * (m - today) - lost  # (T, C), beyond today's
    of_o = sp.csr_matrix((np.ones(len(m)), (np.arange(len(m)), problem.curves.outcome)))
    gain = [
        sum(cp.multiply(problem.curves.effect_share[b, t], effect[t]) for t in range(decided))
        @ of_o
        for b in range(decided)
    ]
    paid, total = cp.cumsum(cp.sum(pay, axis=1)), np.cumsum(problem.money.total) / money
    limits = [
        paid <= total,
        pay @ of_f <= problem.streams.limit / money,
        spend <= years * problem.limits.maximum / money,
    ]
    for t in range(decided):
        held = np.flatnonzero(np.isfinite(problem.standards.minimum_gain[t]))
        limits.append(gain[t][held] >= problem.standards.minimum_gain[t, held])
        if task["pace"]:
            last = before if t == 0 else spend[t - 1]
            limits.append(spend[t] >= cp.multiply(1 - problem.limits.pace_cut, last))
            limits.append(spend[t] <= cp.multiply(1 + problem.limits.pace_rise, last))
    worth = problem.outcomes.weight / problem.outcomes.attainable_range / decided
    asked = cp.Problem(cp.Minimize(-sum(worth @ one for one in gain)), limits)
    asked.solve(solver="CLARABEL", time_limit=float(task["time_limit"]), max_threads=1)
    found = None if spend.value is None else np.maximum(0.0, spend.value) * money
    return found, np.nan if asked.value is None else float(asked.value)


WAYS = {"ours": ours, "cbc": in_pieces, "highs": in_pieces, "cvxpy": cvxpy}


def breach(problem: BudgetProblem, spend: Floats) -> float:
    """The furthest that a spend breaks the total, its maximum, its pace or a standard."""
    total = np.cumsum(problem.money.total)
    last = np.vstack([problem.programmes.base_spend, spend[:-1]])
    with np.errstate(invalid="ignore"):
        slow = (1 - np.minimum(problem.limits.pace_cut, 1)) * last - spend
        fast = np.where(
            np.isfinite(problem.limits.pace_rise), spend - (1 + problem.limits.pace_rise) * last, 0
        )
    short = (
        problem.standards.minimum_gain - effects.gain(problem, spend)[: len(spend)]
    ) / problem.outcomes.attainable_range
    parts = [
        (np.cumsum(spend.sum(axis=1)) - total) / total,
        spend / problem.limits.maximum - 1,
        np.maximum(slow, fast) / problem.programmes.base_spend,
        np.nan_to_num(short, nan=0.0),
    ]
    return max(0.0, *(float(part.max()) for part in parts))


def one(folder: Path) -> None:
    """One way on one case in this process, as ``placeopt.bench.runner.process`` runs it."""
    from placeopt.bench.runner.worker import cpu_seconds

    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    way = WAYS[task["way"]]
    warm_up_cases = _problem({**task, "programmes": 6, "outcomes": 3})
    way(warm_up_cases, {**task, "time_limit": 5.0})  # loads what the way needs
    problem = _problem(task)
    (folder / "ready").touch()
    began, cpu = time.perf_counter(), cpu_seconds()
    spend, bound = way(problem, task)
    record = {"seconds": time.perf_counter() - began, "cpu": cpu_seconds() - cpu, "bound": bound}
    if spend is not None:
        record["value"] = objective_values.objective_value(problem, NAME, spend, first=True)
        record["breach"] = breach(problem, spend)
    (folder / "answer.json").write_text(json.dumps(record), encoding="utf-8")


def _problem(task: dict[str, Any]) -> BudgetProblem:
    sizes = task["programmes"], task["outcomes"], task["years"]
    place = many_programmes(*sizes, concave=task["concave"], seed=task["seed"])
    return build_problem(place, make_scenario(task["years"], task["gap"], 60.0, pace=task["pace"]))


def measured(task: dict[str, Any]) -> dict[str, Any]:
    """What came of a way in a process of its own; ``ended`` where it was ended."""
    from placeopt.bench.runner.process import run_worker

    command = (sys.executable, str(Path(__file__).resolve()), "--one")
    with tempfile.TemporaryDirectory(prefix="placeopt-") as folder:
        record, fault = run_worker(
            task, Path(folder), command, grace_seconds=10.0, limit_factor=1.0
        )
    return record if record is not None else {"ended": fault}


def report(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    columns = ["programmes", "outcomes", "years", "curves", "pace", "seed", "way"]
    columns += ["s", "CPU s", "value", "own gap", "above", "breach"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * 7 + " ---: |" * 6)
    proven = {_case(task): found["bound"] for task, found in rows if task["way"] == "ours"
              and "bound" in found}  # fmt: skip
    for task, found in rows:
        curves = "concave" if task["concave"] else "S"
        cells = [str(task[key]) for key in ("programmes", "outcomes", "years")]
        cells += [curves, "yes" if task["pace"] else "no", str(task["seed"]), task["way"]]
        value, bound = found.get("value"), proven.get(_case(task))
        if "ended" in found:
            cells += [found["ended"][:60], "", "", "", "", ""]
        else:
            cells += [f"{found['seconds']:.1f}", f"{found['cpu']:.1f}"]
            if value is None:
                cells += ["no plan", "", "", ""]
            else:
                own = f"{(value - found['bound']) / abs(value):.3%}"
                cells += [f"{value:.5f}", own if task["way"] == "ours" else f"({own})"]
                cells += ["" if bound is None else f"{(value - bound) / abs(value):.3%}"]
                cells += [f"{found['breach']:.0e}" if found["breach"] > 1e-7 else "none"]
        print("| " + " | ".join(cells) + " |")


def _case(task: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        task[key] for key in ("programmes", "outcomes", "years", "concave", "pace", "seed")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--programmes", type=int, default=200)
    parser.add_argument("--outcomes", type=int, default=40)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--concave", action="store_true")
    parser.add_argument("--pace", action="store_true", help="30 %% down, 50 %% up a year at most")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--cut", type=float, default=1e-3, help="the pieces' error, of a range")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--ways", nargs="+", default=["ours"], choices=sorted(WAYS))
    given = vars(parser.parse_args())
    given["time_limit"] = given.pop("seconds")
    seeds, ways = given.pop("seeds"), given.pop("ways")
    if "cvxpy" in ways and not given["concave"]:
        parser.error("cvxpy knows the concave problem only: add --concave")
    tasks = [{**given, "seed": seed, "way": way} for seed in seeds for way in ways]
    report([(task, measured(task)) for task in tasks])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]))
    else:
        main()
