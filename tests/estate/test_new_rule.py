"""A rule that placeopt does not know is stated, planned for and checked once it is registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

from placeopt.engine import Model
from placeopt.estate import solve
from placeopt.estate.model.constraints import registry as constraints
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.verify import registry as verifier
from placeopt.estate.verify.years import Year
from placeopt.scenario.rules.rule import RULES
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes

# B1 is listed and the cheapest: alone 10,000 (without the rule the best); B2 alone costs 30,000.
BUILDINGS = [building("B1", 10_000, listed=True), building("B2", 30_000, listed=False)]


@pytest.fixture
def listed_floor(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """A rule on a column that no array of the problem has, with its rows and its check."""
    from placeopt.scenario.rules.estate.base import EstateRule

    constraints.all_equations()  # every file is looked through before one more rule comes
    verifier.look_through()
    known = dict(RULES)
    monkeypatch.setattr(constraints, "_equations", [*constraints._equations])
    monkeypatch.setattr(verifier, "_checks", {**verifier._checks})
    constraints.all_equations.cache_clear()

    class ListedFloor(EstateRule):
        """(E17) At most a share of the floor of open buildings is in listed ones."""

        name: ClassVar[str] = "listed_floor"
        number: ClassVar[str] = "E17"
        equation: ClassVar[str] = "sum over b of usable[b] (listed[b] - share) open[b] <= 0"
        rule: Literal["listed_floor"] = "listed_floor"
        share: float = Field(1.0, ge=0, le=1, description="largest share")

    @constraints.states(ListedFloor)
    def listed_floor_is_limited(
        model: Model, problem: EstateProblem, x: Columns, rules: list[ListedFloor]
    ) -> None:
        b = problem.buildings
        listed = b.rows["listed"].to_numpy(float)
        shares = np.array([[rule.share] for rule in rules])
        terms = [(np.arange(len(rules))[:, None], x.open.all, b.usable_m2 * (listed - shares))]
        model.add_rows("listed_floor", rule="E17", size=len(rules), terms=terms, upper=0)

    @verifier.checks(ListedFloor)
    def listed_floor(rule: ListedFloor, year: Year) -> verifier.RuleResult:
        facts, opened = year.facts, year.arrangement.open
        listed = sum(facts.usable_m2(i) for i in opened if facts.buildings[i]["listed"])
        floor = sum(facts.usable_m2(i) for i in opened)
        return listed <= rule.share * floor + 1e-6, f"{listed:.0f} of {floor:.0f} m2 are listed"

    yield ListedFloor
    RULES.clear()
    RULES.update(known)
    constraints.all_equations.cache_clear()


@pytest.mark.parametrize(("share", "cost"), [(1.0, 10_000), (0.5, 30_000)])
def test_a_registered_rule_is_planned_for_and_checked(
    listed_floor: type, share: float, cost: float
) -> None:
    here = town(BUILDINGS)
    times = minutes(here, drive=[[10.0, 10.0]] * 2)
    answer = solve(here, times, scenario(listed_floor(share=share)))
    assert answer.result.objective == pytest.approx(cost)
    check = next(check for check in answer.verification.checks if check.number == "E17")
    assert check.holds
    assert check.detail.endswith("m2 are listed")


def test_its_check_fails_where_the_plan_breaks_it(listed_floor: type) -> None:
    """The plan without the rule has all of its floor in B1."""
    from placeopt.estate.verify import verify

    here = town(BUILDINGS)
    times = minutes(here, drive=[[10.0, 10.0]] * 2)
    plan = solve(here, times, scenario()).plan
    verification = verify(here, times, scenario(listed_floor(share=0.5)), plan)
    assert [check.number for check in verification.broken] == ["E17"]


def test_a_rule_without_a_check_is_never_passed() -> None:
    class Unknown:
        name = "unknown"

    with pytest.raises(KeyError):
        verifier.check_of(Unknown())
