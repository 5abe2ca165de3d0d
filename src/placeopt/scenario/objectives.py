"""The objectives that a scenario may minimise, by problem."""

from __future__ import annotations

from dataclasses import dataclass

from placeopt.scenario.rules.rule import Problem


@dataclass(frozen=True)
class ObjectiveName:
    """An objective: its name in a scenario, its unit, and what it minimises."""

    name: str
    unit: str
    sentence: str


def _by_name(*objectives: ObjectiveName) -> dict[str, ObjectiveName]:
    return {objective.name: objective for objective in objectives}


OBJECTIVES: dict[Problem, dict[str, ObjectiveName]] = {
    "estate": _by_name(
        ObjectiveName("cost", "gbp", "the net present cost of the estate over the appraisal years"),
        ObjectiveName("visit_minutes", "minutes per year", "the minutes residents spend on visits"),
        ObjectiveName("buildings", "buildings", "the number of buildings kept open"),
        ObjectiveName("carbon", "tonnes CO2e per year", "the carbon emitted by buildings in use"),
        ObjectiveName("worst_off", "minutes", "the mean minutes of the worst-off residents"),
        ObjectiveName(
            "weighted",
            "gbp",
            "the sum of the objectives in `weights`, each times its weight",
        ),
    ),
    "budget": _by_name(
        ObjectiveName(
            "weighted_outcomes",
            "weighted share of the way from baseline to target, negative",
            "minus the weighted improvement of outcomes",
        ),
        ObjectiveName("least_money", "gbp per year", "the money that meets the outcomes"),
        ObjectiveName(
            "fairest",
            "share of the way from baseline to target, negative",
            "the shortfall of the outcome that is furthest from its target",
        ),
        ObjectiveName("least_disruption", "gbp", "the money moved between programmes"),
        ObjectiveName(
            "weighted",
            "gbp",
            "the sum of the objectives in `weights`, each times its weight",
        ),
    ),
    "joint": {},
}
DEFAULT_OBJECTIVE: dict[Problem, str] = {"estate": "cost", "budget": "weighted_outcomes"}
ESTATE_UNITS = {  # in a plan's tables
    "cost": "GBP, net present",
    "visit_minutes": "minutes/year",
    "buildings": "buildings",
    "carbon": "tCO2e/year",
    "worst_off": "minutes, mean of the worst-off tenth of visits",
}
