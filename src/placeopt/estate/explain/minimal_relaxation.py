"""Measure the least relaxation of a rule for which a plan exists, and describe it.

The least capital, running cost or carbon, the largest share within the minutes, the fewest moves a
year; over several years, the least rise of the pots or ceilings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.deadline import Deadline
from placeopt.engine import Block, Model, Result, Status, solve
from placeopt.engine.settings import Settings
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

MEASURING_GAP = 0.02  # relative gap of each measured relaxation
LEAST_SECONDS = 1.0  # of a measurement that begins late


@dataclass(frozen=True)
class FeasibilityModel:
    """A model of one year or several without an objective.

    Attributes:
        years: the problem of every decided year.
        model: rows and columns for an engine.
        columns: the columns of each year.
        whole: the formulation over several years; ``None`` for one year.
        uses_cutting_planes: whether it is solved by demand cuts.
    """

    years: Years
    model: Model
    columns: tuple[Columns, ...]
    whole: YearsFormulation | None
    uses_cutting_planes: bool

    @classmethod
    def of(cls, years: Years, zones: bool | None = None) -> FeasibilityModel:
        """Return the model of ``years``; ``zones``: every zone is a customer, unless cutting planes
        are used."""
        has_served_standards = any(
            s.is_counted_as_served for problem in years.problems for s in problem.standards
        )
        by_cuts = not has_served_standards and uses_cutting_planes(years.problems, ())
        problems = years.problems
        if by_cuts:
            problems = tuple(without_assignment_rules(problem) for problem in problems)
        if len(problems) == 1:
            single = formulate(problems[0], by_zone=False if by_cuts else zones, aggregated=by_cuts)
            return cls(years, single.model, (single.columns,), None, by_cuts)
        by_zone = None if by_cuts else zones
        over_years = formulate_years(
            replace(years, problems=problems), aggregated=by_cuts, by_zone=by_zone
        )
        return cls(years, over_years.model, over_years.columns, over_years, by_cuts)


def solve_feasibility(model: FeasibilityModel, seconds: float) -> Result:
    """Return a plan that minimises the costs put on the model's columns, to ``MEASURING_GAP``."""
    settings = replace(Settings.of(model.years.scenario.solver), engine="highs", gap=MEASURING_GAP)
    if model.uses_cutting_planes:
        problems, deadline = model.years.problems, Deadline(seconds)
        return minimise_by_cutting_planes(model.model, problems, model.columns, settings, deadline)
    seconds = max(seconds, LEAST_SECONDS)
    result = solve(model.model, replace(settings, time_limit_seconds=seconds))
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
    """Return a sentence on how far the rule would have to relax; "" where that cannot be measured.

    Args:
        place: for standards of access.
        times: the same.
        years: the problem without the rule.
        rule: the rule.
        seconds: time limit.
        names: id -> name.
    """
    text = ""
    if isinstance(rule, Capital | Revenue | Carbon):
        one_year = len(years.problems) == 1
        describe = _describe_least if one_year else _describe_raise
        text = describe(years, rule, seconds)
    if isinstance(rule, Sequence):
        text = _describe_moves(years, rule, seconds)
    if isinstance(rule, Access):
        shares = "; ".join(_describe_shares(place, times, years, rule, seconds, names))
        text = f"{shares}." if shares else ""
    return text


def _describe_least(years: Years, rule: Capital | Revenue | Carbon, seconds: float) -> str:
    """Describe the least value of what the rule bounds, in one year."""
    model, problem = FeasibilityModel.of(years), years.first
    x = model.columns[0]
    if isinstance(rule, Capital):
        total = capital(problem, x, rule.recycled_share, rule.pays_for)
    else:
        total = (running_cost if isinstance(rule, Revenue) else carbon)(problem, x)
    for columns, values in total.terms:
        model.model.add_cost(columns, values)
    model.model.offset = total.constant
    least_value = solve_feasibility(model, seconds).objective
    if least_value is None:
        return ""
    if isinstance(rule, Capital):
        return (
            f"The pot would have to be about {pounds(least_value)}, not {pounds(rule.pots()[0])}."
        )
    if isinstance(rule, Carbon):
        return f"Emissions can fall to about {least_value:,.0f} tCO2e a year, and no further."
    share = least_value / max(running_cost_today(problem), 1e-9)
    return (
        f"Running costs can fall to about {pounds(least_value)} a year, "
        f"{per_cent(share)} of today's, and no further."
    )


def _describe_raise(years: Years, rule: Capital | Revenue | Carbon, seconds: float) -> str:
    """Describe the least rise of the rule's pots or ceilings, over several years."""
    model = FeasibilityModel.of(years)
    assert model.whole is not None
    extra = model.model.add_columns("more", size=1, cost=1.0)
    for t, problem in enumerate(years.problems):
        x = model.columns[t]
        if isinstance(rule, Capital):
            total = capital_up_to(years, model.columns, model.whole.links, rule, t)
            limit: float | None = sum(rule.pots(len(years.problems))[: t + 1])
        elif not rule.holds_in(problem.year):
            continue
        elif isinstance(rule, Revenue):
            total = running_cost(problem, x)
            limit = rule.ceiling_gbp_per_year
            if limit is None:
                limit = (rule.share_of_today or 0.0) * running_cost_today(problem)
        else:
            b, total = problem.buildings, carbon(problem, x)
            limit = rule.ceiling_tco2e_per_year
            if limit is None:
                today = float(b.carbon_tco2e_per_year[b.open_today].sum())
                limit = (rule.share_of_today or 0.0) * today
        assert limit is not None  # the rule has one or the other
        _add_raisable_limit(model.model, f"least_{t}", total, extra, limit)
    least_raise = solve_feasibility(model, seconds).objective
    if least_raise is None:
        return ""
    if isinstance(rule, Capital):
        return f"There would have to be about {pounds(least_raise)} more capital in the first year."
    unit = pounds(least_raise) if isinstance(rule, Revenue) else f"{least_raise:,.0f} tCO2e"
    return f"The ceiling would have to be about {unit} a year higher."


def _add_raisable_limit(
    model: Model, name: str, total: Expression, extra: Block, limit: float
) -> None:
    """Add the row total <= limit + extra."""
    terms = [*total.rows(), (0, extra.all, -1)]
    model.add_rows(name, rule="", size=1, terms=terms, upper=limit - total.constant)


def _describe_moves(years: Years, rule: Sequence, seconds: float) -> str:
    """Describe the fewest moves a year, or which returns or refills have to be allowed, or that
    fit-out a year ahead is too early."""
    if rule.moves_per_year is not None:
        without_limit = rule.model_copy(
            update={"moves_per_year": 10**6}
        )  # so that moves are counted
        model = FeasibilityModel.of(with_rules(years, (*years.scenario.rules, without_limit)))
        assert model.whole is not None
        most_moves = model.model.add_columns("most", size=1, cost=1.0)
        for t, block in enumerate(model.whole.links.enters):
            moves = Expression()
            moves.add(block.all, np.ones(block.size))
            _add_raisable_limit(model.model, f"fewest_{t}", moves, most_moves, 0.0)
        fewest_moves = solve_feasibility(model, seconds).objective
        if fewest_moves is not None:
            return f"About {np.ceil(fewest_moves - 1e-6):.0f} moves a year are needed."
    for asked, words in (
        ("services_may_return", "A service would have to come back to a building that it left"),
        ("buildings_may_refill", "A building would have to be filled again after it was emptied"),
    ):
        if not getattr(rule, asked):
            allowed = rule.model_copy(update={asked: True})
            model = FeasibilityModel.of(with_rules(years, (*years.scenario.rules, allowed)))
            if solve_feasibility(model, seconds).has_plan:
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
    """Yield the largest share within the minutes of each service, in the first year in which the
    rule holds, with all other rules kept."""
    year_positions = [t for t, problem in enumerate(years.problems) if rule.holds_in(problem.year)]
    if rule.minutes is None or not year_positions:
        return
    only_rule = years.scenario.with_rules((rule,))
    standards = build_standards(place, times, only_rule)
    in_year = f" in {years.problems[year_positions[0]].year}" if len(years.problems) > 1 else ""
    for standard in standards:
        model = FeasibilityModel.of(years, zones=standard.is_counted_as_served or None)
        limit_seconds = seconds / len(standards)
        share = _largest_share(model, year_positions[0], standard, limit_seconds)
        if share is not None and share < rule.share - 1e-6:
            in_district = (
                f" in {names.get(standard.scope, standard.scope)}" if standard.scope else ""
            )
            service = names.get(standard.service_id, standard.service_id)
            served = (
                " served" if standard.is_counted_as_served and not model.uses_cutting_planes else ""
            )
            yield (
                f"At most about {100 * share:.1f}% can be{served} within {rule.minutes:g} minutes "
                f"of {service}{in_district}{in_year}, not {exact_per_cent(rule.share)}"
            )


def _largest_share(
    model: FeasibilityModel, t: int, standard: Standard, seconds: float
) -> float | None:
    """Return the largest share in the year at position ``t``. With cutting planes it is counted by
    the nearest host, which is no less than by service given."""
    x = model.columns[t]
    if standard.is_counted_as_served and not model.uses_cutting_planes:
        problem = model.years.problems[t]
        for _, columns, values in share_served_terms(model.model, problem, x, standard, "asked"):
            model.model.add_cost(columns, -np.asarray(values))
        result = solve_feasibility(model, seconds)
        return None if result.objective is None else abs(result.objective)
    hosts, column = eligible_hosts(x, standard)
    reach = standard.within[:, x.hosts.building[hosts]]
    resident_share = standard.residents / standard.residents.sum()
    cover = model.model.add_columns(
        "cover_asked", size=len(resident_share), upper=1, cost=-resident_share
    )
    point, host = np.nonzero(reach)
    model.model.add_rows(
        "covered_asked",
        rule="E7",
        size=len(resident_share),
        terms=[(np.arange(len(resident_share)), cover.all, 1), (point, column[host], -1)],
        upper=0,
    )
    result = solve_feasibility(model, seconds)
    return None if result.objective is None else abs(result.objective)  # never -0.0
