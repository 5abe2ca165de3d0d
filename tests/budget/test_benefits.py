"""The benefits chain, each factor by hand; the verifier agrees and catches faults."""

import numpy as np
import pytest

from placeopt.budget.appraisal.benefits import benefits_chain_table, cashable_per_gain
from placeopt.budget.appraisal.optimism_bias import without_grade
from placeopt.budget.verify.benefits import cashable, check_chain
from placeopt.place.check.benefits import benefit_findings as findings
from placeopt.scenario import Scenario
from placeopt.scenario.scenario import Money
from tests.support.places import place_of


def families(**changes):
    """One outcome: children out of care. The council saves, the health trust saves a little, and
    the benefit to the children is in no agency's budget."""
    council = {
        "benefit_id": "placements",
        "outcome_id": "care",
        "agency_id": "council",
        "unit_value_gbp": 50_000,
        "cashable_share": 0.5,
        "deadweight_share": 0.2,
        "displacement_share": 0.1,
        "grade": 3,
    }
    health = {
        "benefit_id": "visits",
        "outcome_id": "care",
        "agency_id": "trust",
        "unit_value_gbp": 1_000,
        "lag_years": 1,
        "duration_years": 2,
        "decay_share": 0.25,
        "grade": 6,
    }
    lives = {
        "benefit_id": "lives",
        "outcome_id": "care",
        "unit_value_gbp": 10_000,
        "kind": "social",
        "health": True,
        "correction_share": 0.5,
    }
    return place_of(
        agencies=[{"agency_id": "council"}, {"agency_id": "trust"}],
        outcomes=[{"outcome_id": "care", "unit": "children", "direction": "lower", "baseline": 90}],
        benefits=[council | changes, health, lives],
    )


def scenario(**money):
    return Scenario(question="?", problem="budget", money=Money(**money))


IMPROVEMENT = np.array([[10.0], [20.0], [0.0]])  # ten children fewer in the first year, ...
BETTER = {("care", 2025): 10.0, ("care", 2026): 20.0, ("care", 2027): 0.0}


def test_the_benefits_chain_by_hand():
    table = benefits_chain_table(families(), Money(), 2025, IMPROVEMENT)
    row = table[(table["benefit_id"] == "placements") & (table["year"] == 2025)].iloc[0]
    # 10 x 50,000 = 500,000 gross; x (1 - 0.2) x (1 - 0.1) = 360,000 net; half of it is cash.
    assert row["gross_gbp"] == pytest.approx(500_000)
    assert row["net_gbp"] == pytest.approx(360_000)
    assert row["cashable_gbp"] == pytest.approx(180_000)
    second = table[(table["benefit_id"] == "placements") & (table["year"] == 2026)].iloc[0]
    assert second["present_gbp"] == pytest.approx(720_000 / 1.035)


def test_a_benefit_with_a_lag_comes_later_and_fades():
    table = benefits_chain_table(families(), Money(), 2025, IMPROVEMENT)
    visits = table[table["benefit_id"] == "visits"].set_index("year")
    # 2026: 10 from 2025. 2027: 20 from 2026, and 10 x (1 - 0.25) still from 2025.
    assert visits["counted"].tolist() == pytest.approx([0, 10, 27.5])
    assert visits["net_gbp"].tolist() == pytest.approx([0, 10_000, 27_500])


def test_health_effects_are_discounted_less_and_not_cash():
    table = benefits_chain_table(families(), Money(), 2025, IMPROVEMENT)
    lives = table[table["benefit_id"] == "lives"].set_index("year")
    assert lives.loc[2026, "discount_factor"] == pytest.approx(1 / 1.015)
    assert lives["cashable_gbp"].sum() == 0


def test_correction_by_grade_only_applies_where_asked():
    plain = benefits_chain_table(families(), Money(), 2025, IMPROVEMENT)
    corrected = benefits_chain_table(families(), Money(optimism_bias=True), 2025, IMPROVEMENT)
    assert (plain["correction_share"] == 0).all()
    first = corrected.groupby("benefit_id", sort=False)["correction_share"].first()
    # Grades 3 and 6 are 10 % and 40 %; the third has a correction of its own.
    assert first.to_dict() == {"placements": 0.10, "visits": 0.40, "lives": 0.5}
    ratio = corrected["net_gbp"].sum() / plain["net_gbp"].sum()
    # net before: 360,000 + 720,000; 37,500; 300,000. After: x 0.9, x 0.6, x 0.5.
    assert ratio == pytest.approx((1_080_000 * 0.9 + 37_500 * 0.6 + 300_000 * 0.5) / 1_417_500)


def test_cash_per_unit_equals_the_sum_of_the_chain():
    place = families()
    per_gain = cashable_per_gain(place, Money(), years=2, counted=3)
    assert per_gain.shape == (3, 2, 2, 1)
    cash = np.einsum("htao,to->ha", per_gain, IMPROVEMENT[:2])
    table = benefits_chain_table(place, Money(), 2025, IMPROVEMENT)
    council = table[table["agency_id"] == "council"].groupby("year")["cashable_gbp"].sum()
    assert cash[:, 0] == pytest.approx(council.to_numpy())
    assert cash[:, 1] == pytest.approx([0, 0, 0])  # the trust's benefit is not cashable


@pytest.mark.parametrize("asked", [False, True])
def test_the_verifier_recomputes_the_chain_from_the_tables(asked):
    place, question = families(), scenario(optimism_bias=asked, discount_rate=0.03)
    table = benefits_chain_table(place, question.money, 2025, IMPROVEMENT)
    check = check_chain(place, question, table, BETTER)
    assert check.holds, check.detail
    council = table[table["agency_id"] == "council"].set_index("year")["cashable_gbp"]
    assert cashable(place, question, BETTER)["council", 2026] == pytest.approx(council[2026])


@pytest.mark.parametrize("column", ["gross_gbp", "cashable_gbp", "present_gbp", "counted"])
def test_the_verifier_catches_one_wrong_cell(column):
    place, question = families(), scenario()
    table = benefits_chain_table(place, question.money, 2025, IMPROVEMENT)
    table.loc[1, column] *= 1.01
    check = check_chain(place, question, table, BETTER)
    assert not check.holds
    assert f"placements in 2026: {column}" in check.detail


def test_a_unit_cost_is_brought_to_the_places_prices():
    costs = [{"code": "HC1", "amount_gbp": 100.0, "price_year": 2015, "agency_id": "council"}]
    prices = [{"year": 2015, "index": 80.0}, {"year": 2025, "index": 100.0}]
    place = families(unit_value_gbp=np.nan, unit_cost="HC1")
    columns = {name: place_of(unit_costs=costs, deflators=prices).tables[name]
               for name in ("unit_costs", "deflators")}  # fmt: skip
    priced = place.replace(**columns)
    assert not list(findings(priced))
    table = benefits_chain_table(priced, Money(), 2025, IMPROVEMENT)
    assert table["unit_value_gbp"].iloc[0] == pytest.approx(125)  # 100 x 100 / 80
    assert check_chain(priced, scenario(), table, BETTER).holds

    later = priced.replace(deflators=priced.deflators.iloc[:1])
    (fault,) = findings(later)
    assert "2025" in fault.message
    assert fault.row == 2


def test_a_benefit_that_makes_no_sense_is_found():
    messages = [str(fault) for fault in findings(families(unit_value_gbp=np.nan))]
    assert len(messages) == 1
    assert "a value of its own or a unit cost's" in messages[0]
    messages = [str(fault) for fault in findings(families(agency_id="", health=True))]
    assert any("nobody's budget" in message for message in messages)
    assert any("not cash" in message for message in messages)


def test_a_number_without_a_grade_is_listed():
    (listed,) = without_grade(place_of(
        outcomes=[{"outcome_id": "care", "unit": "children", "direction": "lower", "baseline": 9}],
        benefits=[{"benefit_id": "one", "outcome_id": "care", "unit_value_gbp": 1}],
    ))  # fmt: skip
    assert listed.severity == "warning"
    assert "one has no evidence grade" in listed.message
