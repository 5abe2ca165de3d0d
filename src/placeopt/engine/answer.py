"""The answer to a question: the plan, its proof and verification, or why there is no plan."""

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

    Attributes:
        tables: The rows of each table, by its name.
        summary: Figures by name, with the unit in the name.

    The problem's ``tables/plan.py`` documents both.
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
    """One rule of an infeasible question without which a plan exists.

    Attributes:
        number: Number of the rule.
        name: Name of the rule.
        sentence: The rule in words.
        what_gives: What would have to change, in words, and by how much where known.
        stated_at: Where it stands: file and line, position in Python, or "implied".
    """

    number: str
    name: str
    sentence: str
    what_gives: str
    stated_at: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why no plan exists: rules that clash, any one of which could be dropped to allow a plan.

    Attributes:
        sentence: The explanation in words.
        clashes: The rules that clash.
        tables: Tables known without a plan, by name; for B9 the stand-alone positions.
    """

    sentence: str
    clashes: tuple[Clash, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The answer to one scenario. It never holds a plan that failed verification.

    Attributes:
        place: The place.
        scenario: The question.
        result: The engine's result.
        times: Measured minutes, if any.
        plan: The plan, if there is one.
        verification: The checks of the plan.
        explanation: Why no plan exists, if so.
        warnings: Warnings for the user.
        repeats: Whether another run gives the same tables, because no search ended by time.
        provenance: Hashes, versions and settings.
        compared: The answer to the question that the scenario is compared with, if there is one.
    """

    place: Place
    scenario: Scenario
    result: Result
    times: TravelTimes | None = None
    plan: Plan | None = None
    verification: Verification | None = None
    explanation: Explanation | None = None
    warnings: tuple[Finding, ...] = ()
    repeats: bool = True

    provenance: Mapping[str, Any] = field(default_factory=dict)
    compared: Answer | None = None

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """A table of the plan as a map layer.

        Tables with ``x_m`` and ``y_m`` become points; ``zones`` becomes polygons if the place has
        outlines. The coordinate system is the place's.

        Args:
            name: Name of the table.

        Returns:
            The layer.

        Raises:
            KeyError: If there is no such table or it has no coordinates.
        """
        import geopandas as gpd

        if self.plan is None or name not in self.plan.tables:
            raise KeyError(f"the answer has no table {name!r}")
        table = self.plan.tables[name]
        if not {"x_m", "y_m"} <= set(table.columns):
            raise KeyError(f"the table {name!r} has no place on the ground; read plan.{name}")
        crs = self.place.info.crs
        boundaries = self.place.boundaries
        if name == "zones" and boundaries is not None and self.place.has_outlines:
            shapes = boundaries.set_index("zone_id").geometry.reindex(table["zone_id"])
            return gpd.GeoDataFrame(table, geometry=shapes.to_numpy(), crs=crs)
        points = gpd.points_from_xy(table["x_m"], table["y_m"])
        return gpd.GeoDataFrame(table, geometry=points, crs=crs)
