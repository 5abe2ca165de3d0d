"""Whether a place states the carbon that a scenario asks about: what is not known is never 0."""

from __future__ import annotations

from dataclasses import dataclass

from placeopt.place import Place
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.services import Carbon
from placeopt.scenario.scenario import Scenario

MAX_NAMES = 6


@dataclass(frozen=True)
class MissingCarbon:
    """Buildings without carbon, and what of the scenario needs it: ``name`` as findings label it,
    ``path`` in its file (without one: of the first rule on carbon)."""

    name: str
    path: Path | None
    value: str
    message: str
    remedy: str


def missing_carbon(place: Place, scenario: Scenario) -> MissingCarbon | None:
    """What the place would have to state of carbon for the scenario to be answered; None where it
    states it or the scenario does not ask.

    A ceiling (E14) and an objective need the carbon of every building, for any of them may be open.
    Carbon that is priced needs that of one: what is stated is counted and the answer says so.
    """
    if scenario.problem != "estate":
        return None
    table = place.buildings
    lacking = table.loc[table["carbon_tco2e_per_year"].isna(), "building_id"].tolist()
    if not lacking:
        return None
    objective = scenario.objective
    name, path, value = "", None, ""
    if scenario.of(Carbon):
        name, value = "carbon", "carbon"
    elif "carbon" in objective.minimise:
        name, path, value = "objective.minimise", ("objective", "minimise"), "carbon"
    elif "carbon" in objective.weights:
        name, path, value = "objective.weights", ("objective", "weights"), "carbon"
    elif scenario.money.carbon_values and len(lacking) == len(table):
        name, path, value = "money.carbon_values", ("money", "carbon_values"), "true"
    if not name:
        return None
    some = ", ".join(lacking[:MAX_NAMES])
    more = f" and {len(lacking) - MAX_NAMES} more" if len(lacking) > MAX_NAMES else ""
    message = (
        f"carbon_tco2e_per_year of buildings is not stated for {len(lacking)} of {len(table)}: "
        f"{some}{more}"
    )
    remedy = (
        "state it in buildings.csv (0 where they emit none), or take carbon out of the scenario"
    )
    return MissingCarbon(name, path, value, message, remedy)
