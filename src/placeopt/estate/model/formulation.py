"""State the estate problem of one year to an engine, one function for each equation.

``multi_year.py`` states several years with the same functions.

Letters: c customers (zones, or zones aggregated by the hosts in their reach), b buildings, s
services, k tiers, p groups of residents with the same buildings in reach.

(E1)  sum_b serve[c,b] + unserved[c] + beyond[c] = 1, beyond only where assignment is relaxed;
      sum_c units[c] unserved[c] <= u sum_c units[c], u the share that may go unserved
(E2)  serve[c,b] <= min(1, max_units[b,s] / units[c]) host[b,s];
      sum_c units[c] serve[c,b] >= least[s] where b has the full offer of s
(E3)  host[b,s] <= open[b];  sum_k tier[b,k] <= open[b];  host[b,s] <= sum of tier[b,k] that may;
      open[b] + dispose[b] <= 1;  open[b] + open[b'] <= 1 where b' replaces b
(E4)  sum_s area[b,s] + front[b] <= usable[b] open[b];  front[b] >= front[s] host[b,s]
(E5)  area[b,s] = base[s] host[b,s] + rate[s] sum_c units[c] serve[c,b]
(E6)  host[b,x] = host[b,y];  host[b,x] + host[b,y] <= 1;  pair <= host;  sum_s host[b,s] <= n
(E7)  cover[p] = sum of serve[c,b] in reach, or <= sum of host[b,s] in reach;
      sum_p residents[p] cover[p] >= share x residents
(E8)  minutes[c] <= today + n;  group means <= today's;  worst-off mean, Kolm-Pollak <= bound
(E9)  at_least <= count <= at_most;  tier[b,k] + tier[b',k] <= 1 where b and b' are too near
(E10) works + moves + set-up + closing <= pot + recycled x receipts
(E11) running cost of a year <= ceiling
(E12) links years: ``constraints/linking.py``
(E13) open[b] = 1 (keep), open[b] = 0 (close)
(E14) carbon of open buildings <= ceiling
(E15) cost of all buildings <= today's; the rents are set after the plan (``solution/rents.py``)
(E16) what hosts from the nearest to b serve >= host[b,s] - full[b], with nearest assignment;
      serve[c,b] = pull[c,b] drawn[c] where b hosts, with distance decay

(E2) is the strong, disaggregated form; ``max_units`` is what a service could take if it had all the
floor.

Sources: Daskin (2013), Network and Discrete Location, ch. 6 to 8; Church and ReVelle (1974);
Holmberg, Roennqvist and Yuan (1999) for the strengthened capacity rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model
from placeopt.estate.model.constraints import equity, service
from placeopt.estate.model.constraints.registry import all_equations
from placeopt.estate.model.objectives import OBJECTIVES, Expression, weighted
from placeopt.estate.model.variables import Columns, add_columns
from placeopt.estate.problem.arrays import EstateProblem, counted_by_nearest
from placeopt.estate.problem.customers import (
    Hosts,
    aggregate_all,
    aggregate_by_reach,
    customers_by_zone,
)
from placeopt.scenario.rules.estate.services import Access, Behaviour, Fairness

ASSIGNMENT_RULES = (Fairness, Behaviour)
STRUCTURE: tuple[Callable[[Model, EstateProblem, Columns], None], ...] = (
    service.closed_or_disposed,
    service.one_building,
    service.front_of_house,
    service.served_or_not,
    service.area_follows_visits,
    service.preferred_pairs,
)


@dataclass(frozen=True)
class Formulation:
    """A model of one year and its columns.

    Attributes:
        problem: the arrays that it states.
        model: rows and columns for an engine.
        columns: the blocks of columns by their meaning.
    """

    problem: EstateProblem
    model: Model
    columns: Columns


def formulate(
    problem: EstateProblem,
    objective: str | None = None,
    ceilings: Sequence[tuple[str, float]] = (),
    by_zone: bool | None = None,
    max_minutes: NDArray[np.float64] | None = None,
    aggregated: bool = False,
) -> Formulation:
    """Return the model of one year.

    Args:
        problem: the year's arrays.
        objective: what to minimise; ``None``: any plan will do.
        ceilings: (objective, at most) of other objectives.
        by_zone: whether every zone is a customer, or zones are aggregated by reach. ``None``: by
            zone for the services whose minutes matter.
        max_minutes: (Z, S) minutes up to which hosts are in the model; hosts further away are left
            out at a relaxed assignment (``customers_by_zone``).
        aggregated: where minutes do not matter, all residents of a service are one customer
            (``aggregate_all``): a relaxation.
    """
    objectives = [name for name, _ in ceilings] + ([objective] if objective else [])
    zonal_services = services_needing_zones(problem, objectives) if by_zone is None else None
    if by_zone is None:
        by_zone = needs_assignment(problem, objectives)
    hosts = Hosts.of(problem)
    if by_zone:
        customers = customers_by_zone(problem, hosts, max_minutes, zonal_services=zonal_services)
    else:
        customers = (aggregate_all if aggregated else aggregate_by_reach)(problem, hosts)
    model = Model("estate")
    x = add_columns(model, problem, hosts, customers)
    add_rules(model, problem, x)
    service.staff_let_go(model, problem, x)
    if aggregated and not by_zone:
        service.hosts_in_reach(model, problem, x)
    if objective:
        total = expression(model, problem, x, objective)
        for columns, values in total.terms:
            model.add_cost(columns, values)
        model.offset = total.constant
    for name, ceiling in ceilings:
        total = expression(model, problem, x, name)
        model.add_rows(
            f"objective_{name}", rule="", size=1, terms=total.rows(), upper=ceiling - total.constant
        )
    return Formulation(problem, model, x)


def add_rules(model: Model, problem: EstateProblem, x: Columns) -> None:
    """Add a year's structural rows and the rows of every rule of its scenario."""
    for state_structure in STRUCTURE:
        state_structure(model, problem, x)
    for equation in all_equations():
        equation.state(model, problem, x)


def needs_assignment(problem: EstateProblem, objectives: Sequence[str]) -> bool:
    """Whether an objective or a rule bounds where visits go, so that zones must be customers."""
    parts = objective_parts(problem, objectives)
    return bool({"visit_minutes", "worst_off"} & parts) or has_assignment_rules(problem)


def objective_parts(problem: EstateProblem, objectives: Sequence[str]) -> set[str]:
    """Return the objectives by name, a weighted sum replaced by those that it weighs."""
    weights = problem.scenario.objective.weights
    return {part for name in objectives for part in (weights if name == "weighted" else [name])}


def services_needing_zones(
    problem: EstateProblem, objectives: Sequence[str]
) -> NDArray[np.bool_] | None:
    """Return (S,) the services whose zones must be customers, where only standards counted by
    service given need that; ``None`` where all services do, or none."""
    without_standards = replace(problem, standards=())
    if needs_assignment(without_standards, objectives):
        return None
    needed = np.zeros(len(problem.services.ids), bool)
    for standard in problem.standards:
        needed[standard.service] |= standard.is_counted_as_served
    return needed if needed.any() else None


def has_assignment_rules(problem: EstateProblem) -> bool:
    """Whether a rule depends on where visits go: fairness, residents' choice, or a standard counted
    by service given."""
    rules = problem.scenario.rules
    by_service = any(standard.is_counted_as_served for standard in problem.standards)
    return by_service or any(isinstance(rule, ASSIGNMENT_RULES) for rule in rules)


def without_assignment_rules(problem: EstateProblem) -> EstateProblem:
    """Return the problem without the rules on where visits go, and with standards counted by the
    nearest host: a relaxation."""
    scenario = problem.scenario
    rules = tuple(
        rule.model_copy(update={"counts": "nearest"}) if isinstance(rule, Access) else rule
        for rule in scenario.rules
        if not isinstance(rule, ASSIGNMENT_RULES)
    )
    standards = tuple(counted_by_nearest(standard) for standard in problem.standards)
    return replace(problem, scenario=scenario.with_rules(rules), standards=standards)


def expression(model: Model, problem: EstateProblem, x: Columns, objective: str) -> Expression:
    """Return an objective as a sum over columns; ``worst_off`` adds columns and rows of its own."""
    if objective == "weighted":
        weights = problem.scenario.objective.weights
        return weighted({name: expression(model, problem, x, name) for name in weights}, weights)
    if objective == "worst_off":
        return equity.worst_off(model, problem, x)
    return OBJECTIVES[objective](problem, x)
