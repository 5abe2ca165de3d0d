"""A scenario made or changed in Python is checked like one read from a file."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import ScenarioError
from placeopt.scenario import RULES, Scenario, implied_rules, read_scenario
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, OutcomeTerms, Statutory
from placeopt.scenario.rules.estate.services import Access, Pinned
from placeopt.scenario.scenario import Money, SolverSettings
from placeopt.scenario.write import write_scenario
from tests.budget.places import two_programmes
from tests.estate.town import building, town
from tests.support.places import minutes

ACCESS = Access(services="all", minutes=20, share=0.9)


def faults(make) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        make()
    return [str(finding).removeprefix("the scenario: ") for finding in caught.value.findings]


def budget(*rules, **changes) -> Scenario:
    return Scenario(question="?", problem="budget", rules=rules, **changes)


def names(scenario: Scenario) -> list[str]:
    return [rule.name for rule in scenario.rules]


@pytest.mark.parametrize("problem", ["estate", "budget"])
@pytest.mark.parametrize("years", [1, 3])
def test_python_and_files_have_the_same_rules(problem, years, tmp_path: Path):
    """The implied rules of the problem and of the decided years come first, in the same order."""
    made = Scenario(question="?", problem=problem, years=years)
    path = tmp_path / "asked.toml"
    path.write_text(f'question = "?"\nproblem = "{problem}"\nyears = {years}\n', encoding="utf-8")
    assert made == read_scenario(path).replace(path=None)
    assert names(made) == [kind.name for kind in implied_rules(problem)]


def test_a_floor_holds_for_a_scenario_made_in_python():
    """(B3) Of 100 GBP, homecare (floor 20) keeps at least 20: without its implied rule and without
    standards the least money is 0."""
    from placeopt.budget import solve

    place = two_programmes()
    asked = budget(OneBudget(total_gbp=100), objective={"minimise": ["least_money"]})
    assert solve(place, asked).plan.spending["after_gbp"].sum() == pytest.approx(20)
    free = solve(place, asked.replace(drop=("statutory",)))
    assert free.plan.spending["after_gbp"].sum() == pytest.approx(0)


def test_a_pinned_building_stays_for_a_scenario_made_in_python():
    """The table pins the more expensive building open: without the implied rule it would close."""
    from placeopt.estate import solve

    here = town([building("B1", 10_000, pinned="keep"), building("B2", 5_000)])
    asked = Scenario(question="?", problem="estate", money=Money(appraisal_years=1))
    times = minutes(here, drive=[[10.0, 10.0]] * len(here.zones))
    kept = {}
    for drop in ((), ("pinned",)):
        table = solve(here, times, asked.replace(drop=drop)).plan.tables["buildings"]
        kept[drop] = set(table.loc[table["decision"] != "close", "building_id"])
    assert "B1" in kept[()]
    assert "B1" not in kept["pinned",]


def test_every_fault_comes_at_once_with_what_was_meant():
    made = [
        {"rule": "one_budgt"},
        ACCESS,
        {"rule": "statutory", "flor": 1},
    ]
    assert faults(lambda: budget(*made, solver={"gap": -1, "engine": "higs"}, yeers=2)) == [
        "solver.engine there is no engine 'higs'; did you mean 'highs'?",
        "rules[0].rule is 'one_budgt': there is no budget rule of that name; did you mean "
        "'one_budget'?",
        "rules[1].rule is 'access': there is no budget rule of that name (it is a rule of estate "
        "scenarios); did you mean 'pace'?",
        "rules[2].flor there is no key 'flor'; there are floors_gbp, rule",
        "solver.gap is '-1': not valid here; give 0 or more",
        "yeers there is no key 'yeers'; did you mean 'years'?",
    ]


CHANGES = [
    lambda part, change: type(part)(**{**dict(part), **change}),
    lambda part, change: part.model_copy(update=change),
    lambda part, change: part.replace(**change),
]
if sys.version_info >= (3, 13):
    CHANGES.append(lambda part, change: copy.replace(part, **change))


@pytest.mark.parametrize("changed", CHANGES)
@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (ACCESS, {"minuts": 3}, "access.minuts there is no key 'minuts'; "
         "did you mean 'minutes'?"),
        (ACCESS, {"minutes": -3}, "access.minutes is '-3': not valid here; "
         "give a number above 0"),
        (ACCESS, {"minutes": "20"}, "access.minutes is '20': not valid "
         "here; give a number without quotes"),
        (SolverSettings(), {"threads": 0}, "solver.threads is '0': not valid here; give 1 or more"),
        (Money(), {"discount_rate": float("nan")}, "money.discount_rate is 'nan': not valid here; "
         "give a number that is not inf or nan"),
        (OutcomeTerms(), {"targts": "open"}, "outcome.targts there is no key 'targts'; "
         "did you mean 'targets'?"),
        (budget(), {"drop": ["statutry"]}, "drop[0] there is no rule in force to drop called "
         "'statutry'; did you mean 'statutory'?"),
    ],
)  # fmt: skip
def test_a_change_is_checked_as_in_a_file(changed, part, change, said):
    assert faults(lambda: changed(part, change)) == [said]


def test_rules_are_refused_as_another_rule_and_twice():
    assert "leave it out" in faults(lambda: OneBudget(rule="statutory", total_gbp=1))[0]
    one = OneBudget(total_gbp=1)
    assert "written already" in faults(lambda: budget(one, one))[0]
    assert "written already" in faults(lambda: budget().replace(rules=(one, one)))[0]


def test_a_rule_returns_when_it_is_no_longer_dropped():
    asked = budget(OneBudget(total_gbp=1))
    less = asked.replace(drop=("statutory", "one_budget"))
    assert set(names(asked)) - set(names(less)) == {"statutory", "one_budget"}
    assert less.drop == ("statutory",)
    assert "statutory" in names(less.replace(drop=()))
    own = Statutory(floors_gbp={"homecare": 3.0})
    assert budget(own, drop=("statutory",)).of(Statutory) == [own]  # a rule that is given holds


def test_replaced_rules_keep_the_implied_ones():
    """Removing an implied rule from ``rules`` does not drop it; ``drop`` does."""
    asked = budget(OneBudget(total_gbp=1))
    fewer = tuple(rule for rule in asked.rules if rule.name != "statutory")
    assert set(names(asked.replace(rules=fewer))) == set(names(asked))
    exactly = asked.with_rules(fewer)
    assert exactly.rules == fewer
    assert exactly.drop == ("statutory",)
    assert exactly.replace(years=2).drop[:1] == ("statutory",)


def test_tables_lists_and_numpy_numbers_are_as_in_a_file():
    table = {"rule": "access", "services": ["library"], "minutes": np.float64(20), "share": 0.9}
    asked = Scenario(question="?", problem="estate", rules=[table, Pinned(keep=["B1"])])
    assert asked.rules[-2] == Access(services=("library",), minutes=20.0, share=0.9)
    assert asked.of(Pinned) == [Pinned(keep=("B1",))]
    assert Scenario.model_validate(json.loads(asked.model_dump_json())) == asked
    assert asked.replace(solver={"threads": np.int64(3)}).solver.threads == 3


@pytest.mark.parametrize("drop", [(), ("statutory", "continuity")])
@pytest.mark.parametrize("years", [1, 2])
def test_a_scenario_made_in_python_is_written_and_read(tmp_path: Path, drop, years):
    own = Outcomes(outcome={"falls": OutcomeTerms(targets="hold")})
    asked = budget(OneBudget(total_gbp=1), own, drop=drop, years=years)
    path = write_scenario(asked, tmp_path / "asked.toml")
    assert read_scenario(path).replace(path=None) == asked


def test_every_implied_rule_can_be_made_without_parameters():
    kinds = [kind for kind in RULES.values() if kind.implied]
    assert len(kinds) >= 2
    assert all(kind().rule == kind.name for kind in kinds)
