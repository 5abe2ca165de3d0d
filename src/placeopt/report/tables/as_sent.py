"""Minutes where the plan sends residents, and service points to which no residents are sent.

Tables and maps use minutes where residents are sent before minutes to the nearest building. A
building in which no point has visits or desks is not drawn as open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

OPEN_DECISIONS = ("keep", "hub", "open")
NO_VISITS = "no_visits"


def minutes_column(zones: pd.DataFrame, when: str) -> str:
    """Return the column of minutes that maps and lists use.

    Args:
        zones: A table of zones, services or bands.
        when: ``before``, ``after`` or ``change``.

    Returns:
        The column of minutes where residents are sent, if the table has it; else to the nearest.
    """
    column = "change_minutes" if when == "change" else f"minutes_{when}"
    return f"sent_{column}" if f"sent_{column}" in zones else column


def drawn_as(tables: Any) -> pd.Series:
    """Return the map state of each building: its decision, or that no residents are sent to it."""
    buildings = tables["buildings"]
    with_points, used = _buildings_in_plan(tables["services"])
    ids = buildings["building_id"]
    is_unvisited = (
        ids.isin(with_points) & ~ids.isin(used) & buildings["decision"].isin(OPEN_DECISIONS)
    )
    decisions: pd.Series = buildings["decision"].mask(is_unvisited, NO_VISITS)
    return decisions


def unvisited_services(tables: Any) -> dict[str, list[str]]:
    """Return building -> services that it has in the plan, without residents sent there."""
    points = _points_in_plan(tables["services"])
    unvisited = points[~_is_used(points)]
    services_of: dict[str, list[str]] = {}
    for building, service in zip(unvisited["building_id"], unvisited["service_id"], strict=True):
        services_of.setdefault(str(building), []).append(str(service))
    return services_of


def _buildings_in_plan(services: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Return the buildings with a point in the plan, and those that residents are sent to."""
    points = _points_in_plan(services)
    return set(points["building_id"]), set(points.loc[_is_used(points), "building_id"])


def _points_in_plan(services: pd.DataFrame) -> pd.DataFrame:
    """Return the service points of the plan; some tables hold "yes" instead of True."""
    return services[services["after"].isin([True, "yes"])]


def _is_used(points: pd.DataFrame) -> pd.Series:
    """Whether each point has visits or desks."""
    has_visits = points["visits_per_year"] > 0
    return has_visits | (points["desks"] > 0) if "desks" in points else has_visits
