"""Budgets over years against independent oracles: enumeration, and linear programs by scipy.

Every number and breakpoint of the tiny places is a multiple of ten, and money flows in a network
through streams and reserves: an optimum lies on multiples of ten for any lag and persistence, so
all of those are tried.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from placeopt.budget import solve
from placeopt.budget.verify.curves import interpolate
from placeopt.budget.verify.outcomes import lagged_effects
from placeopt.budget.verify.timeline import base_payments
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import NobodyWorseOff, OneBudget
from tests.budget.places import random_place, scenario_of
from tests.support.places import place_of

YEARS = (2026, 2027)
DECIDED = {"benefit_years": 2}  # nothing counts beyond the decided years


def over_years(place, **columns):
    """The place with its streams in both years, and columns of its curves changed."""
    rows = {key: table.to_dict("records") for key, table in place.tables.items() if len(table)}
    rows["stream_amounts"] = [
        {**row, "year": year} for row in rows["stream_amounts"] for year in YEARS
    ]
    rows["curves"] = [{**row, **columns} for row in rows["curves"]]
    rows["outcomes"] = [{**row, "beyond": "counts"} for row in rows["outcomes"]]
    return place_of(**rows)


def tens(gbp: float) -> int:
    return 10 * int(gbp / 10 + 1e-9)


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(("lag", "persistence"), [(0, 0.0), (1, 0.0), (0, 0.5)])
@pytest.mark.parametrize("seed", [1, 4])
def test_engine_and_enumeration_agree_over_two_years(seed, lag, persistence, carry):
    place = random_place(seed, programmes=2, whole=True, concave=False)
    place = over_years(place, lag_years=lag, persistence_share=persistence)
    before = float(place.spending["amount_gbp"].sum())
    totals = (tens(before * 0.95), tens(before * 0.7))
    rule = OneBudget(rule="one_budget", total_gbp=totals, carry_over=carry)
    scenario = scenario_of(rules=[rule], drop=("outcomes",), years=2, money=DECIDED)
    answer, best = solve(place, scenario), enumerated(place, totals, carry)
    if best is None:
        assert answer.result.status is Status.INFEASIBLE
        return
    assert answer.result.objective == pytest.approx(best, abs=1e-6)
    assert answer.result.bound == pytest.approx(best, abs=1e-5)


def enumerated(place, totals: tuple[int, int], carry: bool) -> float | None:
    """The best of all pairs of years in multiples of ten, from the place's tables alone."""
    programmes = place.programmes["programme_id"].to_list()
    pairs = list(payable(place))
    if not pairs:
        return None
    worth = {p: worth_of(place, p) for p in programmes}
    best = None
    for first, second in itertools.product(pairs, repeat=2):
        left = totals[0] - sum(first)
        if left < 0 or sum(second) > totals[1] + (left if carry else 0):
            continue
        value = -sum(worth[p](first[i], second[i]) for i, p in enumerate(programmes))
        best = value if best is None else min(best, value)
    return best


def payable(place):
    """Spends of a year in multiples of ten that floors, maxima and streams allow."""
    amount = place.stream_amounts[place.stream_amounts["year"] == YEARS[0]]
    amount = dict(zip(amount["stream_id"], amount["amount_gbp"], strict=True))
    named = set(
        zip(
            place.stream_programmes["stream_id"],
            place.stream_programmes["programme_id"],
            strict=True,
        )
    )
    may = {
        row.programme_id: {
            s.stream_id
            for s in place.streams.itertuples()
            if not s.ring_fenced or (s.stream_id, row.programme_id) in named
        }
        for row in place.programmes.itertuples()
    }
    levels = []
    for row in place.programmes.itertuples():
        most = sum(amount[f] for f in may[row.programme_id])
        most = min(most, np.nan_to_num(row.maximum_gbp_per_year, nan=np.inf))
        levels.append(range(int(row.statutory_floor_gbp_per_year), int(most) + 1, 10))
    keys = list(may)
    for spends in itertools.product(*levels):
        fits = all(
            sum(spends[i] for i in group)
            <= sum(amount[f] for f in set().union(*(may[keys[i]] for i in group)))
            for size in range(1, len(keys) + 1)
            for group in itertools.combinations(range(len(keys)), size)
        )
        if fits:
            yield spends


def worth_of(place, programme: str):
    """Weighted ranges, averaged over the two years, of spending on one programme."""
    today = sum(gbp for (p, _), gbp in base_payments(place).items() if p == programme)
    points, outcomes = place.curve_points, place.outcomes.set_index("outcome_id")
    own = place.curves[place.curves["programme_id"] == programme]

    def worth(*spends: float) -> float:
        total = 0.0
        for curve in own.itertuples():
            row = outcomes.loc[curve.outcome_id]
            mine = points[
                (points["programme_id"] == programme) & (points["outcome_id"] == curve.outcome_id)
            ]
            line = list(zip(mine["spend_gbp"], mine["effect"], strict=True))
            change = [interpolate(line, s) - interpolate(line, today) for s in spends]
            felt = lagged_effects(change, curve.lag_years, curve.persistence_share)
            total += row["weight"] / abs(row["target"] - row["baseline"]) * sum(felt) / len(felt)
        return total

    known: dict[tuple[float, ...], float] = {}

    def remembered(*spends: float) -> float:
        if spends not in known:
            known[spends] = worth(*spends)
        return known[spends]

    return remembered


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_positions_alone_match_a_linear_program(seed):
    place = over_years(random_place(seed, programmes=4, streams=3, whole=True))
    rows = {key: table.to_dict("records") for key, table in place.tables.items() if len(table)}
    for number, stream in enumerate(rows["streams"]):
        stream |= {"ring_fenced": False, "agency_id": "ab"[number % 2]}
    for number, programme in enumerate(rows["programmes"]):
        programme["agency_id"] = "ab"[number % 2]
    rows["benefits"] = [
        {"benefit_id": f"{o['outcome_id']}{a}", "outcome_id": o["outcome_id"], "agency_id": a,
         "unit_value_gbp": value, "cashable_share": 0.5}
        for o in rows["outcomes"]
        for a, value in (("a", 30.0), ("b", 12.0))
    ]  # fmt: skip
    place = place_of(**rows)
    rule = NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep")
    answer = solve(place, scenario_of(rules=[rule], drop=("outcomes",), years=2, money=DECIDED))
    assert answer.verification.ok
    said = answer.plan.tables["positions"].set_index(["year", "agency_id"])["alone_gbp"]
    for agency in "ab":
        expected = alone(place, agency)
        for year in YEARS:
            assert said[year, agency] == pytest.approx(expected, abs=0.02)


def alone(place, agency: str) -> float:
    """The agency's best position in a year by its own linear program: x = its payments to its own
    programmes, then the effect of each curve of those; everything else as today."""
    payments = base_payments(place)
    owner = dict(zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True))
    payer = dict(zip(place.streams["stream_id"], place.streams["agency_id"], strict=True))
    amounts = place.stream_amounts[place.stream_amounts["year"] == YEARS[0]]
    amount = dict(zip(amounts["stream_id"], amounts["amount_gbp"], strict=True))
    pays = [(p, f) for p in owner if owner[p] == agency for f in payer if payer[f] == agency]
    fixed = {  # what others' streams pay its programmes, and its streams pay others', as today
        (p, f): gbp
        for (p, f), gbp in payments.items()
        if (owner[p] == agency) != (payer[f] == agency)
    }
    curves = [c for c in place.curves.itertuples() if owner[c.programme_id] == agency]
    value = place.benefits[place.benefits["agency_id"] == agency].set_index("outcome_id")
    cost = np.concatenate(
        [
            np.ones(len(pays)),
            [-0.5 * value.loc[c.outcome_id, "unit_value_gbp"] for c in curves],
        ]
    )
    rows, limits = [], []

    def add(coefficients: dict[int, float], limit: float) -> None:
        row = np.zeros(len(cost))
        for at, coefficient in coefficients.items():
            row[at] += coefficient
        rows.append(row)
        limits.append(limit)

    for f in (f for f in payer if payer[f] == agency):
        given = sum(gbp for (p, g), gbp in fixed.items() if g == f)
        add({i: 1.0 for i, (_, g) in enumerate(pays) if g == f}, amount[f] - given)
    for row in place.programmes.itertuples():
        key = row.programme_id
        if owner[key] != agency:
            continue
        own = {i: 1.0 for i, (p, _) in enumerate(pays) if p == key}
        got = sum(gbp for (p, _), gbp in fixed.items() if p == key)
        add(dict.fromkeys(own, -1.0), got - row.statutory_floor_gbp_per_year)
        if not np.isnan(row.maximum_gbp_per_year):
            add(own, row.maximum_gbp_per_year - got)
        for number, c in enumerate(curves):
            if c.programme_id != key:
                continue
            points = place.curve_points
            mine = points[(points["programme_id"] == key) & (points["outcome_id"] == c.outcome_id)]
            line = sorted([(0.0, 0.0), *zip(mine["spend_gbp"], mine["effect"], strict=True)])
            for (x0, y0), (x1, y1) in itertools.pairwise([*line, (line[-1][0] + 1e6, line[-1][1])]):
                slope = (y1 - y0) / (x1 - x0)  # effect <= y0 + slope (spend - x0)
                row_of = dict.fromkeys(own, -slope) | {len(pays) + number: 1.0}
                add(row_of, y0 + slope * (got - x0))
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.array(limits))
    assert found.status == 0
    today = 0.0
    for c in curves:
        points = place.curve_points
        mine = points[
            (points["programme_id"] == c.programme_id) & (points["outcome_id"] == c.outcome_id)
        ]
        line = list(zip(mine["spend_gbp"], mine["effect"], strict=True))
        spend = sum(gbp for (p, _), gbp in payments.items() if p == c.programme_id)
        today += 0.5 * value.loc[c.outcome_id, "unit_value_gbp"] * interpolate(line, spend)
    brought = sum(gbp for f, gbp in amount.items() if payer[f] == agency)
    given = sum(gbp for (p, f), gbp in fixed.items() if payer[f] == agency)
    return brought - given - found.fun - today
