"""Programmes whose effects do not add up: hand-worked, enumerated, verified, or refused."""

from itertools import product

import numpy as np
import pytest

from placeopt.base.errors import PlaceError, ScenarioError, VerificationError
from placeopt.budget import solve
from placeopt.budget.curves.combination import CurveGroup, combine_effects
from placeopt.budget.curves.forms import Points, response_curve
from placeopt.budget.curves.piecewise import breakpoints, error_bound, pieces
from placeopt.budget.curves.remaining_potential import TransformedCurve
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes
from tests.support.places import place_of


def two_on_one(combination="add", pairs=(), **outcome):
    """Two programmes at 10 GBP each share 20 GBP on one outcome: a brings 1 a pound up to 20, b
    brings 0.9; c improves another outcome by 0.5 a pound."""
    curves = [{"programme_id": p, "outcome_id": o, "form": "points", "grade": 2}
              for p, o in (("a", "ready"), ("b", "ready"), ("c", "calm"))]  # fmt: skip
    slope = {"a": ("ready", 1.0), "b": ("ready", 0.9), "c": ("calm", 0.5)}
    points = [{"programme_id": p, "outcome_id": o, "spend_gbp": s, "effect": s * k}
              for p, (o, k) in slope.items() for s in (0.0, 20.0)]  # fmt: skip
    return place_of(
        agencies=[{"agency_id": "council"}],
        streams=[{"stream_id": "all", "agency_id": "council"}],
        stream_amounts=[{"stream_id": "all", "year": 2026, "amount_gbp": 20.0}],
        programmes=[{"programme_id": p, "agency_id": "council"} for p in "abc"],
        spending=[{"year": 2025, "programme_id": p, "stream_id": "all", "amount_gbp": gbp}
                  for p, gbp in (("a", 10.0), ("b", 10.0), ("c", 0.0))],
        outcomes=[
            {"outcome_id": "ready", "unit": "%", "direction": "higher", "baseline": 50.0,
             "target": 60.0, "beyond": "counts", "combination": combination} | outcome,
            {"outcome_id": "calm", "unit": "%", "direction": "higher", "baseline": 50.0,
             "target": 60.0, "beyond": "counts"},
        ],
        curves=curves,
        curve_points=points,
        combinations=[{"outcome_id": "ready", "programme_a": "a", "programme_b": "b",
                       "joint_effect_share": share} for share in pairs],
    )  # fmt: skip


def question(*rules, **changes):
    budget = OneBudget(rule="one_budget", total_gbp=20.0)
    return Scenario(question="?", problem="budget", rules=(budget, *rules), **changes)


def reached(answer):
    return answer.plan.tables["outcomes"].set_index("outcome_id")["change"].to_dict()


def spent(answer):
    return answer.plan.tables["spending"].set_index("programme_id")["after_gbp"].to_dict()


def test_additive_effects_favour_the_best_pound():
    """20 on a: ready is 20, was 10 + 9; better by 1, which no pound on c (0.5) can match."""
    answer = solve(two_on_one(), question())
    assert spent(answer) == pytest.approx({"a": 20, "b": 0, "c": 0}, abs=0.01)
    assert reached(answer)["ready"] == pytest.approx(1.0, abs=0.01)


def test_best_of_frees_the_money_of_the_other_programme():
    """Today the best does 10. 20 on a: better by 10, as a pound does 1 there and 0.5 on c."""
    answer = solve(two_on_one("best_of"), question())
    assert spent(answer) == pytest.approx({"a": 20, "b": 0, "c": 0}, abs=0.01)
    assert reached(answer)["ready"] == pytest.approx(10.0, abs=0.01)


def test_a_standard_at_the_best_effect_frees_the_other_programme():
    """Held at today's 50: a alone keeps ready (10 GBP), so c gets 10 and is better by 5; if both
    counted, the 19 units of today would take 19 GBP on a, and c would get 1."""
    rule = Outcomes(rule="outcomes")
    places = {how: two_on_one(how, minimum_standard=50.0) for how in ("best_of", "add")}
    best, added = (
        solve(place.replace(outcomes=place.outcomes.assign(weight=[0.0, 1.0])), question(rule))
        for place in places.values()
    )
    assert reached(best)["calm"] == pytest.approx(5.0, abs=0.01)
    assert reached(added)["calm"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_a_stated_pair_is_what_enumeration_in_pounds_finds(share):
    place = two_on_one(pairs=(share,))

    def worth(a, b):
        one, other = 1.0 * a, 0.9 * b
        return max(one, other) + share * min(one, other)

    best = max((worth(a, b) - worth(10, 10)) / 10 + 0.5 * (20 - a - b) / 10
               for a, b in product(range(21), repeat=2) if a + b <= 20)  # fmt: skip
    answer = solve(place, question())
    assert -answer.result.objective == pytest.approx(best, abs=1e-4)
    assert answer.verification.ok


@pytest.mark.parametrize("seed", range(4))
def test_random_s_shaped_programmes_under_best_of_meet_a_grid(seed):
    """The plan is at least as good as the best of a grid, and the bound is valid."""
    rng = np.random.default_rng(seed)
    params = [(float(rng.uniform(3, 8)), float(rng.uniform(4, 12)), float(rng.uniform(1.5, 4)))
              for _ in range(3)]  # fmt: skip
    place = two_on_one("best_of")
    curves = place.curves.assign(form="hill", maximum_effect=[m for m, _, _ in params],
                                 scale_gbp=[k for _, k, _ in params],
                                 shape=[n for _, _, n in params])  # fmt: skip
    place = place.replace(curves=curves, curve_points=place.curve_points.iloc[:0])
    a, b, c = (response_curve("hill", *each) for each in params)
    grid = np.linspace(0, 20, 81)
    before = max(float(a.effect(10)), float(b.effect(10)))
    best = max(
        (max(float(a.effect(x)), float(b.effect(y))) - before + float(c.effect(20 - x - y))) / 10
        for x, y in product(grid, repeat=2) if x + y <= 20
    )  # fmt: skip
    answer = solve(place, question())
    assert -answer.result.objective >= best - 1e-3
    assert -answer.result.bound >= -answer.result.objective - 1e-9
    assert answer.result.objective - answer.result.bound <= 0.0011 * abs(answer.result.objective)


@pytest.mark.parametrize(("how", "better"), [("best_of", 10.0), ("remaining", 3.25)])
def test_lagged_effects_combine_in_the_year_they_come(how, better):
    """A year's lag: in 2026 nothing has changed; in 2027 the 20 GBP on a of 2026 do 20, not 10."""
    place = two_on_one(how, whole_effect=40.0)
    amounts = [{"stream_id": "all", "year": year, "amount_gbp": 20.0} for year in (2026, 2027)]
    place = place.replace(
        curves=place.curves.assign(lag_years=1),
        stream_amounts=place_of(stream_amounts=amounts).stream_amounts,
    )
    answer = solve(place, question(years=2))
    by_year = answer.plan.tables["outcomes_by_year"]
    ready = by_year[by_year["outcome_id"] == "ready"].set_index("year")["plan"]
    assert ready[2026] == pytest.approx(50, abs=0.01)
    assert ready[2027] == pytest.approx(50 + better, abs=0.01)


def test_the_verifier_catches_a_plan_that_counts_twice(monkeypatch):
    from placeopt.budget.problem import response_curves

    monkeypatch.setattr(response_curves, "curve_groups", lambda place: ())
    with pytest.raises(VerificationError):
        solve(two_on_one("best_of"), question())


def test_remaining_potential_by_hand():
    """Of a whole of 40, today's 10 and 9 leave 40 x 0.75 x 0.775 = 23.25: 16.75 is done. With all
    20 GBP on a, 20 is done, better by 3.25; halves, or all on b (18), do less."""
    answer = solve(two_on_one("remaining", whole_effect=40.0), question())
    assert spent(answer) == pytest.approx({"a": 20, "b": 0, "c": 0}, abs=0.02)
    assert reached(answer)["ready"] == pytest.approx(3.25, abs=0.01)
    assert answer.verification.ok


def test_a_standard_costs_least_with_one_programme():
    """Of a whole of 25, today's 10 and 9 leave 25 x 0.6 x 0.64: 15.4 is done, for 20 GBP. Alone a
    does 15.4 for 15.40 GBP; as sums, 19 would have to be done, for 19 GBP."""
    rule = Outcomes(rule="outcomes")
    budget = OneBudget(rule="one_budget", total_gbp=20.0)
    place = two_on_one("remaining", whole_effect=25.0, minimum_standard=50.0)
    asked = Scenario(question="?", problem="budget", rules=(budget, rule),
                     objective={"minimise": ["least_money"]})  # fmt: skip
    assert solve(place, asked).result.objective == pytest.approx(15.4, abs=0.02)


@pytest.mark.parametrize("form", ["power", "exponential", "coverage", "hill", "logistic"])
@pytest.mark.parametrize("seed", range(2))
def test_random_curves_on_remaining_potential_meet_a_grid(form, seed):
    rng = np.random.default_rng([seed, len(form)])
    params = [(float(rng.uniform(3, 8)), float(rng.uniform(15, 30) if form == "power" else
               rng.uniform(4, 12)), float(rng.uniform(0.4, 3))) for _ in range(3)]  # fmt: skip
    place = two_on_one("remaining", whole_effect=10.0)
    curves = place.curves.assign(form=form, maximum_effect=[m for m, _, _ in params],
                                 scale_gbp=[k for _, k, _ in params],
                                 shape=[n for _, _, n in params])  # fmt: skip
    place = place.replace(curves=curves, curve_points=place.curve_points.iloc[:0])
    a, b, c = (response_curve(form, *each).effect for each in params)

    def done(x, y):
        return 10 * (1 - (1 - a(x) / 10) * (1 - b(y) / 10))

    x, y = np.meshgrid(np.linspace(0, 20, 161), np.linspace(0, 20, 161))
    worth = np.where(x + y <= 20, done(x, y) - done(10, 10) + c(20 - x - y), -np.inf) / 10
    answer = solve(place, question())
    assert -answer.result.objective >= worth.max() - 1e-3
    assert answer.result.objective - answer.result.bound <= 0.0011 * abs(answer.result.objective)
    assert -answer.result.bound >= worth.max() - 1e-9  # the bound is one


FORMS = ["points", "power", "exponential", "coverage", "hill", "logistic"]


@pytest.mark.parametrize("form", FORMS)
def test_pieces_bracket_the_transform_of_remaining_potential(form):
    rng = np.random.default_rng(11)
    for _ in range(40):
        upper, whole = float(rng.uniform(20, 100)), float(rng.uniform(1.05, 4))
        if form == "points":
            spend = tuple(np.sort(rng.uniform(0, 100, 4)))
            alone = Points(spend=spend, effect_at=tuple(np.sort(rng.uniform(0, 1, 4))))
        else:
            scale = upper * 1.1 if form == "power" else rng.uniform(5, 60)
            alone = response_curve(form, 1.0, scale, rng.uniform(0.2, 5))
        curve = TransformedCurve(alone, whole)
        breaks = breakpoints(curve, 0.0, upper, 0.01)
        stated, spends = error_bound(curve, breaks), np.linspace(0, upper, 301)
        exact = -whole * np.log(1 - alone.effect(spends) / whole)
        assert curve.effect(spends) == pytest.approx(exact)
        for side, sign in (("under", 1), ("over", -1)):
            parts = pieces(curve, breaks, side)
            found = np.array([
                max(p.value(s) for p in parts if p.start - 1e-9 <= s <= p.end + 1e-9)
                for s in spends
            ])  # fmt: skip
            assert (sign * (exact - found) >= -1e-7).all(), (alone, whole, side)
            assert np.abs(exact - found).max() <= stated + 1e-7


def test_invalid_combinations_are_refused_and_not_added():
    both = (PlaceError, ScenarioError)
    with pytest.raises(both, match="needs its whole"):
        solve(two_on_one("remaining"), question())
    with pytest.raises(both, match="it does 20 alone, and the whole of ready is 15"):
        solve(two_on_one("remaining", whole_effect=15.0), question())


def test_pairs_that_make_no_sense_are_refused():
    with pytest.raises((PlaceError, ScenarioError), match="say otherwise"):
        solve(two_on_one("best_of", pairs=(0.5,)), question())
    place = two_on_one(pairs=(0.5,))
    twice = place.combinations.assign(programme_b="a")
    with pytest.raises(PlaceError, match="not paired with itself"):
        solve(place.replace(combinations=twice), question())


def test_combine_effects_adds_ungrouped_programmes():
    level = np.array([[4.0, 3.0, 2.0], [1.0, 5.0, 0.0]])
    outcome = np.array([0, 0, 1])
    found = combine_effects(level, (CurveGroup(0, (0, 1), 0.5),), outcome, 2, np.full(2, np.nan))
    assert found == pytest.approx(np.array([[5.5, 2.0], [5.5, 0.0]]))  # 4 + half of 3; 5 + of 1
