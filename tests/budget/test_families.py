"""The shipped fund for families facing exclusion has its stated properties."""

import pytest

from placeopt.budget import solve
from placeopt.budget.curves.calibrate import calibrate
from placeopt.engine import Status
from placeopt.place import read_place
from placeopt.scenario import read_scenario


@pytest.fixture(scope="module")
def answer():
    from tests.conftest import ROOT

    scenario = read_scenario(ROOT / "data" / "families" / "scenarios" / "families.toml")
    return solve(read_place(scenario.place_path), scenario)


def test_the_fund_pays_for_key_workers_every_year(answer):
    spending = answer.plan.tables["spending_by_year"]
    workers = spending[spending["programme_id"] == "key_workers"]["plan_gbp"]
    assert len(workers) == 5
    assert (workers >= 4_000_000 - 1).all()
    assert answer.verification.ok
    gap = answer.result.objective - answer.result.bound
    assert gap <= 0.0021 * abs(answer.result.objective)


def test_the_centre_pays_at_most_its_share(answer):
    """Central government pays at most 4,000 of 10,000 over the years."""
    payments = answer.plan.tables["payments"]
    own = payments[payments["programme_id"] == "key_workers"]
    paid = own.groupby("stream_id")["after_gbp"].sum()
    assert 0 < paid["families_grant"] <= 0.4 * paid.sum() + 1
    assert (paid.drop("families_grant") > 0).all()  # every partner pays its part


def test_homes_close_whole_and_after_demand_falls(answer):
    spending = answer.plan.tables["spending_by_year"]
    homes = spending[spending["programme_id"] == "care_homes"].set_index("year")
    levels = answer.plan.tables["outcomes_by_year"]
    care = levels[levels["outcome_id"] == "in_care"].set_index("year")["plan"]
    assert (homes["units"] * 10 >= care - 1e-4).all()
    assert (homes["units"] == homes["units"].round()).all()
    assert homes.loc[2026, "units"] == 42  # the effect is a year late
    assert homes["units"].min() <= 38


def test_results_are_paid_a_year_on_and_the_reserve_is_put_back(answer):
    """In 2026 nothing is paid for results; a year on 800 for each family beyond 240."""
    levels = answer.plan.tables["outcomes_by_year"]
    turned = levels[levels["outcome_id"] == "turned_round"].set_index("year")["plan"]
    reserves = answer.plan.tables["reserves"].set_index("year")
    assert reserves.loc[2026, "in_gbp"] == pytest.approx(31_780_000)
    rewarded = 800 * min(200, max(0, turned[2026] - 240))
    assert reserves.loc[2027, "in_gbp"] == pytest.approx(31_700_000 + rewarded, abs=1)
    assert reserves.loc[2030, "closing_gbp"] >= 2_500_000 - 0.01


def test_the_curve_comes_from_unit_cost_and_saturation(data):
    place = read_place(data / "families")
    (made,) = calibrate(place).curves.to_dict("records")
    mine = place.curves["outcome_id"] == made["outcome_id"]
    stated = place.curves[mine].to_dict("records")[0]
    assert (stated["form"], stated["source"]) == (made["form"], made["source"])
    assert stated["maximum_effect"] == pytest.approx(made["maximum_effect"])
    assert stated["scale_gbp"] == pytest.approx(made["scale_gbp"])


def test_no_agency_is_worse_off_over_five_years(answer):
    positions = answer.plan.tables["positions"]
    alone = positions.groupby("agency_id")["alone_gbp"].apply(lambda gbp: gbp.isna().any())
    assert set(alone.index[alone]) == {"council"}  # its fund is less than its programmes need
    assert answer.plan.tables["transfers"]["amount_gbp"].sum() > 0


@pytest.mark.exhaustive
def test_in_every_single_year_one_is_worse_off(answer):
    kept = next(rule for rule in answer.scenario.rules if rule.name == "nobody_worse_off")
    rules = tuple(rule for rule in answer.scenario.rules if rule is not kept)
    yearly = kept.model_copy(update={"when": "every_year"})
    found = solve(answer.place, answer.scenario.model_copy(update={"rules": (*rules, yearly)}))
    assert found.result.status is Status.INFEASIBLE
    assert "B9" in {clash.number for clash in found.explanation.clashes}


def test_advances_are_paid_back_without_lasting_results(answer):
    """2,000 pounds for each of the 240 that is missing, down to 200."""
    rows = answer.plan.tables["result_payments"]
    missing = (240 - rows["plan"]).clip(0, 40)
    assert rows["clawback_gbp"].to_list() == pytest.approx((2000 * missing).to_list(), abs=0.01)
