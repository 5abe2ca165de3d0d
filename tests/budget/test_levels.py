"""Remaining potentials with cumulative effects or uncertain evidence:
worked by hand, against a grid, verified and explained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from placeopt.budget import solve
from placeopt.budget.curves.forms import response_curve
from placeopt.budget.model.constraints.cumulative_effects import (
    CumulativeEffects,
    curves_with_levels,
)
from placeopt.budget.problem import effects
from placeopt.budget.problem.build import build_problem
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import Outcomes, Uncertainty
from tests.budget.test_combine import question, reached, spent, two_on_one


def over_years(place, years: int, **curves):
    """The place with its money in every year and its curves changed."""
    rows = [
        {**row, "year": 2026 + t}
        for t in range(years)
        for row in place.stream_amounts.to_dict("records")
    ]
    return place.replace(stream_amounts=pd.DataFrame(rows), curves=place.curves.assign(**curves))


def weak(spread: float, **given) -> Uncertainty:
    return Uncertainty(rule="uncertainty", spread_by_grade={"2": spread}, **given)


def test_cumulative_remaining_potential_by_hand():
    """Of a whole of 40, today's 10 and 9 leave 40 x 0.75 x 0.775 = 23.25. With all 20 GBP on a,
    half of its effect comes at once: levels 15 and 4.5, then 17.5 and 2.25.
    2026: 40 x 0.625 x 0.8875 = 22.1875 are left, better by 1.0625
    2027: 40 x 0.5625 x 0.94375 = 21.234375 are left, better by 2.015625"""
    place = over_years(two_on_one("remaining", whole_effect=40.0), 2, persistence_share=0.5)
    answer = solve(place, question(years=2, money={"benefit_years": 2}))
    assert spent(answer) == pytest.approx({"a": 20, "b": 0, "c": 0}, abs=0.02)
    rows = answer.plan.tables["outcomes_by_year"]
    ready = rows[rows["outcome_id"] == "ready"]["plan"].to_list()
    assert ready == pytest.approx([51.0625, 52.015625], abs=0.01)
    assert answer.verification.ok
    assert answer.result.objective - answer.result.bound <= 0.001 * abs(answer.result.objective)


@pytest.mark.parametrize("form", ["exponential", "hill", "logistic"])
def test_random_curves_that_persist_meet_a_grid_of_two_years(form):
    rng = np.random.default_rng(len(form))
    params = [(float(rng.uniform(3, 8)), float(rng.uniform(4, 12)), float(rng.uniform(0.8, 3)))
              for _ in range(3)]  # fmt: skip
    stays = np.array([0.5, 0.3, 0.0])
    m, k, n = zip(*params, strict=True)
    place = over_years(
        *(two_on_one("remaining", whole_effect=10.0), 2),
        form=form, maximum_effect=m, scale_gbp=k, shape=n, persistence_share=stays,
    ).replace(curve_points=two_on_one().curve_points.iloc[:0])  # fmt: skip
    a, b, c = (response_curve(form, *each).effect for each in params)
    grid = np.linspace(0, 20, 21)
    x1, y1, x2, y2 = np.meshgrid(grid, grid, grid, grid, sparse=True)

    def done(at, bt):
        return 10 * (1 - (1 - at / 10) * (1 - bt / 10))

    def level(curve, d, now, before=None):
        today = curve(10)
        change = (1 - d) * (curve(now) - today)
        return today + change + (0 if before is None else (1 - d) * d * (curve(before) - today))

    first = done(level(a, 0.5, x1), level(b, 0.3, y1)) + c(20 - x1 - y1)
    second = done(level(a, 0.5, x2, x1), level(b, 0.3, y2, y1)) + c(20 - x2 - y2)
    worth = (first + second - 2 * done(a(10), b(10))) / 20
    worth = np.where((x1 + y1 <= 20) & (x2 + y2 <= 20), worth, -np.inf)
    answer = solve(place, question(years=2, money={"benefit_years": 2}))
    assert answer.verification.ok
    assert -answer.result.objective >= worth.max() * (1 - 0.0011)
    assert -answer.result.bound >= worth.max() - 1e-9  # the bound is one
    assert answer.result.objective - answer.result.bound <= 0.0011 * abs(answer.result.objective)


def test_standards_in_every_draw_keep_a_margin():
    """Without the rule all 20 GBP go to a: 3.25 better. One draw: a does only half of what the
    plan adds to it. u more on a, taken from b, then leave (30 - u/2) (31 + 0.9 u) / 40 =
    (930 + 11.5 u - 0.45 u^2) / 40, more than today's 930 / 40, so the standard, to be no worse
    than today, breaks for every u up to 10. All on b leave, in truth, 40 x 0.55 = 22 of today's
    23.25: 1.25 better; in the draw, a being 5 then, 40 x 0.875 x 0.55 = 19.25: 4 better."""
    place = two_on_one("remaining", whole_effect=40.0, minimum_standard=50.0)
    hold = Outcomes(rule="outcomes")

    class Drawn(Uncertainty):
        def factors(self, grades):
            return [[0.5, 1.0, 1.0]]

    drawn = Drawn(rule="uncertainty", spread_by_grade={"2": 0.1}, scenarios=1)
    free = solve(place, question(hold))
    assert spent(free) == pytest.approx({"a": 20, "b": 0, "c": 0}, abs=0.02)
    answer = solve(place, question(hold, drawn))
    assert spent(answer) == pytest.approx({"a": 0, "b": 20, "c": 0}, abs=0.05)
    assert reached(answer)["ready"] == pytest.approx(1.25, abs=0.01)
    bad = answer.plan.tables["outcomes"]["after_bad_evidence"]
    assert bad[0] == pytest.approx(54.0, abs=0.01)
    assert answer.verification.ok


@pytest.mark.parametrize("holds", ["every", "tail"])
@pytest.mark.parametrize("seed", range(2))
def test_uncertain_standards_on_remaining_potential_meet_a_grid(holds, seed):
    rng = np.random.default_rng(seed)
    place = two_on_one("remaining", whole_effect=30.0, minimum_standard=50.5)
    slope = {"a": rng.uniform(0.9, 1.3), "b": rng.uniform(0.8, 1.2), "c": 0.9}
    points = place.curve_points.assign(
        effect=[s * slope[p] for p, s in zip(place.curve_points["programme_id"],
                                             place.curve_points["spend_gbp"], strict=True)]
    )  # fmt: skip
    place = place.replace(curve_points=points)
    rule = weak(0.15, scenarios=8, seed=seed, holds=holds, tail_share=0.25)
    drawn = np.array(rule.factors(["2", "2", "2"]))
    x, y = np.meshgrid(np.linspace(0, 20, 201), np.linspace(0, 20, 201))

    def gain(fa, fb):
        share = [np.minimum((10 * s + f * s * (z - 10)) / 30, 0.9999)
                 for s, f, z in ((slope["a"], fa, x), (slope["b"], fb, y))]  # fmt: skip
        today = (1 - slope["a"] / 3) * (1 - slope["b"] / 3)
        return 30 * (today - (1 - share[0]) * (1 - share[1]))

    gains = np.sort([gain(fa, fb) for fa, fb, _ in drawn], axis=0)
    bad = gains[0] if holds == "every" else gains[:2].mean(axis=0)
    possible = (x + y <= 20) & (bad >= 0.5)
    worth = np.where(possible, gain(1, 1) + 0.9 * (20 - x - y), -np.inf) / 10
    answer = solve(place, question(Outcomes(rule="outcomes"), rule))
    if np.isinf(worth.max()):
        assert answer.result.status is Status.INFEASIBLE
        assert "bad evidence" in str(answer.explanation)
        return
    assert answer.verification.ok
    assert -answer.result.objective >= worth.max() - 1e-2
    assert -answer.result.bound >= worth.max() - 1e-9
    assert answer.result.objective - answer.result.bound <= 0.0011 * abs(answer.result.objective)


@pytest.mark.parametrize("side", ["under", "over"])
def test_lines_of_every_draw_bracket_the_curve(side):
    place = two_on_one("remaining", whole_effect=21.0, minimum_standard=50.0)
    rules = (Outcomes(rule="outcomes"), weak(0.6, scenarios=30))
    problem = build_problem(place, question(*rules))
    levels = CumulativeEffects(problem, np.full(2, 0.5), 40)
    for (_, c), cut in zip(levels.breakpoints, levels.pieces(side), strict=True):
        for piece in cut:
            at = np.linspace(piece.start, piece.end, 9)
            today = effects.effect_today(problem)[c]
            x = today + np.outer(at - today, np.append(1.0, problem.evidence.factors[:, c]))
            true = -21 * np.log1p(-np.minimum(x / 21, 0.9999))
            line = np.outer(at, piece.slope) + piece.intercept
            slack = true - line if side == "under" else line - true
            assert slack.min() >= -1e-7 * 21
    assert len(curves_with_levels(problem)) == 2


def test_reached_is_of_the_effect_as_stated():
    place = two_on_one("remaining", whole_effect=40.0)
    answer = solve(place, question(weak(0.1, scenarios=3), Outcomes(rule="outcomes")))
    assert reached(answer)["ready"] == pytest.approx(3.25, abs=0.01)


@pytest.mark.parametrize("holds", ["every", "tail"])
@pytest.mark.parametrize("how", ["best_of", "pair"])
def test_best_of_standards_in_bad_evidence_match_a_grid(how, holds):
    place = two_on_one("add" if how == "pair" else how, minimum_standard=49.0,
                       pairs=(0.4,) if how == "pair" else ())  # fmt: skip
    c = place.curve_points["programme_id"] == "c"
    points = place.curve_points.assign(effect=place.curve_points["effect"].where(~c, 24.0))
    points.loc[c & (points["spend_gbp"] == 0), "effect"] = 0.0  # c helps by 1.2 a pound
    place = place.replace(curve_points=points)
    share = 0.4 if how == "pair" else 0.0
    rule = weak(0.3, scenarios=6, seed=3, holds=holds, tail_share=0.34)
    drawn = np.array(rule.factors(["2", "2", "2"]))
    x, y = np.meshgrid(np.linspace(0, 20, 201), np.linspace(0, 20, 201))

    def done(a, b):
        return np.maximum(a, b) + share * np.minimum(a, b)

    def gain(fa, fb):
        return done(10 + fa * (x - 10), 9 + fb * 0.9 * (y - 10)) - done(10, 9)

    gains = np.sort([gain(fa, fb) for fa, fb, _ in drawn], axis=0)
    many = 1 if holds == "every" else 0.34 * 6
    weight = np.clip(many - np.arange(6), 0, 1) / many
    bad = np.tensordot(weight, gains, axes=1)
    possible = (x + y <= 20) & (bad >= -1)
    worth = np.where(possible, gain(1, 1) + 1.2 * (20 - x - y), -np.inf) / 10
    answer = solve(place, question(Outcomes(rule="outcomes"), rule))
    free = np.where(x + y <= 20, gain(1, 1) + 1.2 * (20 - x - y), -np.inf).max() / 10
    assert np.isfinite(worth.max())
    assert worth.max() < free - 1e-3  # the rule binds
    assert answer.verification.ok
    assert -answer.result.objective >= worth.max() - 1e-2
    assert -answer.result.bound >= worth.max() - 1e-9
