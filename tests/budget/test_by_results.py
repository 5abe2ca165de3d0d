"""(B10) Providers paid by results: fee, sliding scale, deferred element, clawback, by hand.

Coaching costs up to 100 a year and brings half a job a pound, in addition to 100 jobs. The place
withholds 40 % of the price and pays 1 GBP for each job from 100 to 140: three quarters a year
later, a quarter another year later for jobs that last until then. The lights always cost 100.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from placeopt.base.errors import PlaceError
from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.engine import Plan, Status
from placeopt.place.check.budget import inconsistent_provider_terms
from placeopt.scenario.rules.budget.money import Continuity, NobodyWorseOff
from tests.budget.places import budgets, by_year, scenario_of, solved
from tests.support.places import place_of

YEARS = (2026, 2027, 2028)


def town(coaching=None, terms=None, outcome=None, years=YEARS, **tables):
    """``coaching``, ``terms`` and ``outcome`` change these rows."""
    agreed = {
        "programme_id": "coaching",
        "outcome_id": "jobs",
        "withheld_share": 0.4,
        "paid_from": 100,
        "paid_to": 140,
        "gbp_per_unit": 1,
        "deferred_share": 0.25,
    }
    jobs = {"outcome_id": "jobs", "unit": "jobs", "direction": "higher"}
    bought = {"programme_id": "coaching", "agency_id": "council", "maximum_gbp_per_year": 100}
    rows = {
        "agencies": [{"agency_id": "council"}, {"agency_id": "police"}],
        "programmes": [
            {
                "programme_id": "lights",
                "agency_id": "police",
                "statutory_floor_gbp_per_year": 100,
                "maximum_gbp_per_year": 100,
            },
            bought | (coaching or {}),
        ],
        "streams": [
            {"stream_id": "grant", "agency_id": "council"},
            {"stream_id": "precept", "agency_id": "police", "ring_fenced": True},
        ],
        "stream_amounts": [
            {"stream_id": key, "year": year, "amount_gbp": gbp}
            for year in years
            for key, gbp in (("grant", 300), ("precept", 100))
        ],
        "stream_programmes": [{"stream_id": "precept", "programme_id": "lights"}],
        "spending": [
            {"year": 2025, "programme_id": "lights", "stream_id": "precept", "amount_gbp": 100}
        ],
        "outcomes": [jobs | {"baseline": 100, "target": 150} | (outcome or {})],
        "curves": [{"programme_id": "coaching", "outcome_id": "jobs", "form": "points"}],
        "curve_points": [
            {"programme_id": "coaching", "outcome_id": "jobs", "spend_gbp": 100, "effect": 50}
        ],
        "provider_terms": [agreed | (terms or {})],
    }
    return place_of(**{**rows, **tables})


def paid_for(answer, programme: str) -> list[float]:
    rows = answer.plan.tables["payments"]
    rows = rows[rows["programme_id"] == programme]
    return rows.groupby("year")["after_gbp"].sum().round(2).to_list()


def test_providers_are_paid_when_results_fall_due():
    # 100 a year: 50 jobs, 40 of them paid for. Fee 60 a year; each year's 40 GBP: 30 a year on, 10
    # another year on. 2026: 60. 2027: 60 + 30. 2028: 60 + 30 + 10, and set aside what falls due
    # later: 30 + 10 of 2028 and 10 of 2027. In all 300 = 180 of fees + 3 x 40.
    """The last year sets aside payments due after it."""
    answer = solved(town(), budgets(160, 190, 250))
    assert by_year(answer, "coaching") == [100, 100, 100]
    assert paid_for(answer, "coaching") == [60, 90, 150]
    assert by_year(answer, "coaching", "by_results_gbp") == [-40, -10, 50]
    rows = answer.plan.tables["provider_results"]
    assert rows["units_paid"].to_list() == [40, 40, 40]
    assert rows["earned_gbp"].to_list() == [40, 40, 40]
    assert rows["deferred_gbp"].to_list() == [10, 10, 10]
    assert rows["units_lost"].to_list() == [0, 0, 0]
    cash = answer.plan.tables["cash_flow"]
    by_council = cash[(cash["agency_id"] == "council") & (cash["year"] == 2028)]
    assert by_council.set_index("line")["plan_gbp"].to_dict() == {"spending": 100, "results": 50}
    assert answer.plan.summary["by_results_gbp"] == 50


def test_payments_due_count_in_the_year_they_fall_due():
    # 240 in 2028: 140 for coaching, 10 short. Of 2028 itself above the scale's end (80 GBP for 40
    # jobs) a pound less saves its fee of 0.6: 100 - 10 / 0.6; anything earlier would save less
    answer = solved(town(), budgets(160, 190, 240))
    assert by_year(answer, "coaching") == pytest.approx([100, 100, 100 - 10 / 0.6], abs=1e-2)
    assert paid_for(answer, "coaching") == [60, 90, 140]
    # relaxed: without the rule the whole price is paid in the year, 60, 90 and at most 100
    answer = solved(town(), budgets(160, 190, 240), drop=("commissioning",))
    assert by_year(answer, "coaching") == [60, 90, 100]
    assert "provider_results" not in answer.plan.tables


def test_a_single_year_sets_all_it_will_owe_aside():
    # 0.6 s + min(40, s / 2) = 80: 1.1 s = 80, s = 72.73 (at 80 it would be 88)
    answer = solved(town(), budgets(180), years=1)
    assert by_year(answer, "coaching") == pytest.approx([80 / 1.1], abs=1e-2)
    # from 110 on: the first 10 jobs are not paid for: 0.6 s + s / 2 - 10 = 80, s = 81.82
    later = town(terms={"paid_from": 110, "paid_to": 150, "donor": True})
    answer = solved(later, budgets(180), years=1)
    assert by_year(answer, "coaching") == pytest.approx([90 / 1.1], abs=1e-2)


def test_results_that_do_not_last_are_not_paid_and_clawed_back():
    # 30 in 2027 pay the 30 due of 2026's result and nothing else: no coaching, 100 jobs, nothing
    # held. In 2028 the deferred 10 is not due and 0.5 x 40 = 20 comes back: 80 + 20 = 100 pay the
    # fee of 60 and set 40 aside
    terms = {"clawback_gbp_per_unit": 0.5, "donor": True}
    answer = solved(town(terms=terms), budgets(160, 130, 180))
    assert by_year(answer, "coaching") == pytest.approx([100, 0, 100], abs=1e-2)
    assert paid_for(answer, "coaching") == pytest.approx([60, 30, 100], abs=0.02)
    rows = answer.plan.tables["provider_results"]
    assert rows["units_lost"].to_list() == pytest.approx([40, 0, 0])
    assert rows["not_paid_gbp"].to_list() == pytest.approx([10, 0, 0])
    assert rows["clawback_gbp"].to_list() == pytest.approx([20, 0, 0])
    reserves = answer.plan.tables["reserves"].set_index("year")
    assert reserves.loc[2028, "in_gbp"] == pytest.approx(180 + 20)
    # without clawback 80 are there: 1.1 s = 80
    answer = solved(town(terms={"donor": True}), budgets(160, 130, 180))
    assert by_year(answer, "coaching") == pytest.approx([100, 0, 80 / 1.1], abs=1e-2)


def test_deferred_parts_past_the_end_are_set_aside():
    # two years to last: 2026's deferred 10 is due in 2029 and set aside in 2028 as if it lasted,
    # without refunds: 60 + 30 + 30 + 3 x 10
    """A deferred part may wait for years; past the last one it is set aside."""
    terms = {"deferred_years": 2, "clawback_gbp_per_unit": 0.5}
    answer = solved(town(terms=terms), budgets(160, 190, 250))
    assert paid_for(answer, "coaching") == [60, 90, 150]
    answer = solved(town(terms=terms), budgets(160, 130, 210))
    # no results last in 2027, but that is settled after the end: 10 of 2026 and 60 + 40 of 2028
    assert by_year(answer, "coaching") == pytest.approx([100, 0, 100], abs=1e-2)
    assert answer.plan.tables["provider_results"]["units_lost"].to_list() == [0, 0, 0]


def test_the_commissioner_gets_refunds_of_lost_results():
    terms = {"clawback_gbp_per_unit": 0.5, "donor": True}
    worth = {"benefit_id": "wages", "outcome_id": "jobs", "agency_id": "council"}
    worth |= {"unit_value_gbp": 10, "cashable_share": 1}
    worse = NobodyWorseOff(
        rule="nobody_worse_off", counterfactual="most_it_could_keep", when="horizon"
    )
    answer = solved(town(terms=terms, benefits=[worth]), budgets(160, 130, 180), worse)
    rows = answer.plan.tables["positions"].set_index(["agency_id", "year"])
    council = rows.loc["council", "plan_before_transfers_gbp"].to_list()
    pay = paid_for(answer, "coaching")
    back = answer.plan.tables["provider_results"]["clawback_gbp"].to_list()
    # 50 jobs in 2026 and 2028 save 500 in cash each; of 300 a year it pays what it pays; what comes
    # back of 2026 in 2028 is its own
    assert pay == pytest.approx([60, 30, 100], abs=0.02)
    assert back == pytest.approx([20, 0, 0])
    assert council == pytest.approx([300 - 60 + 500, 300 - 30, 300 - 100 + 20 + 500], abs=0.1)
    # alone (its own share of the totals is nothing, for nothing was spent) it buys no coaching
    assert rows.loc["council", "alone_gbp"].to_list() == pytest.approx([300, 300, 300])
    assert rows.loc["police", "plan_before_transfers_gbp"].to_list() == pytest.approx([0, 0, 0])


def test_least_money_cannot_call_an_outcome_worse_than_it_is():
    # 130 jobs are required: 60 GBP of coaching, 36 as fee and 30 for results
    place = town(outcome={"minimum_standard": 130})
    answer = solved(place, objective=("least_money",), years=1)
    assert by_year(answer, "coaching") == [60]
    assert answer.result.objective == pytest.approx(100 + 66)


def test_results_that_cannot_be_paid_for_are_explained():
    # 130 jobs cost 66 in all: with 60 there is no plan, and at least 6 more would be needed
    place = town(outcome={"minimum_standard": 130})
    answer = solve(place, scenario_of(rules=[budgets(160)]))
    assert answer.result.status is Status.INFEASIBLE
    said = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert "£6 higher" in said["one_budget"]
    assert "commissioning" in said  # paid less than their results earn, 36 is enough


def test_the_verifier_catches_a_provider_paid_too_little():
    place, scenario = town(), scenario_of(rules=[budgets(160, 190, 250)], years=3)
    plan = solve(place, scenario).plan
    for table, column in (
        ("payments", "after_gbp"),
        ("spending_by_year", "by_results_gbp"),
        ("provider_results", "earned_gbp"),
        ("provider_results", "units_paid"),
        ("provider_results", "clawback_gbp"),
        ("cash_flow", "plan_gbp"),
    ):
        rows = plan.tables[table].copy()
        rows[column] += 2.0
        wrong = Plan({**plan.tables, table: rows}, plan.summary)
        assert not verify(place, scenario, wrong).ok, (table, column)
    missing = {name: rows for name, rows in plan.tables.items() if name != "provider_results"}
    assert not verify(place, scenario, Plan(missing, plan.summary)).ok


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"paid_to": 90}, "ends where it is not better"),
        ({"clawback_gbp_per_unit": 0.8}, "more goes back than was paid"),
        ({"withheld_share": 1.2}, "more than the whole price"),
        ({"programme_id": "choir"}, "no such id"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms, said):
    with pytest.raises(PlaceError, match=said):
        solve(town(terms=terms), scenario_of(rules=[budgets(160)]))


def test_results_of_outcomes_that_do_not_add_up_are_refused():
    place = town(outcome={"combination": "best_of"})
    with pytest.raises(PlaceError, match="do not add up"):
        solve(place, scenario_of(rules=[budgets(160)]))


@pytest.mark.parametrize("seed", range(8))
def test_random_terms_agree_with_trying_everything(seed):
    check_random_terms(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 600))
def test_five_hundred_random_terms_agree_with_trying_all(seed):
    check_random_terms(seed)


def check_random_terms(seed: int) -> None:
    """Two programmes of fixed size, bought or not in each of three years: 64 plans. Providers that
    are not donors get back the withheld amount, or are not bought from."""
    rng = np.random.default_rng(seed)
    size, worth = rng.integers(20, 60, 2), rng.integers(10, 40, 2)
    terms = [
        {
            "programme_id": f"p{i}",
            "outcome_id": "jobs",
            "withheld_share": rng.choice([0.0, 0.5, 1.0]),
            "paid_from": 100 + int(rng.integers(0, 15)),
            "paid_to": 120 + int(rng.integers(0, 40)),
            "gbp_per_unit": float(rng.uniform(0.3, 1.5)),
            "deferred_share": rng.choice([0.0, 0.5]),
            "deferred_years": int(rng.integers(1, 3)),
        }
        for i in range(2)
    ]
    for row, own in zip(terms, size, strict=True):
        most = row["gbp_per_unit"] * (row["paid_to"] - row["paid_from"])
        row["withheld_share"] = min(row["withheld_share"], most / own)  # else a fault at check
        now = row["gbp_per_unit"] * (1 - row["deferred_share"])
        row["clawback_gbp_per_unit"] = rng.choice([0.0, now])
        row["donor"] = bool(rng.random() < 0.3)
    totals = rng.integers(30, 90, 3)
    key = {"outcome_id": "jobs", "form": "points"}
    lights = {"programme_id": "lights", "statutory_floor_gbp_per_year": 100}
    place = town(
        programmes=[lights]
        + [
            {
                "programme_id": f"p{i}",
                "minimum_scale_gbp_per_year": size[i],
                "maximum_gbp_per_year": size[i],
            }
            for i in range(2)
        ],
        curves=[{"programme_id": f"p{i}", **key, "lag_years": int(i)} for i in range(2)],
        curve_points=[
            {"programme_id": f"p{i}", "outcome_id": "jobs", "spend_gbp": s, "effect": w}
            for i, (s, w) in enumerate(zip(size, worth, strict=True))
        ],
        provider_terms=terms,
    )
    best = max(_value(on, size, worth, terms, totals) for on in itertools.product((0, 1), repeat=6))
    totals_gbp = budgets(*(float(100 + t) for t in totals))
    answer = solved(place, totals_gbp, money={"benefit_years": 3})
    assert -answer.result.objective == pytest.approx(best, abs=1e-6)


def _value(on, size, worth, terms, totals) -> float:
    """Mean improvement over the range of 50, beyond which it counts no more; minus infinity where
    the money does not fit or a provider who is no donor loses."""
    bought = np.array(on).reshape(3, 2)
    gain = bought[:, 0] * worth[0] + np.append(0, bought[:-1, 1]) * worth[1]
    cash = (bought * size).sum(axis=1).astype(float)
    for i, row in enumerate(terms):
        given = row["withheld_share"] * bought[:, i].sum() * size[i]
        cash -= row["withheld_share"] * bought[:, i] * size[i]
        scale = np.clip(gain + 100 - row["paid_from"], 0, row["paid_to"] - row["paid_from"])
        for t in range(3):
            units, later = bought[t, i] * scale[t], t + 1 + row["deferred_years"]
            lost = max(0.0, units - scale[later - 1]) if later < 3 else 0.0
            price, share = row["gbp_per_unit"], row["deferred_share"]
            cash[min(2, t + 1)] += price * (1 - share) * units
            cash[min(2, later)] += price * share * (units - lost)
            cash[min(2, later)] -= row["clawback_gbp_per_unit"] * lost
            given -= price * (units - share * lost) - row["clawback_gbp_per_unit"] * lost
        if given > 1e-6 and not row["donor"]:
            return -np.inf
    useful = float(np.minimum(gain, 50).mean() / 50)
    return useful if (cash <= totals + 1e-9).all() else -np.inf


@pytest.mark.parametrize("form", ["exponential", "logistic"])
def test_smooth_curves_are_proven_too(form):
    curve = {"programme_id": "coaching", "outcome_id": "jobs", "form": form}
    curve |= {"maximum_effect": 50, "scale_gbp": 40, "shape": 4}
    place = town(curves=[curve], curve_points=[])
    answer = solved(place, budgets(175), years=1, solver={"gap": 1e-4})
    # the most coaching s with 0.6 s + min(40, jobs(s)) <= 75, by bisection
    from placeopt.budget.curves.forms import response_curve

    jobs = response_curve(form, 50, 40, 4)
    low, high = 0.0, 100.0
    for _ in range(60):
        s = (low + high) / 2
        fits = 0.6 * s + min(40.0, float(jobs.effect(s))) <= 75
        low, high = (s, high) if fits else (low, s)
    best = float(jobs.effect(low)) / 50
    assert -answer.result.objective == pytest.approx(best, rel=1e-4)
    assert -answer.result.bound >= best - 1e-9
    assert answer.result.status is Status.OPTIMAL


def investor(terms=None, **changes):
    """An investor pays all of a bond of 30 to 100 GBP a year; jobs are worth 0.1 GBP each."""
    own = {"withheld_share": 1, "deferred_share": 0, "gbp_per_unit": 0.1, **(terms or {})}
    return town(coaching={"minimum_scale_gbp_per_year": 3}, terms=own, **changes)


def test_a_plan_takes_no_more_from_an_investor_than_it_pays():
    """100 a year bring 50 jobs, of which 40 are paid for: 4 GBP for 100. Only a donor accepts that;
    at 2.5 GBP a job 40 jobs pay for all of it."""
    answer = solved(investor(), budgets(300, 300, 300))
    assert by_year(answer, "coaching") == [0, 0, 0]
    answer = solved(investor({"donor": True}), budgets(300, 300, 300))
    assert by_year(answer, "coaching") == [100, 100, 100]
    answer = solved(investor({"gbp_per_unit": 2.5}), budgets(300, 300, 300))
    assert by_year(answer, "coaching") == [100, 100, 100]
    # 2.3 a job: 40 jobs pay 92 a year, 276 in all
    answer = solved(investor({"gbp_per_unit": 2.3}), budgets(300, 300, 300))
    assert sum(by_year(answer, "coaching")) == pytest.approx(276, abs=1e-2)


def test_a_plan_that_takes_from_an_investor_is_refused():
    """The plan that relies on a donor is refused where no row names one."""
    scenario = scenario_of(rules=[budgets(300, 300, 300)], years=3)
    plan = solve(investor({"donor": True}), scenario).plan
    (broken,) = verify(investor(), scenario, plan).broken
    # 300 withheld, 3 x 4 paid
    assert broken.number == "B10"
    assert "withheld from the provider of coaching" in broken.detail
    assert "£288 too far" in broken.detail


def test_an_investor_who_can_never_be_paid_is_a_fault():
    """At least 30 are withheld and 40 jobs at 0.1 bring 4; or only some rows name a donor."""
    place = investor({}, programmes=[{"programme_id": "coaching", "agency_id": "council",
                                      "minimum_scale_gbp_per_year": 30}])  # fmt: skip
    found = [f for f in inconsistent_provider_terms(place) if f.severity == "error"]
    assert [(f.row, f.column) for f in found] == [(2, "gbp_per_unit")]
    assert "at most £4.00 a year, and at least £30.00 are withheld" in found[0].message
    rows = place.provider_terms
    two = pd.concat([rows, rows.assign(donor=True)], ignore_index=True)
    found = list(inconsistent_provider_terms(place.replace(provider_terms=two)))
    assert "some rows of coaching name its provider a donor" in found[-1].message


def test_a_provider_bought_from_in_a_past_year_has_consented():
    """2026 is past and bought 100 at 0.1 GBP a job: the contract continues, and the plan is
    verified."""
    known = [{"programme_id": key, "year": 2026, "kind": "actual", "amount_gbp": 100}
             for key in ("lights", "coaching")]  # fmt: skip
    rules = [budgets(300, 300, 300), Continuity(rule="continuity")]
    answer = solved(investor(commitments=known), *rules)
    assert by_year(answer, "coaching") == [100, 100, 100]
