"""The least relaxation that an explanation states is read as text and tried: with the rule relaxed
as stated there is a plan, and with noticeably less there is none.
"""

from __future__ import annotations

import re

import pytest
from checker import N, is_so, read_number

from placeopt.base.errors import UsageError
from placeopt.budget import solve as solve_budget
from placeopt.engine import Answer
from placeopt.estate import solve as solve_estate
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes
from placeopt.scenario.rules.estate.services import Access, Capital, Carbon, Revenue
from tests.budget import places as budgets
from tests.estate import places as estates
from tests.estate.town import building, town
from tests.report.test_sentences import lies
from tests.support.places import crow_minutes, minutes

RULES_WITH_A_NUMBER = (
    "E7",
    "E10",
    "E11",
    "E14",
    "B1",
)  # rules whose giving is a number that can be tried
ABOUT = 0.03  # "about": what gives is measured to 2 %


def has_plan(answer: Answer, *rules) -> bool:
    """Whether the question has a plan with these rules instead of its own."""
    asked = answer.scenario.with_rules(rules)
    if asked.problem == "estate":
        return solve_estate(answer.place, answer.times, asked).plan is not None
    try:
        return solve_budget(answer.place, asked).plan is not None
    except UsageError:
        return False


def others(answer: Answer, number: str):
    return tuple(rule for rule in answer.scenario.rules if rule.number != number)


def holds_from(answer: Answer, number: str, ease, least: float, near: float) -> bool:
    """Whether the rule ``ease(x)`` has a plan just above ``least`` and none just below it."""
    rest = others(answer, number)
    return has_plan(answer, *rest, ease(least + near)) and not has_plan(
        answer, *rest, ease(max(least - near, 0.0))
    )


def pot(answer, rule, value, half, said):
    """(E10) The needed capital and the rule's capital."""
    near = half + ABOUT * value + 1
    right = holds_from(answer, "E10", lambda x: Capital(pot_gbp=x), value, near)
    return right and is_so(said[0], rule.pots()[0])


def running(answer, rule, value, half, said):
    """(E11) The least running cost, and its share of today's."""
    near = half + ABOUT * value + 1
    right = holds_from(answer, "E11", lambda x: Revenue(ceiling_gbp_per_year=x), value, near)
    rest = answer.scenario.with_rules(others(answer, "E11"))
    free = solve_estate(answer.place, answer.times, rest).plan
    share, close = read_number(said[0])
    today = free.money["before_gbp_per_year"].sum()
    return right and abs(value / today - share) <= close * 1.01 + half / today


def emissions(answer, rule, value, half, said):
    """(E14) The least emissions."""
    near = half + ABOUT * value
    return holds_from(answer, "E14", lambda x: Carbon(ceiling_tco2e_per_year=x), value, near)


def within(answer, rule, value, half, said):
    """(E7) The largest possible share within the minutes, and the required share."""
    served, reach, service, asked = said
    near = half + ABOUT * value
    counts = {"services": (service,), "minutes": rule.minutes, "counts": rule.counts}
    rest = others(answer, "E7")
    return (
        is_so(reach, rule.minutes)
        and is_so(asked, rule.share)
        and (served is not None) == (rule.counts == "served")
        and has_plan(answer, *rest, Access(share=max(value - near, 0.0), **counts))
        and (value + near > 1 or not has_plan(answer, *rest, Access(share=value + near, **counts)))
    )


def total(answer, rule, value, half, said):
    """(B1) The shortfall of the total."""
    spending = answer.place.spending
    base = spending.loc[spending["year"] == spending["year"].max(), "amount_gbp"].sum()
    has, near = rule.total(float(base), 0), half + 1e-3 * value + 0.01
    return holds_from(answer, "B1", lambda x: OneBudget(total_gbp=x), has + value, near)


JUDGES = {
    rf"The pot would have to be about {N}, not {N}\.": pot,
    rf"Running costs can fall to about {N} a year, {N} of today's, and no further\.": running,
    rf"Emissions can fall to about {N} tCO2e a year, and no further\.": emissions,
    rf"At most about {N} can be( served)? within {N} minutes of (.*?), not {N}\.?": within,
    rf"the total would have to be {N} higher": total,
}


def is_given(answer: Answer, number: str, text: str) -> bool:
    """Whether the stated relaxation of a rule is right; without the rule there has to be a plan."""
    if not has_plan(answer, *others(answer, number)):
        return False
    if text == "A plan exists without this rule; with it none does.":
        return True
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == number]
    for part in text.split("; ") if number == "E7" else [text]:
        found = [(m, judge) for p, judge in JUDGES.items() if (m := re.fullmatch(p, part))]
        if len(found) != 1:
            return False  # without a judge
        match, judge = found[0]
        value, half = read_number(match[1])
        if not judge(answer, rule, value, half, match.groups()[1:]):
            return False
    return True


def named(answer: Answer) -> bool:
    """Whether the sentence names the rules that clash and no others."""
    text = answer.explanation.sentence
    head = "No plan keeps all the rules at once. A plan exists without "
    if answer.scenario.problem == "budget":
        head = r"The rules clash: no budget meets all of them\. "
        one, some = r"(.*) would have to give; no other single .*", r"One of these .* give: (.*)\."
        match = re.fullmatch(head + one, text) or re.fullmatch(head + some, text)
        said = match[1].split(", ") if match else []
    else:
        said = text.removeprefix(head).removesuffix(".").split(" or ")
    return said == [
        " and ".join(
            f"{name} ({number})"
            for name, number in zip(c.name.split(" and "), c.number.split(" and "), strict=True)
        )
        for c in answer.explanation.clashes
    ]


def estate_clash(seed: int) -> Answer:
    """Access, running cost, carbon and capital rules that mostly clash."""
    place = estates.random_place(seed, 3, 4, 2)
    rules = (
        Access(services="all", minutes=15.0, share=0.95, counts=("served", "nearest")[seed % 2]),
        Revenue(share_of_today=0.45),
        *((Carbon(share_of_today=0.4),) if seed % 3 else ()),
        *((Capital(pot_gbp=20_000.0),) if seed % 2 else ()),
    )
    return solve_estate(place, crow_minutes(place), estates.scenario(*rules))


def budget_clash(seed: int) -> Answer | None:
    """A total that is mostly too small for the standards."""
    place = budgets.random_place(seed, concave=True)
    rules = [
        OneBudget(reduction_share=0.6 + 0.03 * (seed % 10)),
        Outcomes(minimum_holds=True),
    ]
    try:
        return solve_budget(place, budgets.scenario_of(rules=rules, drop=("statutory",)))
    except UsageError:
        return None


def clashing(estate_seeds, budget_seeds) -> list[Answer]:
    found: list[Answer | None] = [estate_clash(seed) for seed in estate_seeds]
    found += [budget_clash(seed) for seed in budget_seeds]
    return [a for a in found if a is not None and a.explanation and a.explanation.clashes]


def judged(answers: list[Answer]) -> list[str]:
    wrong = [a.explanation.sentence for a in answers if not named(a)]
    for answer in answers:
        for clash in answer.explanation.clashes:
            numbers, text = clash.number.split(" and "), clash.what_gives
            if len(numbers) == 2:
                rest = tuple(r for r in answer.scenario.rules if r.number not in numbers)
                right = has_plan(answer, *rest)
            else:
                right = numbers[0] not in RULES_WITH_A_NUMBER or is_given(answer, numbers[0], text)
            if not right:
                wrong.append(f"{clash.number}: {text}")
    return wrong


def by_hand() -> list[Answer]:
    """Half the residents each within 20 minutes of B1 (10,000 a year) and B2 (30,000), under
    ceilings of 20,000 and of 10 of the 24 tonnes that both emit; and a pot of 5,000 for a move of
    8,000."""
    two = town([
        building("B1", 10_000, carbon_tco2e_per_year=8.0),
        building("B2", 30_000, carbon_tco2e_per_year=16.0),
    ])  # fmt: skip
    apart = minutes(two, drive=[[10.0, 60.0], [60.0, 10.0]])
    near = Access(services="all", minutes=20.0, share=0.9)
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0}]
    moves = town(
        [building("B1", 10_000, pinned="close"), building("B2", 1, status="candidate")], services
    )
    close = minutes(moves, drive=[[5.0, 5.0]] * 2)
    return [
        solve_estate(two, apart, estates.scenario(near, Revenue(ceiling_gbp_per_year=20_000))),
        solve_estate(two, apart, estates.scenario(near, Carbon(ceiling_tco2e_per_year=10))),
        solve_estate(moves, close, estates.scenario(Capital(pot_gbp=5_000))),
    ]


@pytest.fixture(scope="module")
def sample() -> list[Answer]:
    found = by_hand() + clashing(range(2), range(6))
    assert {a.scenario.problem for a in found} == {"estate", "budget"}
    return found


def test_a_stated_relaxation_suffices_and_noticeably_less_does_not(sample):
    assert judged(sample) == []


@pytest.mark.exhaustive
def test_relaxations_of_a_hundred_clashes_are_right():
    assert judged(clashing(range(50), range(50))) == []


def test_a_wrong_relaxation_is_found(sample):
    """The first digit of each number changed, one sentence of each kind."""
    seen, missed = set(), []
    for answer in sample:
        for clash in answer.explanation.clashes:
            kinds = [j for p, j in JUDGES.items() if re.fullmatch(p, clash.what_gives)]
            if not kinds or kinds[0] in seen:
                continue
            seen.add(kinds[0])
            missed += [lie for lie in lies(clash.what_gives) if is_given(answer, clash.number, lie)]
    assert missed == []
    assert seen == set(JUDGES.values())
