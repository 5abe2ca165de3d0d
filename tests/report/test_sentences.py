"""Every sentence is true: an independent reader checks every sentence of generated answers, and
finds the error planted in each kind."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from checker import NUMBER, false_sentences, programme_why_is_so, why_is_so

from placeopt.base.errors import UsageError
from placeopt.budget import solve as solve_budget
from placeopt.budget.verify import verify
from placeopt.engine import Answer, Result, Status
from placeopt.estate import solve as solve_estate
from placeopt.report.narrative.narrative import describe
from placeopt.scenario import Scenario
from placeopt.scenario.question import LEAD_FIGURES
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, Pace, Statutory, Streams
from placeopt.scenario.rules.estate.services import FairRents
from placeopt.scenario.scenario import AnswerSettings, Objective, SolverSettings
from tests.budget import care_town
from tests.budget import places as budgets
from tests.estate import places as estates
from tests.estate.test_reassignment import KEEP, two_open, unwritten
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes

SAMPLE = 10  # of each problem, in the default run
ALL = 100
SWAPS = (
    ("saves", "costs a further"), ("fall from", "rise from"), ("longer", "shorter"),
    ("Better than", "Worse than"), ("largest cut", "largest rise"), (" less than", " more than"),
    ("as they are", "without a service they have today"), ("no building", "3 buildings"),
    ("Every standard of access holds where the plan sends residents",
     "1 of 9 standards of access fails where the plan sends residents: it holds only if the "
     "nearest open place counts"),
    ("every minimum standard holds", "0 of 9 minimum standards hold"),
    ("sends visits nearer than", "was asked to send visits nearer without"),
    ("no nearer one has floor left", "one has, but it would cost more"),
    ("to these buildings", "to other buildings"),
    ("Yes.", "Yes, but 1 of 9 standards of access fails where the plan sends residents."),
    ("minutes if nothing changes", "minutes today"), ("; if nothing changes", "; today"),
    (", as if everybody could drive", ""),
    ("Yes", "No"), ("No", "Not known"),
    ("in each year", "over the years together"),
    ("stopped by hand", "stopped at its time limit of 300 s"),
)  # fmt: skip


def estate_answer(seed: int) -> Answer:
    """A small estate that uses every feature; every possible figure leads."""
    rng = np.random.default_rng(50_000 + seed)
    place = estates.random_place(seed, 3, 4, 2)
    place = estates.with_money(place, seed) if seed % 3 == 0 else place
    rules = estates.random_rules(seed, place) if rng.random() < 0.6 else ()
    keys = list(LEAD_FIGURES["estate"])
    asked = estates.scenario(*rules, decided=1 + seed % 2)
    asked = asked.model_copy(update={
        "answer": AnswerSettings(lead=tuple(keys), yes_or_no=bool(seed % 2)), "year": 2026,
    })  # fmt: skip
    if seed % 5 == 2:
        values = [(2026 + n, 300.0 + 10 * n, "the test") for n in (0, 1, 5, 40)]
        columns = ["year", "gbp_per_tco2e", "source"]
        place = place.replace(carbon_values=pd.DataFrame(values, columns=columns))
        priced = asked.money.model_copy(update={"carbon_values": True, "appraisal_years": 30})
        asked = asked.model_copy(update={"money": priced})
    if seed % 4 == 3:  # leaves minimise out: visits are sent nearer once the buildings are found
        asked = asked.model_copy(update={"objective": Objective()})
    if seed % 4 == 1:
        both = Objective(minimise=("cost", "visit_minutes"), slack=(0.005,))
        asked = asked.model_copy(update={"objective": both})
    return solve_estate(place, crow_minutes(place), asked)


def budget_answer(seed: int) -> Answer | None:
    """A small budget of one year or two; None where the random rules leave no plan to find."""
    rng = np.random.default_rng(60_000 + seed)
    place = budgets.random_place(seed, concave=bool(seed % 3))
    years = 1 + seed % 2
    if years > 1:
        place = budgets.place_over_years(years, place)
    rules = [
        OneBudget(rule="one_budget", reduction_share=float(rng.uniform(-0.1, 0.3))),
        Streams(rule="streams"), Statutory(rule="statutory"),
        Outcomes(rule="outcomes", minimum_holds=bool(rng.random() < 0.5)),
    ]  # fmt: skip
    if rng.random() < 0.5:
        rules.append(Pace(rule="pace", largest_cut_share=0.3, largest_rise_share=0.4))
    asked = Scenario(
        question="What is the most that can be made of it?",
        problem="budget",
        year=2026,
        years=years,
        rules=tuple(rules),
        solver=SolverSettings(gap=1e-4, time_limit_seconds=20, threads=1),
        answer=AnswerSettings(lead=tuple(LEAD_FIGURES["budget"])),
    )
    try:
        answer = solve_budget(place, asked)
    except UsageError:
        return None
    return None if answer.plan is None and answer.explanation is None else answer


def care_answer() -> Answer:
    """The plan over three years worked by hand: whole units, benefits, positions and transfers."""
    place, plan = care_town.care_town(), care_town.plan_by_hand()
    lead = AnswerSettings(lead=tuple(LEAD_FIGURES["budget"]))
    asked = care_town.asked().model_copy(update={"answer": lead})
    result = Result(Status.OPTIMAL, objective=-1.25 / 3, bound=-1.25 / 3, engine="highs")
    return Answer(place, asked, result, plan=plan, verification=verify(place, asked, plan))


def sent_answers() -> list[Answer]:
    """Two hand-worked buildings: some visits are sent nearer and 333 find no floor area there; with
    ``minimise`` written, all of one zone's visits pass the nearer one, which would cost more."""
    full, dear = two_open(near_m2=20.0), two_open()
    return [
        solve_estate(*full, unwritten(*KEEP)),
        solve_estate(*dear, estates.scenario(*KEEP)),
        solve_estate(*dear, unwritten(*KEEP, years=3, decided=3, year=2026)),
    ]


def trust_answer(years: int = 1) -> Answer:
    """A trust of two buildings: the desks of B move in with A, whose building they share."""
    services = [
        {"service_id": "S", "agency_id": "A", "area_base_m2": 50.0},
        {"service_id": "T", "agency_id": "B", "back_office": True, "desks": 10.0,
         "area_base_m2": 50.0},
    ]  # fmt: skip
    hosting = [{"building_id": b, "service_id": s} for b, s in (("B1", "S"), ("B2", "T"))]
    buildings = [
        building("B1", 10_000, agency_id="A"),
        building("B2", 30_000, agency_id="B"),
    ]
    agencies = [{"agency_id": a, "name": f"Agency {a}"} for a in ("A", "B")]
    place = town(buildings, services, hosting, agencies=agencies)
    asked = estates.scenario(FairRents(), decided=years, years=years, year=2026)
    lead = AnswerSettings(lead=("agencies",))
    asked = asked.model_copy(update={"answer": lead})
    times = minutes(place, drive=[[5.0, 6.0], [7.0, 8.0]])
    return solve_estate(place, times, asked)


def at_their_standard(answer: Answer) -> Answer:
    """The first outcome exactly at its standard, and the last without a target."""
    rows = answer.plan.outcomes.copy()
    rows.loc[rows.index[0], "minimum_standard"] = rows["after"].iloc[0]
    rows.loc[rows.index[0], "standard_met"] = "yes"
    rows.loc[rows.index[-1], "target"] = float("nan")
    rows.loc[rows.index[-1], "target_met"] = ""
    return replace(answer, plan=replace(answer.plan, tables={**answer.plan.tables,
                                                             "outcomes": rows}))  # fmt: skip


def as_if_driving(answer: Answer) -> Answer:
    """The same in a place that states no residents without a car, with straight-line minutes."""
    zones = answer.place.zones.assign(without_car_share=0.0)
    modes = ("drive",)
    times = replace(answer.times, provenance={"drive": {"method": "crow_fly"}})
    travel = answer.scenario.travel.model_copy(update={"modes": modes})
    asked = answer.scenario.model_copy(update={"travel": travel})
    return replace(answer, place=answer.place.replace(zones=zones), times=times, scenario=asked)


def sentences_of(answer: Answer) -> list[str]:
    """The headline, the leads, the statements and the certainty. Clashing rules are a list, which
    the tests of explanations try one by one."""
    narrative = describe(answer)
    apart = ("clash", "message", "alone")
    return [one.text for one in narrative.all_statements() if one.kind not in apart]


def answers_of(make, seeds) -> list[Answer]:
    return [answer for seed in seeds if (answer := make(seed)) is not None]


@pytest.fixture(scope="module")
def sample() -> list[Answer]:
    """Twenty answers, ten of each problem, and four that are worked by hand."""
    found = answers_of(estate_answer, range(SAMPLE)) + answers_of(budget_answer, range(SAMPLE))
    found += [care_answer(), *sent_answers(), trust_answer(), trust_answer(2)]
    assert sum(answer.plan is not None for answer in found) >= SAMPLE
    return found


def judged(answers: list[Answer]) -> list[str]:
    wrong = []
    for answer in answers:
        wrong += false_sentences(answer, sentences_of(answer))
        if answer.plan is not None and answer.scenario.problem == "estate":
            wrong += list(why_is_so(answer))
        elif answer.plan is not None and "reasons" in answer.plan.tables:
            wrong += list(programme_why_is_so(answer))
    return wrong


def test_every_sentence_of_twenty_answers_is_so(sample):
    assert judged(sample) == []


@pytest.mark.exhaustive
def test_every_sentence_of_two_hundred_answers_is_so():
    for make in (estate_answer, budget_answer):
        for start in range(0, ALL, 10):
            assert judged(answers_of(make, range(start, start + 10))) == []


def lies(text: str):
    """The sentence with one number or one word made false, each in turn."""
    for match in re.finditer(NUMBER, text):
        number = match[0]
        if not any(digit.isdigit() for digit in number):
            continue
        first = next(at for at, letter in enumerate(number) if letter.isdigit())
        digit = "7" if number[first] != "7" else "4"
        yield text[: match.start() + first] + digit + text[match.start() + first + 1 :]
    for one, other in SWAPS:
        for was, now in ((one, other), (other, one)):
            if was in text:
                yield text.replace(was, now, 1)


def test_an_error_planted_in_any_kind_of_sentence_is_found(sample):
    """Each number's first digit is changed, and words are reversed. A change in a name inside
    brackets or in an id is not an error about the plan."""
    kinds, missed = set(), []
    for answer in sample:
        narrative = describe(answer)
        for one in narrative.all_statements():
            if one.kind in ("clash", "message", "alone"):
                continue
            for lie in lies(one.text):
                kinds.add(one.kind)
                if not false_sentences(answer, [lie]):
                    missed.append(f"{one.kind}: {lie} (true: {one.text})")
    assert missed == []
    assert len(kinds) >= 20, sorted(kinds)


def said_by(answer: Answer, kind: str) -> str:
    (text,) = [one.text for one in describe(answer).all_statements() if one.kind == kind]
    assert false_sentences(answer, [text]) == []
    return text


def test_a_sentence_of_another_answer_is_found():
    """Kinds without a number: true of one answer, false of another."""
    full, _, years = sent_answers()
    no_time = replace(
        full, plan=replace(full.plan, summary={**full.plan.summary,
                                               "reassignment_status": "no plan at limit"})
    )  # fmt: skip
    driving = as_if_driving(full)
    walking = driving.place.zones.assign(without_car_share=0.2)
    walking = replace(driving, place=driving.place.replace(zones=walking))
    for kind, of, other in (
        ("every_nearest", years, full),
        ("past_none_open", full, years),
        ("no_time_nearer", no_time, full),
        ("sent_nearer", full, no_time),
        ("everybody_drives", driving, walking),
        ("crow_fly", driving, full),
    ):
        text = said_by(of, kind)
        wrong = false_sentences(other, [text])
        assert len(wrong) == 1, (kind, text)
        assert wrong[0].startswith("not so"), kind


def test_minutes_by_the_wrong_measure_are_found():
    """A sentence states how much longer residents travel, not the minutes to the nearest host."""
    answer = sent_answers()[1]  # all of one zone's visits go past the nearer building
    text = said_by(answer, "longer_and_shorter")
    head, sent, near, tail = re.fullmatch(
        r"(.* than a minute for )(.*)(; to the nearest building, longer for )(.*)\.", text
    ).groups()
    assert sent != tail
    lie = f"{head}{tail}{near}{sent}."
    assert false_sentences(answer, [lie]) == [f"not so: {lie}"]
    for kind in ("longer_and_shorter", "loses_most"):
        stated = next(s for s in describe(answer).all_statements() if s.kind == kind)
        zones = answer.plan.zones
        asked = zones["sent_change_minutes"]
        if kind == "loses_most":
            assert stated.values["more"].value == pytest.approx(asked.max())
        else:
            true = zones.loc[asked > 1, "population"].sum()
            assert stated.values["longer_as_sent"].value == pytest.approx(true)


def test_a_nearer_building_with_a_partial_offer_is_stated():
    """Visits that go past a kiosk to a hub do not all go to the nearest that has the offer."""
    answer = estate_answer(34)
    text = said_by(answer, "every_nearest_in_full")
    said_by(answer, "past_part")
    lie = text.replace("as much of the offer", "the offer")
    assert false_sentences(answer, [lie]) == [f"not so: {lie}"]


def test_names_of_other_outcomes_are_found(sample):
    """Outcomes at their standard and outcomes that do not count, each with the other's name."""
    answer = next(
        a for a in sample
        if a.plan is not None and a.scenario.problem == "budget" and len(a.plan.outcomes) > 1
        and "weighted_outcomes" in a.scenario.objective.minimise
    )  # fmt: skip
    answer = at_their_standard(answer)
    names = [n or i for n, i in zip(answer.plan.outcomes["name"],
                                    answer.plan.outcomes["outcome_id"], strict=True)]  # fmt: skip
    for kind, name, other in (
        ("on_their_floor", names[0], names[-1]),
        ("not_counted", names[-1], names[0]),
    ):
        text = said_by(answer, kind)
        head, _, said = text.partition(": ")
        assert name in said
        lie = f"{head}: {said.replace(name, other, 1)}"
        assert len(false_sentences(answer, [lie])) == 1, lie
        without = answer.plan.tables | {"outcomes": answer.plan.outcomes.assign(
            name="", outcome_id=[f"o{n}" for n in range(len(names))])}  # fmt: skip
        nameless = replace(answer, plan=replace(answer.plan, tables=without))
        assert not re.search(r"(in|:) [:.]|: ,", " ".join(sentences_of(nameless)))


def test_a_trust_says_who_pays_for_desks_and_where():
    """The ten desks of B take 50 of the 100 m2 let in the building of A: half of its £10,000."""
    text = said_by(trust_answer(), "rents")
    assert text == (
        "Rents go by the floor that services take: Agency B pays £5,000 of its £5,000 for "
        "back-office desks, £5,000 of it in buildings that other agencies hold today."
    )


def test_a_sentence_without_a_judge_is_a_fault(sample):
    (wrong,) = false_sentences(sample[0], ["For buildings fill up."])
    assert wrong.startswith("nobody can judge")


def test_a_programme_that_rises_under_a_cut_of_pace_is_found(sample):
    """The reason for a cut, planted on a programme that gets more."""
    answer = next(
        a for a in sample
        if a.plan is not None and a.scenario.problem == "budget" and "reasons" in a.plan.tables
        and any(rule.number == "B5" for rule in a.scenario.rules)
        and (a.plan.spending["change_gbp"] > 5).any()
    )  # fmt: skip
    key = answer.plan.spending.set_index("programme_id")["change_gbp"].idxmax()
    rows = answer.plan.reasons.copy()
    mine = rows["programme_id"] == key
    rows.loc[mine, ["code", "sentence"]] = "pace_cut", "cut as fast as the pace allows"
    plan = replace(answer.plan, tables={**answer.plan.tables, "reasons": rows})
    assert any(w.startswith(f"{key}: pace_cut") for w in
               programme_why_is_so(replace(answer, plan=plan)))  # fmt: skip


def test_a_reason_that_is_not_so_is_found(sample):
    """E7 and E9 named for a building without which no rule fails."""
    answer = next(
        a for a in sample
        if a.plan is not None and a.scenario.problem == "estate"
        and a.plan.reasons["code"].isin(["hosts", "no_service"]).any()
    )  # fmt: skip
    rows = answer.plan.reasons.copy()
    at = rows.index[rows["code"].isin(["hosts", "no_service"])][0]
    rows.loc[at, "code"] = "needed"
    rows.loc[at, "sentence"] = "Without it this would fail: the least number of buildings, 9 (E9)."
    plan = replace(answer.plan, tables={**answer.plan.tables, "reasons": rows})
    assert any("(E9)" in wrong for wrong in why_is_so(replace(answer, plan=plan)))
