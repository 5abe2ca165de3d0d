"""When an estate plan sends visits nearer once its buildings are found, and for how much money.

A scenario that writes no ``minimise`` asks for the least cost first. Then buildings, tiers and
hosts stay, and visits go where they take the fewest minutes for at most the smaller of half a per
cent of that cost and a tenth of what the plan saves against doing nothing.
"""

from __future__ import annotations

from placeopt.scenario.rules.estate.services import Behaviour
from placeopt.scenario.scenario import Scenario

COST_SHARE = 0.005  # of the least cost found, at most
SAVING_SHARE = 0.1  # of the saving against doing nothing, at most, where there is one

# Whether a nearer host could take a visit is found to these tolerances, by plan and verifier alike.
MINUTES_TOLERANCE = 1e-6  # a host is nearer by more than this
AREA_TOLERANCE_M2 = (
    0.01  # floor left beyond this is floor left; also the step in which fit-out is tried
)
VISIT_TOLERANCE = 0.5  # floor for less than this many visits is none
COST_TOLERANCE_GBP = 1e-6  # a visit that adds less than this costs no more
MONEY_TOLERANCE_SHARE = 1e-6  # money of which less than this share, or GBP 1, is left is used up


def is_used_up(left_gbp: float, all_gbp: float) -> bool:
    """Return whether of ``all_gbp`` so little is left that no visit can be moved for it."""
    return left_gbp <= max(1.0, MONEY_TOLERANCE_SHARE * abs(all_gbp))


def planner_assigns(scenario: Scenario) -> bool:
    """Return whether the plan sends every visit, in every year, and nobody goes by themselves."""
    return all(rule.residents == "planner" for rule in scenario.of(Behaviour))


def uses_reassignment(scenario: Scenario) -> bool:
    """Return whether visits are sent nearer after the search: ``minimise`` is not written."""
    written = "minimise" in scenario.objective.model_fields_set
    return scenario.problem == "estate" and not written and planner_assigns(scenario)


def allowance_gbp(least_cost: float, do_nothing_cost: float) -> float:
    """Return what fewer minutes may cost in all.

    Args:
        least_cost: net present cost (GBP) of the plan before its visits are sent nearer.
        do_nothing_cost: net present cost (GBP) of today's arrangement.

    Returns:
        GBP, net present: half a per cent of the cost, or a tenth of the saving where that is less;
        half a per cent where there is no saving.
    """
    most, saving = COST_SHARE * abs(least_cost), do_nothing_cost - least_cost
    return min(most, SAVING_SHARE * saving) if saving > 0 else most


def cost_ceiling_gbp(
    scenario: Scenario, least_cost: float | None, plan_cost: float, do_nothing_cost: float
) -> float:
    """Return the net present cost (GBP) up to which a visit may be sent nearer.

    Args:
        scenario: the question; its objective says what a plan may cost.
        least_cost: the best cost found where the scenario minimises it; None elsewhere.
        plan_cost: what the plan costs.
        do_nothing_cost: what today's arrangement costs.

    Returns:
        By default the least cost and the allowance on it. With a written list of objectives the
        least cost and its slack where cost is not the last of them. Otherwise what the plan costs.
    """
    if least_cost is None:
        return plan_cost
    if uses_reassignment(scenario):
        return max(least_cost + allowance_gbp(least_cost, do_nothing_cost), plan_cost)
    asked = scenario.objective
    number = asked.minimise.index("cost") if "cost" in asked.minimise else len(asked.slack)
    slack = asked.slack[number] if number < len(asked.slack) else 0.0
    return max(least_cost + slack * abs(least_cost), plan_cost)
