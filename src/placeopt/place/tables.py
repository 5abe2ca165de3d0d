"""What a place is: its tables, as data frames that follow the data dictionary.

The dictionary, ``columns.csv`` beside this module, is the one statement of every table's
columns: type, unit, whether required, default, range, choices, references and meaning; where a
column states no range of its own, that of its unit in ``units.csv`` holds. The reader, the checks,
the template workbook and the documentation are all made from it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

ColumnType = Literal["id", "text", "number", "integer", "boolean"]


@dataclass(frozen=True)
class UnitRange:
    """How large numbers of a unit are, so that an engine can hold what is computed from them.

    Attributes:
        smallest: Least size of a number other than 0; ``None`` where any is allowed.
        largest: Largest size of a number.
    """

    smallest: float | None
    largest: float


@dataclass(frozen=True)
class Column:
    """One column of the data dictionary.

    Numbers have ``minimum`` and ``maximum``, the column's own or its unit's, and other than 0 a
    size of at least ``smallest`` where that is stated; other types have none of the three.
    """

    table: str
    name: str
    type: ColumnType
    unit: str
    required: bool
    key: bool
    default: str
    minimum: float | None
    maximum: float | None
    smallest: float | None
    choices: tuple[str, ...]
    references: tuple[str, str] | None
    meaning: str

    @property
    def range_in_words(self) -> str:
        """``0 to 1,000,000`` for a number, empty for other types."""
        if self.minimum is None or self.maximum is None:
            return ""
        return f"{number_in_words(self.minimum)} to {number_in_words(self.maximum)}"

    def default_value(self) -> Any:
        """The default as a value of the column's type; ``None`` where there is none."""
        if self.default == "":
            return None
        if self.type == "number":
            return float(self.default)
        if self.type == "integer":
            return int(self.default)
        if self.type == "boolean":
            return self.default == "yes"
        return self.default


@cache
def dictionary() -> Mapping[str, tuple[Column, ...]]:
    """The data dictionary: table name -> its columns in order."""
    tables: dict[str, list[Column]] = {}
    text = (files("placeopt.place") / "columns.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        table, _, column = row["references"].partition(".")
        tables.setdefault(row["table"], []).append(
            Column(
                table=row["table"],
                name=row["column"],
                type=row["type"],  # type: ignore[arg-type]
                unit=row["unit"],
                required=row["required"] == "yes",
                key=row["key"] == "yes",
                default=row["default"],
                **_range(row),
                choices=tuple(row["choices"].split(";")) if row["choices"] else (),
                references=(table, column) if column else None,
                meaning=row["meaning"],
            )
        )
    return {name: tuple(columns) for name, columns in tables.items()}


def number_in_words(value: float) -> str:
    """A limit with all its digits: ``1,000,000``, ``2200``, ``0.000001``."""
    if float(value).is_integer():
        return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{Decimal(repr(float(value))):f}"


@cache
def unit_ranges() -> Mapping[str, UnitRange]:
    """The range of numbers of each unit of the dictionary."""
    text = (files("placeopt.place") / "units.csv").read_text(encoding="utf-8")
    return {
        row["unit"]: UnitRange(_float(row["smallest"]), float(row["largest"]))
        for row in csv.DictReader(text.splitlines())
    }


def _range(row: Mapping[str, str]) -> dict[str, float | None]:
    """Least, largest and smallest non-zero value of a column; its own where it states them."""
    if row["type"] not in ("number", "integer"):
        return {"minimum": None, "maximum": None, "smallest": None}
    unit = unit_ranges()[row["unit"]]
    low, high = _float(row["minimum"]), _float(row["maximum"])
    return {
        "minimum": -unit.largest if low is None else low,
        "maximum": unit.largest if high is None else high,
        "smallest": unit.smallest if row["type"] == "number" else None,
    }


def _float(cell: str) -> float | None:
    return float(cell) if cell else None


@dataclass(frozen=True)
class PlaceInfo:
    """What ``place.toml`` states about a place."""

    name: str
    crs: str = "EPSG:27700"  # a projected coordinate system in metres
    price_year: int = 2025
    sources: tuple[str, ...] = ()
    licence: str = ""
    made_up: bool = False  # a fictional place says so on every page
    plausible: Mapping[str, str] = field(default_factory=dict)  # numbers that are right: why


@dataclass(frozen=True)
class Place:
    """A place: what it states of itself and its tables.

    ``tables`` holds one data frame for every table of the dictionary, in the dictionary's
    column order, with defaults filled in and a plain RangeIndex; a table the place lacks is
    present and empty. Ids and texts are strings (missing text is ``""``), numbers are float64
    (missing is NaN), integers are pandas ``Int64`` where they may be missing, booleans are bool.
    ``boundaries`` has columns ``zone_id`` and ``geometry`` (polygons in ``info.crs``), or is
    ``None``. ``folder`` is where the place was read from: caches and the optional files
    ``minutes.csv``, ``minutes.parquet`` and ``streets.gpkg`` live there.
    """

    info: PlaceInfo
    tables: Mapping[str, pd.DataFrame]
    boundaries: gpd.GeoDataFrame | None = None
    folder: Path | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name == "tables":
            raise AttributeError(name)
        try:
            return self.tables[name]
        except KeyError:
            raise AttributeError(f"a place has no table {name!r}") from None

    def replace(self, **tables: pd.DataFrame) -> Place:
        """The same place with some tables replaced."""
        unknown = set(tables) - set(dictionary())
        if unknown:
            raise AttributeError(f"a place has no tables {sorted(unknown)}")
        return replace(self, tables={**self.tables, **tables})
