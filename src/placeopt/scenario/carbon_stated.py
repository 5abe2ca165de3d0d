"""Check that a place states the carbon that a scenario needs; unknown carbon is never taken as
0."""

from __future__ import annotations

from dataclasses import dataclass

from placeopt.place import Place
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.services import Carbon
from placeopt.scenario.scenario import Scenario

MAX_NAMES = 6


@dataclass(frozen=True)
class MissingCarbon:
    """Buildings without carbon although the scenario needs it.

    Attributes:
        name: The key of the scenario that needs it, as findings name it.
        path: Its path in the scenario's file; None for the first rule on carbon.
        value: Its value.
        message: What is missing.
        remedy: What to do.
    """

    name: str
    path: Path | None
    value: str
    message: str
    remedy: str


def missing_carbon(place: Place, scenario: Scenario) -> MissingCarbon | None:
    """Return the carbon that the place lacks for the scenario, or None.

    A ceiling (E14) and an objective need the carbon of every building, because any may be open.
    Priced carbon needs at least one: stated values count, and the answer states their number.
    """
    if scenario.problem != "estate":
        return None
    table = place.buildings
    missing_ids = table.loc[table["carbon_tco2e_per_year"].isna(), "building_id"].tolist()
    if not missing_ids:
        return None
    objective = scenario.objective
    name, path, value = "", None, ""
    if scenario.of(Carbon):
        name, value = "carbon", "carbon"
    elif "carbon" in objective.minimise:
        name, path, value = "objective.minimise", ("objective", "minimise"), "carbon"
    elif "carbon" in objective.weights:
        name, path, value = "objective.weights", ("objective", "weights"), "carbon"
    elif scenario.money.carbon_values and len(missing_ids) == len(table):
        name, path, value = "money.carbon_values", ("money", "carbon_values"), "true"
    if not name:
        return None
    examples = ", ".join(missing_ids[:MAX_NAMES])
    more = f" and {len(missing_ids) - MAX_NAMES} more" if len(missing_ids) > MAX_NAMES else ""
    message = (
        f"carbon_tco2e_per_year of buildings is not stated for {len(missing_ids)} of {len(table)}: "
        f"{examples}{more}"
    )
    remedy = (
        "state it in buildings.csv (0 where they emit none), or take carbon out of the scenario"
    )
    return MissingCarbon(name, path, value, message, remedy)
