"""A place and its tables: data frames that follow the data dictionary.

The dictionary, ``columns.csv`` beside this module, defines the columns of every table: type, unit,
whether required, default, range, choices, references and meaning. A column without a range of its
own has that of its unit in ``units.csv``. The reader, the checks, the template workbook and the
documentation use the dictionary.
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
    """The allowed size of numbers of a unit, so that results stay within an engine's range.

    Attributes:
        smallest: Least size of a number other than 0; ``None`` where any is allowed.
        largest: Largest size of a number.
    """

    smallest: float | None
    largest: float


@dataclass(frozen=True)
class Column:
    """One column of the data dictionary.

    Attributes:
        table: Its table.
        name: Its name.
        type: ``id``, ``text``, ``number``, ``integer`` or ``boolean``.
        unit: Its unit, or "".
        required: Whether every record must state it.
        key: Whether it is part of the table's key.
        default: The value of an empty cell as text; "" for none.
        minimum: Least value of a number, the column's own or its unit's; None for other types.
        maximum: Largest value, likewise.
        smallest: Least size of a number other than 0; None if any is allowed.
        choices: The allowed texts; empty if any is allowed.
        references: The table and column that its ids refer to.
        meaning: What it means.
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
        """The default as a value of the column's type; ``None`` if there is none."""
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
    """A limit written with all its digits: ``1,000,000``, ``2200``, ``0.000001``."""
    if float(value).is_integer():
        return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{Decimal(repr(float(value))):f}"


@cache
def unit_ranges() -> Mapping[str, UnitRange]:
    """Unit -> the range of its numbers."""
    text = (files("placeopt.place") / "units.csv").read_text(encoding="utf-8")
    return {
        row["unit"]: UnitRange(_float(row["smallest"]), float(row["largest"]))
        for row in csv.DictReader(text.splitlines())
    }


def _range(row: Mapping[str, str]) -> dict[str, float | None]:
    """The minimum, maximum and smallest size of a column, its own or its unit's."""
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
            order, defaults filled in and a RangeIndex; empty if the place lacks the table. Ids and
            texts are strings (missing: ""), numbers float64 (missing: NaN), integers pandas
            ``Int64`` where they may be missing, booleans bool.
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
