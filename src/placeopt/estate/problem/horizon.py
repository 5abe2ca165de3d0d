"""The decided years of an estate problem: each a problem of one year with its own visits, rules and
leases.

    visits[z,s,t] = demand x (1 + growth)^t x (1 - digital share[z,s,t])
    weight[t] = factor[t]; the last year's is the rest of the appraisal's annuity
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.build import build_problem, lease_penalties, services_of
from placeopt.estate.problem.money import carbon_present_value
from placeopt.place.demand import visits_of
from placeopt.scenario.discount import discount_factors, discount_factors_at
from placeopt.scenario.rules.estate.services import Capital, EstateRule, Sequence
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.travel import TravelTimes


@dataclass(frozen=True)
class Years:
    """The problem of every decided year.

    Attributes:
        scenario: with the rules of all years.
        problems: (T,) each with the rules that hold in its year; T is 1 for one decided year.
    """

    scenario: Scenario
    problems: tuple[EstateProblem, ...]

    @property
    def first(self) -> EstateProblem:
        return self.problems[0]

    @property
    def last(self) -> EstateProblem:
        return self.problems[-1]

    @property
    def factor(self) -> Floats:
        """(T,) present value of one pound of each decided year."""
        return discount_factors(len(self.problems), self.scenario.money.discount_rate)

    @property
    def weight(self) -> Floats:
        """(T,) present value of a yearly cost; the last year's continues to the end of the
        appraisal."""
        weight = self.factor.copy()
        weight[-1] += self.first.annuity - weight.sum()
        return weight

    def receipt_factor(self, t: int, lag: NDArray[np.int64]) -> Floats:
        """Return the present value of one pound received ``lag`` years after year ``t``."""
        return discount_factors_at(self.scenario.money, t + lag)

    @property
    def fit_out_years(self) -> int:
        """Years from fit-out to the move; 0 for one decided year."""
        rules = self._sequence()
        return rules[0].fit_out_years if rules else 0

    @property
    def double_running_years(self) -> float:
        """Years in which staff of a service point that moves are paid twice."""
        rules = self._sequence()
        return rules[0].double_running_years if rules else 0.0

    @property
    def moves_per_year(self) -> int | None:
        """Most service points that may move in a year; ``None`` for no limit."""
        rules = self._sequence()
        return rules[0].moves_per_year if rules else None

    @property
    def services_may_return(self) -> bool:
        """Whether a service may return to a building that it left in a decided year."""
        rules = self._sequence()
        return rules[0].services_may_return if rules else True

    @property
    def buildings_may_refill(self) -> bool:
        """Whether an emptied building may be filled again, and a vacant one opened and then
        sold."""
        rules = self._sequence()
        return rules[0].buildings_may_refill if rules else True

    def _sequence(self) -> list[Sequence]:
        return self.scenario.of(Sequence) if len(self.problems) > 1 else []


def with_rules(years: Years, rules: tuple[Rule, ...]) -> Years:
    """Return the same years under other rules that link them (capital, sequence)."""
    return replace(years, scenario=years.scenario.with_rules(rules))


def build_years(place: Place, times: TravelTimes, scenario: Scenario) -> Years:
    """Return the problem of every decided year.

    Args:
        place: tables in canonical order.
        times: minutes between its zones and buildings.
        scenario: the question.

    Raises:
        UsageError: as ``build_problem``.
    """
    first = build_problem(place, times, scenario)
    if scenario.years == 1:
        return Years(scenario, (_year(place, first, 0),))
    problems = [_year(place, first, t) for t in range(scenario.years)]
    disposable_by = np.logical_or.accumulate([problem.buildings.can_end for problem in problems])
    return Years(
        scenario,
        tuple(
            replace(problem, buildings=replace(problem.buildings, disposable=disposable))
            for problem, disposable in zip(problems, disposable_by, strict=True)
        ),
    )


def _year(place: Place, first: EstateProblem, t: int) -> EstateProblem:
    """Return the problem ``t`` years later. Capital links the years and is stated over all of
    them."""
    year = first.year + t
    several = first.scenario.years > 1
    rules = tuple(
        rule
        for rule in first.scenario.rules
        if isinstance(rule, EstateRule)
        and rule.holds_in(year)
        and not (several and isinstance(rule, Capital))
    )
    visits = visits_of(place, year, t)
    carbon, _ = carbon_present_value(place, first.scenario, first.year)
    penalty = lease_penalties(place.buildings, year)
    b = first.buildings
    freehold = (place.buildings["tenure"] == "freehold").to_numpy()
    return replace(
        first,
        scenario=first.scenario.with_rules(rules),
        year=year,
        carbon_present_gbp_per_tco2e=float(carbon[t]),
        visits=visits,
        services=services_of(place, visits),
        buildings=replace(
            b,
            can_end=np.where(freehold, b.can_end, ~b.candidate & np.isfinite(penalty)),
            penalty_gbp=np.where(np.isfinite(penalty), penalty, 0.0),
        ),
        standards=tuple(s for s in first.standards if s.rule in rules),
    )
