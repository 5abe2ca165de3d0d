"""A place and its tables: data frames that follow the data dictionary (``columns.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import UsageError
from placeopt.place.columns import dictionary
from placeopt.place.files.typed import Rows, tables_from_rows

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


@dataclass(frozen=True)
class PlaceInfo:
    """What ``place.toml`` states about a place.

    Attributes:
        name: Its name.
        crs: A projected coordinate system in metres.
        price_year: The year of the prices.
        sources: The sources of the data.
        licence: The licence of the data.
        made_up: Whether the place is fictional; reports then say so on every page.
        plausible: Number -> why it is right, for numbers that look like slips.
    """

    name: str
    crs: str = "EPSG:27700"
    price_year: int = 2025
    sources: tuple[str, ...] = ()
    licence: str = ""
    made_up: bool = False
    plausible: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A place: general information and tables. Tables are also attributes: ``place.zones``.

    Attributes:
        info: What ``place.toml`` states.
        tables: One data frame for every table of the dictionary, with the dictionary's columns in
            order and defaults filled in; empty if the place lacks the table. Rows are numbered
            from 0, whatever the index of the frame that was given. Ids and texts are strings
            (missing: ""), numbers float64 (missing: NaN), integers pandas ``Int64`` where they
            may be missing, booleans bool.
        boundaries: Columns ``zone_id`` and ``geometry`` (polygons in ``info.crs``), or ``None``.
        folder: The folder from which the place was read; it holds caches and the optional files
            ``minutes.csv``, ``minutes.parquet`` and ``streets.gpkg``.
        extras: Further facts; ``geopackage`` is the file's name if the place was read from one.
    """

    info: PlaceInfo
    tables: Mapping[str, pd.DataFrame]
    boundaries: gpd.GeoDataFrame | None = None
    folder: Path | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, pd.DataFrame | Rows],
        *,
        name: str = "A place",
        crs: str = PlaceInfo.crs,
        price_year: int = PlaceInfo.price_year,
        made_up: bool = False,
        boundaries: gpd.GeoDataFrame | None = None,
    ) -> Place:
        """Make a place of tables in memory.

        Columns that the dictionary does not require may be missing, and whole tables too; empty
        cells take the dictionary's default. Ids may be whole numbers: they become text. What
        concerns several rows or tables, such as references, ``placeopt.check`` tells, and
        ``placeopt.solve`` refuses.

        Args:
            frames: Table -> a data frame, a list of records as mappings, or columns of values.
            name: The name of the place.
            crs: The projected coordinate system, in metres, of all coordinates.
            price_year: The year of the prices.
            made_up: Whether the place is fictional.
            boundaries: Columns ``zone_id`` and ``geometry``, polygons in ``crs``.

        Returns:
            The place.

        Raises:
            PlaceError: With every unknown table and column, missing column, empty cell that is
                required, and value that is not of its column's type.
        """
        info = PlaceInfo(name, crs, price_year, made_up=made_up)
        return cls(info, tables_from_rows(frames), boundaries)

    def __post_init__(self) -> None:
        tables = {name: _numbered(name, table) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", tables)
        if self.boundaries is not None:
            object.__setattr__(self, "boundaries", _numbered("boundaries", self.boundaries))

    @property
    def has_outlines(self) -> bool:
        """Whether any zone has an outline."""
        return self.boundaries is not None and len(self.boundaries) > 0

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name == "tables":
            raise AttributeError(name)
        try:
            return self.tables[name]
        except KeyError:
            raise AttributeError(f"a place has no table {name!r}") from None

    def replace(self, **tables: pd.DataFrame) -> Place:
        """Return the place with some tables replaced."""
        unknown = set(tables) - set(dictionary())
        if unknown:
            raise AttributeError(f"a place has no tables {sorted(unknown)}")
        return replace(self, tables={**self.tables, **tables})


def _numbered(name: str, table: Any) -> Any:
    """Return a table with its rows numbered in their order: a row is known by its id, and no label
    of a frame's own index says anything."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        raise UsageError(
            f"the table {name} is of type {kind}; give a data frame, or use from_frames"
        )
    is_numbered = isinstance(table.index, pd.RangeIndex) and table.index.equals(
        pd.RangeIndex(len(table))
    )
    return table if is_numbered else table.reset_index(drop=True)


def table_label(place: Place, table: str) -> str:
    """The name of a table's file in findings: ``zones.csv``, or ``place.gpkg:zones``."""
    geopackage = place.extras.get("geopackage")
    return f"{geopackage}:{table}" if geopackage else f"{table}.csv"
