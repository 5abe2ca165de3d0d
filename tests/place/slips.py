"""Slips of unit planted one at a time in a place: kinds x columns, whole columns and single cells.

The planting uses the data dictionary and no detector. ``HELD_BACK`` names the kinds that were held
out while the detectors were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from placeopt.base.errors import Finding
from placeopt.base.findings import row_number
from placeopt.place import Place, check, dictionary
from placeopt.place.columns import Column

Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of slip: its effect on numbers, and the columns in which it can happen."""

    name: str
    change: Change
    units: tuple[str, ...]  # how the unit begins; () for every number
    cell: bool  # one cell, else the whole column
    columns: tuple[str, ...] = ()  # only these, where named


@dataclass(frozen=True)
class Planted:
    """One slip: its position, and the place that contains it."""

    kind: str
    table: str
    column: str
    row: int | None  # as a person counts it; None for the whole column
    place: Place


def multiplied(factor: float) -> Change:
    return lambda values: values * factor


def one_digit_short(values: np.ndarray) -> np.ndarray:
    return np.floor(values / 10)


def one_digit_repeated(values: np.ndarray) -> np.ndarray:
    """The first digit typed twice: 530 becomes 5530."""
    return np.array([float(f"{str(v)[0]}{v:.10g}") if v >= 1 else v * 10 for v in values])


def two_digits_swapped(values: np.ndarray) -> np.ndarray:
    """The first two digits change places: 470261 becomes 740261."""
    texts = [f"{v:.0f}" for v in values]
    return np.array([float(f"{t[1]}{t[0]}{t[2:]}") for t in texts])


GBP, AREA, LENGTH, SHARE = ("GBP",), ("m2",), ("m",), ("share",)
PEOPLE, POINT = ("persons", "people"), ("x_m", "y_m")
KINDS = (
    Kind("thousands for pounds, column", multiplied(1e-3), GBP, False),
    Kind("thousands for pounds, cell", multiplied(1e-3), GBP, True),
    Kind("pounds x 1,000, column", multiplied(1e3), GBP, False),
    Kind("pounds x 1,000, cell", multiplied(1e3), GBP, True),
    Kind("square feet, column", multiplied(10.764), AREA, False),
    Kind("square feet, cell", multiplied(10.764), AREA, True),
    Kind("km for metres, column", multiplied(1e-3), LENGTH, False, POINT),
    Kind("a coordinate short of a digit, cell", one_digit_short, LENGTH, True, POINT),
    Kind("share x 100, column", multiplied(100), SHARE, False),
    Kind("share / 100, column", multiplied(0.01), SHARE, False),
    Kind("people x 1,000, column", multiplied(1e3), PEOPLE, False),
    Kind("x 10, cell", multiplied(10), ("GBP", "m2", "persons", "people", "kWh", "tCO2e"), True),
)
HELD_BACK = (
    Kind("pence for pounds, column", multiplied(100), GBP, False),
    Kind("millions for pounds, column", multiplied(1e-6), GBP, False),
    Kind("a digit typed twice, cell", one_digit_repeated, ("GBP", "m2", "persons", "people"), True),
    Kind("MWh for kWh, kg for tonnes, column", multiplied(1e-3), ("kWh",), False),
    Kind("visits a month for a year, column", multiplied(1 / 12), ("visits",), False),
    Kind("two digits of a coordinate changed over, cell", two_digits_swapped, LENGTH, True,
         POINT),
)  # fmt: skip


def candidates(place: Place, kind: Kind) -> Iterator[tuple[str, Column]]:
    """The columns of a place in which a slip of the kind changes something."""
    for table, columns in dictionary().items():
        for column in columns:
            if column.type != "number" or (kind.columns and column.name not in kind.columns):
                continue
            head = column.unit.split("/")[0].split(" ")[0]
            if kind.units and head not in kind.units:
                continue
            if _stated(place, table, column).any():
                yield table, column


def _stated(place: Place, table: str, column: Column) -> np.ndarray:
    """Cells that hold a number other than the default."""
    values = place.tables[table][column.name].to_numpy(float)
    default = column.default_value()
    return np.isfinite(values) & (values > 0) & (values != (np.nan if default is None else default))


def plant(place: Place, kind: Kind, rng: np.random.Generator) -> Iterator[Planted]:
    """The slip in each column where it can happen, or in one cell of it."""
    for table, column in candidates(place, kind):
        frame = place.tables[table].copy()
        values = frame[column.name].to_numpy(float).copy()
        at = np.flatnonzero(_stated(place, table, column))
        row = None
        if kind.cell:
            at = rng.choice(at, 1)
            row = row_number(at[0])
        values[at] = kind.change(values[at])
        frame[column.name] = pd.Series(values, index=frame.index)
        yield Planted(kind.name, table, column.name, row, place.replace(**{table: frame}))


def find_warnings(before: list[Finding], slip: Planted) -> tuple[bool, bool]:
    """Whether the slip is found by a new finding that names its column (and row), and whether
    there is any new finding in its file."""
    known = {(f.file, f.row, f.column, f.message) for f in before}
    new = [f for f in check(slip.place) if (f.file, f.row, f.column, f.message) not in known]
    here = [f for f in new if f.file == f"{slip.table}.csv"]
    named = [
        f
        for f in here
        if (f.column == slip.column or slip.column in f.message or f.column == "x_m" in f.message)
        and (slip.row is None or f.row in (None, slip.row) or "more rows" in f.message)
    ]
    return bool(named), bool(new)
