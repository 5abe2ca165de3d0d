"""When visits are reassigned to nearer hosts after the search for an estate plan, and at what cost.

A scenario without ``minimise`` first minimises cost. Then buildings, tiers and hosts are fixed, and
visits are assigned for the fewest minutes, at an extra cost of at most 0.5 % of the least cost or,
if less, a tenth of the saving against doing nothing.
"""

from __future__ import annotations

from placeopt.scenario.rules.estate.services import Behaviour
from placeopt.scenario.scenario import Scenario

COST_SHARE = 0.005  # upper limit as a share of the least cost
TIME_SHARE = 0.2  # of the time limit, reserved for it after the search for a plan
SAVING_SHARE = 0.1  # upper limit as a share of any saving against doing nothing

# Tolerances for whether a nearer host could take a visit, for plan and verifier.
MINUTES_TOLERANCE = 1e-6  # a nearer host is nearer by more than this
AREA_TOLERANCE_M2 = 0.01  # least spare floor; also the step in which fit-out is tried
VISIT_TOLERANCE = 0.5  # spare floor for fewer visits does not count
COST_TOLERANCE_GBP = 1e-6  # a smaller extra cost does not count
MONEY_TOLERANCE_SHARE = 1e-6  # money is used up if less than this share, or GBP 1, is left


def is_used_up(left_gbp: float, all_gbp: float) -> bool:
    """Return whether ``left_gbp`` of ``all_gbp`` is too little to move a visit."""
    return left_gbp <= max(1.0, MONEY_TOLERANCE_SHARE * abs(all_gbp))


def planner_assigns(scenario: Scenario) -> bool:
    """Return whether the plan assigns all visits, in every year, instead of residents choosing."""
    return all(rule.residents == "planner" for rule in scenario.of(Behaviour))


def uses_reassignment(scenario: Scenario) -> bool:
    """Return whether visits are reassigned after the search, i.e. ``minimise`` is not written."""
    written = "minimise" in scenario.objective.model_fields_set
    return scenario.problem == "estate" and not written and planner_assigns(scenario)


def allowance_gbp(least_cost: float, do_nothing_cost: float) -> float:
    """Return the most that fewer minutes may cost in total.

    Args:
        least_cost: net present cost (GBP) of the plan before its visits are sent nearer.
        do_nothing_cost: net present cost (GBP) of today's arrangement.

    Returns:
        GBP, net present: 0.5 % of the cost, or a tenth of the saving if that is less; 0.5 % if
        there
        is no saving.
    """
    allowance, saving = COST_SHARE * abs(least_cost), do_nothing_cost - least_cost
    return min(allowance, SAVING_SHARE * saving) if saving > 0 else allowance


def cost_ceiling_gbp(
    scenario: Scenario, least_cost: float | None, plan_cost: float, do_nothing_cost: float
) -> float:
    """Return the net present cost (GBP) up to which visits may be reassigned to nearer hosts.

    Args:
        scenario: the question; its objective determines the allowed cost.
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
    objective = scenario.objective
    position = (
        objective.minimise.index("cost") if "cost" in objective.minimise else len(objective.slack)
    )
    slack = objective.slack[position] if position < len(objective.slack) else 0.0
    return max(least_cost + slack * abs(least_cost), plan_cost)
