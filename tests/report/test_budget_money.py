"""What a treasurer asks first of a budget: floors, steps, prevention, money left or given back."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from checker import false_sentences, programme_why_is_so
from test_sentences import lies, sentences_of

from placeopt.budget import solve
from placeopt.engine import Answer
from placeopt.report.narrative.narrative import describe
from placeopt.report.tables.evidence import evidence_in_words, used_assumptions
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import OneBudget, Statutory, Streams
from tests.budget.places import place_over_years, scenario_of, two_programmes

SCALE = 10_000.0  # so that the small hand-made place has money worth a sentence
MONEY = {"stream_amounts": "amount_gbp", "spending": "amount_gbp", "curve_points": "spend_gbp"}
TO_THE_TOTAL = "because the total of the one budget is used up: whichever stream pays, a pound more"


def answered(unspent: str, weights: tuple[float, float], *minimise: str) -> Answer:
    """Homecare (NHS) and the council's lights over two years, £1 million each today; the question
    lowers homecare's floor of £950,000 to £200,000 and takes 30% out."""
    place = place_over_years(2, two_programmes())
    for table, column in MONEY.items():
        rows = place.tables[table]
        place = place.replace(**{table: rows.assign(**{column: SCALE * rows[column]})})
    programmes = place.programmes.assign(
        kind=["preventive", "reactive"], statutory_floor_gbp_per_year=[95 * SCALE, 0.0]
    )
    outcomes = place.outcomes.assign(weight=list(weights))
    place = place.replace(programmes=programmes, outcomes=outcomes)
    rules = [
        OneBudget(rule="one_budget", total_gbp=140 * SCALE),
        Streams(rule="streams", unspent=unspent),
        Statutory(rule="statutory", floors_gbp={"homecare": 20 * SCALE}),
    ]
    return solve(place, scenario_of(*minimise, rules=rules, years=2, year=2026))


@pytest.fixture(scope="module")
def lights_first() -> Answer:
    """The lights matter most: homecare falls to the floor that the question states."""
    return answered("carried", (1.0, 9.0))


@pytest.fixture(scope="module")
def care_first() -> Answer:
    """Homecare matters most: the lights stop, and the fund that may pay for them is left."""
    return answered("carried", (9.0, 1.0))


def texts(answer: Answer) -> dict[str, str]:
    assert false_sentences(answer, sentences_of(answer)) == []
    return {one.kind: one.text for one in describe(answer).all_statements()}


def test_a_plan_below_the_places_own_floor_says_so(lights_first):
    said = texts(lights_first)
    assert said["spends_less"].endswith(
        "but 1 programme gets less than the statutory floor of the place's tables."
    )
    assert said["below_place_floor"] == (
        "Below the statutory floor in the place's own tables, as this question allows: homecare "
        "by £750,000 in 2027."
    )
    spending = lights_first.plan.spending.set_index("programme_id")
    assert spending.at["homecare", "why"] == (
        "at the floor that this question states, £200,000: £750,000 below the one in the place's "
        "own tables"
    )
    assert spending.at["homecare", "place_floor_gbp"] == 950_000
    assert list(programme_why_is_so(lights_first)) == []


def test_a_plan_that_keeps_the_places_floor_says_nothing_of_it(care_first):
    assert "below_place_floor" not in texts(care_first)
    assert "statutory" not in describe(care_first).headline.text


def test_the_steps_and_prevention_are_said(lights_first, care_first):
    said = texts(lights_first)
    assert said["steps"] == "Against today it spends 30% less in 2026 and 30% less in 2027."
    assert said["prevention_cut"] == (
        "Less than today for prevention itself in 2027, £800,000 in all: homecare £800,000."
    )
    assert texts(care_first)["prevention_from_savings"] == (
        "Over 2 years other programmes cost £2.0 million less than at today's rate; £800,000 of "
        "that goes to prevention on top of today's."
    )


def test_carried_money_left_at_the_end_is_said_with_its_reason(care_first):
    said = texts(care_first)
    assert said["left"] == (
        "At the end of 2027 £1.0 million of ring-fenced money is left unspent: lamp_fund "
        "£1.0 million."
    )
    assert TO_THE_TOTAL in said["left_for_the_total"]
    assert said["left_beside_cuts"] == (
        "Programmes that this money may pay for get £1.0 million less than today in 2027."
    )
    assert said["across"] == (
        "In 2027 streams of one agency pay £1.4 million for what another runs, today "
        "£1.0 million; more than today: grant £400,000 for homecare."
    )
    figures = {figure.key: figure.plan for figure in describe(care_first).figures}
    assert figures["left_ring_fenced_gbp"] == pytest.approx(1_000_000)
    assert figures["returned_over_years_gbp"] == 0


def test_returned_money_comes_with_its_reason():
    said = texts(answered("returned", (9.0, 1.0)))
    assert "goes back to those who gave it: lamp_fund £500,000 in 2026" in said["returned"]
    assert TO_THE_TOTAL in said["returned_for_the_total"]
    assert "left" not in said
    said = texts(answered("returned", (9.0, 1.0), "least_money"))  # it is no total that stops it
    assert "returned_for_the_total" not in said
    assert said["returned_for_no_gain"].startswith("It goes back because it is proven that no plan")


def test_a_programme_that_stops_says_what_that_frees_and_costs(care_first):
    why = care_first.plan.spending.set_index("programme_id")["why"]
    assert why["lights"] == (
        "stopped: that frees £1.0 million a year and alone worsens safe by 0.5 (points)"
    )
    assert list(programme_why_is_so(care_first)) == []
    rows = care_first.plan.reasons.copy()
    rows["sentence"] = rows["sentence"].str.replace("by 0.5", "by 0.7")
    lie = replace(care_first, plan=replace(care_first.plan, tables={
        **care_first.plan.tables, "reasons": rows}))  # fmt: skip
    assert any(wrong.startswith("lights: stopped") for wrong in programme_why_is_so(lie))


def test_a_lie_in_any_of_these_sentences_is_found(lights_first, care_first):
    missed = [
        lie
        for answer in (lights_first, care_first)
        for text in sentences_of(answer)
        for lie in lies(text)
        if not false_sentences(answer, [lie])
    ]
    assert missed == []


def test_measures_over_years_say_so(care_first):
    units = care_first.plan.objectives.set_index("objective")["unit"]
    assert units["least_money"] == "GBP over 2 years, discounted to 2026"
    assert units["least_disruption"] == "GBP over 2 years, each year against the year before"
    labels = {figure.key: figure.label for figure in describe(care_first).figures}
    assert labels["moved_gbp"] == "Moved up or down against today, 2027"


def test_the_evidence_is_said_and_unused_assumptions_are_not(care_first):
    """Carbon values are no assumption of a budget; its curves are, by grade and source."""
    place = care_first.place
    curves = place.curves.assign(grade=[2, 5], source=["a trial", "illustrative"])
    columns = ["assumption_id", "table", "column", "rows_filled", "rule", "source", "grade"]
    assumptions = pd.DataFrame(
        [[name, name, "x", 1, "r", "s", "assumed"] for name in ("carbon_values", "outcomes")],
        columns=columns,
    )
    answer = replace(care_first, place=place.replace(curves=curves, assumptions=assumptions))
    assert evidence_in_words(answer) == [
        "Every effect on outcomes comes from 2 curves from spending to outcomes; by evidence (1 "
        "best, 6 worst): 1 of grade 2 and 1 of grade 5.",
        "1 of them states their source as illustrative.",
        "What is proven is proven of these curves: 1 of 2 are weak evidence (grade 4 or worse), "
        "and where they are wrong another plan may be better.",
    ]
    assert used_assumptions(answer)["table"].tolist() == ["outcomes"]
    estate = Scenario(question="Which buildings stay?", problem="estate")
    assert evidence_in_words(replace(answer, scenario=estate)) == []
    assert used_assumptions(replace(answer, scenario=estate))["table"].tolist() == []
