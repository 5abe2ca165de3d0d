"""Rules E10, E11, E14 and E15 as rows: capital, running cost, carbon and fair rents.

Each function states one equation of ``formulation.py`` and is named after it.
"""

from __future__ import annotations

from placeopt.engine import Model
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.objectives import (
    Expression,
    buildings_cost,
    capital,
    carbon,
    running_cost,
)
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.solution import decision
from placeopt.scenario.rules.estate.services import Capital, Carbon, FairRents, Revenue


@states(Capital)
def capital_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Capital]) -> None:
    """(E10) Works, moves, set-up and closing fit in the pot and the recycled receipts."""
    for number, rule in enumerate(rules):
        spent = capital(problem, x, rule.recycled_share, rule.pays_for)
        model.add_rows(
            f"capital_{number}",
            rule="E10",
            size=1,
            terms=spent.rows(),
            upper=rule.pots()[0] - spent.constant,
        )


@states(Revenue)
def revenue_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Revenue]) -> None:
    """(E11) The running cost of a year fits under the ceiling."""
    for number, rule in enumerate(rules):
        yearly = running_cost(problem, x)
        ceiling = rule.ceiling_gbp_per_year
        if ceiling is None:
            assert rule.share_of_today is not None  # the rule has one or the other
            ceiling = rule.share_of_today * decision.running_cost_today(problem)
        model.add_rows(
            f"revenue_{number}",
            rule="E11",
            size=1,
            terms=yearly.rows(),
            upper=ceiling - yearly.constant,
        )


@states(Carbon)
def carbon_fits(model: Model, problem: EstateProblem, x: Columns, rules: list[Carbon]) -> None:
    """(E14) The carbon of open buildings fits under the ceiling."""
    b = problem.buildings
    for number, rule in enumerate(rules):
        emitted = carbon(problem, x)
        ceiling = rule.ceiling_tco2e_per_year
        if ceiling is None:
            assert rule.share_of_today is not None  # the rule has one or the other
            ceiling = rule.share_of_today * float(b.carbon_tco2e_per_year[b.open_today].sum())
        model.add_rows(f"carbon_{number}", rule="E14", size=1, terms=emitted.rows(), upper=ceiling)


@states(FairRents)
def rents_can_be_fair(
    model: Model, problem: EstateProblem, x: Columns, rules: list[FairRents]
) -> None:
    """(E15) All buildings together cost no more than today, or no rents could be fair. The floor
    let is more than 0 where there are costs, or no rents could be paid."""
    yearly = buildings_cost(problem, x)
    costs_before = decision.costs_of(problem, decision.decision_today(problem))
    ceiling = costs_before.running_gbp_per_year.sum() - costs_before.staffing_gbp_per_year.sum()
    cost_share = buildings_cost(problem, x, 1 / ceiling) if ceiling > 0 else Expression()
    model.add_rows(
        "rents_are_paid",
        rule="E15",
        size=1,
        terms=[*cost_share.rows(), (0, x.area.all, -1)],
        upper=-cost_share.constant,
    )
    model.add_rows(
        "fair_rents",
        rule="E15",
        size=1,
        terms=yearly.rows(),
        upper=float(ceiling) - yearly.constant,
    )
