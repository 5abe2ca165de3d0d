"""Sentences that were once stated although false, each with an answer in which it was false."""

from __future__ import annotations

from dataclasses import replace

import answers
import numpy as np
import pandas as pd
import pytest

from placeopt.engine import Result, Status
from placeopt.report.narrative.narrative import describe, headline
from placeopt.scenario.rules.budget.money import Pace, Streams
from placeopt.scenario.scenario import AnswerSettings, Money, Objective
from tests.budget import places as budgets
from tests.budget.places import one_budget


def with_tables(answer, **tables):
    return replace(answer, plan=replace(answer.plan, tables={**answer.plan.tables, **tables}))


def said(answer) -> str:
    return headline(answer)


def test_no_reason_is_stated_for_buildings_with_free_floor():
    """Visits pass the nearest host although every building has free floor area; as sent they take
    longer, and no reason without a table is given."""
    answer = answers.estate_answer()
    sent = answer.plan.assignment.assign(minutes=20.0)
    text = said(with_tables(answer, assignment=sent))
    assert "fill up" not in text
    assert "100% of visits go past the nearest building with their service" in text
    assert "go past" not in said(with_tables(answer, assignment=sent.assign(minutes=6.0)))


def test_a_building_that_loses_a_service_does_not_stay_as_it_is():
    """Two of three buildings stay open, with a library but without their clinic."""
    text = said(answers.estate_answer())
    assert "2 stay open without a service they have today" in text
    assert "as it is" not in text
    assert "as they are" not in text


def test_a_building_that_takes_in_a_service_is_not_called_a_hub():
    """Four buildings take a service in, and one has the tier of a hub."""
    answer = answers.estate_answer()
    rows = answer.plan.buildings.assign(
        decision="hub", status_before="open", services_before="library",
        services_after="library; clinic", tier_id=["hub", *[""] * 5],
    )  # fmt: skip
    tiers = pd.DataFrame({"tier_id": ["hub"], "name": ["Primary hub"]})
    answer = replace(answer, place=answer.place.replace(tiers=tiers))
    text = said(with_tables(answer, buildings=rows))
    assert "6 take in a service" in text
    assert "Buildings by tier: 1 Primary hub." in text
    assert "hubs" not in text


def test_no_reason_is_stated_for_unspent_ring_fenced_money():
    """The total binds, not the ring-fence: the sentence states only that it is returned."""
    text = said(answers.budget_answer())
    assert "£50,000 of ring-fenced money is not spent and goes back to those who gave it." in text
    assert "cannot be put to use" not in text


def ring_fenced(most: float, total: float, **settings):
    """50 of ring-fenced money for the lights, which may get at most ``most``, also from the grant
    of 200; today they get 50 of each. ``total`` is the one budget's."""
    from placeopt.budget import solve

    place = budgets.two_programmes()
    rows = place.programmes
    place = place.replace(programmes=rows.assign(maximum_gbp_per_year=[np.nan, most]))
    scenario = budgets.scenario_of(rules=[one_budget(total), *settings.pop("rules", ())])
    return solve(place, scenario)


def test_money_is_of_no_use_only_if_no_programme_can_take_it():
    """Lights take at most 30 of their 50 and homecare all 200 of the grant: 20 are of no use. If
    the total of 200 binds, or the lights could take more, the 20 or 50 are only unspent."""
    text = said(ring_fenced(most=30, total=250))
    assert "£20 of ring-fenced money is not spent and goes back" in text
    assert "£20 of it cannot be put to use: what it may pay for can take no more" in text
    for answer in (ring_fenced(most=30, total=200), ring_fenced(most=200, total=200)):
        text = said(answer)
        assert "of ring-fenced money is not spent and goes back" in text
        assert "cannot be put to use" not in text


def test_ring_fenced_money_of_an_earlier_year_goes_back_too():
    """Of 50 for the lights 20 are returned in 2026, when the total binds, and none in 2027, worked
    by hand. If carried or released, none is returned."""
    from checker import false_sentences

    from placeopt.budget import solve

    place = budgets.place_over_years(2)
    asked = budgets.scenario_of(rules=[budgets.budgets(230, 250)], year=2026, years=2)
    answer = solve(place, asked)
    (text,) = [s.text for s in describe(answer).statements if s.kind == "returned"]
    assert text.startswith("£20 of ring-fenced money is not spent over the decided years and ")
    assert text.endswith("£20 in 2026.")
    assert false_sentences(answer, [text]) == []
    for lie in (text.replace("£20 of", "£0 of"), text.replace("in 2026", "in 2027")):
        assert false_sentences(answer, [lie]) == [f"not so: {lie}"]
    assert answer.plan.streams["returned_gbp"].sum() == pytest.approx(0)  # of 2027
    for settings in ({"unspent": "carried"}, {"release": ("lamp_fund",)}):
        kept = Streams(rule="streams", **settings)
        one_year = asked.model_copy(update={"years": 1}).with_rules((one_budget(230), kept))
        plan = solve(budgets.two_programmes(), one_year).plan
        assert plan.streams["returned_gbp"].sum() == 0
        assert plan.streams["left_gbp"].sum() == pytest.approx(20)


def test_a_further_amount_is_no_more_than_can_usefully_be_spent():
    """The lights get 102 of the 108 that they can use: the sentence states 1 more, not 10."""
    from placeopt.budget import solve

    place = budgets.two_programmes()
    rows = place.programmes.assign(maximum_gbp_per_year=[100.0, 108.0])
    asked = budgets.scenario_of(rules=[one_budget(202)])
    plan = solve(place.replace(programmes=rows), asked).plan
    spent = plan.spending.set_index("programme_id")["after_gbp"]
    told = plan.reasons[plan.reasons["code"] == "worth"].set_index("programme_id")
    most = rows.set_index("programme_id")["maximum_gbp_per_year"]
    assert len(told)
    assert (spent[told.index] + told["amount"] <= most[told.index]).all()


def test_money_that_could_replace_another_stream_is_usable():
    answer = ring_fenced(most=30, total=250)
    rows = answer.plan.payments
    other = rows["stream_id"].where(rows["programme_id"] != "lights", "grant")
    text = said(with_tables(answer, payments=rows.assign(stream_id=other)))
    assert "cannot be put to use" not in text


def test_money_that_a_pace_keeps_out_is_of_no_use():
    """Lights of 30, paid for by 50 of ring-fenced money, may not rise. If exempt they rise within
    the total of 135, which also pays for homecare of 100."""
    from placeopt.budget import solve

    spent = [("homecare", "grant", 100), ("lights", "lamp_fund", 30)]
    place = budgets.two_programmes(spending=[
        {"year": 2025, "programme_id": p, "stream_id": f, "amount_gbp": gbp} for p, f, gbp in spent
    ])  # fmt: skip
    for exempt, total, of_no_use in (((), 250, True), (("lights",), 135, False)):
        pace = Pace(rule="pace", largest_rise_share=0.0, largest_cut_share=0.0, exempt=exempt)
        text = said(solve(place, budgets.scenario_of(rules=[one_budget(total), pace])))
        assert "of ring-fenced money is not spent and goes back" in text
        assert ("£20 of it cannot be put to use" in text) is of_no_use
        assert ("cannot be put to use" in text) is of_no_use


def test_carried_or_released_money_is_not_returned():
    for rule in (Streams(rule="streams", unspent="carried"),
                 Streams(rule="streams", release=("lamp_fund",))):  # fmt: skip
        text = said(ring_fenced(most=30, total=200, rules=[rule]))
        assert "goes back" not in text
        assert "cannot be put to use" not in text


def test_a_rise_without_a_name_is_stated_by_its_id():
    answer = answers.budget_answer()
    text = said(with_tables(answer, spending=answer.plan.spending.assign(name="")))
    assert "The largest rise is in youth: £100,000" in text
    assert "in :" not in text


def positions(plan):
    """Two agencies with stand-alone positions of 100 each in both years."""
    return pd.DataFrame({
        "year": [2026, 2026, 2027, 2027], "agency_id": ["council", "health"] * 2,
        "alone_gbp": 100.0, "plan_gbp": plan,
    })  # fmt: skip


def moved_between():
    columns = {"year": [2026], "from_agency_id": ["health"], "to_agency_id": ["council"]}
    return pd.DataFrame({**columns, "amount_gbp": [30.0]})


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ([100, 100, 120, 110], "no agency is worse off in any year than it would be alone."),
        ([80, 100, 125, 110], "over the 2 years together; in some of them it is: The Council in "
         "2026 by £20."),
        ([80, 100, 110, 110], "Agencies pay each other £30."),
    ],
)  # fmt: skip
def test_worse_off_is_stated_for_the_right_years(plan, text):
    """Discounted at 3.5 %: 25 of 2027 are worth 24.2, more than 20 of 2026; 10 are worth less."""
    answer = answers.budget_answer()
    agencies = pd.DataFrame({"agency_id": ["council", "health"], "name": ["The Council", "Health"],
                             "before_gbp": 0.0, "after_gbp": 0.0, "change_gbp": 0.0})  # fmt: skip
    answer = with_tables(answer, positions=positions(plan), transfers=moved_between(),
                         agencies=agencies)  # fmt: skip
    asked = answer.scenario.model_copy(update={"money": Money(discount_rate=0.035)})
    assert text in said(replace(answer, scenario=asked))


def test_a_rising_programme_is_not_described_as_cut():
    """Cuts are not allowed (a pace of 0) and 50 more is spent: no pace limits it."""
    from placeopt.budget import solve
    from placeopt.scenario.rules.budget.money import Pace

    place = budgets.two_programmes()
    asked = budgets.scenario_of(
        "weighted_outcomes",
        rules=(one_budget(230.0), Pace(rule="pace", largest_cut_share=0.0)),
    )
    reasons = solve(place, asked).plan.reasons
    spending = solve(place, asked).plan.spending.set_index("programme_id")
    rises = spending.index[spending["change_gbp"] > 1]
    assert len(rises)
    codes = reasons.set_index("programme_id")["code"]
    assert "pace_cut" not in set(codes[rises])


def test_the_effect_of_a_further_amount_follows_the_curve():
    """Not the slope times a million pounds: a further £10 at about 150 on a curve of 0.01 a
    pound."""
    from placeopt.budget import solve

    asked = budgets.scenario_of("weighted_outcomes", rules=(one_budget(230.0),))
    answer = solve(budgets.two_programmes(), asked)
    rows = answer.plan.reasons
    worth = rows[rows["code"] == "worth"]
    assert len(worth)
    for row in worth.itertuples():
        assert row.amount <= 100
        assert abs(row.improvement) < 2
        assert "e+" not in row.sentence
        assert f"£{row.amount:,.0f}" in row.sentence


@pytest.mark.parametrize("bound", [-np.inf, 1.2e6])
def test_a_limit_that_was_not_reached_is_not_blamed(bound):
    """A search of 75 s of 300 found no plan."""
    answer = answers.estate_answer()
    result = Result(Status.NO_PLAN, bound=bound, seconds={"search": 75.0})
    early = describe(replace(answer, plan=None, verification=None, result=result))
    text = early.status_in_words
    assert "The search ended after 75 s, before its time limit of 300 s." in text
    assert "More time" not in text
    assert "in the time given" not in early.first
    assert ("it costs at least £1.2 million over the whole period" in text) == np.isfinite(bound)
    late = Result(Status.NO_PLAN, bound=bound, seconds={"search": 299.0})
    text = describe(replace(answer, plan=None, verification=None, result=late)).status_in_words
    assert "stopped at its time limit of 300 s" in text
    assert "More time may find one: set time_limit_seconds under [solver] above 300 s" in text


def test_a_limit_of_a_part_of_a_second_is_not_rounded_to_none():
    answer = answers.estate_answer()
    solver = answer.scenario.solver.model_copy(update={"time_limit_seconds": 0.1})
    scenario = answer.scenario.model_copy(update={"solver": solver})
    result = Result(Status.NO_PLAN, seconds={"search": 0.1})
    late = replace(answer, scenario=scenario, plan=None, verification=None, result=result)
    assert "stopped at its time limit of 0.1 s" in describe(late).status_in_words


@pytest.mark.parametrize(("seconds", "whole"), [(241.0, False), (241.0, True), (100.0, False)])
def test_time_reserved_for_sending_visits_nearer_is_named(seconds, whole):
    """A search that ends at four fifths of its limit says for what the rest is reserved."""
    answer = answers.estate_answer()
    objective = Objective(minimise=("cost",)) if whole else Objective()
    asked = answer.scenario.model_copy(update={"objective": objective})
    result = Result(Status.NO_PLAN, seconds={"search": seconds})
    text = describe(
        replace(answer, plan=None, verification=None, result=result, scenario=asked)
    ).status_in_words
    reserved = seconds > 200 and not whole
    assert ("stopped after 241 s of its time limit of 300 s: the rest is reserved" in text) == (
        reserved
    )
    assert ("More time may find one" in text) == reserved
    assert ("before its time limit" in text) != reserved


def test_a_bound_that_excludes_nothing_is_not_printed():
    """A cost of at least minus £19 million helps nobody; of a gain, below 0 is a limit."""
    for minimise, bound, said in (
        ("cost", -1.9e7, ""),
        ("cost", 1.9e7, "it costs at least £19.0 million over the whole period."),
        ("weighted_outcomes", -2.0, "it gains at most 2 on the outcomes."),
        ("weighted_outcomes", 2.0, ""),
    ):
        answer = answers.estate_answer() if minimise == "cost" else answers.budget_answer()
        asked = answer.scenario.model_copy(update={"objective": Objective(minimise=(minimise,))})
        result = Result(Status.NO_PLAN, bound=bound, seconds={"search": 299.0})
        text = describe(
            replace(answer, plan=None, verification=None, result=result, scenario=asked)
        ).status_in_words
        assert text.endswith(f"Proven: if there is a plan, {said}" if said else "ease a rule.")


def test_a_proven_stage_is_stated_as_proven():
    """The cost was proven to 0.05 %; the gap of the minutes is still 4 %."""
    answer = answers.estate_answer(gap=0.04, status=Status.FEASIBLE)
    steps = {"cost_gap_share": 5e-4, "cost_proven_bound": 1.0, "visit_minutes_gap_share": 0.04,
              "visit_minutes_proven_bound": 1.0}  # fmt: skip
    plan = replace(answer.plan, summary={**answer.plan.summary, **steps})
    both = Objective(minimise=("cost", "visit_minutes"), slack=(0.005,))
    asked = answer.scenario.model_copy(update={"objective": both})
    text = describe(replace(answer, plan=plan, scenario=asked)).status_in_words
    assert "First objective (Net present cost): proven: a plan that keeps the rules can" in text
    assert "Then minutes of all visits, giving up at most 0.50% before it: it is not proven" in text
    assert "up to 4.0% of the minutes" in text


def test_the_last_stage_proven_does_not_prove_the_first():
    """The status is of the last objective; the first stopped 3 % from its bound."""
    answer = answers.estate_answer(gap=0.0)
    steps = {"cost_gap_share": 0.03, "cost_proven_bound": 1.0, "visit_minutes_gap_share": 0.0,
              "visit_minutes_proven_bound": 1.0}  # fmt: skip
    plan = replace(answer.plan, summary={**answer.plan.summary, **steps})
    both = Objective(minimise=("cost", "visit_minutes"))
    asked = answer.scenario.model_copy(update={"objective": both})
    text = describe(replace(answer, plan=plan, scenario=asked)).status_in_words
    assert "First objective (Net present cost): it is not proven to be the best" in text


QUESTIONS = {
    "Can Marlshire keep every service within reach?": True,
    "If one trust held them all, could it run them for less?": True,
    "Within three years, can each district have a hub, where people have more?": True,
    "With eight per cent less, how should Marlshire split one budget?": False,
    "In the country a counter may be enough: what does it cost?": False,
    "At which tier (district, county) should each be bought?": False,
    "A fund for families: what does it buy, and who pays for it?": False,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_yes_or_no_question_is_answered_yes_or_no(question):
    answer = answers.estate_answer()

    def verdict(status=None, **update):
        asked = answer.scenario.model_copy(update={"question": question, **update})
        if status is None:
            return describe(replace(answer, scenario=asked)).first
        none = Result(status, seconds={"search": 1.0})
        return describe(replace(answer, plan=None, verification=None, result=none,
                            scenario=asked)).first  # fmt: skip

    if QUESTIONS[question]:
        assert verdict().startswith("Yes. The plan saves")
        assert verdict(Status.INFEASIBLE).startswith("No. No plan can keep")
        assert verdict(Status.NO_PLAN).startswith("Not known. No plan was found")
    else:
        assert verdict().startswith("The plan saves")
    turned = AnswerSettings(yes_or_no=not QUESTIONS[question])
    assert verdict(answer=turned).startswith("Yes.") != QUESTIONS[question]


def test_leads_come_first_and_only_once():
    answer = answers.estate_answer()
    lead = AnswerSettings(lead=("service_points", "works_gbp"))
    narrative = describe(
        replace(answer, scenario=answer.scenario.model_copy(update={"answer": lead}))
    )
    assert narrative.sentences[0] == "6 service points in the plan, 12 service points today."
    assert narrative.sentences[1] == "Works, moves and closing cost £5,000 once."
    assert narrative.sentences.count(narrative.sentences[1]) == 1
    assert narrative.facts["service_points"] == {"today": 12.0, "plan": 6.0}
