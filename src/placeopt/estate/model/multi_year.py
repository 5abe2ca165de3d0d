"""State the estate problem of several years: the equations of each year, and the rows that link
them.

Blocks of a year are named ``host_2027``; rows over all years have no year in their name.

(E10) capital paid by year t <= pots up to t + receipts recycled up to t
(E12) ``constraints/linking.py``
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
    """A model over years and its columns.

    Attributes:
        years: the problem of every decided year.
        model: rows and columns for an engine.
        columns: (T,) the blocks of each year.
        links: the blocks that link years.
    """

    years: Years
    model: Model
    columns: tuple[Columns, ...]
    links: Links

    def year(self, t: int) -> Formulation:
        """Return one year's part of the model."""
        return Formulation(self.years.problems[t], self.model, self.columns[t])


def formulate_years(
    years: Years,
    objective: str | None = None,
    ceilings: Sequence[tuple[str, float]] = (),
    aggregated: bool = False,
    by_zone: bool | None = None,
    max_minutes: Sequence[NDArray[np.float64]] | None = None,
    serving_hosts: Sequence[NDArray[np.bool_]] | None = None,
) -> YearsFormulation:
    """Return the model over all decided years.

    Args:
        years: the problem of every decided year.
        objective: what to minimise; ``None``: any plan will do. ``cost`` is over all years, other
            objectives are of the last decided year, the end state.
        ceilings: (objective, at most) of other objectives.
        aggregated: where minutes do not matter, all residents of a service are one customer
            (``aggregate_all``): a relaxation.
        by_zone: whether every zone is a customer in every year. ``None``: where minutes matter.
        max_minutes: T of (Z, S), with ``by_zone``: minutes up to which hosts are in the model.
        serving_hosts: T of (B, S), with ``by_zone``: the only hosts that may serve in the year.
    """
    objectives = [name for name, _ in ceilings] + ([objective] if objective else [])
    model = Model("estate")
    columns = []
    for t, problem in enumerate(years.problems):
        hosts = Hosts.of(problem)
        is_last = problem is years.last
        zonal, zonal_services = by_zone, None
        if zonal is None:
            zonal = needs_assignment(problem, objectives if is_last else ())
            zonal_services = services_needing_zones(problem, objectives if is_last else ())
        model.suffix = f"_{problem.year}"
        if zonal:
            minutes_kept = None if max_minutes is None else max_minutes[t]
            hosts_kept = None if serving_hosts is None else serving_hosts[t]
            customers = customers_by_zone(problem, hosts, minutes_kept, hosts_kept, zonal_services)
        else:
            customers = (aggregate_all if aggregated else aggregate_by_reach)(problem, hosts)
        columns.append(add_columns(model, problem, hosts, customers))
        add_rules(model, problem, columns[t])
        if aggregated and not zonal:
            service.hosts_in_reach(model, problem, columns[t])
    model.suffix = ""
    links = link_years(model, years, tuple(columns))
    formulation = YearsFormulation(years, model, tuple(columns), links)
    _capital_fits(formulation)
    if objective:
        total = total_expression(formulation, objective)
        for numbers, values in total.terms:
            model.add_cost(numbers, values)
        model.offset = total.constant
    for name, ceiling in ceilings:
        total = total_expression(formulation, name)
        model.add_rows(
            f"objective_{name}", rule="", size=1, terms=total.rows(), upper=ceiling - total.constant
        )
    return formulation


def total_expression(formulation: YearsFormulation, objective: str) -> Expression:
    """Return an objective as a sum over the columns of all years."""
    if objective == "weighted":
        weights = formulation.years.scenario.objective.weights
        return weighted({name: total_expression(formulation, name) for name in weights}, weights)
    if objective == "cost":
        return present_cost(formulation.years, formulation.columns, formulation.links)
    return expression(formulation.model, formulation.years.last, formulation.columns[-1], objective)


def _capital_fits(formulation: YearsFormulation) -> None:
    """(E10) By each year, works cost no more than the pots and the receipts recycled so far."""
    years = formulation.years
    for number, rule in enumerate(years.scenario.of(Capital)):
        pots = rule.pots(len(years.problems))
        for t, problem in enumerate(years.problems):
            spent = capital_up_to(years, formulation.columns, formulation.links, rule, t)
            formulation.model.add_rows(
                f"capital_{number}_{problem.year}",
                rule="E10",
                size=1,
                terms=spent.rows(),
                upper=sum(pots[: t + 1]) - spent.constant,
            )
