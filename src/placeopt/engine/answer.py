"""What comes back to a person: the plan, its proof, its verification, or why nothing fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding
from placeopt.engine.result import Result
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.verification import Verification
from placeopt.travel import TravelTimes

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """A plan as tables in the user's own rows and ids.

    ``tables`` maps a table's name to its rows; ``summary`` maps a figure's name, with its unit in
    the name, to a number. The problem's ``plan.py`` documents both.
    """

    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, Any]

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name in ("tables", "summary"):
            raise AttributeError(name)
        try:
            return self.tables[name]
        except KeyError:
            raise AttributeError(f"the plan has no table {name!r}") from None


@dataclass(frozen=True)
class Clash:
    """One way out of an infeasible question: without this rule a plan exists."""

    number: str
    name: str
    sentence: str
    what_gives: str  # in plain English: what would have to give, and by how much where known


@dataclass(frozen=True)
class Explanation:
    """Why nothing fits: rules that clash; dropping any one of them lets a plan exist.

    ``tables``: what is known without a plan, by name: what each agency would reach alone (B9).
    """

    sentence: str
    clashes: tuple[Clash, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The answer to one scenario: never a plan that failed verification."""

    place: Place
    scenario: Scenario
    result: Result
    times: TravelTimes | None = None
    plan: Plan | None = None
    verification: Verification | None = None
    explanation: Explanation | None = None
    warnings: tuple[Finding, ...] = ()
    repeats: bool = True  # whether another run gives the same tables: no search ended by the clock
    provenance: Mapping[str, Any] = field(default_factory=dict)
    compared: Answer | None = None  # to the question that the scenario is compared with

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """A table of the plan that has places on the ground, as a map layer.

        Tables with ``x_m`` and ``y_m`` become points; ``zones`` becomes polygons where the place
        has boundaries. The coordinate system is the place's. KeyError where there is no such
        table or it has no place on the ground.
        """
        import geopandas as gpd

        if self.plan is None or name not in self.plan.tables:
            raise KeyError(f"the answer has no table {name!r}")
        table = self.plan.tables[name]
        if not {"x_m", "y_m"} <= set(table.columns):
            raise KeyError(f"the table {name!r} has no place on the ground; read plan.{name}")
        crs = self.place.info.crs
        boundaries = self.place.boundaries
        if name == "zones" and boundaries is not None:
            shapes = boundaries.set_index("zone_id").geometry.reindex(table["zone_id"])
            return gpd.GeoDataFrame(table, geometry=shapes.to_numpy(), crs=crs)
        points = gpd.points_from_xy(table["x_m"], table["y_m"])
        return gpd.GeoDataFrame(table, geometry=points, crs=crs)
