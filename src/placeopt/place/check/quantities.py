"""Quantities of known usual size: a column alone, or divided by another quantity.

``plausible.csv`` beside this module lists them: the column, what it is divided by (``per``), for
which rows (``where``), the rows that it is compared with (``peers``: columns that are equal, or
``*`` for all rows), and the usual range of the column's median, with the reason. ``per`` is a
product of terms joined by ``*`` and ``/``. A term is a column of the same row, of the row of
another table that it refers to (``services.area_base_m2``), or one of ``COMPUTED``.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.place.columns import Column, dictionary
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

ColumnName = tuple[str, str]  # a table and one of its columns
_NORMAL_95 = 1.96  # standard deviations on either side that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Quantity:
    """One row of ``plausible.csv``.

    Attributes:
        table: The table that is looked at.
        column: The column whose size is judged.
        per: What it is divided by, as written; empty if it is not divided.
        where: A yes-or-no column that must be yes, or no if ``not`` precedes it.
        peers: Columns in which compared rows are equal; ``*`` for all rows, empty if rows are not
            compared.
        low: Lower end of the usual range of the column's middle.
        high: Upper end of it.
        why: Where the range comes from.
    """

    table: str
    column: str
    per: str
    where: str
    peers: str
    low: float
    high: float
    why: str

    @property
    def centre(self) -> float:
        """Natural logarithm of the geometric mean of the usual range."""
        return math.log(self.low * self.high) / 2

    @property
    def spread(self) -> float:
        """Standard deviation of the logarithm, if the range holds 95 % of columns."""
        return math.log(self.high / self.low) / (2 * _NORMAL_95)

    @property
    def words(self) -> str:
        """The quantity's name in findings."""
        per = re.sub(r"!(\w+)", lambda found: COMPUTED_LABELS[found[1]], self.per)
        return f"{self.column} / {per.replace('/', ' / ')}" if per else self.column

    def terms(self) -> Iterator[tuple[str, int]]:
        """Yield each column or computed amount of the quantity with its exponent."""
        yield self.column, 1
        for sign, term in re.findall(r"([*/]?)([!\w.]+)", self.per):
            yield term, 1 if sign == "/" else -1


@cache
def quantities() -> tuple[Quantity, ...]:
    """Every row of ``plausible.csv``."""
    text = (files("placeopt.place.check") / "plausible.csv").read_text(encoding="utf-8")
    return tuple(
        Quantity(**{**row, "low": float(row["low"]), "high": float(row["high"])})  # type: ignore[arg-type]
        for row in csv.DictReader(text.splitlines())
    )


def logarithms(place: Place, quantity: Quantity) -> Floats:
    """(rows,) natural logarithm of the quantity; NaN where a term is missing, 0 or a default."""
    frame = place.tables[quantity.table]
    result = np.zeros(len(frame))
    for term, exponent in quantity.terms():
        values = _values(place, quantity.table, term)
        if term == quantity.column:
            default = _column(quantity.table, term).default_value()
            values = np.where(values == default, np.nan, values) if default is not None else values
        with np.errstate(divide="ignore", invalid="ignore"):
            result += exponent * np.log(np.where(values > 0, values, np.nan))
    if quantity.where:
        name = quantity.where.removeprefix("not ")
        selected = frame[name].to_numpy(bool) != quantity.where.startswith("not ")
        result = np.where(selected, result, np.nan)
    return np.where(np.isfinite(result), result, np.nan)


def columns_of(quantity: Quantity) -> dict[ColumnName, int]:
    """The columns that can cause an unusual quantity, with their exponents."""
    found: dict[ColumnName, int] = {}
    for term, exponent in quantity.terms():
        if term.startswith("!"):
            for name in COMPUTED_FROM[term[1:]]:
                found[name] = exponent
        else:
            table, _, column = term.rpartition(".")
            found[table or quantity.table, column] = exponent
    return found


def _column(table: str, name: str) -> Column:
    return next(column for column in dictionary()[table] if column.name == name)


def _values(place: Place, table: str, term: str) -> Floats:
    if term.startswith("!"):
        return COMPUTED[term[1:]](place, table)
    other, _, name = term.rpartition(".")
    if not other:
        return np.asarray(place.tables[table][name].astype(float), float)
    link = next(c for c in dictionary()[table] if c.references and c.references[0] == other)
    assert link.references is not None
    key = link.references[1]
    values_by_key = place.tables[other].drop_duplicates(key).set_index(key)[name].astype(float)
    return _map_keys(place.tables[table][link.name], values_by_key)


def _map_keys(keys: pd.Series, values: pd.Series | Mapping[object, float]) -> Floats:
    return np.asarray(keys.map(values).astype(float), float)


def _last_year(place: Place) -> pd.DataFrame:
    rows = place.spending
    last: pd.DataFrame = rows[rows["year"] == rows["year"].max()]
    return last


def _spending(place: Place, table: str) -> Floats:
    """(rows,) today's spending on the row's programme (GBP)."""
    by_programme = _last_year(place).groupby("programme_id")["amount_gbp"].sum()
    return _map_keys(place.tables[table]["programme_id"], by_programme)


def _total_spending(place: Place, table: str) -> Floats:
    total = float(_last_year(place)["amount_gbp"].sum())
    return np.full(len(place.tables[table]), total)


def _stream_spending(place: Place, table: str) -> Floats:
    """(rows,) spending from the row's stream in its year (GBP)."""
    spent = place.spending.groupby(["stream_id", "year"])["amount_gbp"].sum().to_dict()
    frame = place.tables[table]
    pairs = zip(frame["stream_id"], frame["year"], strict=True)
    return np.array([spent.get(pair, np.nan) for pair in pairs], float)


def _baseline_to_target(place: Place, table: str) -> Floats:
    """(rows,) distance from baseline to target of the row's outcome, in its unit."""
    outcomes = place.outcomes.drop_duplicates("outcome_id").set_index("outcome_id")
    distance = (outcomes["target"] - outcomes["baseline"]).abs()
    return _map_keys(place.tables[table]["outcome_id"], distance)


def _large_usable(place: Place, table: str) -> Floats:
    """(rows,) 95th percentile of usable areas (m2); one slip hardly changes it."""
    buildings = place.buildings
    usable = (buildings["floor_area_m2"] * buildings["usable_share"]).quantile(0.95)
    return np.full(len(place.tables[table]), float(usable))


def _appraisal_costs(place: Place, table: str) -> Floats:
    """(rows,) cost of the investment in a full year (GBP)."""
    total = float(place.appraisal_costs["amount_gbp"].sum())
    return np.full(len(place.tables[table]), total)


COMPUTED: dict[str, Callable[[Place, str], Floats]] = {
    "spending": _spending,
    "total_spending": _total_spending,
    "spent": _stream_spending,
    "range": _baseline_to_target,
    "large_usable": _large_usable,
    "appraisal_costs": _appraisal_costs,
}
COMPUTED_FROM: dict[str, tuple[ColumnName, ...]] = {  # the columns whose unit scales it
    "spending": (("spending", "amount_gbp"),),
    "total_spending": (("spending", "amount_gbp"),),
    "spent": (("spending", "amount_gbp"),),
    "range": (),
    "large_usable": (("buildings", "floor_area_m2"),),
    "appraisal_costs": (("appraisal_costs", "amount_gbp"),),
}
COMPUTED_LABELS = {
    "spending": "today's spending",
    "total_spending": "all spending",
    "spent": "what was spent",
    "range": "baseline to target",
    "large_usable": "usable m2 of a large building",
    "appraisal_costs": "all costs",
}
