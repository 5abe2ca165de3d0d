"""(B10) binding and relaxed, on the hand-worked place of ``test_rules``."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import Commissioning, OneBudget, Pace, Statutory
from tests.budget.places import one_budget, scenario_of, two_programmes
from tests.budget.test_rules import after, with_outcome


def with_programme(programme_id: str, place=None, **changes):
    place = place or two_programmes()
    rows = place.programmes.copy()
    for column, value in changes.items():
        rows.loc[rows["programme_id"] == programme_id, column] = value
    return place.replace(programmes=rows)


def test_a_minimum_scale_lifts_a_programme_that_must_be_bought():
    # the standard of 49.8 needs lights at 60 (see test_rules); at scale they cost at least 80
    place = with_outcome("safe", minimum_standard=49.8)
    place = with_programme("lights", place, minimum_scale_gbp_per_year=80)
    answer = solve(place, scenario_of(rules=[one_budget(180)]))
    assert after(answer) == {"homecare": 100, "lights": 80}
    rows = answer.plan.spending.set_index("programme_id")
    assert rows.loc["lights", "why"] == "at its minimum efficient scale"
    # without the rule 60 is enough
    answer = solve(place, scenario_of(rules=[one_budget(180)], drop=("commissioning",)))
    assert after(answer) == {"homecare": 120, "lights": 60}


def test_a_programme_is_not_bought_below_its_scale():
    # 230: homecare 200 and 30 for the lights; but the lights are worth nothing below 80
    place = with_programme("lights", minimum_scale_gbp_per_year=80)
    answer = solve(place, scenario_of(rules=[one_budget(230)]))
    # homecare 200 + lights 0: -0.5 + 0.25; homecare 150 + lights 80: -0.25 + 0.05, worse
    assert after(answer) == {"homecare": 200, "lights": 0}


def test_stopping_costs_and_the_money_for_it_is_paid():
    # stopping the lights costs 10: homecare gets 180 - 10; worth 0.7 falls = 0.35, less 0.25
    place = with_programme("lights", stop_cost_gbp=10)
    answer = solve(place, scenario_of(rules=[one_budget(180)]))
    rows = answer.plan.spending.set_index("programme_id")
    assert after(answer)["lights"] == pytest.approx(0.18, abs=0.1)  # a thousandth keeps them
    place = with_programme("lights", place, minimum_scale_gbp_per_year=50)
    answer = solve(place, scenario_of(rules=[one_budget(180)]))
    rows = answer.plan.spending.set_index("programme_id")
    # stop: 170 for homecare: -0.35 + 0.25 = -0.10; keep at 50: 130: -0.15 + 0.125 = -0.025
    assert after(answer) == {"homecare": 170, "lights": 0}
    assert rows.loc["lights", "one_off_gbp"] == 10
    assert answer.plan.summary["one_off_gbp"] == 10
    assert answer.plan.payments["after_gbp"].sum() == pytest.approx(180)
    # at 30 it is better to keep them: stop -0.25 + 0.25 = 0 against -0.025
    dear = with_programme("lights", place, stop_cost_gbp=30)
    assert after(solve(dear, scenario_of(rules=[one_budget(180)]))) == {
        "homecare": 130,
        "lights": 50,
    }


def test_at_most_one_of_two_alternatives_is_bought():
    place = two_programmes()
    rows = place.programmes.assign(one_of="evenings")
    answer = solve(place.replace(programmes=rows), scenario_of(rules=[one_budget(230)]))
    assert after(answer) == {"homecare": 200, "lights": 0}
    # both must run by law: no budget fits, and the rule says what would have to give
    rule = Statutory(rule="statutory", floors_gbp={"lights": 10, "homecare": 10})
    answer = solve(place.replace(programmes=rows), scenario_of(rules=[one_budget(230), rule]))
    assert answer.result.status is Status.INFEASIBLE
    assert {clash.name for clash in answer.explanation.clashes} == {"statutory", "commissioning"}


def test_the_verifier_catches_faults_of_purchase():
    """Programmes below their scale and alternatives bought together are caught."""
    place, scenario = two_programmes(), scenario_of(rules=[one_budget(230)])
    plan = solve(place, scenario).plan  # homecare 200, lights 30
    assert verify(place, scenario, plan).ok
    small = with_programme("lights", place, minimum_scale_gbp_per_year=80)
    assert [check.number for check in verify(small, scenario, plan).broken] == ["B10"]
    both = place.replace(programmes=place.programmes.assign(one_of="evenings"))
    assert [check.number for check in verify(both, scenario, plan).broken] == ["B10"]


@pytest.mark.parametrize("seed", range(20))
def test_projects_of_fixed_cost_are_a_knapsack(seed):
    """Minimum scale equal to the maximum makes each programme all or nothing: the plan's value
    is that of a knapsack, here by dynamic programming over whole pounds."""
    rng = np.random.default_rng(seed)
    cost, worth = rng.integers(5, 40, 8), rng.integers(1, 60, 8)
    money = int(cost.sum() // 2)
    place = knapsack_place(cost, worth, money)
    answer = solve(place, scenario_of())
    best = np.zeros(money + 1)
    for c, w in zip(cost, worth, strict=True):
        best[c:] = np.maximum(best[c:], best[:-c] + w)
    assert -answer.result.objective * 100 == pytest.approx(best[money])
    assert -answer.result.bound * 100 == pytest.approx(best[money], rel=1e-4)


def knapsack_place(cost, worth, money):
    from tests.support.places import place_of

    ids = [f"p{i}" for i in range(len(cost))]
    return place_of(
        programmes=[
            {
                "programme_id": p,
                "minimum_scale_gbp_per_year": c,
                "maximum_gbp_per_year": c,
            }
            for p, c in zip(ids, cost, strict=True)
        ],
        streams=[{"stream_id": "f"}],
        stream_amounts=[{"stream_id": "f", "year": 2026, "amount_gbp": money}],
        spending=[{"year": 2025, "programme_id": "p0", "stream_id": "f", "amount_gbp": 0}],
        outcomes=[
            {
                "outcome_id": "o",
                "unit": "x",
                "direction": "higher",
                "baseline": 0,
                "target": 100,
                "beyond": "counts",
            }
        ],
        curves=[{"programme_id": p, "outcome_id": "o", "form": "points"} for p in ids],
        curve_points=[
            {"programme_id": p, "outcome_id": "o", "spend_gbp": c, "effect": w}
            for p, c, w in zip(ids, cost, worth, strict=True)
        ],
    )


@pytest.mark.parametrize("seed", range(8))
def test_random_commissioning_agrees_with_enumeration(seed):
    """Three programmes of fixed size, the first bought today, in each of three years: 512 plans.

    Two are alternatives, or two a coherent group; starting and stopping cost; what starts is bought
    for its contract; today's is kept while its notice runs and its contract lasts.
    """
    rng = np.random.default_rng(seed)
    size, worth = rng.integers(20, 50, 3), rng.integers(10, 60, 3)
    start, stop = rng.integers(0, 20, 3), rng.integers(0, 20, 3)
    length, notice = rng.integers(0, 4, 3), int(rng.integers(0, 3))
    until = int(rng.choice([2025, 2026, 2027]))
    totals = [float(t) for t in rng.integers(60, 110, 3)]
    choice = [["", "x", "x"], ["x", "x", ""], ["", "", ""]][seed % 3]
    group = ((0, 2), (1, 2))[seed % 2] if seed % 3 == 2 else ()
    place = fixed_sizes(size, worth, start, stop, length, notice, until, choice)
    rules = [
        OneBudget(rule="one_budget", total_gbp=tuple(totals)),
        Pace(rule="pace", largest_cut_share=1.0),
        Commissioning(rule="commissioning", coherent=[[f"p{i}" for i in group]] if group else []),
    ]
    best = -np.inf
    for on in itertools.product((0, 1), repeat=9):
        bought = np.array(on).reshape(3, 3)
        earlier = np.vstack([[1, 0, 0], bought[:-1]])
        begins, ends = bought > earlier, bought < earlier
        cash = (bought * size + begins * start + ends * stop).sum(axis=1)
        fits = (cash <= totals).all()
        fits &= all(
            bought[t : t + length[p], p].all() for t, p in zip(*np.nonzero(begins), strict=True)
        )
        fits &= bool(bought[: max(notice, until - 2025), 0].all())
        for name in {one for one in choice if one}:
            own = [p for p in range(3) if choice[p] == name]
            fits &= bool((bought[:, own].sum(axis=1) <= 1).all())
        if group:
            fits &= bool((bought[:, group[0]] == bought[:, group[1]]).all())
        if fits:
            best = max(best, float((bought * worth).sum(axis=1).mean() - worth[0]) / 100)
    answer = solve(place, scenario_of(rules=rules, years=3))
    if best == -np.inf:
        assert answer.result.status is Status.INFEASIBLE
    else:
        assert answer.verification.ok
        assert -answer.result.objective == pytest.approx(best, abs=1e-6)


def fixed_sizes(size, worth, start, stop, length, notice, until, choice):
    from tests.support.places import place_of

    ids = [f"p{i}" for i in range(3)]
    rows = zip(ids, size, start, stop, length, choice, strict=True)
    programmes = [
        {
            "programme_id": key,
            "minimum_scale_gbp_per_year": gbp,
            "maximum_gbp_per_year": gbp,
            "start_cost_gbp": begin,
            "stop_cost_gbp": end,
            "contract_years": years,
            "one_of": one_of,
        }
        for key, gbp, begin, end, years, one_of in rows
    ]
    programmes[0] |= {"notice_years": notice, "contract_until_year": until}
    return place_of(
        programmes=programmes,
        streams=[{"stream_id": "f"}],
        stream_amounts=[
            {"stream_id": "f", "year": year, "amount_gbp": 500} for year in (2026, 2027, 2028)
        ],
        spending=[{"year": 2025, "programme_id": "p0", "stream_id": "f", "amount_gbp": size[0]}],
        outcomes=[
            {
                "outcome_id": "o",
                "unit": "x",
                "direction": "higher",
                "baseline": 100,
                "target": 200,
                "beyond": "counts",
            }
        ],
        curves=[{"programme_id": p, "outcome_id": "o", "form": "points"} for p in ids],
        curve_points=[
            {"programme_id": p, "outcome_id": "o", "spend_gbp": s, "effect": w}
            for p, s, w in zip(ids, size, worth, strict=True)
        ],
    )
