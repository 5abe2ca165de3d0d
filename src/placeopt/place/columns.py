"""The data dictionary of a place: what every column of every table holds.

``columns.csv`` beside this module states of each column its type, unit, whether required, default,
range, choices, references and meaning. A column without a range of its own has that of its unit in
``units.csv``. The reader, the checks, the template workbook and the documentation use the
dictionary.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

ColumnType = Literal["id", "text", "number", "integer", "boolean"]
_TYPES: Mapping[str, ColumnType] = {name: name for name in get_args(ColumnType)}


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

    def default_value(self) -> str | float | bool | None:
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
        minimum, maximum, smallest = _range(row)
        tables.setdefault(row["table"], []).append(
            Column(
                table=row["table"],
                name=row["column"],
                type=_TYPES[row["type"]],
                unit=row["unit"],
                required=row["required"] == "yes",
                key=row["key"] == "yes",
                default=row["default"],
                minimum=minimum,
                maximum=maximum,
                smallest=smallest,
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


def _range(row: Mapping[str, str]) -> tuple[float | None, float | None, float | None]:
    """The minimum, maximum and smallest size of a column, its own or its unit's."""
    if row["type"] not in ("number", "integer"):
        return None, None, None
    unit = unit_ranges()[row["unit"]]
    low, high = _float(row["minimum"]), _float(row["maximum"])
    return (
        -unit.largest if low is None else low,
        unit.largest if high is None else high,
        unit.smallest if row["type"] == "number" else None,
    )


def _float(cell: str) -> float | None:
    return float(cell) if cell else None
