"""Money brought from the prices it was stated in to the place's price year.

    amount in prices of the place = amount x index[place's price year] / index[its price year]

The index is the table ``deflators`` of the same mapping. A year that it lacks, and an amount whose
price year is not stated, are errors; what was done is told column by column in the report.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from placeopt.place.files.cells import year_of
from placeopt.place.files.raw import number_text
from placeopt.place.files.typed import floats
from placeopt.place.importer.report import Repriced

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place.importer.build import Build
    from placeopt.place.importer.mapping import ColumnRule


@dataclass(frozen=True)
class Prices:
    """The place's price year, and the index by year."""

    price_year: int
    index: dict[int, float] = field(default_factory=dict)

    def times(self, year: int) -> float | None:
        """What an amount in prices of ``year`` is multiplied by; None where the index lacks one."""
        if year == self.price_year:
            return 1.0
        if year not in self.index or self.price_year not in self.index:
            return None
        return self.index[self.price_year] / self.index[year]


def prices_of(price_year: int, deflators: pd.DataFrame) -> Prices:
    """The index of the place's table ``deflators``."""
    known = zip(deflators["year"], deflators["index"], strict=True)
    return Prices(price_year, {int(year): float(index) for year, index in known})


def to_base_prices(build: Build, name: str, rule: ColumnRule, cells: list[str]) -> list[str]:
    """Cells of a money column in prices of the place's price year."""
    if rule.prices is None:
        return cells
    base = build.prices.price_year
    amounts, _ = floats(cells)
    years = (
        [str(rule.prices)] * len(cells)
        if isinstance(rule.prices, int)
        else list(build.column(rule.prices))
    )
    column = rule.prices if isinstance(rule.prices, str) else rule.from_ or name
    done: Counter[int] = Counter()
    result = list(cells)
    for at, (amount, stated) in enumerate(zip(amounts.tolist(), years, strict=True)):
        if amount != amount:
            continue
        text = stated if stated.isdigit() else year_of(stated, financial=True)
        if text is None or len(text) != 4:
            build.fault("the amount's price year is not stated", "give a year such as 2022",
                        build.rows[at], column, stated)  # fmt: skip
            continue
        times = build.prices.times(int(text))
        if times is None:
            lacking = [y for y in (int(text), base) if y not in build.prices.index]
            build.fault(f"deflators has no index of {' and '.join(map(str, lacking))}",
                        "add the year to the table deflators of the mapping",
                        build.rows[at], column, stated)  # fmt: skip
            continue
        done[int(text)] += 1
        if times != 1.0:
            result[at] = number_text(amount * times)
    build.report.repriced += [
        Repriced(
            build.file, build.rule.table, name, rows, year, base, build.prices.times(year) or 1.0
        )
        for year, rows in sorted(done.items())
    ]
    return result
