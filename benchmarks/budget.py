"""Budgets of many programmes over years, solved to a proven gap, and by other ways.

    python benchmarks/budget.py --programmes 200 --years 5 --outcomes 40            # S-curves
    python benchmarks/budget.py --programmes 200 --years 5 --outcomes 40 --concave
    python benchmarks/budget.py --programmes 60 --years 1 --concave --ways ours cbc cvxpy

A made-up place: each programme has Hill curves (exponent 2 to 5, or 1 where concave) to two
outcomes, some of them a year late, eight streams of which half are ring-fenced, ten per cent less
money with a reserve carried between years, half of the outcomes with a minimum standard.
``ours`` is ``placeopt.budget``'s solve, its bound proven; ``cbc`` is ``models/budget.py`` in PuLP
on CBC (one year, 60 straight pieces a curve, no pace); ``cvxpy`` the concave one in cvxpy where it
is installed (one year, without pace). Each prints its seconds, its value and its proven gap.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.budget.cases import _filled
from placeopt.budget.problem import state
from placeopt.budget.refine import solve_all
from placeopt.place import Place, PlaceInfo, dictionary
from placeopt.scenario import Scenario
from placeopt.scenario.budget_rules import OneBudget, Outcomes, Pace, Statutory, Streams

STREAMS = 8


def made_up(programmes: int, outcomes: int, years: int, *, concave: bool, seed: int) -> Place:
    """The place of the docstring; money in GBP, outcomes in points."""
    rng = np.random.default_rng(seed)
    p_ids = [f"p{i:03}" for i in range(programmes)]
    o_ids = [f"o{i:02}" for i in range(outcomes)]
    f_ids = [f"f{i}" for i in range(STREAMS)]
    today = np.round(rng.lognormal(1.0, 0.8, programmes) * 1e6)
    payer = rng.integers(0, STREAMS, programmes)
    curves = []
    for i, p in enumerate(p_ids):
        for o in rng.choice(outcomes, 2, replace=False):
            shape = 1.0 if concave else float(rng.uniform(2, 5))
            curves.append(
                {
                    "programme_id": p,
                    "outcome_id": o_ids[o],
                    "form": "hill",
                    "maximum_effect": float(rng.uniform(1, 4)),
                    "scale_gbp": float(today[i] * rng.uniform(0.6, 1.6)),
                    "shape": shape,
                    "lag_years": int(rng.random() < 0.25 and years > 1),
                    "persistence_share": 0.2 * float(years > 1),
                }
            )
    paid = np.bincount(payer, today, STREAMS)
    rows: dict[str, list[dict[str, Any]]] = {
        "agencies": [{"agency_id": "all"}],
        "programmes": [
            {"programme_id": p, "agency_id": "all", "maximum_gbp_per_year": 2.5 * gbp}
            for p, gbp in zip(p_ids, today, strict=True)
        ],
        "streams": [
            {"stream_id": f, "agency_id": "all", "ring_fenced": i % 2 == 1}
            for i, f in enumerate(f_ids)
        ],
        "stream_amounts": [
            {"stream_id": f, "year": 2026 + t, "amount_gbp": float(round(paid[i] * 0.97))}
            for i, f in enumerate(f_ids)
            for t in range(years)
        ],
        "stream_programmes": [
            {"stream_id": f_ids[f], "programme_id": p}
            for p, own in zip(p_ids, payer, strict=True)
            for f in range(1, STREAMS, 2)
            if f == own or rng.random() < 0.2
        ],
        "spending": [
            {"year": 2025, "programme_id": p, "stream_id": f_ids[f], "amount_gbp": gbp}
            for p, f, gbp in zip(p_ids, payer, today, strict=True)
        ],
        "outcomes": [
            {
                "outcome_id": o,
                "unit": "points",
                "direction": "higher",
                "baseline": 50.0,
                "target": 56.0,
                "minimum_standard": 48.5 if i % 2 else np.nan,
                "weight": float(rng.uniform(0.5, 2)),
            }
            for i, o in enumerate(o_ids)
        ],
        "curves": curves,
    }
    tables = {table: _filled(table, rows.get(table, [])) for table in dictionary()}
    return Place(PlaceInfo("Many programmes", made_up=True), tables)


def question(years: int, gap: float, seconds: float, *, pace: bool) -> Scenario:
    rules = [OneBudget(rule="one_budget", reduction_share=0.1, carry_over=years > 1)]
    rules += [kind(rule=kind.name) for kind in (Streams, Statutory, Outcomes)]  # type: ignore[misc]
    if pace:
        rules.append(Pace(rule="pace", largest_cut_share=0.3, largest_rise_share=0.5))  # type: ignore[arg-type]
    return Scenario(
        question="How are many programmes paid for?",
        problem="budget",
        years=years,
        objective={"minimise": ("weighted_outcomes",)},  # type: ignore[arg-type]
        rules=tuple(rules),
        solver={"gap": gap, "time_limit_seconds": seconds},  # type: ignore[arg-type]
    )


def ours(place: Place, scenario: Scenario) -> tuple[float, float]:
    """Value and proven gap."""
    solved = solve_all(state(place, scenario), scenario.solver)
    result = solved.result
    return (np.nan if result.objective is None else result.objective), result.gap


def cbc(place: Place, scenario: Scenario) -> tuple[float, float]:
    """The reference model in PuLP on CBC; its 60 pieces are not part of its own gap."""
    import importlib.util

    path = Path(__file__).resolve().parents[1] / "models" / "budget.py"
    spec = importlib.util.spec_from_file_location("budget_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    total = 0.9 * float(place.spending["amount_gbp"].sum())
    value = module.solve(dict(place.tables), total=total, pieces=60)
    return (np.nan if value is None else value), np.nan


def cvxpy(place: Place, scenario: Scenario) -> tuple[float, float]:
    """The concave one-year problem (Hill curves of exponent 1) with cvxpy's own solver."""
    import cvxpy as cp

    problem = state(place, scenario)
    pay = cp.Variable(len(problem.pair_stream), nonneg=True)
    money = 1e6
    size = len(problem.programme_ids)
    to_p = np.zeros((size, len(problem.pair_stream)))
    to_p[problem.pair_programme, np.arange(len(problem.pair_stream))] = 1
    to_f = np.zeros((len(problem.stream_ids), len(problem.pair_stream)))
    to_f[problem.pair_stream, np.arange(len(problem.pair_stream))] = 1
    spend = to_p @ pay
    m = np.array([curve.maximum_effect for curve in problem.curves])
    k = np.array([curve.scale_gbp for curve in problem.curves]) / money
    p, o = problem.curve_programme, problem.curve_outcome
    before = problem.before[p] / money
    effect = cp.multiply(m, 1 - cp.multiply(k, cp.inv_pos(k + spend[p]))) - m * before / (
        k + before
    )
    to_o = np.zeros((len(problem.outcome_ids), len(m)))
    to_o[o, np.arange(len(m))] = 1
    gain = to_o @ effect
    least = problem.minimum_gain[0]
    held = np.flatnonzero(np.isfinite(least))
    limits = [
        cp.sum(pay) <= problem.total[0] / money,
        to_f @ pay <= problem.amount[0] / money,
        spend <= problem.maximum / money,
        gain[held] >= least[held],
    ]
    worth = problem.weight / problem.reach
    asked = cp.Problem(cp.Minimize(-(worth @ gain)), limits)
    return float(asked.solve()), np.nan


WAYS = {"ours": ours, "cbc": cbc, "cvxpy": cvxpy}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--programmes", type=int, default=200)
    parser.add_argument("--outcomes", type=int, default=40)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--concave", action="store_true")
    parser.add_argument(
        "--pace", action="store_true", help="30 %% down, 50 %% up in a year at most"
    )
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--ways", nargs="+", default=["ours"], choices=sorted(WAYS))
    given = parser.parse_args()
    rows = []
    for seed in given.seeds:
        sizes = given.programmes, given.outcomes, given.years
        place = made_up(*sizes, concave=given.concave, seed=seed)
        scenario = question(given.years, given.gap, given.seconds, pace=given.pace)
        for way in given.ways:
            began, processor = time.perf_counter(), time.process_time()
            try:
                value, gap = WAYS[way](place, scenario)
            except ImportError:
                continue
            seconds = time.perf_counter() - began
            cpu = time.process_time() - processor
            rows.append([*sizes, "no" if given.concave else "yes", seed, way, seconds, cpu])
            rows[-1] += [value, gap]
    columns = ["programmes", "outcomes", "years", "S-curves", "seed", "way", "s", "CPU s"]
    columns += ["value", "gap"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(f"{x:.5g}" if isinstance(x, float) else str(x) for x in row) + " |")


if __name__ == "__main__":
    main()
