"""Small places built by hand, and random ones, for the budget room's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.search import refinement
from placeopt.budget.search.parameters import DEFAULTS
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    OneBudget,
)
from tests.support.places import place_of


def scenario_of(*minimise: str, drop: tuple[str, ...] = (), rules=(), **settings) -> Scenario:
    """A budget scenario; implied rules hold unless given or dropped, prevention and continuity
    only where they are given: hand-worked cases count them out."""
    given = {rule.name for rule in rules}
    drop = (*drop, *({"prevention", "continuity"} - given - set(drop)))
    slack, weights = settings.pop("slack", ()), settings.pop("weights", {})
    solver = {"gap": 1e-6, "threads": 1, **settings.pop("solver", {})}
    return Scenario(
        question="How is the budget split?",
        problem="budget",
        objective={
            "minimise": minimise or ("weighted_outcomes",),
            "slack": slack,
            "weights": weights,
        },
        rules=rules,
        drop=drop,
        solver=solver,
        **settings,
    )


def one_budget(total_gbp: float) -> OneBudget:
    return OneBudget(rule="one_budget", total_gbp=total_gbp)


def two_programmes(**changes) -> Place:
    """Homecare (100 today) and street lights (100 today), each with its own outcome.

    Homecare: one more pound keeps 0.01 falls away up to 300; lights: 0.005 points of feeling safe
    up to 150, then 0.001. One open stream of 200, fenced money of 50 for the lights on top.
    """
    tables = {
        "agencies": [{"agency_id": "council"}, {"agency_id": "nhs"}],
        "programmes": [
            {"programme_id": "homecare", "agency_id": "nhs", "statutory_floor_gbp_per_year": 20},
            {"programme_id": "lights", "agency_id": "council"},
        ],
        "streams": [
            {"stream_id": "grant", "agency_id": "council"},
            {
                **{"stream_id": "lamp_fund", "agency_id": "council"},
                **{"ring_fenced": True, "negotiable": True},
            },
        ],
        "stream_amounts": [
            {"stream_id": "grant", "year": 2026, "amount_gbp": 200},
            {"stream_id": "lamp_fund", "year": 2026, "amount_gbp": 50},
        ],
        "stream_programmes": [{"stream_id": "lamp_fund", "programme_id": "lights"}],
        "spending": [
            {"year": 2025, "programme_id": "homecare", "stream_id": "grant", "amount_gbp": 100},
            {"year": 2025, "programme_id": "lights", "stream_id": "grant", "amount_gbp": 50},
            {"year": 2025, "programme_id": "lights", "stream_id": "lamp_fund", "amount_gbp": 50},
        ],
        "outcomes": [
            {
                "outcome_id": "falls",
                "unit": "falls",
                "direction": "lower",
                "baseline": 10,
                "target": 8,
            },
            {
                "outcome_id": "safe",
                "unit": "points",
                "direction": "higher",
                "baseline": 50,
                "target": 52,
            },
        ],
        "curves": [
            {"programme_id": "homecare", "outcome_id": "falls", "form": "points"},
            {"programme_id": "lights", "outcome_id": "safe", "form": "points"},
        ],
        "curve_points": [
            {"programme_id": "homecare", "outcome_id": "falls", "spend_gbp": 300, "effect": 3},
            {"programme_id": "lights", "outcome_id": "safe", "spend_gbp": 150, "effect": 0.75},
            {"programme_id": "lights", "outcome_id": "safe", "spend_gbp": 400, "effect": 1.0},
        ],
    }
    return place_of(**{**tables, **changes})


FORMS = ("points", "power", "exponential", "hill", "logistic")


def random_place(
    seed: int,
    *,
    programmes: int = 3,
    streams: int = 2,
    outcomes: int = 2,
    concave: bool = True,
    whole: bool = False,
) -> Place:
    """A random place of about a thousand pounds; ``whole``: every number a multiple of ten."""
    rng = np.random.default_rng(seed)
    p_ids = [f"p{i}" for i in range(programmes)]
    f_ids = [f"f{i}" for i in range(streams)]
    o_ids = [f"o{i}" for i in range(outcomes)]
    step, span = (10, 7) if whole else (1, 31)
    spending = [
        {
            "year": 2025,
            "programme_id": p,
            "stream_id": f,
            "amount_gbp": step * rng.integers(0, span),
        }
        for p in p_ids
        for f in f_ids
    ]
    paid = {f: sum(row["amount_gbp"] for row in spending if row["stream_id"] == f) for f in f_ids}
    fenced = [bool(i and rng.random() < 0.6) for i in range(streams)]
    before = {p: sum(r["amount_gbp"] for r in spending if r["programme_id"] == p) for p in p_ids}
    curves, points = [], []
    for p in p_ids:
        for o in o_ids:
            if rng.random() < 0.7 or o == o_ids[0]:
                curve, own = _random_curve(rng, p, o, concave, step, span, whole)
                curves.append(curve)
                points += own
    return place_of(
        agencies=[{"agency_id": "a"}, {"agency_id": "b"}],
        programmes=[
            {
                "programme_id": p,
                "agency_id": rng.choice(["a", "b"]),
                "statutory_floor_gbp_per_year": step
                * int(rng.integers(0, 2) * before[p] / 2 // step),
                "maximum_gbp_per_year": rng.choice([np.nan, before[p] * 2 + 10 * step]),
            }
            for p in p_ids
        ],
        streams=[
            {"stream_id": f, "agency_id": "a", "ring_fenced": fenced[i]}
            for i, f in enumerate(f_ids)
        ],
        stream_amounts=[
            {"stream_id": f, "year": 2026, "amount_gbp": step * round(paid[f] * 1.1 / step)}
            for f in f_ids
        ],
        stream_programmes=[
            {"stream_id": f, "programme_id": p}
            for i, f in enumerate(f_ids)
            for j, p in enumerate(p_ids)
            if fenced[i] and (rng.random() < 0.6 or j == i % programmes)
        ],
        spending=spending,
        outcomes=[_random_outcome(rng, o) for o in o_ids],
        curves=curves,
        curve_points=points,
    )


def _random_outcome(rng, key: str) -> dict:
    lower = bool(rng.random() < 0.5)
    sign = -1 if lower else 1
    baseline = float(rng.integers(20, 80))
    minimum = baseline - sign * rng.uniform(0.5, 6)
    return {
        "outcome_id": key,
        "unit": "points",
        "direction": "lower" if lower else "higher",
        "baseline": baseline,
        "minimum_standard": minimum if rng.random() < 0.5 else np.nan,
        "target": baseline + sign * rng.uniform(1, 8),
        "weight": rng.uniform(0.5, 2),
    }


def _random_curve(
    rng, programme: str, outcome: str, concave: bool, step: int, span: int, whole: bool
):
    key = {"programme_id": programme, "outcome_id": outcome}
    form = "points" if whole else str(rng.choice(FORMS[:4] if concave else FORMS))
    if form == "points":
        spend = np.cumsum(step * rng.integers(1, span + 3, size=4))
        slopes = rng.uniform(0, 0.1, size=4) / step
        slopes = np.sort(slopes)[::-1] if concave else slopes
        effect = np.cumsum(slopes * np.diff(spend, prepend=0))
        own = [{**key, "spend_gbp": x, "effect": y} for x, y in zip(spend, effect, strict=True)]
        return {**key, "form": form}, own
    shape = rng.uniform(0.3, 1) if concave else rng.uniform(1.2, 5)
    return {
        **key,
        "form": form,
        "maximum_effect": rng.uniform(2, 12),
        "scale_gbp": step * rng.uniform(20, 80),
        "shape": shape,
    }, []


def place_over_years(years: int = 3, place=None, **tables):
    """The place with the same streams in every year; ``tables`` replace its rows."""
    place = place or two_programmes()
    rows = {key: table.to_dict("records") for key, table in place.tables.items() if len(table)}
    rows["stream_amounts"] = [
        {**row, "year": 2026 + t} for t in range(years) for row in rows["stream_amounts"]
    ]
    return place_of(**{**rows, **tables})


def changed(place, table: str, key: str, **values):
    """The place with columns of one row, found by its first column, changed."""
    rows = place.tables[table].copy()
    at = rows.index[rows.iloc[:, 0] == key]
    for column, value in values.items():
        rows.loc[at, column] = value
    return place.replace(**{table: rows})


def budgets(*totals: float, **given) -> OneBudget:
    return OneBudget(rule="one_budget", total_gbp=totals, **given)


def by_year(answer, programme: str, column: str = "plan_gbp") -> list[float]:
    assert answer.plan is not None, answer.explanation
    rows = answer.plan.tables["spending_by_year"]
    return rows.loc[rows["programme_id"] == programme, column].round(3).to_list()


def solved(place, *rules, objective=("weighted_outcomes",), years=3, **given):
    answer = solve(place, scenario_of(*objective, rules=rules, years=years, **given))
    assert answer.plan is None or answer.verification.ok
    return answer


def assert_each_bound_holds_for_the_other(one, other, share: float = 2e-2) -> None:
    """Two ways to solve a question: both find no plan, or plans within ``share`` of each other."""
    if one.objective is None or other.objective is None:
        assert one.objective is other.objective is None
        return
    near = share * max(1e-3, abs(one.objective))
    assert abs(other.objective - one.objective) <= near
    assert other.bound <= one.objective + 1e-7
    assert one.bound <= other.objective + 1e-7


def every_problem_counts_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solve every problem whose effects add up by column generation."""
    large = replace(DEFAULTS.column_generation, min_curve_years=1)
    monkeypatch.setattr(refinement, "DEFAULTS", replace(DEFAULTS, column_generation=large))
