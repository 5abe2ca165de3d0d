"""Budgets over S-shaped services: local optimisers compared with a proven optimum, in one run.

    python benchmarks/s_curves.py                      # twenty cases of six services
    python benchmarks/s_curves.py --cases 5 --services 10 --seed 7 --markdown

Each case: services with outcome beta s^n / (kappa^n + s^n), n in 2..5, kappa in 10..40, beta in
60..150, and one budget of 10 for each service. The optimum is computed apart, by dynamic
programming over a grid of 1,200 steps, so a continuous optimum may exceed it by a few parts in
ten thousand. "short" is how far below the better of the two known values a method stopped.

ways   ours      placeopt.budget.solve: piecewise integer, refined; its bound is proven
       slsqp-1   scipy's SLSQP from an equal split
       slsqp-20  the best of twenty random starts
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.optimize import minimize

from placeopt.budget import solve
from placeopt.budget.published_cases import s_curve_place

STEPS = 1200


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--services", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print a table for the README")
    options = parser.parse_args(arguments)
    rows = [
        measured(np.random.default_rng([options.seed, case]), options.services)
        for case in range(options.cases)
    ]
    report(rows, options.markdown)


def measured(rng: np.random.Generator, services: int) -> dict[str, dict[str, float]]:
    """One case: for each way its value, seconds, and for ours the proven gap."""
    slope, kappa = rng.uniform(2, 5, services), rng.uniform(10, 40, services)
    beta, budget = rng.uniform(60, 150, services), 10.0 * services

    def worth(spend: np.ndarray) -> float:
        return float((beta * spend**slope / (kappa**slope + spend**slope)).sum())

    found: dict[str, dict[str, float]] = {"dp": {"value": dynamic(slope, kappa, beta, budget)}}
    began = time.perf_counter()
    place, scenario = s_curve_place(slope, kappa, beta, budget)
    answer = solve(place, scenario)
    today = worth(np.full(services, budget / services))
    assert answer.result.objective is not None
    value, bound = today - 100 * answer.result.objective, today - 100 * answer.result.bound
    seconds = time.perf_counter() - began
    found["ours"] = {"value": value, "seconds": seconds, "gap": (bound - value) / value}
    starts = [np.full(services, budget / services)]
    starts += [rng.dirichlet(np.ones(services)) * budget for _ in range(20)]
    began = time.perf_counter()
    found["slsqp-1"] = {"value": local(worth, starts[0], budget)}
    found["slsqp-1"]["seconds"] = time.perf_counter() - began
    began = time.perf_counter()
    found["slsqp-20"] = {"value": max(local(worth, start, budget) for start in starts[1:])}
    found["slsqp-20"]["seconds"] = time.perf_counter() - began
    return found


def dynamic(slope: np.ndarray, kappa: np.ndarray, beta: np.ndarray, budget: float) -> float:
    """The best split on a grid, service after service."""
    grid = np.linspace(0.0, budget, STEPS + 1)
    best = np.zeros(STEPS + 1)
    for n, k, b in zip(slope, kappa, beta, strict=True):
        own = b * grid**n / (k**n + grid**n)
        best = np.array([(best[: at + 1] + own[at::-1]).max() for at in range(STEPS + 1)])
    return float(best[-1])


def local(worth, start: np.ndarray, budget: float) -> float:
    """What SLSQP reaches from one start."""
    result = minimize(
        lambda spend: -worth(np.maximum(spend, 0.0)),
        start,
        method="SLSQP",
        bounds=[(0.0, budget)] * len(start),
        constraints=[{"type": "ineq", "fun": lambda spend: budget - spend.sum()}],
        options={"maxiter": 500, "ftol": 1e-10},
    )
    spend = np.clip(result.x, 0.0, budget)
    return worth(spend * min(1.0, budget / max(spend.sum(), 1e-12)))


def report(rows: list[dict[str, dict[str, float]]], markdown: bool) -> None:
    best = np.array([max(row["dp"]["value"], row["ours"]["value"]) for row in rows])
    bar, end = ("| ", " |") if markdown else ("", "")
    heading = ["way", "mean short", "worst short", "cases > 1 % short", "median s", "worst gap"]
    print(bar + " | ".join(heading) + end)
    if markdown:
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for way in ("ours", "slsqp-1", "slsqp-20"):
        short = 1 - np.array([row[way]["value"] for row in rows]) / best
        seconds = float(np.median([row[way]["seconds"] for row in rows]))
        gap = f"{max(row['ours']['gap'] for row in rows):.3%}" if way == "ours" else "none proven"
        cells = [way, f"{short.mean():.3%}", f"{short.max():.2%}", str((short > 0.01).sum())]
        print(bar + " | ".join([*cells, f"{seconds:.2f}", gap]) + end)


if __name__ == "__main__":
    main()
