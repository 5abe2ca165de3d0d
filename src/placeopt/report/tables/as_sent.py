"""Two measures side by side: minutes as residents are sent, which come first, and to the nearest.

A point that nobody is sent to is not drawn as open: a building whose every point in the plan is
without visits and desks is drawn as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

OPEN = ("keep", "hub", "open")
NO_VISITS = "no_visits"


def sent_first(zones: pd.DataFrame, when: str) -> str:
    """The column of minutes ``when`` (before, after, change) that maps and lists go by: as
    residents are sent where the table has it."""
    column = "change_minutes" if when == "change" else f"minutes_{when}"
    return f"sent_{column}" if f"sent_{column}" in zones else column


def drawn_as(tables: Any) -> pd.Series:
    """What each building is drawn as: its decision, or that nobody is sent to it."""
    buildings = tables["buildings"]
    there, used = _points(tables["services"])
    ids = buildings["building_id"]
    idle = ids.isin(there) & ~ids.isin(used) & buildings["decision"].isin(OPEN)
    return buildings["decision"].mask(idle, NO_VISITS)


def idle_services(tables: Any) -> dict[str, list[str]]:
    """Building -> services that it has in the plan and nobody is sent to."""
    points = _after(tables["services"])
    idle = points[~_in_use(points)]
    found: dict[str, list[str]] = {}
    for building, service in zip(idle["building_id"], idle["service_id"], strict=True):
        found.setdefault(str(building), []).append(str(service))
    return found


def _points(services: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Buildings with a point in the plan, and those of them that somebody is sent to."""
    points = _after(services)
    return set(points["building_id"]), set(points.loc[_in_use(points), "building_id"])


def _after(services: pd.DataFrame) -> pd.DataFrame:
    """The points of the plan; some tables say yes and no."""
    return services[services["after"].isin([True, "yes"])]


def _in_use(points: pd.DataFrame) -> pd.Series:
    """Points with visits or desks."""
    used = points["visits_per_year"] > 0
    return used | (points["desks"] > 0) if "desks" in points else used
