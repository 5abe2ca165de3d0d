"""Infeasibility: the least relaxation of each rule, worked by hand on the two programmes of
``test_rules`` (homecare: 100 today, a floor of 20; lights: 100 today)."""

from __future__ import annotations

import pytest

from placeopt.budget import solve
from placeopt.budget.explain.minimum_budget import order_of_breaking
from placeopt.engine import Status
from placeopt.place import read_place
from placeopt.scenario import read_scenario
from placeopt.scenario.rules.budget.money import (
    Capital,
    Continuity,
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Prevention,
    Reinvestment,
    ThroughThePlace,
)
from tests.budget.places import (
    budgets,
    changed,
    one_budget,
    place_over_years,
    scenario_of,
    two_programmes,
)
from tests.budget.test_over_years import wards
from tests.support.places import place_of


def gives(place, *rules, years: int = 1, drop=()) -> dict[str, str]:
    answer = solve(place, scenario_of(rules=rules, years=years, drop=drop))
    assert answer.result.status is Status.INFEASIBLE
    return {clash.name: clash.what_gives for clash in answer.explanation.clashes}


def test_money_that_units_would_have_to_free_is_named():
    # homecare at its floor of 20 (80 less than today) leaves 48 bed days: three wards, 150; in all
    # 170. Two wards would need homecare at its 100, in all 200.
    place = wards()
    found = gives(place, budgets(110, 200, 200), Prevention(rule="prevention"), years=3)
    assert found["prevention"] == (
        "hospital would have to free £60 more than its closing units do in 2026"
    )
    assert found["one_budget"] == "the total of 2026 would have to be £60 higher"


def test_the_shortfall_of_prevention_is_named():
    # lights are preventive, so they keep 100; homecare's floor is 20: 120 of the 110
    place = changed(two_programmes(), "programmes", "lights", kind="preventive")
    found = gives(place, one_budget(110), Reinvestment(rule="reinvestment", share=0.0))
    assert found["reinvestment"].startswith("£20 in all, for example: prevention would get £10")
    assert "less than its share" in found["reinvestment"]


def test_an_agency_that_pools_too_little_is_named():
    # 0.8 of the council's 250 are 200 for lights, and homecare's floor is 20
    place = changed(two_programmes(), "programmes", "lights", pooled=True)
    found = gives(place, one_budget(180), ThroughThePlace(rule="through_the_place", share=0.8))
    assert found["through_the_place"] == (
        "council would put £40 less through the place than its share"
    )
    assert found["one_budget"] == "the total would have to be £40 higher"


def test_the_loss_of_agencies_is_named():
    place = place_over_years(2)
    place = place.replace(streams=place.streams.assign(agency_id=["nhs", "council"]))
    # alone the nhs keeps 200 - 20 - 50 for the lights = 130 a year, so at most 70 may be spent;
    # nine falls need 200 for homecare. Transfers say who of the two is short of the 130.
    rule = NobodyWorseOff(
        rule="nobody_worse_off", counterfactual="most_it_could_keep", only_together=("falls",)
    )
    standard = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9}})
    found = gives(place, rule, standard, years=2)
    assert found["nobody_worse_off"].startswith("£260 in all, for example: ")
    assert "would be £130 worse off than alone in 2026" in found["nobody_worse_off"]


def test_capital_and_contracts_that_are_short_are_named():
    place = two_programmes()
    rows = {k: t.to_dict("records") for k, t in place.tables.items() if len(t)}
    rows["programmes"].append(
        {"programme_id": "new", "agency_id": "nhs", "capital_gbp": 30,
         "statutory_floor_gbp_per_year": 5}
    )  # fmt: skip
    rows["streams"].append({"stream_id": "cap", "agency_id": "nhs", "purpose": "capital"})
    rows["stream_amounts"].append({"stream_id": "cap", "year": 2026, "amount_gbp": 20})
    found = gives(place_of(**rows), one_budget(180), Capital(rule="capital"))
    assert found["capital"] == "£10 more capital would be needed"
    rows = {k: t.to_dict("records") for k, t in place.tables.items() if len(t)}
    rows["commitments"] = [
        {"year": 2026, "programme_id": "lights", "kind": "contracted", "amount_gbp": 170}
    ]
    found = gives(place_of(**rows), one_budget(180), Continuity(rule="continuity"))
    assert found["continuity"] == "lights would get £10 less than is contracted for"


def test_faults_of_purchase_are_named():
    """Alternatives bought together and programmes below their scale are named."""
    place = two_programmes()
    beside = place.replace(programmes=place.programmes.assign(one_of="evenings"))
    found = gives(changed(beside, "programmes", "lights", statutory_floor_gbp_per_year=10),
                  one_budget(180))  # fmt: skip
    assert found["commissioning"] == (
        "for example, homecare and lights would be bought side by side"
    )
    large = changed(place, "programmes", "homecare", minimum_scale_gbp_per_year=190)
    found = gives(large, one_budget(180))
    assert found["commissioning"].startswith("for example, homecare would be bought ")
    assert found["commissioning"].endswith("below its efficient scale")


def test_a_single_clashing_rule_is_stated_as_the_only_one():
    rule = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 7.5}})
    # 350 GBP for homecare: more than the grant, and a point beyond the curve's end
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rule]))
    assert answer.explanation.sentence.endswith(
        "outcomes (B4) would have to give; no other single rule would do."
    )


def test_the_shortfall_of_the_total_agrees_with_the_least_money(data):
    """With curves: a quarter less than today is below the least money by the stated amount."""
    place = read_place(data / "marlshire")
    scenario = read_scenario(data / "marlshire" / "scenarios" / "budget.toml")
    rules = [
        OneBudget(rule="one_budget", reduction_share=0.25) if rule.name == "one_budget" else rule
        for rule in scenario.rules
    ]
    scenario = scenario.model_copy(update={"rules": tuple(rules)})
    clashes = {clash.number: clash for clash in solve(place, scenario).explanation.clashes}
    said = clashes["B1"].what_gives.removeprefix("the total would have to be £")
    more = float(said.removesuffix(" higher").replace(",", ""))
    least = order_of_breaking(place, scenario)["least_gbp"].iloc[0]
    spent = place.spending.query("year == 2025")["amount_gbp"].sum()
    assert more == pytest.approx(least - 0.75 * spent, rel=2e-4)
