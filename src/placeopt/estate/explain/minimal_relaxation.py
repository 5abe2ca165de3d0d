"""How far a rule would have to give so that a plan exists: the plan that breaks it least.

The least capital, running cost or carbon, the largest share within the minutes, the fewest moves
of a year; over years, by how much the pots or ceilings would have to be raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from placeopt.engine import Block, Model, Result, Status, solve
from placeopt.estate.model.constraints.access import eligible_hosts
from placeopt.estate.model.constraints.access_as_served import share_served_terms
from placeopt.estate.model.formulation import formulate, without_assignment_rules
from placeopt.estate.model.multi_year import YearsFormulation, formulate_years
from placeopt.estate.model.multi_year_objectives import capital_up_to
from placeopt.estate.model.objectives import Expression, capital, carbon, running_cost
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.access import build_standards
from placeopt.estate.problem.arrays import Standard
from placeopt.estate.problem.horizon import Years, with_rules
from placeopt.estate.search.cutting_plane import minimise_by_cutting_planes, uses_cutting_planes
from placeopt.estate.solution.decision import running_cost_today
from placeopt.scenario.rules.estate.services import Access, Capital, Carbon, Revenue, Sequence
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.wording import exact_per_cent, per_cent, pounds

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.travel import TravelTimes

MEASURING_GAP = 0.02  # what gives is measured to this


@dataclass(frozen=True)
class FeasibilityModel:
    """A model of one year or several without an objective."""

    years: Years
    model: Model
    columns: tuple[Columns, ...]
    whole: YearsFormulation | None  # over several years
    uses_cutting_planes: bool  # where residents go is learnt while the model is solved

    @classmethod
    def of(cls, years: Years, zones: bool | None = None) -> FeasibilityModel:
        """``zones``: every zone is a customer by itself, unless where residents go is learnt."""
        served = any(
            s.is_counted_as_served for problem in years.problems for s in problem.standards
        )
        learnt = not served and uses_cutting_planes(years.problems, ())
        problems = years.problems
        if learnt:
            problems = tuple(without_assignment_rules(problem) for problem in problems)
        if len(problems) == 1:
            alone = formulate(problems[0], by_zone=False if learnt else zones, aggregated=learnt)
            return cls(years, alone.model, (alone.columns,), None, learnt)
        by_itself = None if learnt else zones
        whole = formulate_years(
            replace(years, problems=problems), aggregated=learnt, by_zone=by_itself
        )
        return cls(years, whole.model, whole.columns, whole, learnt)


def solve_feasibility(stated: FeasibilityModel, seconds: float) -> Result:
    """A plan of least cost as the model has it, to ``MEASURING_GAP``."""
    solver = stated.years.scenario.solver
    if stated.uses_cutting_planes:
        settings = solver.model_copy(update={"gap": MEASURING_GAP})
        problems = stated.years.problems
        return minimise_by_cutting_planes(
            stated.model, problems, stated.columns, settings, seconds, None
        )
    result = solve(
        stated.model,
        time_limit_seconds=max(seconds, 1.0),
        gap=MEASURING_GAP,
        threads=solver.threads,
        seed=solver.seed,
    )
    assert result.status is not Status.UNBOUNDED  # every column is bounded or costs money
    return result


def describe_relaxation(
    place: Place,
    times: TravelTimes,
    years: Years,
    rule: Rule,
    seconds: float,
    names: dict[str, str],
) -> str:
    """How far the rule would have to give, "" where that cannot be measured; ``years`` is without
    it."""
    text = ""
    if isinstance(rule, Capital | Revenue | Carbon):
        one_year = len(years.problems) == 1
        measured = _describe_least if one_year else _describe_raise
        text = measured(years, rule, seconds)
    if isinstance(rule, Sequence):
        text = _describe_moves(years, rule, seconds)
    if isinstance(rule, Access):
        shares = "; ".join(_describe_shares(place, times, years, rule, seconds, names))
        text = f"{shares}." if shares else ""
    return text


def _describe_least(years: Years, rule: Capital | Revenue | Carbon, seconds: float) -> str:
    """The least that what the rule bounds can be, in one year."""
    stated, problem = FeasibilityModel.of(years), years.first
    x = stated.columns[0]
    if isinstance(rule, Capital):
        total = capital(problem, x, rule.recycled_share, rule.pays_for)
    else:
        total = (running_cost if isinstance(rule, Revenue) else carbon)(problem, x)
    for columns, values in total.terms:
        stated.model.add_cost(columns, values)
    stated.model.offset = total.constant
    least = solve_feasibility(stated, seconds).objective
    if least is None:
        return ""
    if isinstance(rule, Capital):
        return f"The pot would have to be about {pounds(least)}, not {pounds(rule.pots()[0])}."
    if isinstance(rule, Carbon):
        return f"Emissions can fall to about {least:,.0f} tCO2e a year, and no further."
    share = least / max(running_cost_today(problem), 1e-9)
    return (
        f"Running costs can fall to about {pounds(least)} a year, "
        f"{per_cent(share)} of today's, and no further."
    )


def _describe_raise(years: Years, rule: Capital | Revenue | Carbon, seconds: float) -> str:
    """By how much the rule's pots or ceilings would have to be raised, over several years."""
    stated = FeasibilityModel.of(years)
    assert stated.whole is not None
    more = stated.model.add_columns("more", size=1, cost=1.0)
    for t, problem in enumerate(years.problems):
        x = stated.columns[t]
        if isinstance(rule, Capital):
            total = capital_up_to(years, stated.columns, stated.whole.links, rule, t)
            most: float | None = sum(rule.pots(len(years.problems))[: t + 1])
        elif not rule.holds_in(problem.year):
            continue
        elif isinstance(rule, Revenue):
            total = running_cost(problem, x)
            most = rule.ceiling_gbp_per_year
            if most is None:
                most = (rule.share_of_today or 0.0) * running_cost_today(problem)
        else:
            b, total = problem.buildings, carbon(problem, x)
            most = rule.ceiling_tco2e_per_year
            if most is None:
                today = float(b.carbon_tco2e_per_year[b.open_today].sum())
                most = (rule.share_of_today or 0.0) * today
        assert most is not None  # the rule has one or the other
        _add_raisable_limit(stated.model, f"least_{t}", total, more, most)
    raised = solve_feasibility(stated, seconds).objective
    if raised is None:
        return ""
    if isinstance(rule, Capital):
        return f"There would have to be about {pounds(raised)} more capital in the first year."
    unit = pounds(raised) if isinstance(rule, Revenue) else f"{raised:,.0f} tCO2e"
    return f"The ceiling would have to be about {unit} a year higher."


def _add_raisable_limit(
    model: Model, name: str, total: Expression, more: Block, most: float
) -> None:
    terms = [*total.rows(), (0, more.all, -1)]
    model.add_rows(name, rule="", size=1, terms=terms, upper=most - total.constant)


def _describe_moves(years: Years, rule: Sequence, seconds: float) -> str:
    """How many moves a year are needed; or what would have to come back or be filled again; or
    that works cannot come before the move."""
    if rule.moves_per_year is not None:
        uncounted = rule.model_copy(update={"moves_per_year": 10**6})  # so that moves are counted
        stated = FeasibilityModel.of(with_rules(years, (*years.scenario.rules, uncounted)))
        assert stated.whole is not None
        most = stated.model.add_columns("most", size=1, cost=1.0)
        for t, block in enumerate(stated.whole.links.enters):
            moves = Expression()
            moves.add(block.all, np.ones(block.size))
            _add_raisable_limit(stated.model, f"fewest_{t}", moves, most, 0.0)
        fewest = solve_feasibility(stated, seconds).objective
        if fewest is not None:
            return f"About {np.ceil(fewest - 1e-6):.0f} moves a year are needed."
    for asked, words in (
        ("services_may_return", "A service would have to come back to a building that it left"),
        ("buildings_may_refill", "A building would have to be filled again after it was emptied"),
    ):
        if not getattr(rule, asked):
            allowed = rule.model_copy(update={asked: True})
            stated = FeasibilityModel.of(with_rules(years, (*years.scenario.rules, allowed)))
            if solve_feasibility(stated, seconds).has_plan:
                return f"{words} ({asked} = true)."
    if rule.fit_out_years:
        return "Works would have to be done in the year of the move, not the year before."
    return ""


def _describe_shares(
    place: Place,
    times: TravelTimes,
    years: Years,
    rule: Access,
    seconds: float,
    names: dict[str, str],
) -> Iterator[str]:
    """The largest share within the minutes in the first year in which the rule holds, service by
    service, the other rules kept."""
    held = [t for t, problem in enumerate(years.problems) if rule.holds_in(problem.year)]
    if rule.minutes is None or not held:
        return
    alone = years.scenario.with_rules((rule,))
    standards = build_standards(place, times, alone)
    when = f" in {years.problems[held[0]].year}" if len(years.problems) > 1 else ""
    for standard in standards:
        asked = FeasibilityModel.of(years, zones=standard.is_counted_as_served or None)
        each = seconds / len(standards)
        share = _largest_share(asked, held[0], standard, each)
        if share is not None and share < rule.share - 1e-6:
            where = f" in {names.get(standard.scope, standard.scope)}" if standard.scope else ""
            service = names.get(standard.service_id, standard.service_id)
            served = (
                " served" if standard.is_counted_as_served and not asked.uses_cutting_planes else ""
            )
            yield (
                f"At most about {100 * share:.1f}% can be{served} within {rule.minutes:g} minutes "
                f"of {service}{where}{when}, not {exact_per_cent(rule.share)}"
            )


def _largest_share(
    stated: FeasibilityModel, t: int, standard: Standard, seconds: float
) -> float | None:
    """The largest share in the year at position ``t``; where residents go is learnt, by the
    nearest host: as they are served it is no larger."""
    x = stated.columns[t]
    if standard.is_counted_as_served and not stated.uses_cutting_planes:
        problem = stated.years.problems[t]
        for _, columns, values in share_served_terms(stated.model, problem, x, standard, "asked"):
            stated.model.add_cost(columns, -np.asarray(values))
        result = solve_feasibility(stated, seconds)
        return None if result.objective is None else abs(result.objective)
    hosts, column = eligible_hosts(x, standard)
    reach = standard.within[:, x.hosts.building[hosts]]
    people = standard.residents / standard.residents.sum()
    cover = stated.model.add_columns("cover_asked", size=len(people), upper=1, cost=-people)
    point, host = np.nonzero(reach)
    stated.model.add_rows(
        "covered_asked",
        rule="E7",
        size=len(people),
        terms=[(np.arange(len(people)), cover.all, 1), (point, column[host], -1)],
        upper=0,
    )
    result = solve_feasibility(stated, seconds)
    return None if result.objective is None else abs(result.objective)  # never -0.0
