"""State an estate problem of several years: each by the equations of one, and what links them.

Blocks of a year are named ``host_2027``; rows over all years have no year in their name.

(E10) what was paid by year t <= what has come into the pot by then + receipts recycled by then
(E12) ``equations/years.py``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model
from placeopt.estate.model.constraints import service
from placeopt.estate.model.constraints.linking import Links, link_years
from placeopt.estate.model.formulation import (
    Formulation,
    add_rules,
    expression,
    needs_assignment,
    services_needing_zones,
)
from placeopt.estate.model.multi_year_objectives import capital_up_to, present_cost
from placeopt.estate.model.objectives import Expression, weighted
from placeopt.estate.model.variables import Columns, add_columns
from placeopt.estate.problem.customers import (
    Hosts,
    aggregate_all,
    aggregate_by_reach,
    customers_by_zone,
)
from placeopt.estate.problem.horizon import Years
from placeopt.scenario.rules.estate.services import Capital


@dataclass(frozen=True)
class YearsFormulation:
    """A model over years, and what its columns mean."""

    years: Years
    model: Model
    columns: tuple[Columns, ...]  # of each year
    links: Links

    def year(self, t: int) -> Formulation:
        """One year's part."""
        return Formulation(self.years.problems[t], self.model, self.columns[t])


def formulate_years(
    years: Years,
    objective: str | None = None,
    ceilings: Sequence[tuple[str, float]] = (),
    relaxed: bool = False,
    zones: bool | None = None,
    keep: Sequence[NDArray[np.float64]] | None = None,
    serving: Sequence[NDArray[np.bool_]] | None = None,
) -> YearsFormulation:
    """The model that minimises ``objective`` (``None``: any plan will do) over all years.

    ``cost`` is of all years; the other objectives, and the ``ceilings`` on them, are of the last
    decided year, the state that the plan leads to. ``relaxed``: where no minutes count, all
    residents are one customer, as ``aggregate_all`` says. ``zones``: every zone is a customer by itself
    in every year; then ``keep`` (T of (Z, S)) leaves out hosts further than so many minutes and
    ``serving`` (T of (B, S)) those that serve nobody in the year, as ``customers_by_zone`` says.
    """
    named = [name for name, _ in ceilings] + ([objective] if objective else [])
    model = Model("estate")
    columns = []
    for t, problem in enumerate(years.problems):
        hosts = Hosts.of(problem)
        last = problem is years.last
        by_itself, only = zones, None
        if by_itself is None:
            by_itself = needs_assignment(problem, named if last else ())
            only = services_needing_zones(problem, named if last else ())
        model.suffix = f"_{problem.year}"
        if by_itself:
            nearest = None if keep is None else keep[t]
            served = None if serving is None else serving[t]
            customers = customers_by_zone(problem, hosts, nearest, served, only)
        else:
            customers = (aggregate_all if relaxed else aggregate_by_reach)(problem, hosts)
        columns.append(add_columns(model, problem, hosts, customers))
        add_rules(model, problem, columns[t])
        if relaxed and not by_itself:
            service.hosts_in_reach(model, problem, columns[t])
    model.suffix = ""
    links = link_years(model, years, tuple(columns))
    stated = YearsFormulation(years, model, tuple(columns), links)
    _capital_fits(stated)
    if objective:
        total = total_expression(stated, objective)
        for numbers, values in total.terms:
            model.add_cost(numbers, values)
        model.offset = total.constant
    for name, most in ceilings:
        total = total_expression(stated, name)
        model.add_rows(
            f"objective_{name}", rule="", size=1, terms=total.rows(), upper=most - total.constant
        )
    return stated


def total_expression(stated: YearsFormulation, objective: str) -> Expression:
    """An objective as a sum over the columns of all years."""
    if objective == "weighted":
        weights = stated.years.scenario.objective.weights
        return weighted({name: total_expression(stated, name) for name in weights}, weights)
    if objective == "cost":
        return present_cost(stated.years, stated.columns, stated.links)
    return expression(stated.model, stated.years.last, stated.columns[-1], objective)


def _capital_fits(stated: YearsFormulation) -> None:
    """(E10) Up to each year, works cost no more than the pots and receipts recycled so far."""
    years = stated.years
    for number, rule in enumerate(years.scenario.of(Capital)):
        pots = rule.pots(len(years.problems))
        for t, problem in enumerate(years.problems):
            spent = capital_up_to(years, stated.columns, stated.links, rule, t)
            stated.model.add_rows(
                f"capital_{number}_{problem.year}",
                rule="E10",
                size=1,
                terms=spent.rows(),
                upper=sum(pots[: t + 1]) - spent.constant,
            )
