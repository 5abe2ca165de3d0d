"""Why nothing fits: rules are dropped one by one, and what would have to give is measured.

A rule clashes where a plan exists without it. For such a rule the plan that breaks it least is
looked for: the least capital, the least running cost, the largest share within the minutes.
Should no single rule be to blame, pairs of rules are tried while time lasts. Definitions (a visit
is served where the service is, a service is hosted in an open building) are never dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from placeopt.engine import Clash, Explanation, Model, Result, Status, solve
from placeopt.estate.columns import Columns
from placeopt.estate.decision import running_today
from placeopt.estate.equations_place import offering_hosts
from placeopt.estate.formulate import Formulation, formulate
from placeopt.estate.problem import EstateProblem, state
from placeopt.estate.standards import Standard, state_standards
from placeopt.estate.terms import Expression, capital, carbon, running_cost
from placeopt.scenario.estate_rules import Access, Capital, Carbon, Hosted, Opened, Revenue
from placeopt.scenario.rules import Rule
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.travel import TravelTimes

DEFINITIONS = (Hosted, Opened)
GAP = 0.02  # what gives is measured to this


def explain(
    place: Place, times: TravelTimes, scenario: Scenario, *, seconds: float = 60.0
) -> Explanation:
    """Which rules clash, and what would have to give; stops looking after ``seconds``."""
    deadline = time.perf_counter() + seconds
    candidates = [
        position
        for position, rule in enumerate(scenario.rules)
        if not isinstance(rule, DEFINITIONS)
    ]
    names = _names(place)
    clashes: list[Clash] = []
    for size in (1, 2):
        for dropped in combinations(candidates, size):
            left = deadline - time.perf_counter()
            if left <= 0:
                break
            clash = _clash(place, times, scenario, dropped, min(left, seconds / 4), names)
            if clash is not None:
                clashes.append(clash)
        if clashes:
            break
    if not clashes:
        sentence = (
            "No plan keeps all the rules, and within the time given no one or two rules were "
            "found whose dropping would let one exist."
        )
        return Explanation(sentence)
    which = " or ".join(f"{clash.name} ({clash.number})" for clash in clashes)
    sentence = f"No plan keeps all the rules at once. A plan exists without {which}."
    return Explanation(sentence, tuple(clashes))


def _clash(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    dropped: tuple[int, ...],
    seconds: float,
    names: dict[str, str],
) -> Clash | None:
    """The clash of the rules at ``dropped``, where a plan exists without them."""
    rules = [scenario.rules[position] for position in dropped]
    rest = scenario
    for position in sorted(dropped, reverse=True):
        rest = rest.without(position)
    problem = state(place, times, rest)
    if not _solved(formulate(problem), seconds / 2).has_plan:
        return None
    gives = [
        text
        for rule in rules
        for text in [_what_gives(place, times, scenario, problem, rule, seconds / 2, names)]
    ]
    return Clash(
        number=" and ".join(rule.number for rule in rules),
        name=" and ".join(rule.name for rule in rules),
        sentence=" ".join(rule.sentence(names) for rule in rules),
        what_gives=" ".join(gives),
    )


def _what_gives(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    problem: EstateProblem,
    rule: Rule,
    seconds: float,
    names: dict[str, str],
) -> str:
    """How far the rule would have to give, where that can be measured."""
    if isinstance(rule, Capital):
        least = _least(
            problem, lambda p, x: capital(p, x, rule.recycled_share, rule.pays_for), seconds
        )
        if least is not None:
            return (
                f"The pot would have to be about GBP {least:,.0f}, not GBP {rule.pots()[0]:,.0f}."
            )
    if isinstance(rule, Revenue):
        least = _least(problem, running_cost, seconds)
        if least is not None:
            share = least / max(running_today(problem), 1e-9)
            return (
                f"Running costs can fall to about GBP {least:,.0f} a year, "
                f"{100 * share:.1f} % of today's, and no further."
            )
    if isinstance(rule, Carbon):
        least = _least(problem, carbon, seconds)
        if least is not None:
            return f"Emissions can fall to about {least:,.0f} tCO2e a year, and no further."
    if isinstance(rule, Access):
        text = "; ".join(_shares_in_reach(place, times, scenario, problem, rule, seconds, names))
        if text:
            return text
    return "A plan exists without this rule; with it none does."


def _shares_in_reach(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    problem: EstateProblem,
    rule: Access,
    seconds: float,
    names: dict[str, str],
) -> Iterator[str]:
    """The largest share within the minutes, service by service, the other rules kept."""
    if rule.minutes is None:
        return
    alone = scenario.model_copy(update={"rules": (rule,)})
    standards = state_standards(place, times, alone)
    for standard in standards:
        asked = formulate(problem)
        threads = scenario.solver.threads
        each = seconds / len(standards)
        share = _largest_share(asked.model, asked.columns, standard, each, threads)
        if share is not None and share < rule.share - 1e-6:
            where = f" in {names.get(standard.scope, standard.scope)}" if standard.scope else ""
            service = names.get(standard.service_id, standard.service_id)
            yield (
                f"At most about {100 * share:.1f} % can be within {rule.minutes:g} minutes of "
                f"{service}{where}, not {100 * rule.share:g} %"
            )


def _largest_share(
    model: Model, x: Columns, standard: Standard, seconds: float, threads: int
) -> float | None:
    hosts, column = offering_hosts(x, standard)
    reach = standard.within[:, x.hosts.building[hosts]]
    people = standard.residents / standard.residents.sum()
    cover = model.add_columns("cover_asked", size=len(people), upper=1, cost=-people)
    point, host = np.nonzero(reach)
    model.add_rows(
        "covered_asked",
        rule="E7",
        size=len(people),
        terms=[(np.arange(len(people)), cover.all, 1), (point, column[host], -1)],
        upper=0,
    )
    result = solve(model, time_limit_seconds=max(seconds, 1.0), gap=GAP, threads=threads)
    return None if result.objective is None else -result.objective


def _least(
    problem: EstateProblem,
    expression: Callable[[EstateProblem, Columns], Expression],
    seconds: float,
) -> float | None:
    """The least that an expression can be under the problem's rules."""
    formulation = formulate(problem)
    total: Expression = expression(problem, formulation.columns)
    for columns, values in total.terms:
        formulation.model.add_cost(columns, values)
    formulation.model.offset = total.constant
    return _solved(formulation, seconds).objective


def _solved(formulation: Formulation, seconds: float) -> Result:
    solver = formulation.problem.scenario.solver
    result = solve(
        formulation.model,
        time_limit_seconds=max(seconds, 1.0),
        gap=GAP,
        threads=solver.threads,
        seed=solver.seed,
    )
    assert result.status is not Status.UNBOUNDED  # every column is bounded or costs money
    return result


def _names(place: Place) -> dict[str, str]:
    names: dict[str, str] = {}
    for table, key in (
        ("buildings", "building_id"),
        ("services", "service_id"),
        ("tiers", "tier_id"),
        ("districts", "district_id"),
    ):
        rows = place.tables[table]
        pairs = zip(rows[key], rows["name"], strict=True)
        names |= {identity: name for identity, name in pairs if name}
    return names
